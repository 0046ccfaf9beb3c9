// The header: tabs with counts, the query, pause, the state of the connection, help and Clear.
import { number, plural } from "./format.js";
import { Component, html } from "./html.js";
import { pause } from "./stream.js";
import { go, set } from "./store.js";
import { VIEWS } from "./url.js";

const TITLES = { events: "Events", requests: "Requests", rejected: "Rejected", volume: "Volume", faults: "Faults" };
const CONNECTIONS = { connecting: "connecting…", open: "live", lost: "no answer, trying again…" };

export const stored = (counts) => Object.values(counts).reduce((sum, n) => sum + n, 0);

function badge(state, view) {
  if (view === "events") return stored(state.counts);
  if (view === "rejected") return state.rejected;
  return view === "faults" ? state.faults.length : 0;
}

export class Header extends Component {
  tabs(state) {
    return VIEWS.map((view, at) => {
      const n = badge(state, view);
      return html`<button type="button" key=${view} class=${`tab ${view}`} aria-current=${view === state.view ? "page" : null}
        title=${`${TITLES[view]} (${at + 1})`} onClick=${() => go(view)}>${TITLES[view]}${n > 0 && html` <b>${number(n)}</b>`}</button>`;
    });
  }

  render({ state, bar }) {
    const shown = state.paused ? `paused${state.pausedNew ? `, ${number(state.pausedNew)} new` : ""}` : CONNECTIONS[state.connection];
    return html`
      <header>
        <h1>cxlogging <span>dev</span></h1>
        <nav aria-label="Views">${this.tabs(state)}</nav>
        ${state.view === "events" && html`
          <button type="button" class="facets-button" aria-pressed=${String(state.facets)} onClick=${() => set({ facets: !state.facets })}>Filters</button>
          <div class="query">${bar}</div>`}
        <p class=${`connection ${state.paused ? "paused" : state.connection}`} role="status">${shown}</p>
        <div class="tools">
          <button type="button" class="pause" aria-pressed=${String(state.paused)} title="Pause (Space)" onClick=${() => pause(!state.paused)}>
            ${state.paused ? "Resume" : "Pause"}</button>
          <button type="button" class="clear" title=${plural(stored(state.counts), "event")} onClick=${() => set({ clearing: true })}>Clear…</button>
          <button type="button" class="help" aria-label="Help" title="Keys (?)" onClick=${() => set({ help: true })}>?</button>
        </div>
      </header>`;
  }
}
