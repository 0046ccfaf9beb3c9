// Events over time, by level: drag to zoom in, buttons to zoom out, the same as a table.
import { number, plural } from "../app/format.js";
import { html } from "../app/html.js";
import { Plot } from "../views/plot.js";
import { setFilter } from "../app/store.js";
import { filtered, windowText } from "./filter_text.js";
import { LiveComponent } from "./live.js";
import { options, timeline } from "./timeline.js";

const BARS = 80, HEIGHT = 92;

const countsText = (counts) => counts.map(([, name, n]) => `${number(n)} ${name.toLowerCase()}`).join(", ");
const zoom = (from, to) => setFilter({ from, to });

export class Histogram extends LiveComponent {
  state = { table: false };

  question() { return filtered("/api/histogram", {}, { buckets: BARS }); }

  async load(question, signal) { return { shown: timeline(await super.load(question, signal)) }; }

  get shown() { return this.answer?.shown ?? null; }

  options = () => options({ range: () => this.shown?.range ?? [0, 1], zoom, point: this.point });

  // Says what is below the pointer.
  point = (seconds) => {
    const { shown } = this;
    if (!this.pointed || !shown) return;
    const bar = seconds === null ? null : shown.bars[Math.floor((seconds - shown.begin) / shown.seconds)];
    this.pointed.textContent = bar ? `${windowText(bar)} · ${countsText(bar.counts) || "nothing"}` : "";
  };

  // Three times the window, around its middle.
  zoomOut = () => {
    const { shown } = this, { filter } = this.props.state;
    const from = BigInt(filter.from ?? shown.from), width = BigInt(filter.to ?? shown.to) - from;
    const start = from - width;
    setFilter({ from: String(start > 0n ? start : 0n), to: String(from + 2n * width) });
  };

  table({ bars, levels }) {
    return html`<div class="scrolled" tabindex="0" role="region" aria-label="Events over time, as a table">
      <table class="data-table">
        <thead><tr><th scope="col">Time</th>${levels.map(([, name]) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
        <tbody>${bars.filter(({ total }) => total).map(({ from, to, counts }) => html`<tr key=${from}>
          <th scope="row"><button type="button" class="quiet" title="Show only this time"
            onClick=${() => zoom(from, to)}>${windowText({ from, to })}</button></th>
          ${levels.map(([level]) => html`<td class="number">${number(counts.find(([one]) => one === level)?.[2] ?? 0)}</td>`)}
        </tr>`)}</tbody></table></div>`;
  }

  render({ state: { filter, error } }, { table }) {
    const { shown } = this;
    // Its place is kept until the first answer, so that the rows do not move.
    if (!shown) return this.current || error ? null : html`<div class="histogram waiting"></div>`;
    const window = windowText(shown), events = plural(shown.total, "event");
    return html`<section class=${`histogram${error ? " stale" : ""}`} aria-label="Events over time">
      <div class="histogram-head"><span class="window"><b>${events}</b> ${window}</span>
        <span class="pointed" aria-hidden="true" ref=${(element) => { this.pointed = element; }}></span>
        <span class="spring"></span>
        ${(filter.from || filter.to) && html`
          <button type="button" class="quiet zoom-out" onClick=${this.zoomOut}>Zoom out</button>
          <button type="button" class="quiet all-time" onClick=${() => zoom(null, null)}>All time</button>`}
        <button type="button" class="quiet as-table" aria-pressed=${String(table)}
          onClick=${() => this.setState({ table: !table })}>Table</button></div>
      <${Plot} label=${`${events}, ${window}: ${countsText(shown.levels)}.`} height=${HEIGHT} data=${shown.data} options=${this.options} />
      ${table && this.table(shown)}
    </section>`;
  }
}
