// Loads the rows of the filter: the newest first, then older ones page by page.
import { ApiError, get } from "./api.js";
import { MAX_ROWS, set, state, toFilterParams } from "./store.js";

const FIRST = 2_000, OLDER = 1_000;
let loading = new AbortController();

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

async function loadOlder(before, signal) {
  while (before && state.rows.length < MAX_ROWS) {
    await idle();
    const page = await get(url(Math.min(OLDER, MAX_ROWS - state.rows.length), before), signal);
    if (signal.aborted) return;
    // New rows may have arrived meanwhile.
    const room = MAX_ROWS - state.rows.length;
    if (room > 0) set({ rows: page.rows.slice(0, room).reverse().concat(state.rows) });
    before = page.next_before;
  }
  set({ complete: !before });
}

function failed(error) {
  if (error.name === "AbortError") return;
  if (!(error instanceof ApiError)) throw error;
  const { position = null, caret = "", hint = "" } = error.answer;
  set({ rows: [], table: null, loading: false, complete: true, error: { error: error.message, status: error.status, position, caret, hint } });
}

// Loads the newest rows, calls `ready` with the id after which the stream goes on, and then older ones.
export async function load(ready) {
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  set({ loading: true, complete: false, selected: null, pausedNew: 0, follow: true });
  try {
    const answer = await get(url(FIRST), signal);
    if (signal.aborted) return;
    const rows = (answer.rows ?? []).reverse();
    set({ rows, table: answer.table ?? null, kind: answer.kind, total: answer.total ?? null, error: null, loading: false });
    ready(rows.reduce((last, row) => Math.max(last, row.id), 0), answer.kind);
    await loadOlder(answer.next_before, signal);
  } catch (error) {
    failed(error);
    if (error.status) ready(null, state.kind);
    else if (error.name !== "AbortError") setTimeout(() => !signal.aborted && load(ready), 1_000);
  }
}

// Adds rows that have just arrived, in the order of their arrival.
export function append(fresh) {
  const rows = state.rows.concat(fresh);
  set({ rows: rows.length > MAX_ROWS ? rows.slice(-MAX_ROWS) : rows, complete: state.complete && rows.length <= MAX_ROWS });
}
