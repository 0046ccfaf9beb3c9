// Events over time, by level: drag to zoom in, buttons to zoom out, the same as a table.
import { number, plural } from "../app/format.js";
import { html } from "../app/html.js";
import { setFilter } from "../app/store.js";
import { filtered, LEVELS, windowText } from "./filter_text.js";
import { LiveComponent } from "./live.js";
import { Plot } from "./plot.js";

const BUCKETS = 80;
const FINEST = 1_000_000n;  // nanoseconds of a bar: shorter ones cannot be drawn

const buckets = (answer) => Math.max(0, ...Object.values(answer.levels).map((counts) => counts.length));

// The answer with bars of a millisecond at least.
function coarse(answer) {
  const { from, to, step } = answer;
  if (!from || BigInt(step) >= FINEST) return answer;
  const start = BigInt(from) / FINEST * FINEST, count = Number((BigInt(to) - start + FINEST - 1n) / FINEST);
  const levels = Object.entries(answer.levels).map(([level, counts]) => {
    const sums = new Array(count).fill(0);
    counts.forEach((n, at) => { sums[Number((BigInt(from) - start + BigInt(step) * BigInt(at)) / FINEST)] += n; });
    return [level, sums];
  });
  return { from: String(start), step: String(FINEST), levels: Object.fromEntries(levels) };
}

// A bucket as {from, to, counts: [[level, name, count]…], total}.
function bucket({ from, step, levels }, n) {
  const start = BigInt(from) + BigInt(step) * BigInt(n);
  const counts = LEVELS.map(([level, name]) => [level, name, levels[level]?.[n] ?? 0]).filter(([, , count]) => count);
  return { from: String(start), to: String(start + BigInt(step)), counts, total: counts.reduce((sum, [, , count]) => sum + count, 0) };
}

const countsText = (counts) => counts.map(([, name, count]) => `${number(count)} ${name.toLowerCase()}`).join(", ");

export class Histogram extends LiveComponent {
  state = { table: false };

  question() { return filtered("/api/histogram", {}, { buckets: BUCKETS }); }

  async load(question, signal) { return coarse(await super.load(question, signal)); }

  // What there is to show: null where no event is counted.
  get shown() {
    const { answer } = this;
    if (!answer?.levels || !answer.from) return null;
    return Object.values(answer.levels).some((counts) => counts.some(Boolean)) ? answer : null;
  }

  componentDidMount() {
    super.componentDidMount();
    this.draw();
  }

  componentDidUpdate() {
    super.componentDidUpdate();
    this.draw();
  }

  draw() {
    const { shown } = this;
    if (!shown || !this.plot || this.drawn === shown) return;
    this.drawn = shown;
    this.plot.show(shown, buckets(shown));
  }

  mount = (element) => {
    this.plot?.destroy();
    this.plot = element && new Plot(element, { zoom: (from, to) => setFilter({ from, to }), point: this.point });
    this.drawn = null;
  };

  // Says what is below the pointer.
  point = (at) => {
    const { shown } = this;
    if (!this.pointed || !shown) return;
    const one = at === null ? null : bucket(shown, at);
    this.pointed.textContent = one ? `${windowText(one)} · ${countsText(one.counts) || "nothing"}` : "";
  };

  // Three times the window, around its middle.
  zoomOut = () => {
    const { shown } = this, { filter } = this.props.state;
    if (!shown) return setFilter({ from: null, to: null });
    const from = BigInt(filter.from ?? shown.from);
    const to = BigInt(filter.to ?? String(BigInt(shown.from) + BigInt(shown.step) * BigInt(buckets(shown))));
    const width = to - from > 0n ? to - from : 1_000_000n, start = from - width;
    return setFilter({ from: String(start > 0n ? start : 0n), to: String(to + width) });
  };

  table(shown) {
    const rows = Array.from({ length: buckets(shown) }, (_, n) => bucket(shown, n)).filter(({ total }) => total);
    const levels = LEVELS.filter(([level]) => shown.levels[level]?.some(Boolean));
    return html`<div class="scrolled" tabindex="0" role="region" aria-label="Events over time, as a table"><table class="data-table">
      <thead><tr><th scope="col">Time</th>${levels.map(([, name]) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
      <tbody>${rows.map(({ from, to, counts }) => html`<tr key=${from}>
        <th scope="row"><button type="button" class="quiet" onClick=${() => setFilter({ from, to })}
          title="Show only this time">${windowText({ from, to })}</button></th>
        ${levels.map(([level]) => html`<td class="number">${number(counts.find(([one]) => one === level)?.[2] ?? 0)}</td>`)}
      </tr>`)}</tbody></table></div>`;
  }

  render({ state: { filter, error } }, { table }) {
    const { shown } = this;
    if (!shown) return null;
    const all = Array.from({ length: buckets(shown) }, (_, n) => bucket(shown, n));
    const total = all.reduce((sum, one) => sum + one.total, 0);
    const levels = LEVELS.map(([level, name]) => [level, name, all.reduce((sum, { counts }) => sum + (counts.find(([one]) => one === level)?.[2] ?? 0), 0)]);
    const window = windowText({ from: all[0].from, to: all.at(-1).to });
    const summary = `${plural(total, "event")}, ${window}: ${countsText(levels.filter(([, , count]) => count))}.`;
    return html`<section class=${`histogram${error ? " stale" : ""}`} aria-label="Events over time">
      <div class="histogram-head"><span class="window">${window}</span>
        <span class="pointed" aria-hidden="true" ref=${(element) => { this.pointed = element; }}></span>
        <span class="spring"></span>
        ${(filter.from || filter.to) && html`<button type="button" class="quiet zoom-out" onClick=${this.zoomOut}>Zoom out</button>
          <button type="button" class="quiet all-time" onClick=${() => setFilter({ from: null, to: null })}>All time</button>`}
        <button type="button" class="quiet as-table" aria-pressed=${String(table)}
          onClick=${() => this.setState({ table: !table })}>Table</button></div>
      <div class="timeline" role="img" aria-label=${summary} ref=${this.mount}></div>
      ${table && this.table(shown)}
    </section>`;
  }
}
