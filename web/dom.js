// dom.js - elements. Text only ever goes in as text: nothing here, nor anywhere else in the page, reads markup.
import { say } from "./words.js";

export const find = (id) => document.getElementById(id);

// el("p", {class: "sub"}, "text", node, [more, nodes], null): null and false are left out; on* are listeners.
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// Rows of a <dl>, without those that have no value.
export function facts(rows, attributes) {
  return el("dl", attributes, rows.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
    .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}
export function options(select, list, chosen) {
  select.replaceChildren(...list.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
  select.value = chosen;
}

// Texts of others between dots, each in its own direction: one that is written, or tampered with, to be read from the
// right does not turn its neighbours around.
export function dotted(...texts) {
  return texts.filter(Boolean).map((text, i) => [i > 0 && " · ", el("bdi", {}, text)]);
}

// The sheet at the side: what was opened from it can be gone back from.
const trail = [];
let opener = null; // what it belongs to, as the element itself may be drawn anew meanwhile
const opened = (node) => node?.closest?.("#figures [data-kpi], #latest [data-id]");
export function show(title, build) {
  if (!trail.length) opener = opened(document.activeElement)?.dataset ?? null;
  trail.push([title, build]);
  draw();
}
function draw() {
  const sheet = find("sheet"), [title, build] = trail.at(-1), body = find("sheet-body");
  find("sheet-title").textContent = title();
  find("back").hidden = trail.length < 2;
  find("back").setAttribute("aria-label", say("back"));
  find("close").setAttribute("aria-label", say("close"));
  body.replaceChildren(build());
  if (!sheet.open) sheet.showModal();
  sheet.scrollTop = 0;
}
export const redraw = () => find("sheet").open && draw();
find("close").addEventListener("click", () => find("sheet").close());
find("back").addEventListener("click", () => { trail.pop(); draw(); });
find("sheet").addEventListener("close", () => {
  trail.length = 0;
  const at = document.activeElement; // the browser's own way back may be to an element that is no more
  if (!opener || (at !== document.body && !find("sheet").contains(at))) return;
  const same = ({ dataset }) => dataset.kpi === opener.kpi && dataset.id === opener.id;
  const node = [...document.querySelectorAll("#figures [data-kpi], #latest [data-id]")].find(same);
  (node?.querySelector("button") ?? find("figures")).focus();
});
find("sheet").addEventListener("click", (event) => { if (event.target === find("sheet")) find("sheet").close(); });
