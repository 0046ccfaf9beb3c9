// Which loggers and lines of code make the bytes, and what each vendor bills by.
import { html } from "../app/html.js";
import { get } from "../app/api.js";
import { bytes, number, plural, safe } from "../app/format.js";
import { addFilter, clearFilter, go, toFilterParams, unfiltered } from "../app/store.js";
import { Fact, LoadingView, Small, vendorTitle } from "./parts.js";

const BY = { logger: "By logger", call_site: "By line of code" };

const HEADS = [["Vendor"], ["Events", "n"], ["Bytes", "n"], ["Each", "n"], ["Share of its vendor"]];

function Share({ row }) {
  const percent = row.share * 100;
  return html`<span class="meter"><span style=${{ width: `${percent}%` }}></span></span>
    <span class="n">${percent > 0 && percent < 0.1 ? "< 0.1" : percent.toFixed(1)} %</span>`;
}

function Row({ row, by }) {
  const only = () => {
    addFilter("is", by, row.name);
    go("events");
  };
  return html`<tr>
    <th scope="row">${row.name
      ? html`<button type="button" class="plain" title="Show these events" onClick=${only}>${safe(row.name)}</button>`
      : html`<span class="dim">not named</span>`}</th>
    <td>${safe(vendorTitle(row.vendor))}</td>
    <td class="n">${number(row.count)}</td>
    <td class="n">${bytes(row.bytes)}</td>
    <td class="n">${bytes(row.count ? row.bytes / row.count : 0)}</td>
    <td class="share"><${Share} row=${row} /></td>
  </tr>`;
}

function Ranking({ rows, by }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Volume"><table class="log volume">
    <thead><tr><th scope="col">${by === "logger" ? "Logger" : "Line of code"}</th>
      ${HEADS.map(([head, kind]) => html`<th scope="col" class=${kind}>${head}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<${Row} key=${`${row.vendor} ${row.name}`} row=${row} by=${by} />`)}</tbody>
  </table></div>`;
}

function Billed({ billed }) {
  return html`<section class="billed"><h3>What the vendors bill by</h3><dl class="facts">
    ${Object.entries(billed).map(([name, text]) => html`<${Fact} title=${vendorTitle(name)}>${safe(text)}<//>`)}</dl></section>`;
}

export class Volume extends LoadingView {
  uses = ["counts", "filter", "vendors"];

  pause = 1000;
  state = { by: "logger", answer: null, error: "" };

  // What the answer depends on: the filter, the choice, and the events that are stored.
  key() {
    const { filter, counts } = this.props.state;
    return `${this.state.by} ${toFilterParams(filter)} ${JSON.stringify(counts)}`;
  }

  async ask() {
    const { by } = this.state, params = toFilterParams(this.props.state.filter);
    params.set("by", by);
    return { answer: await get(`/api/volume?${params}`), shown: by };
  }

  render(_, { by, answer, shown, error }) {
    if (!answer) return html`<p class="note" role="status">${error || "Loading…"}</p>`;
    const { rows, billed } = answer, all = unfiltered(), sum = (name) => rows.reduce((total, row) => total + row[name], 0);
    return html`<div class="volume-view">
      <div class="heading"><h2>Volume</h2>
        <p class="dim">${plural(sum("count"), "event")}, ${bytes(sum("bytes"))}${all ? "" : " within the filter of Events"}</p>
        ${!all && html`<${Small} onClick=${clearFilter}>Without the filter<//>`}</div>
      <div class="row-of-buttons" role="group" aria-label="Volume by">${Object.entries(BY).map(([name, title]) => html`
        <${Small} pressed=${by === name} onClick=${() => this.choose({ by: name })}>${title}<//>`)}</div>
      ${error && html`<p class="warning" role="alert">${safe(error)}</p>`}
      ${rows.length ? html`<${Ranking} rows=${rows} by=${shown} />`
        : html`<p class="note">${all ? "No event has arrived, so there is no volume to show." : "No event passes the filter."}</p>`}
      ${billed && html`<${Billed} billed=${billed} />`}
    </div>`;
  }
}
