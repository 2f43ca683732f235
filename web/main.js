// main.js - what is chosen, when it is asked for, and where it goes. The feed says that something changed; the figures
// themselves always are one answer of the API, so that the page shows exactly what it says.
import { ask, Feed, query, Refused } from "./api.js";
import { el, facts, find, options, redraw } from "./dom.js";
import { count, days, duration, moment, typed, zoneKnown } from "./format.js";
import * as live from "./live.js";
import * as tiles from "./tiles.js";
import { langs, say, speak } from "./words.js";

const WINDOWS = ["1m", "5m", "1h", "today"], RANGES = { "7d": 7, "30d": 30 };
const FIELDS = ["channel", "language", "bot", "bot_version", "tenant", "outcome", "reason", "topic", "intent", "product", "country", "segment",
  "hour", "weekday", "day", "week", "month", "quarter"];
const LISTED = ["channel", "language", "bot", "tenant", "outcome"]; // fields by which the list of conversations can be had
const SAVED = "convtap.view";

const spoken = navigator.languages.map((one) => one.slice(0, 2)).find((one) => langs.includes(one)) ?? "en";
const chosen = { lang: spoken, period: "today", from: "", to: "", zone: "", by: "", key: null, profile: "", filled: false };
try { Object.assign(chosen, JSON.parse(localStorage.getItem(SAVED) ?? "{}"), { key: null }); } catch { /* a browser that keeps nothing */ }
function save() { try { localStorage.setItem(SAVED, JSON.stringify(chosen)); } catch { /* as above */ } }

let catalogue = null, answer = null, tapZone = "UTC", feedState = ["joining"], asked = {};
// Those that can be chosen, here and now: [value, zone, words]. What was chosen in another zone, or is of a tap whose zone
// this browser does not know, is the first of them.
function zones() {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone, list = [];
  if (zoneKnown(tapZone)) list.push(["tap", tapZone, say("tapZone", { zone: tapZone })]);
  if (own && own !== tapZone) list.push([own, own, say("ownZone", { zone: own })]);
  return [tapZone, own].includes("UTC") ? list : [...list, ["UTC", "UTC", "UTC"]];
}
const inZone = () => zones().find(([value]) => value === chosen.zone) ?? zones()[0];
const zone = () => inZone()[1];
const isWindow = () => WINDOWS.includes(chosen.period);
const view = () => ({ answer, zone: zone(), by: chosen.by, key: chosen.key, asked, listed: listed() });

// ---- asking

function question() {
  const common = { by: chosen.by, profile: chosen.profile };
  if (isWindow()) return { window: chosen.period, ...common };
  const [from, to] = chosen.period in RANGES ? days(RANGES[chosen.period], zone()) : [typed(chosen.from, zone()), typed(chosen.to, zone())];
  return from && to ? { from, to, compare: "previous", ...common } : null;
}
function listed() {
  if (!answer) return {};
  const slice = chosen.key?.startsWith("=") && LISTED.includes(chosen.by) ? { [chosen.by]: chosen.key.slice(1) } : {};
  return { from: answer.window.from, to: answer.window.to, basis: answer.window.basis === "first_published_at" ? "published" : "", ...slice };
}
let running = false, again = null, last = 0, timer = 0;
async function load() {
  const what = question();
  if (!what) return;
  const figures = await ask(query("kpis", what));
  trouble("");
  if (JSON.stringify(what) === JSON.stringify(question())) { [answer, asked] = [figures, what]; draw(); }
}
// At most one question at a time, and where the feed drives it at most one every two seconds.
function refresh(now) {
  clearTimeout(timer);
  if (running) { again = { now: now || again?.now }; return; }
  const wait = now ? 0 : Math.max(0, last + 2000 - Date.now());
  timer = setTimeout(async () => {
    [running, last] = [true, Date.now()];
    try { await load(); } catch (error) { failed(error); } // whatever it was: the next one may do better
    running = false;
    const next = again;
    again = null;
    if (next) refresh(next.now);
  }, wait);
}
let away = false;
function failed(error) {
  if (!(error instanceof Refused)) { reportError(error); return; } // the page's own mistake is the console's
  trouble(error.code === "unreachable" ? say("unreachable") : say("trouble", { text: error.message }));
  away = error.code === "unreachable";
}
function trouble(text) {
  away = false;
  find("trouble").hidden = !text;
  find("trouble").textContent = text;
}

// ---- drawing

function drawState() {
  const [name, seconds] = feedState;
  find("state").textContent = say(name, { s: seconds });
  find("state").className = `state ${name}`;
}
function drawSpan() {
  const { window: span, compared_with: before } = answer ?? {};
  if (!span) return;
  const at = (text) => moment(text, zone());
  const said = say(span.basis === "started_at" ? "startedIn" : "closedIn", { from: at(span.from), to: at(span.to) });
  find("span").textContent = `${said}${before ? say("against", { from: at(before.from), to: at(before.to) }) : ""} · ${zone()}`;
  const whole = chosen.key === null, totals = whole ? answer.totals : answer.slices?.find((one) => tiles.keyOf(one) === chosen.key) ?? {};
  const rows = [["conversations", totals.conversations], ["customers", totals.customers || undefined],
    ["messages", (whole && span.messages) || totals.messages], ["events", answer.business?.events || undefined]];
  find("facts").replaceChildren(...facts(rows.map(([name, number]) => [say(name), number === undefined ? undefined : count(number)])).children);
}
function drawKeys() {
  find("keys").hidden = !chosen.by;
  if (!chosen.by) return;
  const slices = answer?.slices ?? [];
  if (chosen.key !== null && answer && !slices.some((one) => tiles.keyOf(one) === chosen.key)) chosen.key = null;
  const list = [["", say("total")], ...slices.map((one) => [tiles.keyOf(one), `${tiles.keyText(one)} (${count(one.conversations)})`])];
  if (find("key") !== document.activeElement || find("key").options.length !== list.length) options(find("key"), list, chosen.key ?? "");
}
function draw() {
  if (!catalogue || !answer) return;
  drawKeys();
  drawSpan();
  tiles.drawOutcomes();
  tiles.draw(chosen.filled);
}
function drawWords() {
  speak(chosen.lang);
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
  for (const name of langs) find(name).setAttribute("aria-pressed", String(name === chosen.lang));
  find("periods").replaceChildren(find("periods").firstElementChild, ...[...WINDOWS, ...Object.keys(RANGES), "own"].map((name) =>
    el("button", { type: "button", "data-period": name, "aria-pressed": String(name === chosen.period), onclick: () => choose({ period: name }) }, say(name))));
  options(find("zone"), zones().map(([value, , words]) => [value, words]), inZone()[0]);
  options(find("by"), [["", say("nothing")], ...FIELDS.map((name) => [name, say(name)])], chosen.by);
  options(find("profile"), (catalogue?.profiles ?? []).map(({ id, name }) => [id, name.en]), chosen.profile || answer?.profile || "convtap");
  find("filled").checked = chosen.filled;
  find("own").hidden = chosen.period !== "own";
  find("from").value = chosen.from;
  find("to").value = chosen.to;
  drawState();
}
function drawAll() {
  drawWords();
  draw();
  live.drawLatest();
  live.drawAlarms();
  live.drawHealth();
  redraw();
}

// ---- choosing

function choose(change) {
  const held = document.activeElement?.dataset?.period;
  Object.assign(chosen, change);
  save();
  drawAll();
  if (held) document.querySelector(`[data-period="${held}"]`)?.focus();
  if ("period" in change || "by" in change || "profile" in change || "zone" in change || "from" in change || "to" in change) refresh(true);
  feed.watch(isWindow() ? chosen.period : "today");
}
for (const name of langs) find(name).addEventListener("click", () => choose({ lang: name }));
find("controls").addEventListener("submit", (event) => event.preventDefault());
find("controls").addEventListener("change", ({ target }) => {
  if (target.id === "key") choose({ key: target.value || null });
  else if (target.id === "by") choose({ by: target.value, key: null });
  else if (target.id === "filled") choose({ filled: target.checked });
  else choose({ [target.id]: target.value });
});

const feed = new Feed((message) => {
  live.told(message);
  if (message.type === "alarm") live.loadAlarms().catch(failed);
  if (!document.hidden && (message.type === "hello" || (message.type === "kpis" && isWindow()))) refresh();
}, (...state) => { feedState = state; drawState(); });

document.addEventListener("visibilitychange", () => document.hidden || refresh(true));

function every(seconds, load) {
  let loading = false; // one at a time, however long it takes
  setInterval(async () => {
    if (document.hidden || loading) return;
    loading = true;
    try { await load(); } catch (error) { failed(error); }
    loading = false;
  }, seconds * 1000);
}
async function begin() {
  drawWords();
  try {
    catalogue = await ask("kpis/catalogue");
    tiles.prepare(catalogue, view, live.browse);
    live.prepare(catalogue, view);
    tapZone = (await live.loadHealth()).zone;
  } catch (error) { // not there yet: it is tried again until it is
    failed(error);
    setTimeout(begin, 3000);
    return;
  }
  drawWords();
  refresh(true);
  live.loadAlarms().catch(failed);
  live.loadLatest().catch((error) => error.code === "no_store" || failed(error)); // without a store the feed alone tells
  feed.watch(isWindow() ? chosen.period : "today");
  every(5, () => live.loadHealth().then(() => away && trouble("")));
  every(30, () => live.loadAlarms());
  every(10, () => isWindow() && feedState[0] !== "live" && refresh());
  every(60, () => isWindow() || refresh()); // a range is read from the store: dearer, and slower to change
}
begin();
