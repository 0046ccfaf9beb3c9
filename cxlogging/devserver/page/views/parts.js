// What several views share: icons, buttons, texts that fold, the names of vendors.
import { Component, html } from "../app/html.js";
import { clock, safe } from "../app/format.js";
import { state } from "../app/store.js";

// 16 by 16, drawn in the colour of the text.
const PATHS = {
  include: "M8 3.5v9M3.5 8h9",
  exclude: "M3.5 8h9",
  column: "M2.5 3h11v10h-11zM8 3v10",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  link: "M6.5 9.5l3-3M7 4.5l1.2-1.2a3 3 0 0 1 4.4 4.4L11.5 9M9 11.5l-1.2 1.2a3 3 0 0 1-4.4-4.4L4.5 7",
  close: "M4 4l8 8M12 4l-8 8",
  previous: "M4 10l4-4 4 4",
  next: "M4 6l4 4 4-4",
  done: "M3.5 8.5l3 3 6-7",
  fold: "M6 4l4 4-4 4",
};

export function icon(name) {
  return html`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
    <path d=${PATHS[name]} fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round" />
  </svg>`;
}

// A button that shows only an icon; its label is also its tooltip.
export function IconButton({ name, label, onClick, pressed, disabled }) {
  return html`<button type="button" class="icon-button" aria-label=${label} title=${label}
    aria-pressed=${pressed} disabled=${disabled} onClick=${onClick}>${icon(name)}</button>`;
}

// A component that is rendered again only after a change of its own state, or of the parts of the
// page's state that `uses` names: other parts change with each event that arrives.
export class View extends Component {
  shouldComponentUpdate({ state: page }, own) {
    const before = this.used;
    this.used = this.uses.map((name) => page[name]);
    return own !== this.state || !before || this.used.some((value, at) => value !== before[at]);
  }
}

// A view of an answer of the server, which is asked for again when `key` has changed, after a pause. What the
// reader chooses does not wait.
export class LoadingView extends View {
  pause = 200; // milliseconds
  choices = 0;

  componentDidMount() { this.check(); }

  componentDidUpdate() { this.check(); }

  componentWillUnmount() {
    this.gone = true;
    clearTimeout(this.timer);
  }

  async check() {
    if (this.loading || this.gone || this.key() === this.seen) return;
    const { choices } = this;
    this.loading = true;
    this.seen = this.key();
    const changes = await this.ask().then((answer) => ({ ...answer, error: "" }), (error) => ({ error: error.message }));
    if (this.gone) return;
    this.setState(changes);
    this.timer = setTimeout(this.resume, this.choices === choices ? this.pause : 0);
  }

  resume = () => {
    clearTimeout(this.timer);
    this.timer = null;
    this.loading = false;
    this.check();
  };

  choose(changes) {
    this.choices += 1;
    this.setState(changes, () => this.timer && this.resume());
  }
}

// A vendor's name for people; the local server names the vendors.
export function vendorTitle(name) {
  return state.vendors.find((vendor) => vendor.name === name)?.title ?? name;
}

// A text that is cut at first, with a button that shows all of it.
export class LongText extends Component {
  render({ text, most = 600 }, { whole }) {
    if (text.length <= most || whole) return safe(text);
    const show = () => this.setState({ whole: true });
    return html`${safe(text.slice(0, most))}… <button type="button" class="more" onClick=${show}>
      show all ${text.length.toLocaleString("en-US")} characters</button>`;
  }
}

export function Small({ onClick, pressed, disabled, title, children }) {
  return html`<button type="button" class="small" aria-pressed=${pressed} disabled=${disabled} title=${title}
    onClick=${onClick}>${children}</button>`;
}

// One line of a list of facts: `<dl class="facts">`.
export function Fact({ title, children, ...others }) {
  return html`<div ...${others}><dt>${title}</dt><dd>${children}</dd></div>`;
}

export const isFailed = ({ status, error }) => status === 0 || status >= 400 || error !== "";

// The status of a request; a success with an error refused some of its items.
export function Status({ request: { status, error } }) {
  const kind = status === 0 || status >= 400 ? "bad" : error ? "partly" : "good";
  return html`<span class=${`status ${kind}`}>${status || "no answer"}</span>`;
}

export function VendorPick({ vendor, onChoose }) {
  return html`<label class="pick"><span class="hidden-text">Vendor</span>
    <select value=${vendor} onChange=${({ target }) => onChoose(target.value)}>
      <option value="">All vendors</option>
      ${state.vendors.map(({ name, title }) => html`<option value=${name}>${title}</option>`)}
    </select></label>`;
}

// An event in a list of a few; `children` stand before its level, `vendor` is one that needs no mention.
export function EventLink({ row, vendor, current, children, onClick }) {
  return html`<button type="button" class=${`neighbour s${row.severity}`} aria-current=${current ? "true" : undefined}
    title=${clock(row.time).local} onClick=${onClick}>
    ${children}
    <span class="level">${safe(row.level) || "–"}</span>
    <span class="logger">${safe(row.logger)}${vendor !== row.vendor && html` <i>${safe(vendorTitle(row.vendor))}</i>`}</span>
    <span class="message">${safe(row.message.trim().split("\n")[0].slice(0, 300))}</span>
    ${row.exception && html`<span class="exception">${safe(row.exception.slice(0, 300))}</span>`}
  </button>`;
}
