// The page: its header, and the view that is open.
import { Chips } from "../find/chips.js";
import { Empty } from "../find/empty.js";
import { Facets } from "../find/facets.js";
import { Groups } from "../find/groups.js";
import { Histogram } from "../find/histogram.js";
import { QueryBar } from "../find/query_bar.js";
import { ResultTable } from "../find/result_table.js";
import { Drawer } from "../views/drawer.js";
import { Faults } from "../views/faults.js";
import { Rejected } from "../views/rejected.js";
import { Requests } from "../views/requests.js";
import { Volume } from "../views/volume.js";
import { ClearDialog } from "./clear.js";
import { Header } from "./header.js";
import { Component, html, render } from "./html.js";
import { HelpDialog, listenToKeys } from "./keys.js";
import { set, state, subscribe, unfiltered } from "./store.js";
import { start } from "./stream.js";
import { Table } from "./table.js";
import { Welcome } from "./welcome.js";

const OTHER_VIEWS = { requests: Requests, rejected: Rejected, volume: Volume, faults: Faults };

class Events extends Component {
  // What stands where the rows would: the answer of another kind, or why there are none.
  body(state) {
    if (state.kind === "table" && state.table) return html`<${ResultTable} state=${state} />`;
    if (state.grouped) return html`<${Groups} state=${state} />`;
    if (state.rows.length) return html`<${Table} state=${state} />`;
    if (state.loading) return html`<p class="wait" role="status">Loading…</p>`;
    return html`<${Empty} state=${state} />`;
  }

  render({ state }) {
    const stored = Object.values(state.counts).some(Boolean);
    if (!stored && !state.rows.length && !state.loading && !state.error && state.open === null && unfiltered()) return html`<${Welcome} state=${state} />`;
    return html`
      <aside class=${`side ${state.facets ? "shown" : ""}`} aria-label="Filters"><${Facets} state=${state} /></aside>
      <section class="middle" aria-label="Events">
        <${Chips} state=${state} />
        <${Histogram} state=${state} />
        ${this.body(state)}
      </section>
      ${state.open !== null && html`<${Drawer} state=${state} />`}`;
  }
}

class App extends Component {
  componentDidMount() {
    this.unsubscribe = subscribe(() => this.forceUpdate());
  }

  componentWillUnmount() {
    this.unsubscribe();
  }

  render() {
    const Other = OTHER_VIEWS[state.view];
    return html`
      <${Header} state=${state} bar=${html`<${QueryBar} state=${state} />`} />
      ${state.notice && html`<p class="notice" role="status">${state.notice}
        <button type="button" class="quiet" onClick=${() => set({ notice: "" })}>Close</button></p>`}
      <main class=${state.view} id="main">
        ${Other ? html`<section class="page" tabindex="-1"><${Other} state=${state} /></section>${state.open !== null && html`<${Drawer} state=${state} />`}`
          : html`<${Events} state=${state} />`}
      </main>
      ${state.help && html`<${HelpDialog} />`}
      ${state.clearing && html`<${ClearDialog} state=${state} />`}`;
  }
}

render(html`<${App} />`, document.getElementById("app"));
listenToKeys();
start();
