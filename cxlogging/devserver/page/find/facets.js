// The column at the left: for each field its most frequent values with their counts, each a filter.
import { number } from "../app/format.js";
import { html } from "../app/html.js";
import { get } from "../app/api.js";
import { addFilter, toText } from "../app/store.js";
import { dataField } from "../app/url.js";
import { fieldName, filtered, valueText } from "./filter_text.js";
import { LiveComponent } from "./live.js";

const KEY = "cxlogging.facets";
const FIXED = ["vendor", "application", "subsystem", "logger"];
const MAX_ADDED = 12;

function readAdded() {
  try {
    const held = JSON.parse(localStorage.getItem(KEY));
    return held.filter((path) => typeof path === "string" && dataField(path) && !FIXED.includes(path)).slice(0, MAX_ADDED);
  } catch {
    return [];
  }
}

function writeAdded(paths) {
  try {
    localStorage.setItem(KEY, JSON.stringify(paths));
  } catch {
    // The choice lasts until the page is closed.
  }
}

export class Facets extends LiveComponent {
  state = { added: readAdded(), paths: [], adds: false };

  question() { return filtered("/api/facets", {}, { field: [...FIXED, ...this.state.added] }); }

  choose(added) {
    writeAdded(added);
    this.setState({ added, adds: false });
  }

  add = (event) => {
    event.preventDefault();
    const typed = this.input.value.trim(), path = typed.startsWith("$d.") ? dataField(typed.slice(3)) : dataField(typed) && typed;
    if (path && ![...FIXED, ...this.state.added].includes(path)) this.choose([...this.state.added, path].slice(-MAX_ADDED));
  };

  offer = async () => {
    this.setState({ adds: true }, () => this.input?.focus());
    const { fields } = await get("/api/fields").catch(() => ({ fields: [] }));
    this.setState({ paths: fields.filter(({ path }) => path.startsWith("$d.")).map(({ path }) => dataField(path.slice(3))).filter(Boolean) });
  };

  // The values of the answer, after those that are filtered by and not among them.
  values(field) {
    const { filter } = this.props.state, found = this.answer?.facets?.[field] ?? { values: [], others: 0 };
    const shown = new Set(found.values.map(({ value }) => toText(value)));
    const chosen = [...filter.is, ...filter.not].filter(([name, value]) => name === field && !shown.has(toText(value)));
    return [...chosen.map(([, value]) => ({ value, count: this.answer ? 0 : null })), ...found.values];
  }

  value(field, { value, count }, most) {
    const { filter } = this.props.state, text = valueText(field, value);
    const holds = (kind) => filter[kind].some(([name, other]) => name === field && toText(other) === toText(value));
    const is = holds("is"), not = holds("not");
    return html`<li key=${toText(value)} class=${is ? "is" : not ? "not" : ""}>
      <button type="button" class="value" aria-pressed=${String(is)} title=${text} onClick=${() => addFilter("is", field, value)}>
        <i class="bar" aria-hidden="true" style=${{ width: `${count ? Math.max(2, 100 * count / most) : 0}%` }}></i>
        <span>${text}</span> <b>${count === null ? "" : number(count)}</b></button>
      <button type="button" class="exclude" aria-pressed=${String(not)} aria-label=${`Not ${text}`} title=${`Not ${text}`}
        onClick=${() => addFilter("not", field, value)}>≠</button></li>`;
  }

  facet(field) {
    const values = this.values(field), others = this.answer?.facets?.[field]?.others ?? 0;
    const name = fieldName(field), added = this.state.added.includes(field);
    if (!values.length && !added) return null;
    const most = Math.max(...values.map(({ count }) => count ?? 0));
    return html`<details class="facet" data-field=${field} key=${field} open>
      <summary class=${added ? "" : "fixed"}><span>${name}</span></summary>
      ${added && html`<button type="button" class="quiet forget" aria-label=${`Remove the facet ${name}`}
        onClick=${() => this.choose(this.state.added.filter((path) => path !== field))}>×</button>`}
      <ul aria-label=${name}>${values.map((value) => this.value(field, value, most))}</ul>
      ${!values.length && this.answer && html`<p class="remark">No event here has this field.</p>`}
      ${others > 0 && html`<p class="remark">${number(others)} in other values</p>`}
    </details>`;
  }

  adding({ adds, paths }) {
    if (!adds) return html`<button type="button" class="quiet add-facet" onClick=${this.offer}>+ Add a field</button>`;
    return html`<form class="adding" onSubmit=${this.add} onKeyDown=${(event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.setState({ adds: false });
    }}>
      <input ref=${(input) => { this.input = input; }} list="facet-paths" aria-label="Field, such as user.id" placeholder="user.id"
        autocomplete="off" spellcheck="false" />
      <datalist id="facet-paths">${paths.map((path) => html`<option value=${path} key=${path}></option>`)}</datalist>
      <button type="submit">Add</button></form>`;
  }

  render(props, state) {
    return html`<div class=${`facets${props.state.error ? " stale" : ""}`}>
      ${[...FIXED, ...state.added].map((field) => this.facet(field))}${this.adding(state)}</div>`;
  }
}
