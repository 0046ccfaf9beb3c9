// The line above the events: levels with their counts, the filters that apply, saved views.
import { number, plural, safe } from "../app/format.js";
import { html } from "../app/html.js";
import { clearFilter, set, setFilter } from "../app/store.js";
import { filtered, LEVELS, parts } from "./filter_text.js";
import { LiveComponent } from "./live.js";
import { QueryError } from "./query_bar.js";
import { SavedViews } from "./saved.js";

const toggled = (levels, level) => levels.includes(level) ? levels.filter((one) => one !== level) : [...levels, level];

export class Chips extends LiveComponent {
  question() { return filtered("/api/facets", {}, { field: "level" }); }

  counts() {
    const values = this.answer?.facets?.level?.values ?? [];
    return new Map(values.map(({ value, count }) => [Number(value), count]));
  }

  level([level, name], counts) {
    const { levels } = this.props.state.filter, count = counts.get(level) ?? 0;
    return html`<button type="button" class=${`level-chip s${level}${count ? "" : " none"}`} data-level=${level}
      aria-pressed=${String(levels.includes(level))} onClick=${() => setFilter({ levels: toggled(levels, level) })}>
      <i class="dot" aria-hidden="true"></i>${name} <b>${number(count)}</b></button>`;
  }

  // The button goes with its filter: the focus goes on from here.
  remove(part) {
    setFilter(part.without);
    this.section.focus();
  }

  render({ state }) {
    const counts = this.counts();
    const applied = parts({ ...state.filter, q: "", levels: [] });
    const removable = applied.length + (state.filter.q ? 1 : 0) + (state.filter.levels.length ? 1 : 0);
    return html`<${QueryError} error=${state.error} />
      ${state.warnings.map((warning) => html`<p class="query-warning" role="status" key=${warning}>${safe(warning)}</p>`)}
      <p class="hidden-text" role="status">${!state.loading && state.total !== null ? `${plural(state.total, "event")} found` : ""}</p>
      <section class="chips" tabindex="-1" aria-label="Levels and applied filters" ref=${(section) => { this.section = section; }}>
      <div class=${`levels${state.error ? " stale" : ""}`} role="group" aria-label="Levels">${LEVELS.map((each) => this.level(each, counts))}</div>
      ${applied.length > 0 && html`<ul class="applied" aria-label="Applied filters">${applied.map((part) => html`
        <li key=${part.text}><button type="button" class=${`filter-chip ${part.kind ?? "window"}`}
          aria-label=${`Remove the filter ${part.text}`} title=${part.text} onClick=${() => this.remove(part)}>
          <span>${part.text}</span><i aria-hidden="true">×</i></button></li>`)}</ul>`}
      ${removable > 1 && html`<button type="button" class="quiet clear-filters" onClick=${clearFilter}>Clear filters</button>`}
      <div class="chips-tools">
        <button type="button" class="quiet group-similar" aria-pressed=${String(state.grouped)}
          onClick=${() => set({ grouped: !state.grouped })}>Group similar</button>
        <${SavedViews} />
      </div>
    </section>`;
  }
}
