// The state of the page: one object, changed by the functions of this module alone.
import { NO_FILTER, readUrl, toFilterParams, toText, toUrl } from "./url.js";

export { toFilterParams, toText };
export const MAX_ROWS = 50_000;
const FILTER_FIELDS = Object.keys(NO_FILTER);

export const state = {
  ...readUrl(location.search), // view, filter, columns, open
  selected: null,              // id of the row with the cursor
  paused: false,
  pausedNew: 0,                // rows that arrived while paused, or below what is visible
  follow: true,                // the table stays at its newest row
  rows: [],                    // oldest first, at most MAX_ROWS; a new array after each change
  complete: true,              // no older rows are left to load
  kind: "all", table: null, error: null, // the answer to the query; error: {error, position, caret, hint}
  warnings: [],                // of a DataPrime query: sentences
  total: null, loading: true,
  counts: {}, sizes: {}, rejected: 0, lastRequest: 0, faults: [], reports: [], vendors: [],
  connection: "connecting",    // connecting | open | lost
  notice: "",                  // a sentence about the server that stays until it is closed
  grouped: false, facets: false, help: false, clearing: false,
};

const listeners = new Set(), watchers = new Set();
let frame = 0;

function notify() {
  frame = 0;
  for (const listener of [...listeners]) listener();
}

// Calls fn after changes of the state, at most once a frame; returns a function that ends this.
export function subscribe(fn) {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

// Calls fn at once after each change of the filter.
export function onFilter(fn) {
  watchers.add(fn);
  return () => watchers.delete(fn);
}

// Merges changes into the state.
export function set(changes) {
  Object.assign(state, changes);
  frame ||= requestAnimationFrame(notify);
}

function writeUrl(replace) {
  const url = toUrl(state);
  if (url !== (location.search || location.pathname)) history[replace ? "replaceState" : "pushState"](null, "", url);
}

function filterChanged(filter) {
  set({ filter, selected: null, error: null });
  for (const watcher of watchers) watcher();
}

// Merges into the filter, writes the URL, loads the rows again and restarts the stream.
// `replace`: without an entry in the history, for a text that is being typed.
export function setFilter(changes, replace = false) {
  const filter = { ...state.filter, ...changes };
  if (FILTER_FIELDS.every((name) => JSON.stringify(filter[name]) === JSON.stringify(state.filter[name]))) return;
  state.filter = filter;
  writeUrl(replace);
  filterChanged(filter);
}

const same = ([field, value], other, text) => field === other && toText(value) === toText(text);

// Toggles a condition. kind: "is" or "not"; value: the value itself, not its JSON. The opposite condition goes.
export function addFilter(kind, field, value) {
  const other = kind === "is" ? "not" : "is";
  const rest = state.filter[kind].filter((pair) => !same(pair, field, value));
  const present = rest.length < state.filter[kind].length;
  setFilter({
    [kind]: present ? rest : [...rest, [field, value]],
    [other]: state.filter[other].filter((pair) => !same(pair, field, value)),
  });
}

export function removeFilter(kind, field, value) {
  setFilter({ [kind]: state.filter[kind].filter((pair) => !same(pair, field, value)) });
}

export function clearFilter() {
  setFilter({ ...NO_FILTER });
}

// True where the filter lets everything through.
export function unfiltered(filter = state.filter) {
  return toFilterParams(filter).size === 0;
}

// Shows an event in the drawer. From one event to the next there is no entry in the history.
export function openEvent(id) {
  const moves = state.open !== null;
  set({ open: id, selected: id });
  writeUrl(moves);
}

export function closeEvent() {
  if (state.open === null) return;
  set({ open: null });
  writeUrl(false);
}

// Shows a keypath as a column, or no longer.
export function toggleColumn(path) {
  const columns = state.columns.includes(path) ? state.columns.filter((one) => one !== path) : [...state.columns, path];
  set({ columns });
  writeUrl(true);
}

export function go(view) {
  if (view === state.view) return;
  set({ view });
  writeUrl(false);
}

addEventListener("popstate", () => {
  const { filter, ...rest } = readUrl(location.search);
  set(rest);
  if (toFilterParams(filter).toString() !== toFilterParams(state.filter).toString()) filterChanged(filter);
});
