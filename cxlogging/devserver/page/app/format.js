// Texts for people. What comes out of a log is hostile: it is shown through `safe` alone.

// Control characters, changes of text direction, invisible characters, lone surrogates.
const UNSAFE = /[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\u{e0000}-\u{e0fff}]/gu;

function escaped(found) {
  const unit = (code) => code < 32 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  return Array.from({ length: found.length }, (_, n) => unit(found.charCodeAt(n))).join("");
}

// The text with its line breaks, and everything that is invisible or moves text as an escape.
export function safe(text) {
  return String(text).replace(/\r\n/g, "\n").replaceAll("\t", "    ").replace(UNSAFE, escaped);
}

// A value as JSON that is safe to show; `indent` as in JSON.stringify.
export function json(value, indent) {
  return safe(JSON.stringify(value, null, indent) ?? "null");
}

const two = (n, width = 2) => String(n).padStart(width, "0");

// A time in nanoseconds (string or number) in the zone of the browser, and in UTC.
export function clock(ns) {
  const date = new Date(Math.floor(Number(ns?.rawJSON ?? ns) / 1e6));
  if (Number.isNaN(date.getTime())) return { time: "–", date: "–", zone: "", local: "–", utc: "–" };
  const day = `${two(date.getFullYear(), 4)}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`;
  const east = -date.getTimezoneOffset(), far = Math.abs(east);
  const zone = east ? `${east < 0 ? "-" : "+"}${two(Math.floor(far / 60))}:${two(far % 60)}` : "UTC";
  return { time, date: day, zone, local: `${day} ${time} ${zone}`, utc: date.toISOString() };
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

// A size, such as "12.5 KiB".
export function bytes(n) {
  const at = n < 1024 ? 0 : Math.min(Math.floor(Math.log2(n) / 10), UNITS.length - 1);
  const value = n / 1024 ** at;
  return `${at && value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[at]}`;
}

// A count, with separators of thousands.
export const number = (n) => Number(n).toLocaleString("en-US");

// One word or another, after a count: plural(2, "event") is "2 events".
export const plural = (n, word) => `${number(n)} ${word}${Number(n) === 1 ? "" : "s"}`;

// A duration in milliseconds, such as "85 ms", "1.2 s" or "3.5 h".
export function duration(ms) {
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 7_200_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
  return ms < 172_800_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${(ms / 86_400_000).toFixed(1)} d`;
}
