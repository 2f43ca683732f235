// format.js - numbers, durations and times for people, as the HTML report writes them. Decimals are rounded half to even on
// their digits, never as binary fractions.
import { lang, unit } from "./words.js";

// The digits of a JSON number: "-12.5" -> [true, "12", "5"].
function digits(number) {
  const text = Number.isInteger(number) ? BigInt(number).toString() : number.toString();
  const [plain, power] = text.split("e");
  let [whole, rest = ""] = plain.replace("-", "").split(".");
  if (power) { // only ever a tiny one: the API has at most nine places
    rest = (whole + rest).padStart(-Number(power) - 1 + whole.length + rest.length, "0");
    whole = "0";
  }
  return [text.startsWith("-"), whole, rest];
}

export function decimal(number, places) {
  const [negative, whole, rest] = digits(number);
  let scaled = BigInt(whole + rest.slice(0, places).padEnd(places, "0"));
  const left = rest.slice(places).replace(/0+$/, "");
  if (left && (left[0] > "5" || (left[0] === "5" && (left.length > 1 || scaled % 2n === 1n)))) scaled += 1n;
  const all = scaled.toString().padStart(places + 1, "0"), [group, point] = lang() === "es" ? [".", ","] : [",", "."];
  const head = all.slice(0, all.length - places).replace(/\B(?=(\d{3})+$)/g, group);
  return (negative && scaled ? "-" : "") + head + (places ? point + all.slice(all.length - places) : "");
}
export const count = (number) => decimal(number, Number.isInteger(number) ? 0 : 2);

export function duration(seconds) {
  const size = Math.abs(seconds), sign = seconds < 0 ? "-" : "";
  if (size > 0 && size < 0.001) return sign + decimal(Math.round(size * 1e6), 0) + " µs";
  if (size > 0 && size < 0.9995) return sign + decimal(Math.round(size * 1e3), 0) + " ms";
  if (size < 59.95) return sign + decimal(size, size ? 1 : 0) + " s";
  const whole = Math.round(size), minutes = Math.round(whole / 60), hours = Math.round(minutes / 60);
  if (whole < 3600) return `${sign}${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (minutes < 1440) return `${sign}${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${sign}${Math.floor(hours / 24)} d ${hours % 24} h`;
}

// [text, what stands small behind it]: a figure's value, bound or part in the figure's unit.
export function amount(number, figure, kind) {
  const small = Math.abs(number);
  switch (figure.unit) {
    case "percent": return [decimal(number, 1), "%"];
    case "seconds": return [duration(number), ""];
    case "days": return [decimal(number, 1), lang() === "es" ? "días" : "days"];
    case "money": return [decimal(number, small === 0 || small >= 1 ? 2 : small >= 0.01 ? 4 : 6), figure.currency ?? ""];
    case "points": return [decimal(number, kind === "score" ? 1 : 2), ""];
    case "count": return [decimal(number, 0), ""];
    default: return [decimal(number, 2), unit(figure.unit)];
  }
}
export const joined = (pair) => pair.filter(Boolean).join(" ");

export function target([op, number], figure, kind) {
  const [text, small] = amount(number, figure, kind);
  const round = text.replace(lang() === "es" ? /,0+$/ : /\.0+$/, ""); // no places that say nothing; thousands stay
  return `${op === ">=" ? "≥" : "≤"} ${joined([round, small])}`;
}

export function moment(text, zone, parts = { dateStyle: "medium", timeStyle: "short" }) {
  return text ? new Intl.DateTimeFormat(lang() === "es" ? "es" : "en-GB", { ...parts, timeZone: zone }).format(new Date(text)) : "–";
}
// Does this browser know it? Not every one knows offsets such as +02:00.
export function zoneKnown(name) {
  try { return Boolean(name && new Intl.DateTimeFormat("en", { timeZone: name })); } catch { return false; }
}
export const clock = (text, zone) => moment(text, zone, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

// Wall-clock time in a zone, as if it were UTC; in ms.
function wall(at, zone) {
  const parts = {};
  for (const { type, value } of new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric",
    day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" }).formatToParts(at)) parts[type] = Number(value);
  return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
}
// And back. A time that came twice is the first of the two; one that never came takes the offset before the change.
function absolute(local, zone) {
  const guesses = [local - 86400e3, local + 86400e3].map((at) => local - (wall(at, zone) - at)); // by the offsets before and after
  const fits = guesses.filter((at) => wall(at, zone) === local);
  return fits.length ? Math.min(...fits) : Math.max(...guesses);
}
// "2026-11-22T10:30" of a field, in a zone; null = it is none.
export function typed(text, zone) {
  const local = Date.parse(text + "Z");
  return Number.isNaN(local) ? null : new Date(absolute(local, zone)).toISOString();
}
// Today and the days before it, from midnight to midnight of the zone.
export function days(number, zone) {
  const midnight = Math.floor(wall(Date.now(), zone) / 86400e3) * 86400e3;
  return [midnight - (number - 1) * 86400e3, midnight + 86400e3].map((local) => new Date(absolute(local, zone)).toISOString());
}
