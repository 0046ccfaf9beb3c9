// The filter and the view in the URL, so that each is a link, and back and forward work.

export const VIEWS = ["events", "requests", "rejected", "volume", "faults"];
export const NO_FILTER = Object.freeze({ q: "", levels: [], is: [], not: [], from: null, to: null });

// Fields of a filter that are not read from the data.
const COLUMNS = new Set(["vendor", "application", "subsystem", "logger", "level", "trace_id", "request_id", "task_id", "call_site", "exception"]);

// The field of a filter for a keypath in the data; null where the server cannot look for it.
export function dataField(path) {
  if (/["\0]/.test(path) || !path.split(".").every(Boolean)) return null;
  return COLUMNS.has(path) ? `$d.${path}` : path;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// A value as parameters have it: a string that could be read as JSON is written as JSON.
export function toText(value) {
  if (typeof value !== "string") return JSON.stringify(value);
  return parsed(value) === undefined ? value : JSON.stringify(value);
}

function toValue(text) {
  const value = parsed(text);
  return value === undefined || (typeof value === "object" && value !== null) || toText(value) !== text ? text : value;
}

// A field as parameters have it: a colon in it is not the one before the value.
const toFieldText = (field) => field.replace(/[%:]/g, encodeURIComponent);

function toField(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function toPair(text) {
  const at = text.indexOf(":");
  return at > 0 ? [toField(text.slice(0, at)), toValue(text.slice(at + 1))] : null;
}

// The filter as the API takes it.
export function toFilterParams(filter) {
  const params = new URLSearchParams();
  if (filter.q) params.set("q", filter.q);
  for (const level of filter.levels) params.append("level", level);
  for (const kind of ["is", "not"]) {
    for (const [field, value] of filter[kind]) params.append(kind, `${toFieldText(field)}:${toText(value)}`);
  }
  for (const end of ["from", "to"]) if (filter[end]) params.set(end, filter[end]);
  return params;
}

// What of the state the address of the page names.
export function readUrl(search) {
  const params = new URLSearchParams(search);
  const time = (name) => /^\d{1,19}$/.test(params.get(name) ?? "") ? params.get(name) : null;
  const view = params.get("view"), event = Number(params.get("event"));
  return {
    view: VIEWS.includes(view) ? view : "events",
    filter: {
      q: params.get("q") ?? "",
      levels: params.getAll("level").map(Number).filter((level) => level >= 1 && level <= 6),
      is: params.getAll("is").map(toPair).filter(Boolean),
      not: params.getAll("not").map(toPair).filter(Boolean),
      from: time("from"),
      to: time("to"),
    },
    columns: params.getAll("columns").filter(Boolean),
    open: Number.isSafeInteger(event) && event > 0 ? event : null,
  };
}

export function toUrl({ view, filter, columns, open }) {
  const params = toFilterParams(filter);
  if (view !== "events") params.set("view", view);
  for (const path of columns) params.append("columns", path);
  if (open !== null) params.set("event", open);
  const text = params.toString();
  return text ? `?${text}` : location.pathname;
}
