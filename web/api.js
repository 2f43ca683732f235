// api.js - the tap's HTTP API and live feed: the one place that asks for anything, and only ever where the page came from.
import { find } from "./dom.js";
import { say } from "./words.js";

const KEY = "convtap.token", PATIENCE = 30e3; // ms, then the tap does not answer
const kept = new Map(); // address -> [ETag, answer], the newest few
let asking = null;

export class Refused extends Error {
  constructor(status, code, text) { super(text); this.status = status; this.code = code; }
}
const token = () => sessionStorage.getItem(KEY);

// Resolves once a token was typed in; several askers share one dialog.
function enter(refused) {
  asking ??= new Promise((resolve) => {
    find("refused").textContent = refused ? say("refusedToken") : "";
    find("token").value = "";
    find("door").showModal();
    find("enter").onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEY, find("token").value.trim());
      asking = null;
      find("door").close();
      resolve();
    };
  });
  return asking;
}
// There is nothing behind it without a token. Not every Escape can be prevented: then it opens again.
find("door").addEventListener("cancel", (event) => event.preventDefault());
find("door").addEventListener("close", () => { if (asking && !find("door").open) find("door").showModal(); });

export async function ask(path) {
  const used = token(), known = kept.get(path), headers = { Accept: "application/json" };
  if (used) headers.Authorization = "Bearer " + used;
  if (known) headers["If-None-Match"] = known[0];
  let answer, text;
  try {
    answer = await fetch("api/v1/" + path, { headers, cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE) });
    text = await answer.text();
  } catch { throw new Refused(0, "unreachable", ""); }
  if (answer.status === 304 && known) return known[1];
  if (answer.status === 401 || (answer.status === 403 && used)) {
    if (used === token()) await enter(Boolean(used));
    return ask(path);
  }
  if (!answer.ok) {
    let error = {};
    try { error = JSON.parse(text).error ?? {}; } catch { /* something in between answered in its own words */ }
    throw new Refused(answer.status, error.code, error.message ?? `${answer.status}`);
  }
  const parsed = JSON.parse(text), tag = answer.headers.get("ETag");
  if (tag) {
    kept.delete(path);
    kept.set(path, [tag, parsed]);
    if (kept.size > 8) kept.delete(kept.keys().next().value);
  }
  return parsed;
}
export function query(path, values) {
  const text = new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();
  return text ? `${path}?${text}` : path;
}

// The live feed: comes back by itself, with what was missed. told(message), state("live" | "joining" | "polling" | "away", seconds).
export class Feed {
  constructor(told, state) { Object.assign(this, { told, state, cursor: null, tries: 0, socket: null, timer: 0 }); }
  watch(window) {
    if (window === this.window && this.socket) return;
    this.window = window;
    this.open();
  }
  open() {
    clearTimeout(this.timer);
    const old = this.socket, address = new URL(query("./", { window: this.window, every: 1000, after: this.cursor }), document.baseURI);
    this.socket = null;
    old?.close();
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const protocols = ["convtap.feed.v1"];
    if (token()) protocols.push("bearer." + token());
    if (!this.tries) this.state("joining");
    let socket;
    try { socket = new WebSocket(address, protocols); } catch { // a token with a sign that a browser cannot offer there
      this.state("polling");
      return;
    }
    this.socket = socket;
    socket.onmessage = (event) => {
      if (this.socket !== socket) return;
      const message = JSON.parse(event.data);
      if (message.cursor) this.cursor = message.cursor;
      if (message.type === "hello") { this.tries = 0; this.state("live"); }
      this.told(message);
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      if (event.code === 1008) this.cursor = null; // refused as it asked: a tap without the store that the cursor is of
      this.socket = null;
      const wait = Math.min(30, 2 ** this.tries++) * (0.5 + Math.random() / 2); // all at once would be too many after a restart
      this.state("away", Math.ceil(wait));
      this.timer = setTimeout(() => this.open(), wait * 1000);
    };
  }
}
