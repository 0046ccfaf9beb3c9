// Keys that work wherever the focus is, but not while one writes or a dialog is open; and the dialog that lists them.
import { Dialog } from "./dialog.js";
import { html } from "./html.js";
import { closeEvent, go, openEvent, set, state } from "./store.js";
import { follow, pause } from "./stream.js";
import { VIEWS } from "./url.js";

const grid = () => document.querySelector(".grid");

// Moves the cursor, and what is open with it.
function moveTo(at) {
  const { rows } = state;
  if (!rows.length) return;
  const { id } = rows[Math.min(Math.max(at, 0), rows.length - 1)];
  set({ selected: id, follow: false });
  if (state.open !== null) openEvent(id);
}

function move(by) {
  const id = state.selected ?? state.open, at = id === null ? -1 : state.rows.findIndex((row) => row.id === id);
  moveTo(at < 0 ? state.rows.length - 1 : at + by);
}

function newest() {
  const row = state.rows.at(-1);
  if (row) moveTo(state.rows.length - 1);
  follow();
}

function escape() {
  if (document.activeElement?.closest(".query")) grid()?.focus();
  else if (state.open !== null) {
    closeEvent();
    grid()?.focus();
  } else set({ selected: null, facets: false });
}

function search() {
  go("events");
  requestAnimationFrame(() => document.querySelector(".query :is(input, textarea)")?.focus());
}

// In the list of events alone.
const IN_EVENTS = {
  j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
  Enter: () => state.selected !== null && openEvent(state.selected),
  g: () => moveTo(0), Home: () => moveTo(0), G: newest, End: newest,
};
const EVERYWHERE = {
  "/": search, "?": () => set({ help: true }), " ": () => pause(!state.paused), Escape: escape,
  ...Object.fromEntries(VIEWS.map((view, at) => [String(at + 1), () => go(view)])),
};
// These scroll or press something where the focus is beside the list.
const BELONG_TO_FOCUS = new Set(["ArrowDown", "ArrowUp", "Enter", "Home", "End", " "]);

function taken(event) {
  const { target, key } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  if (document.querySelector("dialog[open]")) return true;
  if (target.closest("input, textarea, select, [contenteditable]")) return key !== "Escape";
  return BELONG_TO_FOCUS.has(key) && target !== document.body && !target.closest(".grid") || Boolean(target.closest(".grid button"));
}

export function listenToKeys() {
  addEventListener("keydown", (event) => {
    if (taken(event)) return;
    const act = EVERYWHERE[event.key] ?? (state.view === "events" ? IN_EVENTS[event.key] : undefined);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

const KEYS = [
  ["/", "search"],
  ["j k", "next and previous event (also the arrows)"],
  ["Enter", "open the event"],
  ["Esc", "close what is open"],
  ["Space", "pause, and resume"],
  ["g G", "oldest event; newest event, and follow"],
  ["1 – 5", "events, requests, rejected, volume, faults"],
  ["?", "this help"],
];

export function HelpDialog() {
  return html`
    <${Dialog} title="Keys" name="help" onClose=${() => set({ help: false })}>
      <dl>${KEYS.map(([keys, what]) => html`<div key=${keys}>
        <dt>${keys.split(" ").map((key) => key === "–" ? " – " : html`<kbd>${key}</kbd> `)}</dt><dd>${what}</dd></div>`)}</dl>
      <p>Words search messages, fields, loggers and applications; all of them must occur. “Quoted words” are a phrase.
        What starts with a command, or holds a comparison such as <code>$d.user.id == 7</code>, is a DataPrime query.</p>
    <//>`;
}
