// Which loggers and lines of code make the bytes, what they cost at a price, and what each vendor bills by.
import { html } from "../app/html.js";
import { get } from "../app/api.js";
import { bytes, duration, number, plural, safe } from "../app/format.js";
import { addFilter, clearFilter, go, toFilterParams, unfiltered } from "../app/store.js";
import { Fact, LoadingView, Small, vendorTitle } from "./parts.js";

const BY = { logger: "By logger", call_site: "By line of code" };
const KEY = "cxlogging.price";
const GB = 1e9, DAY = 86_400_000; // bytes, milliseconds
const LEFT_OUT = ["sampled", "limited", "over_budget", "discarded"];

function savedPrice() {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

// A price as a number, or null for what is none.
const priceOf = (text) => text.trim() && Number.isFinite(Number(text)) && Number(text) >= 0 ? Number(text) : null;

// An amount with two decimal places, or four where it is small.
export function money(amount) {
  if (amount > 0 && amount < 0.0001) return "< 0.0001";
  const places = amount === 0 || amount >= 1 ? 2 : 4;
  return amount.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
}

function Share({ row }) {
  const percent = row.share * 100;
  return html`<span class="meter"><span style=${{ width: `${percent}%` }}></span></span>
    <span class="n">${percent > 0 && percent < 0.1 ? "< 0.1" : percent.toFixed(1)} %</span>`;
}

// The columns: title, class, and what a row has there. Some exist only for lines of code, or with a price.
function columnsOf(by, rows, price) {
  const isLine = by === "call_site", holds = rows.some((row) => row.held_back);
  return [
    isLine && ["Logger", "", (row) => safe(row.logger)],
    isLine && ["Level", "", (row) => safe(row.level)],
    ["Vendor", "", (row) => safe(vendorTitle(row.vendor))],
    ["Events", "n", (row) => number(row.count)],
    ["Bytes", "n", (row) => bytes(row.bytes)],
    ["Each", "n", (row) => bytes(row.count ? row.bytes / row.count : 0)],
    holds && ["Held back", "n", (row) => number(row.held_back)],
    price !== null && ["Cost", "n cost", (row) => money((row.bytes / GB) * price)],
    ["Share of its vendor", "share", (row) => html`<${Share} row=${row} />`],
  ].filter(Boolean);
}

function Row({ row, by, columns }) {
  const only = () => {
    addFilter("is", by, row.name);
    go("events");
  };
  return html`<tr>
    <th scope="row">${row.name && row.count
      ? html`<button type="button" class="plain" title="Show these events" onClick=${only}>${safe(row.name)}</button>`
      : row.name ? html`<span class="plain">${safe(row.name)}</span>` : html`<span class="dim">not named</span>`}</th>
    ${columns.map(([, kind, cell]) => html`<td class=${kind}>${cell(row)}</td>`)}
  </tr>`;
}

function Ranking({ rows, by, price }) {
  const columns = columnsOf(by, rows, price);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Volume"><table class="log volume">
    <thead><tr><th scope="col">${by === "logger" ? "Logger" : "Line of code"}</th>
      ${columns.map(([head, kind]) => html`<th scope="col" class=${kind === "share" ? "" : kind}>${head}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<${Row} key=${`${row.vendor} ${row.name} ${row.logger} ${row.level}`}
      row=${row} by=${by} columns=${columns} />`)}</tbody>
  </table></div>`;
}

// What all of it costs; and a day, where the events span a second at least.
function Cost({ answer, price }) {
  const amount = (answer.bytes / GB) * price, span = (Number(answer.to) - Number(answer.from)) / 1e6;
  const daily = answer.from !== null && span >= 1000 ? `: ${money((amount * DAY) / span)} per day at this rate, measured over ${duration(span)}` : "";
  return html`<p class="costs">At ${price} per GB all of it costs ${money(amount)}${daily}.</p>`;
}

function Price({ text, onChange }) {
  const isWrong = text.trim() !== "" && priceOf(text) === null;
  return html`<label class="input price">Price per GB
    <input type="text" inputmode="decimal" name="price" value=${text} size="6" aria-invalid=${isWrong ? "true" : undefined}
      placeholder="none" title="What your vendor takes for 10⁹ bytes; it stays in this browser" onInput=${({ target }) => onChange(target.value)} />
    ${isWrong && html`<span class="warning" role="alert">a number from 0, such as 0.5</span>`}</label>`;
}

function Billed({ billed }) {
  return html`<section class="billed"><h3>What the vendors bill by</h3><dl class="facts">
    ${Object.entries(billed).map(([name, text]) => html`<${Fact} title=${vendorTitle(name)}>${safe(text)}<//>`)}</dl></section>`;
}

export class Volume extends LoadingView {
  uses = ["counts", "filter", "vendors", "reports"];

  pause = 1000;
  state = { by: "logger", answer: null, error: "", price: savedPrice() };

  // What the answer depends on: the filter, the choice, the events that are stored, what was left out.
  key() {
    const { filter, counts, reports } = this.props.state;
    const left = reports.map(({ handlers }) => handlers.map(({ stats }) => LEFT_OUT.map((name) => stats[name])));
    return `${this.state.by} ${toFilterParams(filter)} ${JSON.stringify([counts, left])}`;
  }

  async ask() {
    const { by } = this.state, params = toFilterParams(this.props.state.filter);
    params.set("by", by);
    return { answer: await get(`/api/volume?${params}`), shown: by };
  }

  setPrice = (price) => {
    this.setState({ price });
    try {
      localStorage.setItem(KEY, price);
    } catch { /* it holds as long as the page is open */ }
  };

  render(_, { by, answer, shown, error, price: text }) {
    if (!answer) return html`<p class="note" role="status">${error || "Loading…"}</p>`;
    const { rows, billed } = answer, all = unfiltered(), price = priceOf(text);
    return html`<div class="volume-view">
      <div class="heading"><h2>Volume</h2>
        <p class="dim">${plural(answer.count, "event")}, ${bytes(answer.bytes)}${all ? "" : " within the filter of Events"}</p>
        ${!all && html`<${Small} onClick=${clearFilter}>Without the filter<//>`}</div>
      <div class="row-of-buttons" role="group" aria-label="Volume by">${Object.entries(BY).map(([name, title]) => html`
        <${Small} pressed=${by === name} onClick=${() => this.choose({ by: name })}>${title}<//>`)}
        <${Price} text=${text} onChange=${this.setPrice} /></div>
      ${price !== null && answer.count > 0 && html`<${Cost} answer=${answer} price=${price} />`}
      ${error && html`<p class="warning" role="alert">${safe(error)}</p>`}
      ${answer.reported && html`<p class="note">No event is stored here: these are counts that processes report of themselves.</p>`}
      ${rows.length ? html`<${Ranking} rows=${rows} by=${shown} price=${price} />`
        : html`<p class="note">${all ? "No event has arrived, so there is no volume to show." : "No event passes the filter."}</p>`}
      ${billed && html`<${Billed} billed=${billed} />`}
    </div>`;
  }
}
