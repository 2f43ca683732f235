// live.js - what happens: conversations as they close, one of them explained, alarms that stand, health and drops.
import { ask, query } from "./api.js";
import { dotted, el, facts, find, show } from "./dom.js";
import { amount, clock, count, duration, joined, moment } from "./format.js";
import { row } from "./tiles.js";
import { both, say } from "./words.js";

const LATEST = 40;
let catalogue, view;
let latest = []; // newest first
let missed = 0;
export function prepare(words, current) { [catalogue, view] = [words, current]; }

const identity = (one) => [one.tenant, one.conversation_id, one.started_at].join("\n");
const outcome = (id) => both(catalogue.outcomes.find((one) => one.id === id)?.name) || id;
const when = (text) => moment(text, view().zone, { dateStyle: "medium", timeStyle: "medium" });

// ---- conversations

export function item(one) {
  const score = one.csat ?? one.nps ?? one.ces;
  const small = [one.channel, one.language, `${count(one.messages)} ${say("messages")}`, one.duration_s !== null && duration(one.duration_s),
    score && `${one.csat ? "CSAT" : one.nps ? "NPS" : "CES"} ${score.score}`, one.complaint && say("complaint")];
  return el("li", {}, el("button", { class: "row", onclick: () => explain(one) }, el("i", { class: `o ${one.outcome}` }),
    el("b", {}, outcome(one.outcome)), el("time", { datetime: one.published_at }, clock(one.published_at ?? one.ended_at, view().zone)),
    el("span", { class: "id" }, one.conversation_id), el("small", {}, dotted(...small))));
}
export function told(message) {
  if (message.type === "gap") missed += message.missed;
  if (message.type !== "conversation") return;
  const one = message.conversation;
  latest = latest.filter((other) => identity(other) !== identity(one));
  if (message.change !== "withdrawn") latest.unshift({ ...one, fresh: true }); // until it is drawn
  latest.sort((a, b) => ((b.first_published_at ?? "") > (a.first_published_at ?? "") ? 1 : -1));
  latest.length = Math.min(latest.length, LATEST);
  drawLatest();
}
export async function loadLatest() {
  const { conversations } = await ask(query("conversations", { limit: LATEST }));
  const seen = new Set(latest.map(identity));
  latest = [...latest, ...conversations.filter((one) => !seen.has(identity(one)))].slice(0, LATEST);
  drawLatest();
}
let waiting = false;
export function drawLatest() {
  if (waiting) return; // many at once are drawn once
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    const list = find("latest");
    if (list.matches(":hover")) { // nothing moves away under somebody's pointer
      list.onpointerleave = drawLatest;
      return;
    }
    const focus = [...list.children].findIndex((node) => node.contains(document.activeElement)), held = list.children[focus]?.dataset.id;
    const rows = latest.map((one) => {
      const node = item(one);
      node.dataset.id = identity(one);
      node.className = one.fresh ? "new" : "";
      one.fresh = false;
      return node;
    });
    if (missed) rows.unshift(el("li", { class: "none" }, say("gap", { n: count(missed) })));
    if (!latest.length) rows.push(el("li", { class: "none" }, say("noneYet")));
    list.replaceChildren(...rows);
    if (held) [...list.children].find((node) => node.dataset.id === held)?.querySelector("button").focus();
  });
}

// The conversations behind a KPI: those of its numerator or denominator, where one conversation alone can say so.
export function browse(kpi, part) {
  show(() => `${both(kpi.name)}: ${say(part === "numerator" ? "inNumerator" : "inDenominator")}`, () => {
    const list = el("ul", { class: "rows" }), more = el("button", { class: "main", hidden: true }, say("more")), note = el("p", { class: "sub" }), address = el("code");
    let filters = { ...view().listed, kpi: kpi.id, part, limit: 50 };
    const load = async (cursor) => {
      more.hidden = true;
      try {
        const page = await ask(query("conversations", { ...filters, cursor }));
        list.append(...page.conversations.map(item));
        more.hidden = !page.next;
        more.onclick = () => load(page.next);
        if (!list.children.length && !page.next) list.append(el("li", { class: "none" }, say("none")));
      } catch (error) {
        if (error.code !== "needs_customers" || !filters.kpi) { note.textContent = say("trouble", { text: error.message }); return; }
        const { kpi: _kpi, part: _part, ...rest } = filters;
        filters = rest;
        note.textContent = say("cannotList");
        await load();
      }
      address.textContent = "/api/v1/" + query("conversations", filters);
    };
    load();
    return el("div", {}, note, list, more, el("p", { class: "sub" }, say("address"), ": ", address));
  });
}

// ---- one explained

export function explain({ conversation_id: id, tenant, started_at: started }) {
  show(() => say("conversation"), () => {
    const box = el("div", { class: "explained" });
    ask(query("conversations/" + encodeURIComponent(id), { tenant, started_at: started, lang: document.documentElement.lang }))
      .then((answer) => box.replaceChildren(...answer.conversations.map(session)),
        (error) => box.replaceChildren(el("p", {}, say("trouble", { text: error.message }))));
    return box;
  });
}
const truth = (value) => say(value === null || value === undefined ? "unknown" : value ? "yes" : "no");
function session({ open, stored, record, explained }) {
  const cost = record.cost && `${record.cost.amount} ${record.cost.currency}`, first = record.response_s?.first;
  const own = ["channel", "language", "bot", "tenant", "topic", "intent"].map((name) => [say(name), record[name]]);
  const scores = ["csat", "nps", "ces"].map((name) => [name.toUpperCase(), record[name] && `${record[name].score}`]);
  return el("section", {}, el("p", { class: "id" }, record.conversation_id),
    el("p", { class: "verdict" }, el("i", { class: `o ${record.outcome}` }), el("b", {}, outcome(record.outcome)), ": ", explained.outcome.words),
    explained.because_words && el("p", { class: "sub" }, say("nothingDecides")),
    open && el("p", { class: "chip unknown" }, say("stillOpen")),
    facts([[say("started"), when(record.started_at)], [say("lasted"), record.duration_s !== null && duration(record.duration_s)],
      [say("customer"), record.user_id], ...own, [say("resolved"), truth(record.resolved)], [say("escalated"), truth(record.escalated)], ...scores,
      [say("first"), first !== null && first !== undefined && duration(first)], [say("cost"), cost],
      ["", stored && say("revision", { n: stored.revision })]], { class: "figure" }),
    el("h3", {}, say("evidence")), messages(explained),
    explained.why_not.length > 0 && [el("h3", {}, say("whyNot")), el("dl", { class: "notes" }, explained.why_not.map((one) =>
      el("div", {}, el("dt", {}, outcome(one.outcome)), el("dd", {}, one.words))))],
    el("p", { class: "sub" }, say("noTexts")));
}
// What each message said, by which rule; what decided it stands out.
function messages({ evidence, because }) {
  const deciding = new Set(because.map((one) => one.evidence)), by = grouped(evidence);
  const spoke = (one) => {
    const small = [one.signal, one.rule ? say("rule", { rule: one.rule }) : say("fact"), one.file && `${one.file}:${one.line}`,
      one.end > 0 && say("bytes", { a: one.begin, b: one.end }),
      one.because !== null && say("because", { n: (evidence[one.because]?.message ?? 0) + 1 })];
    const decides = deciding.has(one.evidence);
    return el("div", { class: decides ? "spoke deciding" : "spoke" },
      el("span", {}, one.means ?? one.signal, decides && el("em", { class: "chip met" }, say("decides"))), el("small", {}, dotted(...small)));
  };
  if (!by.size) return el("p", {}, say("quiet"));
  return el("ol", { class: "evidence" }, [...by].map(([message, all]) =>
    el("li", {}, el("b", {}, say("message", { n: message + 1 })), el("div", {}, all.map(spoke)))));
}
function grouped(all) {
  const by = new Map();
  for (const one of all) by.set(one.message, [...(by.get(one.message) ?? []), one]);
  return by;
}

// ---- alarms

let alarms = [];
export async function loadAlarms() {
  alarms = (await ask("alarms")).current.filter((one) => one.state === "raised");
  drawAlarms();
}
function reading(one) {
  const kpi = row(one.kpi), value = joined(amount(one.value, { unit: one.unit, currency: one.key }, kpi?.kind));
  return el("p", { class: "sub" }, `${kpi ? both(kpi.name) : one.kpi}: `, say("was", { v: value, n: count(one.n), c: one.condition }));
}
function alarm(one) {
  return el("article", { class: `card alarm ${one.severity}` },
    el("h3", {}, el("span", { class: "chip missed" }, say(one.severity)), ` ${one.name.replaceAll("_", " ")}`, one.slice && [` · ${say(one.slice.by)}: `, el("bdi", {}, one.slice.key || say("unsaid"))]),
    one.because.map(reading), el("p", { class: "do" }, el("b", {}, say("action"), ": "), both(one.action) || say("noAction")),
    el("p", { class: "sub" }, say("since", { t: when(one.raised_at) })));
}
export function drawAlarms() {
  const box = find("alarms"), now = [el("h2", {}, say("alarms")), ...alarms.map(alarm)];
  box.hidden = !alarms.length;
  if (now.length === box.children.length && now.every((node, i) => node.isEqualNode(box.children[i]))) return; // nothing to read out again
  box.replaceChildren(...now);
}

// ---- health

let health = null;
export async function loadHealth() {
  const { lang } = document.documentElement;
  const [status, drops] = [await ask("status"), await ask(query("drops", { lang }))];
  health = { status, drops, lang };
  drawHealth();
  return status;
}
function bytes(size) {
  const [unit, name] = size >= 1e9 ? [1e9, "GB"] : size >= 1e6 ? [1e6, "MB"] : [1e3, "kB"];
  return `${count(unit === 1e3 ? Math.round(size / unit) : Math.round((size * 100) / unit) / 100)} ${name}`;
}
export function drawHealth() {
  if (!health) return;
  const { status, drops, lang } = health, { conversations, store } = status;
  const waits = status.positions.behind_s > 0 ? "behindNow" : status.problem ? "problem" : "recovering";
  const wrong = [!status.recording && "not_recording", store?.storing === false && "not_storing", !status.ready && waits].filter(Boolean);
  const unfolded = [...find("health").querySelectorAll("details[open]")].map((node) => node.dataset.reason);
  const held = document.activeElement?.closest("#health details")?.dataset.reason;
  const left = drops.drops.map((one) => el("li", {}, el("details", { "data-reason": one.reason, open: unfolded.includes(one.reason) },
    el("summary", {}, el("code", {}, one.reason), el("b", {}, count(one.count))), el("p", { lang }, one.means), one.remedy && el("p", { lang }, one.remedy))));
  find("health").replaceChildren(el("p", { class: wrong.length ? "chip missed" : "chip met" }, say(wrong.length ? "unready" : "ready")),
    ...wrong.map((one) => el("p", {}, say(one))), status.problem ? el("p", { lang: "en" }, status.problem) : "",
    facts([[say("open"), count(conversations.open - conversations.open_published)], [say("lag"), duration(status.positions.behind_s)],
      [say("tape"), bytes(status.tape.disk_bytes)], [say("store"), store && bytes(store.bytes ?? 0)], [say("version"), status.version]], { class: "figure" }),
    el("h3", {}, say("drops")), left.length ? el("ul", { class: "drops" }, left) : el("p", { class: "sub" }, say("noDrops")));
  if (held) find("health").querySelector(`[data-reason="${CSS.escape(held)}"] summary`)?.focus();
}
