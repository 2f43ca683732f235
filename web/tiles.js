// tiles.js - a tile for each KPI of the catalogue, and what stands behind it. Nothing here knows a KPI by name.
import { query } from "./api.js";
import { el, facts, find, show, svg } from "./dom.js";
import { amount, count, joined, moment, target } from "./format.js";
import { both, known, lang, say } from "./words.js";

let catalogue, view, browse;
const tiles = new Map(); // id -> {node, big, ...}
const rows = () => catalogue.kpis;
export const row = (id) => rows().find((kpi) => kpi.id === id);

// view() = {answer, zone, by, key}: what is shown; browse(kpi, part): opens the conversations behind one.
export function prepare(words, current, list) {
  [catalogue, view, browse] = [words, current, list];
}

// The figure of the whole, or of the slice that was chosen.
export function figure(id) {
  const { answer, key } = view(), whole = answer?.kpis.find((one) => one.id === id);
  if (!whole || key === null) return whole;
  const slice = whole.slices?.find((one) => keyOf(one) === key);
  return slice && { definition: whole.definition, ...slice, of: whole };
}
export const keyOf = (slice) => (slice.other ? "other" : "=" + slice.key);
// In what can hold no element of its own: without the marks that would turn around what stands beside it.
export const keyText = (slice) => `\u2068${keyName(slice).replace(/[\u202a-\u202e\u2066-\u2069]/g, "")}\u2069`;
export const keyName = (slice) => (slice.other ? say("others") : slice.key || say("unsaid"));

const text = (number, one, kind) => joined(amount(number, one, kind));
const ranged = (one, kind) => one.low !== null && one.low !== undefined && say("between", { low: text(one.low, one, kind), high: text(one.high, one, kind) });
function basis(one, kpi) {
  if (kpi.kind === "ratio" || kpi.kind === "shares") return say("ofAll", { a: count(one.numerator), b: count(one.denominator) });
  return say(one.n === 1 ? "oneCase" : "cases", { n: count(one.n) });
}
// A share's key: an outcome, one of the few of our own, else as it is. What a platform calls "none" is its own word.
function label(key, kpi) {
  const ours = kpi.family === "experience" || key?.startsWith("(");
  return both(catalogue.outcomes.find((one) => one.id === key)?.name) || (ours && known("key " + key) ? say("key " + key) : key);
}
function why(one) {
  return one?.reason ? say(one.reason) : one?.left_out ? say("leftOut", { n: count(one.left_out) }) : say("uncounted");
}
function chip(one, kpi) {
  const aim = one?.target ?? kpi.target;
  if (!aim) return null;
  const status = one?.value !== null && one?.status;
  return el("span", { class: `chip ${status || "unknown"}` }, say(status || "target", { t: target(aim, one ?? kpi, kpi.kind) }));
}
function unsettled(one) {
  if (!one?.provisional) return null;
  const values = { n: count(one.provisional), day: moment(one.settles_at, view().zone, { dateStyle: "medium" }) };
  return el("p", { class: "open" }, say(one.settles_at ? "provisional" : "provisionalOpen", values));
}
function changed(one, kpi) {
  if (!one?.change) return null;
  const { verdict, better, difference } = one.change, sign = difference > 0 ? "+" : "";
  const size = kpi.unit === "percent" ? `${sign}${amount(difference, one)[0]} pp` : sign + text(difference, one, kpi.kind);
  const judged = verdict === "up" || verdict === "down" ? say(verdict) + (better === null ? "" : `: ${say(better ? "better" : "worse")}`) : say(verdict);
  return el("p", { class: better === null || verdict === "no_change" ? "change" : better ? "change good" : "change bad" }, `${size}, ${judged}`);
}
// Where a percentage lies between 0 and 100, with its interval and its target.
function scale(one, kpi) {
  if (kpi.unit !== "percent" || kpi.kind === "difference" || one.value < 0 || one.value > 100) return null;
  const within = (number) => Math.max(0, Math.min(100, number)), aim = one.target ?? kpi.target;
  return svg("svg", { class: "range", viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "t", x: 0, y: 4, width: 100, height: 4, rx: 1 }),
    ranged(one) && svg("rect", { class: "b", x: within(one.low), y: 2, width: Math.max(0.6, within(one.high) - within(one.low)), height: 8 }),
    svg("rect", { class: "v", x: Math.min(99, within(one.value)), y: 0, width: 1, height: 12 }),
    aim && svg("rect", { class: "g", x: Math.min(99.5, within(aim[1])), y: 0, width: 0.5, height: 12 }));
}

function paint(kpi) {
  const one = figure(kpi.id), has = one?.value !== null && one?.value !== undefined, tile = tiles.get(kpi.id);
  const [big, small] = has ? amount(one.value, one, kpi.kind) : ["–", ""];
  const extra = one?.scale ?? label(one?.leader, kpi);
  const button = el("button", { class: "open-kpi", onclick: () => open(kpi) }, both(kpi.name));
  const body = has
    ? [el("p", { class: "big" }, big, small && el("small", {}, ` ${small}`)), ranged(one, kpi.kind) && el("p", {}, ranged(one, kpi.kind)), el("p", {}, [extra, basis(one, kpi)].filter(Boolean).join(" · ")),
      unsettled(one), changed(one, kpi), el("div", { class: "foot" }, scale(one, kpi), chip(one, kpi))]
    : [el("p", { class: "big none" }, big), el("p", { class: "why" }, why(one)), unsettled(one)];
  const mark = JSON.stringify([one, lang(), view().zone, view().key]);
  if (tile.mark === mark) return has;
  const focused = tile.node.contains(document.activeElement);
  tile.mark = mark;
  tile.node.className = has ? "tile" : "tile empty";
  tile.node.replaceChildren(el("h3", {}, button), ...body.filter(Boolean));
  if (focused) button.focus();
  return has;
}

// All families; a tile that has gained or lost its value changes places.
export function draw(onlyFilled) {
  const heads = rows().filter((kpi) => !kpi.parent), box = find("families");
  for (const family of catalogue.families) {
    let section = find("family-" + family.id);
    if (!section) {
      section = el("section", { id: "family-" + family.id }, el("h2"), el("div", { class: "tiles" }), el("div", { class: "tiles dashes" }));
      box.append(section);
    }
    const [title, full, empty] = section.children;
    title.textContent = both(family.name);
    let filled = 0;
    for (const kpi of heads.filter((one) => one.family === family.id)) {
      if (!tiles.has(kpi.id)) tiles.set(kpi.id, { node: el("article", { "data-kpi": kpi.id }), mark: "" });
      const has = paint(kpi), place = has ? full : empty, { node } = tiles.get(kpi.id);
      filled += has;
      if (node.parentNode === place) continue;
      const focused = node.contains(document.activeElement);
      place.insertBefore(node, [...place.children].find((other) => index(other.dataset.kpi) > index(kpi.id)) ?? null);
      if (focused) node.querySelector("button").focus();
    }
    empty.hidden = onlyFilled;
    section.hidden = onlyFilled && !filled;
  }
}
const index = (id) => rows().findIndex((kpi) => kpi.id === id);

// As the report has them: what is resolved first.
const ORDER = ["resolved_confirmed", "resolved_implied", "silent", "escalated", "unresolved", "escalation_failed", "abandoned", "not_engaged"];
export function drawOutcomes() {
  const { answer, key } = view(), card = find("outcomes");
  const counts = (key === null ? answer : answer?.slices?.find((one) => keyOf(one) === key))?.outcomes ?? {};
  const all = Object.values(counts).reduce((sum, one) => sum + one, 0);
  card.hidden = !all;
  let x = 0;
  const bars = [], legend = [];
  for (const { id, name } of [...catalogue.outcomes].sort((one, other) => ORDER.indexOf(one.id) - ORDER.indexOf(other.id))) {
    const number = counts[id] ?? 0;
    bars.push(svg("rect", { class: `o ${id}`, x, y: 0, width: (number * 1000) / (all || 1), height: 10 }));
    x += (number * 1000) / (all || 1);
    legend.push(el("li", { class: number ? null : "zero" }, el("i", { class: `o ${id}` }), el("span", {}, both(name)), el("b", {}, count(number)),
      el("small", {}, joined(amount((number * 100) / (all || 1), { unit: "percent" })))));
  }
  card.replaceChildren(el("h2", {}, say("outcomes")), svg("svg", { class: "stack", viewBox: "0 0 1000 10", preserveAspectRatio: "none", "aria-hidden": "true" }, bars), el("ul", { class: "legend" }, legend));
}

// ---- what stands behind a tile

function table(head, body) {
  return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head.map((cell, i) => el("th", { scope: "col", class: i ? "r" : null }, cell)))),
    el("tbody", {}, body.map((cells) => el("tr", {}, cells.map((cell, i) => (i ? el("td", { class: "r" }, cell) : el("th", { scope: "row" }, cell))))))));
}
function line(name, one, kpi) {
  const has = one?.value !== null && one?.value !== undefined;
  return [name, has ? text(one.value, one, kpi.kind) : "–", has ? ranged(one, kpi.kind) || "" : why(one), has ? basis(one, kpi) : ""];
}
const columns = (first) => [first, say("value"), say("interval"), say("n")];

function details(one, kpi) {
  const has = one?.value !== null && one?.value !== undefined, spread = one?.percentiles ?? {};
  return facts([
    [say("value"), has ? text(one.value, one, kpi.kind) : `– (${why(one)})`], [say("interval"), has && ranged(one, kpi.kind)],
    [say("numerator"), has && count(one.numerator)], [say("denominator"), has && count(one.denominator)], [say("n"), one && count(one.n)],
    [say("left_out"), one?.left_out && count(one.left_out)], [say("error"), one?.standard_error !== undefined && text(one.standard_error, one, kpi.kind)],
    [say("percentiles"), Object.entries(spread).filter(([, value]) => value !== null).map(([name, value]) => `${name} ${text(value, one, kpi.kind)}`).join(" · ")],
    [say("standing"), chip(one, kpi)], [say("change"), changed(one, kpi)], ["", unsettled(one)],
  ], { class: "figure" });
}

function sheet(kpi) {
  const one = figure(kpi.id), whole = view().answer?.kpis.find((other) => other.id === kpi.id), variants = rows().filter((other) => other.parent === kpi.id);
  const theirs = kpi.definitions.find((other) => other.profile === one?.definition?.profile);
  const named = (id) => catalogue.profiles.find((profile) => profile.id === id)?.name.en ?? id;
  return el("div", { "data-kpi": kpi.id }, details(one, kpi),
    one?.definition && [el("h3", {}, say("defined", { who: named(one.definition.profile) })), el("p", { class: "f" }, theirs ? both(theirs.formula) : one.definition.formula), el("p", { class: "sub" }, one.definition.source)],
    el("h3", {}, say("formula")), el("p", { class: "f" }, both(kpi.formula)), both(kpi.help) && [el("h3", {}, say("help")), el("p", {}, both(kpi.help))],
    el("h3", {}, say("behind")), el("p", { class: "buttons" }, ["numerator", "denominator"].map((part) =>
      el("button", { "data-part": part, onclick: () => browse(kpi, part) }, say(part === "numerator" ? "inNumerator" : "inDenominator")))),
    variants.length && [el("h3", {}, say("variants")), table(columns(""), variants.map((other) => line(both(other.name), figure(other.id), other))),
      el("dl", { class: "notes" }, variants.map((other) => el("div", { "data-kpi": other.id }, el("dt", {}, both(other.name)), el("dd", {}, both(other.formula), ". ", both(other.help)))))],
    one?.parts?.length && [el("h3", {}, say("parts")), table(columns(""), one.parts.map((part) => line(label(part.key, kpi) ?? part.scale ?? part.currency, part, kpi)))],
    whole?.slices?.length && [el("h3", {}, say("slices", { by: say(view().by) })), table(columns(""), whole.slices.map((slice) => line(keyName(slice), slice, kpi)))],
    kpi.definitions.length && [el("h3", {}, say("definitions")), el("dl", { class: "notes" }, kpi.definitions.map((other) =>
      el("div", {}, el("dt", {}, named(other.profile)), el("dd", {}, both(other.formula), el("small", {}, ` (${other.source})`)))))],
    el("p", { class: "sub" }, say("address"), ": ", el("code", {}, "/api/v1/" + query("kpis", { ...view().asked, id: kpi.id }))));
}
export const open = (kpi) => show(() => both(kpi.name), () => sheet(kpi));
