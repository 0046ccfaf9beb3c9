// The query: words or DataPrime, with completion. It runs with Enter.
import { get } from "../app/api.js";
import { safe } from "../app/format.js";
import { Component, html } from "../app/html.js";
import { setFilter } from "../app/store.js";
import { complete, isDataprime } from "./completion.js";

const FRESH = 10_000;  // milliseconds until the keypaths of the data are asked for again

export class QueryBar extends Component {
  state = { text: "", applied: "", items: [], start: 0, active: -1 };

  known = { fields: [], language: { commands: [], functions: [] } };

  // Back, forward, saved views and "Clear filters" change the query, too.
  static getDerivedStateFromProps({ state: { filter: { q } } }, { applied }) {
    return q === applied ? null : { text: q, applied: q, items: [], active: -1 };
  }

  learn = async () => {
    if (performance.now() < this.fresh) return;
    this.fresh = performance.now() + FRESH;
    const { known } = this;
    const [{ fields }, language] = await Promise.all([
      get("/api/fields").catch(() => known),
      known.language.commands.length ? known.language : get("/api/language").catch(() => known.language),
    ]);
    this.known = { fields, language };
    if (document.activeElement === this.input && this.asked) this.suggest(this.forced);
    else this.forceUpdate();
  };

  // Lists what fits at the caret; for words only where it is asked for.
  suggest(forced = false) {
    const { value, selectionStart } = this.input;
    const { start, items } = complete(value, selectionStart, this.known, forced);
    Object.assign(this, { asked: true, forced });
    this.setState({ text: value, start, items, active: -1 });
  }

  close = () => {
    this.asked = false;
    this.setState({ items: [], active: -1 });
  };

  accept(item) {
    const { text, start } = this.state, [head, tail = ""] = item.insert.split("‸");
    const rest = text.slice(this.input.selectionStart).replace(/^[\w.]+/, "");
    const caret = start + head.length;
    // No second blank before what follows.
    const joined = tail === "" && head.endsWith(" ") && rest.startsWith(" ") ? rest.slice(1) : rest;
    this.setState({ text: text.slice(0, start) + head + tail + joined }, () => {
      this.input.focus();
      this.input.setSelectionRange(caret, caret);
      this.suggest();
    });
  }

  run = () => {
    this.close();
    setFilter({ q: this.state.text.trim() });
  };

  clear = () => {
    this.setState({ text: "" }, this.run);
    this.input.focus();
  };

  move(step) {
    const { items, active } = this.state;
    if (!items.length) return this.suggest(true);
    const places = items.length + 1;
    return this.setState({ active: (active + 1 + step + places) % places - 1 });
  }

  onKeyDown = (event) => {
    const { items, active } = this.state, { key } = event;
    if (event.isComposing) return;
    if (key === "ArrowDown" || key === "ArrowUp") this.move(key === "ArrowDown" ? 1 : -1);
    else if (key === " " && event.ctrlKey) this.suggest(true);
    else if (key === "Tab" && items.length && !event.shiftKey) this.accept(items[Math.max(active, 0)]);
    else if (key === "Enter") active >= 0 ? this.accept(items[active]) : this.run();
    else if (key === "Escape" && items.length) this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  // An input has one line: pasted lines are joined by blanks, not glued together.
  onPaste = (event) => {
    const pasted = event.clipboardData.getData("text");
    if (!/[\r\n]/.test(pasted)) return;
    event.preventDefault();
    this.input.setRangeText(pasted.trim().replace(/\s*[\r\n]+\s*/g, " "), this.input.selectionStart, this.input.selectionEnd, "end");
    this.suggest();
  };

  kind({ state: { kind, loading, error } }, { text, applied }) {
    if (!text.trim()) return "";
    const decided = text === applied && !loading && (error || kind !== "all");
    const dataprime = decided ? error || kind !== "text" : isDataprime(text, this.known.language);
    return dataprime ? "DataPrime" : "Text";
  }

  option(item, n, active) {
    const choose = () => this.accept(item);
    return html`<li role="option" id=${`query-option-${n}`} key=${item.text} aria-selected=${String(n === active)}
      onMouseDown=${(event) => event.preventDefault()} onClick=${choose}>
      <code>${safe(item.text)}</code><span class="help">${safe(item.help)}</span><span class="type">${safe(item.kind)}</span></li>`;
  }

  render(props, state) {
    const { text, items, active } = state, open = items.length > 0, kind = this.kind(props, state);
    const wrong = props.state.error?.caret;
    return html`<div class="query-bar" role="search">
      <input id="query" type="text" role="combobox" ref=${(input) => { this.input = input; }} value=${text}
        aria-label="Search words, or a DataPrime query" aria-autocomplete="list" aria-expanded=${String(open)}
        aria-controls="query-options" aria-activedescendant=${active >= 0 ? `query-option-${active}` : null}
        aria-invalid=${wrong ? "true" : null} aria-describedby=${wrong ? "query-error" : "query-kind"}
        placeholder="Search words, or a condition such as user.id == 7" autocomplete="off" autocapitalize="off" spellcheck=${false}
        enterkeyhint="search" onFocus=${this.learn} onInput=${() => this.suggest()} onBlur=${this.close}
        onKeyDown=${this.onKeyDown} onPaste=${this.onPaste} />
      <span class=${`kind ${kind.toLowerCase()}`} id="query-kind">${kind}</span>
      ${text && html`<button type="button" class="quiet clear-query" aria-label="Clear the query" onClick=${this.clear}>×</button>`}
      ${open && html`<ul id="query-options" role="listbox" aria-label="Completions">
        ${items.map((item, n) => this.option(item, n, active))}</ul>`}
    </div>`;
  }
}

// Why the query was refused, with the place.
export class QueryError extends Component {
  componentDidMount() { this.componentDidUpdate({}); }

  // Scrolls to the place in a long query.
  componentDidUpdate({ error: before }) {
    const { place, props: { error } } = this;
    if (error === before || !place) return;
    const [line, caret] = error.caret.split("\n");
    place.scrollLeft = place.scrollWidth * caret.length / line.length - place.clientWidth / 2;
  }

  render({ error }) {
    if (!error) return null;
    return html`<div class="query-error" id="query-error" role="alert">
      <p>${safe(error.error)}</p>
      ${error.caret && html`<pre tabindex="0" aria-label="The place in the query"
        ref=${(place) => { this.place = place; }}>${safe(error.caret)}</pre>`}
      ${error.hint && html`<p class="hint">${safe(error.hint)}</p>`}
    </div>`;
  }
}
