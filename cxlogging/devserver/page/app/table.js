import { Component, html } from "./html.js";
import { safe } from "./format.js";
import { openEvent } from "./store.js";

export class Table extends Component {
  render({ state }) {
    return html`<div class="table">${state.rows.slice(-100).map((row) => html`<div key=${row.id} class="row" onClick=${() => openEvent(row.id)}>${safe(row.message)}</div>`)}</div>`;
  }
}
