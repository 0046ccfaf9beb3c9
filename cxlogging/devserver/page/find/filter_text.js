// Filters in words.
import { clock, safe } from "../app/format.js";
import { state, toFilterParams, toText } from "../app/store.js";
import { dataField } from "../app/url.js";

export const LEVELS = [[6, "Critical"], [5, "Error"], [4, "Warning"], [3, "Info"], [2, "Verbose"], [1, "Debug"]];

const LONGEST = 200;
const NAMES = { trace_id: "trace", request_id: "request", task_id: "task", call_site: "line of code" };

export const levelName = (level) => LEVELS.find(([number]) => number === level)?.[1] ?? String(level);

// A field of the filter, as it is shown.
export function fieldName(field) {
  if (Object.hasOwn(NAMES, field)) return NAMES[field];
  const path = field.replace(/^\$d\./, "");
  return safe(dataField(path) === field ? field : path);
}

// A value as it is shown, a long one without its end.
export function valueText(field, value) {
  if (field === "level") return levelName(Number(value));
  if (value === "") return "(empty)";
  if (value === null) return "(none)";
  const text = safe(toText(value).slice(0, LONGEST + 1));
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

// A window of time such as "10:05:00 – 10:06:30", with dates unless it lies within today.
export function windowText({ from, to }) {
  const today = clock(Date.now() * 1e6).date;
  const [start, end] = [from, to].map((ns) => ns && clock(ns));
  const dated = [start, end].some((each) => each && each.date !== today);
  const text = (each) => `${dated ? `${each.date} ` : ""}${each.time.replace(/\.000$/, "")}`;
  if (!start) return `before ${text(end)}`;
  if (!end) return `since ${text(start)}`;
  const short = dated && start.date === end.date ? end.time.replace(/\.000$/, "") : text(end);
  return `${text(start)} – ${short}`;
}

// Each part of the filter that can be removed: what it says, and the filter without it.
export function parts(filter) {
  const found = [];
  if (filter.q) found.push({ text: `“${safe(filter.q)}”`, name: "the query", without: { q: "" } });
  if (filter.levels.length) {
    const text = `level ${filter.levels.toSorted((a, b) => b - a).map(levelName).join(", ")}`;
    found.push({ text, name: "the levels", without: { levels: [] } });
  }
  for (const kind of ["is", "not"]) {
    for (const pair of filter[kind]) {
      const [field, value] = pair, text = `${fieldName(field)} ${kind === "is" ? "is" : "is not"} ${valueText(field, value)}`;
      found.push({ kind, pair, text, name: text, without: { [kind]: filter[kind].filter((other) => other !== pair) } });
    }
  }
  if (filter.from || filter.to) {
    found.push({ text: windowText(filter), name: "the window of time", without: { from: null, to: null } });
  }
  return found;
}

// The path of an endpoint for the current filter, with some of it replaced.
export function filtered(path, changes = {}, params = {}) {
  const query = toFilterParams({ ...state.filter, ...changes });
  for (const [name, values] of Object.entries(params)) for (const value of [values].flat()) query.append(name, value);
  return query.size ? `${path}?${query}` : path;
}
