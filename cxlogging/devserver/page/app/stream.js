// What arrives: server-sent events, resumed after the last row where the connection was lost.
import { get, parse } from "./api.js";
import { append, load, RETRY } from "./rows.js";
import { closeEvent, MAX_ROWS, onFilter, set, state, toFilterParams } from "./store.js";

let source = null, timer = 0, last = 0, store = null, held = [];

function close() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function reload() {
  close();
  held = [];
  load(connect);
}

const HANDLERS = {
  hello({ store: id }) {
    if (store !== null && store !== id) {
      set({ notice: "The server was started again with another store: what was here before is gone." });
      closeEvent();
      store = id;
      return reload();
    }
    store = id;
  },
  rows({ rows, counts, sizes }) {
    set({ counts, sizes });
    if (state.kind === "table" || state.error || !rows.length) return;
    if (state.paused) {
      held = held.concat(rows).slice(-MAX_ROWS);
      set({ pausedNew: state.pausedNew + rows.length });
    } else {
      append(rows);
      if (!state.follow) set({ pausedNew: state.pausedNew + rows.length });
    }
  },
  requests({ last: lastRequest, rejected }) {
    set({ lastRequest, rejected });
  },
  state({ faults, reports }) {
    set({ faults, reports });
  },
  // The rows of the new store follow on the same connection.
  cleared() {
    held = [];
    if (state.kind === "table") return reload();
    set({ rows: [], selected: null, pausedNew: 0, follow: true });
  },
};

function listen(opened) {
  for (const [name, handle] of Object.entries(HANDLERS)) {
    opened.addEventListener(name, (event) => {
      if (source !== opened) return;
      if (event.lastEventId) last = event.lastEventId;
      handle(parse(event.data));
    });
  }
  opened.onopen = () => set({ connection: "open" });
  opened.onerror = () => {
    if (source !== opened) return;
    close();
    set({ connection: "lost" });
    timer = setTimeout(open, RETRY);
  };
}

function open() {
  const params = state.kind === "table" || state.error ? new URLSearchParams() : toFilterParams(state.filter);
  params.set("rows", "1");
  params.set("after", last);
  source = new EventSource(`/api/stream?${params}`);
  listen(source);
}

// Goes on after the row with this id.
function connect(after) {
  last = after;
  close();
  open();
}

// Holds back what arrives, or shows what was held back.
export function pause(paused) {
  if (!paused && held.length) append(held);
  held = [];
  set({ paused, pausedNew: paused ? state.pausedNew : 0 });
}

// Shows the newest row, and each that arrives.
export function follow() {
  if (state.paused) pause(false);
  set({ follow: true, pausedNew: 0 });
}

async function loadVendors() {
  try {
    set({ vendors: (await get("/api/vendors")).vendors });
  } catch {
    setTimeout(loadVendors, RETRY);
  }
}

export function start() {
  onFilter(reload);
  reload();
  loadVendors();
}
