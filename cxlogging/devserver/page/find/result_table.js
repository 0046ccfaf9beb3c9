// The rows of a DataPrime query that are not events, such as those of an aggregation.
import { json, number, plural, safe } from "../app/format.js";
import { Component, html } from "../app/html.js";

const AT_FIRST = 500;
const LONGEST = 500;

const DECIMALS = 4;
const MORE = ", and more that are left out: aggregate further, or add a limit";

const isNumber = (value) => typeof value === "number" || Boolean(value?.rawJSON);

function text(value) {
  const whole = typeof value === "string" ? safe(value) : json(value);
  return whole.length > LONGEST ? `${whole.slice(0, LONGEST)}…` : whole;
}

function cell(value, n, numeric) {
  if (value === null || value === undefined) return html`<td key=${n} class="null">null</td>`;
  if (isNumber(value)) {
    const whole = json(value), isWhole = Number.isInteger(value) || value.rawJSON;
    const rounded = isWhole ? whole : String(Number(value.toFixed(DECIMALS)) || value);
    return html`<td key=${n} class=${numeric ? "number" : ""} title=${rounded === whole ? null : whole}>${rounded}</td>`;
  }
  return html`<td key=${n}>${text(value)}</td>`;
}

export class ResultTable extends Component {
  render({ state: { table } }, { all }) {
    if (!table) return null;
    const { columns, rows, warnings = [], truncated } = table;
    const shown = all === table ? rows : rows.slice(0, AT_FIRST);
    const numeric = columns.map((_, n) => rows.some((row) => isNumber(row[n]))
      && rows.every((row) => row[n] === null || isNumber(row[n])));
    return html`<section class="result" aria-label="Result of the query">
      <p class="remark" role="status">${plural(rows.length, "row")}${truncated ? MORE : ""}</p>
      ${warnings.map((warning) => html`<p class="warned" key=${warning}>${safe(warning)}</p>`)}
      ${rows.length > 0 && html`<div class="scrolled" tabindex="0" role="region" aria-label="Rows"><table class="data-table">
        <thead><tr>${columns.map((name, n) => html`
          <th scope="col" key=${n} class=${numeric[n] ? "number" : ""}>${safe(name)}</th>`)}</tr></thead>
        <tbody>${shown.map((row, n) => html`<tr key=${n}>${columns.map((_, at) => cell(row[at], at, numeric[at]))}</tr>`)}</tbody>
      </table></div>`}
      ${shown.length < rows.length && html`
        <button type="button" onClick=${() => this.setState({ all: table })}>Show all ${number(rows.length)} rows</button>`}
      ${!rows.length && html`<p class="nothing">The query has no rows.</p>`}
    </section>`;
  }
}
