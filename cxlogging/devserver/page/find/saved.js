// Saved views: names for the query, the filters and the columns in the address of the page, kept in this browser.
import { safe } from "../app/format.js";
import { Component, html } from "../app/html.js";

const KEY = "cxlogging.views";
const MAX_NAME = 80;

// Returns the saved views as {name: query of the address}. Whatever else the browser holds is left out.
export function readViews() {
  let held;
  try {
    held = JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
  if (held === null || typeof held !== "object" || Array.isArray(held)) return {};
  return Object.fromEntries(Object.entries(held).filter(([name, query]) => name && typeof query === "string"));
}

// Returns why the views could not be saved, else an empty string.
function writeViews(views) {
  try {
    localStorage.setItem(KEY, JSON.stringify(views));
    return "";
  } catch {
    return "This browser does not save views: its storage is full or turned off.";
  }
}

// The address without the event that happens to be open.
function currentQuery() {
  const params = new URLSearchParams(location.search);
  params.delete("event");
  return params.toString();
}

function loadView(query) {
  history.pushState(null, "", query ? `?${query}` : location.pathname);
  dispatchEvent(new PopStateEvent("popstate"));
}

export class SavedViews extends Component {
  state = { open: false, views: {}, name: "", error: "" };

  componentDidMount() {
    addEventListener("storage", this.read);
    addEventListener("pointerdown", this.leave);
    addEventListener("focusin", this.leave);
  }

  componentWillUnmount() {
    removeEventListener("storage", this.read);
    removeEventListener("pointerdown", this.leave);
    removeEventListener("focusin", this.leave);
  }

  // Closes the list when one goes on to something else.
  leave = ({ target }) => {
    if (this.state.open && !this.root.contains(target)) this.setState({ open: false });
  };

  read = () => this.setState({ views: readViews() });

  toggle = () => this.setState({ open: !this.state.open, views: readViews(), error: "" });

  close = () => {
    this.setState({ open: false });
    this.button?.focus();
  };

  write(views, name) {
    const error = writeViews(views);
    this.setState({ views: readViews(), error, name: error ? name : "" });
  }

  save = (event) => {
    event.preventDefault();
    const name = this.state.name.trim();
    if (name) this.write({ ...readViews(), [name]: currentQuery() }, name);
  };

  forget(name) {
    const { [name]: _, ...rest } = readViews();
    this.write(rest, "");
    this.input?.focus();
  }

  onKeyDown = (event) => {
    if (event.key !== "Escape" || !this.state.open) return;
    event.stopPropagation();
    this.close();
  };

  panel({ views, name, error }) {
    const names = Object.keys(views).sort((a, b) => a.localeCompare(b)), current = currentQuery();
    return html`<div class="popover" role="dialog" aria-label="Saved views">
      ${names.length > 0 && html`<ul>${names.map((each) => html`<li key=${each}>
        <button type="button" class="view" aria-current=${views[each] === current ? "true" : undefined}
          onClick=${() => { loadView(views[each]); this.close(); }}>${safe(each)}</button>
        <button type="button" class="quiet forget" aria-label=${`Delete the view ${safe(each)}`}
          onClick=${() => this.forget(each)}>×</button></li>`)}</ul>`}
      <form onSubmit=${this.save}>
        <input ref=${(input) => { this.input = input; }} value=${name} maxlength=${MAX_NAME} aria-label="Name of the view"
          placeholder="Save this view as…" autocomplete="off"
          onInput=${(event) => this.setState({ name: event.target.value })} />
        <button type="submit" disabled=${!name.trim()}>${Object.hasOwn(views, name.trim()) ? "Replace" : "Save"}</button>
      </form>
      <p class=${error ? "failed" : "remark"} role=${error ? "alert" : undefined}>
        ${error || "Query, filters and columns, in this browser."}</p>
    </div>`;
  }

  render(_props, { open }) {
    return html`<div class="saved" onKeyDown=${this.onKeyDown} ref=${(root) => { this.root = root; }}>
      <button type="button" class="quiet" ref=${(button) => { this.button = button; }} aria-haspopup="dialog"
        aria-expanded=${String(open)} onClick=${this.toggle}>Views</button>
      ${open && this.panel(this.state)}
    </div>`;
  }
}
