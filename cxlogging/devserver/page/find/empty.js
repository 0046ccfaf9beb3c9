// What was searched where no event is found, and how to find more.
import { number, plural, safe } from "../app/format.js";
import { html } from "../app/html.js";
import { get } from "../app/api.js";
import { clearFilter, setFilter } from "../app/store.js";
import { filtered, parts, windowText } from "./filter_text.js";
import { LiveComponent } from "./live.js";

const AS_WORDS = "as words that must all occur in the message, the data, the logger or the application";
const OFFERED = 8;
const NOTHING = { q: "", levels: [], is: [], not: [], from: null, to: null };

async function hits(changes, signal) {
  const { levels } = await get(filtered("/api/histogram", changes, { buckets: 1 }), signal);
  return Object.values(levels).flat().reduce((sum, count) => sum + count, 0);
}

const found = (count) => count !== null && html` <b>${plural(count, "event")}</b>`;

export class Empty extends LiveComponent {
  get stored() { return Object.values(this.props.state.counts).reduce((sum, count) => sum + count, 0); }

  get applies() {
    const { rows, loading, error, kind } = this.props.state;
    return !rows.length && !loading && !error && kind !== "table";
  }

  question({ filter }) { return this.applies && this.stored && parts(filter).length ? filtered("/api/rows") : null; }

  // Counts what would be found without each part of the filter.
  async load(_question, signal) {
    const offers = [];
    for (const part of parts(this.props.state.filter).slice(0, OFFERED)) {
      offers.push({ part, count: await hits(part.without, signal).catch(() => null) });
    }
    return { offers, all: await hits(NOTHING, signal).catch(() => null) };
  }

  offers() {
    const { answer } = this;
    if (!answer || !this.current) return null;
    const useful = answer.offers.filter(({ count }) => count !== 0), single = answer.offers.length === 1;
    return html`<ul class="offers">${useful.map(({ part, count }) => html`<li key=${part.text}>
        <button type="button" onClick=${() => setFilter(part.without)}>
          Without ${part.name === part.text ? part.text : `${part.name} ${part.text}`}${found(count)}</button></li>`)}
      ${!(single && useful.length) && html`<li>
        <button type="button" class="clear-filters" onClick=${clearFilter}>Without any filter${found(answer.all)}</button></li>`}
    </ul>`;
  }

  render({ state: { filter, kind } }) {
    if (!this.applies) return null;
    const others = parts({ ...filter, q: "", from: null, to: null });
    const window = filter.from || filter.to ? windowText(filter) : `all ${plural(this.stored, "stored event")}`;
    return html`<section class="empty" aria-label="No event found"><h2 role="status">No event found</h2>
      <dl>
        ${filter.q && html`<dt>Searched</dt><dd><code>${safe(filter.q)}</code>
          <span class="remark">${kind === "dataprime" ? "as a DataPrime query" : AS_WORDS}</span></dd>`}
        <dt>In</dt><dd>${window}</dd>
        ${others.length > 0 && html`<dt>Filtered by</dt><dd>${others.slice(0, OFFERED).map(({ text }) => text).join(" · ")}
          ${others.length > OFFERED && ` and ${number(others.length - OFFERED)} more`}</dd>`}
      </dl>
      ${this.offers()}</section>`;
  }
}
