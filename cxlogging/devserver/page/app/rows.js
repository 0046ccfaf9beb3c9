// Loads the rows of the filter: the newest first, then older ones page by page.
import { ApiError, get } from "./api.js";
import { MAX_ROWS, set, state, toFilterParams } from "./store.js";

const FIRST = 2_000, OLDER = 1_000;
export const RETRY = 1_000; // milliseconds
let loading = new AbortController();
let isFirst = true; // the page was opened: it shows the event that its address names

function url(limit, before) {
  const params = toFilterParams(state.filter);
  params.set("limit", limit);
  if (before) params.set("before", before);
  return `/api/rows?${params}`;
}

// Other work of the page goes first.
function idle() {
  return new Promise((resolve) => (window.requestIdleCallback ?? setTimeout)(resolve, { timeout: 200 }));
}

// Asks again where the server does not answer.
async function patiently(path, signal) {
  for (;;) {
    try {
      return await get(path, signal);
    } catch (error) {
      if (error.status !== 0) throw error;
      set({ connection: "lost" });
      await new Promise((resolve) => setTimeout(resolve, RETRY));
    }
  }
}

async function loadOlder(before, signal) {
  while (before && state.rows.length < MAX_ROWS) {
    await idle();
    const page = await patiently(url(Math.min(OLDER, MAX_ROWS - state.rows.length), before), signal);
    if (signal.aborted) return;
    // New rows may have arrived meanwhile.
    const room = MAX_ROWS - state.rows.length;
    if (room > 0) set({ rows: page.rows.slice(0, room).reverse().concat(state.rows) });
    before = page.next_before;
  }
  set({ complete: !before });
}

function refused(error) {
  const { position = null, caret = "", hint = "" } = error.answer;
  set({ rows: [], table: null, warnings: [], loading: false, complete: true, error: { error: error.message, status: error.status, position, caret, hint } });
}

// Loads the newest rows, calls `ready` with the id after which the stream goes on, and then older ones.
export async function load(ready) {
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  set({ loading: true, complete: false, selected: null, pausedNew: 0, follow: true });
  try {
    const answer = await patiently(url(FIRST), signal);
    if (signal.aborted) return;
    const rows = (answer.rows ?? []).reverse();
    const { table = null, kind, total = null, warnings = [] } = answer;
    set({ rows, table, kind, total, warnings, error: null, loading: false });
    if (isFirst && rows.some(({ id }) => id === state.open)) set({ selected: state.open, follow: false });
    isFirst = false;
    ready(rows.reduce((last, row) => Math.max(last, row.id), 0));
    await loadOlder(answer.next_before, signal);
  } catch (error) {
    if (!(error instanceof ApiError)) {
      if (error.name !== "AbortError") throw error;
    } else if (state.loading) {
      refused(error);
      ready(0);
    }
  }
}

// Adds rows that have just arrived, in the order of their arrival.
export function append(fresh) {
  const rows = state.rows.concat(fresh);
  set({ rows: rows.length > MAX_ROWS ? rows.slice(-MAX_ROWS) : rows, complete: state.complete && rows.length <= MAX_ROWS });
}
