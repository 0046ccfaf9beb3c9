// The fields of an event as a tree. Each value can become a filter, and each path a column.
import { Component, html } from "../app/html.js";
import { safe } from "../app/format.js";
import { addFilter, toggleColumn } from "../app/store.js";
import { dataField } from "../app/url.js";
import { CopyIcon } from "./copy.js";
import { IconButton, LongText, icon } from "./parts.js";

const MANY = 100;     // members of an object that are shown at first
const OPEN_DEPTH = 3; // levels that are open at first

// Integers beyond the precision of a double are raw JSON, where the browser has it.
const isRaw = (value) => Boolean(JSON.isRawJSON?.(value));

function isTree(value) {
  return value !== null && typeof value === "object" && !isRaw(value);
}

function kindOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return isRaw(value) ? "number" : typeof value;
}

// The value as a person reads it: a string as it is, everything else as JSON.
function shown(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

const keyText = (name) => name === "" ? '""' : safe(name);

// The fields whose path or value contains the text; null where none does.
export function matching(value, text, path = "") {
  if (path.toLowerCase().includes(text)) return value;
  if (!isTree(value)) return shown(value).toLowerCase().includes(text) ? value : null;
  const kept = Object.entries(value)
    .map(([name, inner]) => [name, matching(inner, text, path ? `${path}.${name}` : name)])
    .filter(([name, inner]) => inner !== null || value[name] === null && name.toLowerCase().includes(text));
  return kept.length ? Object.fromEntries(kept) : null;
}

// The buttons of one value: `field` is what a filter compares, `column` a keypath in the data.
export function Actions({ field, value, column, columns }) {
  const name = safe(column ?? field ?? "");
  return html`<span class="actions">
    ${field && html`<${IconButton} name="include" label=${`Only events with this ${name}`} onClick=${() => addFilter("is", field, value)} />`}
    ${field && html`<${IconButton} name="exclude" label=${`Without this ${name}`} onClick=${() => addFilter("not", field, value)} />`}
    ${column && html`<${IconButton} name="column" label=${`${name} as a column`} pressed=${columns.includes(column)}
      onClick=${() => toggleColumn(column)} />`}
    <${CopyIcon} label=${`Copy ${name}`} text=${shown(value)} />
  </span>`;
}

function Leaf({ name, value, path, inArray, columns }) {
  const text = shown(value), kind = kindOf(value);
  return html`<li class="leaf" data-path=${path}>
    <span class="key">${keyText(name)}</span>
    <span class=${`value is-${kind}`}><${LongText} text=${text} /></span>
    <${Actions} field=${inArray ? null : dataField(path)} column=${inArray ? null : path} value=${value} columns=${columns} />
  </li>`;
}

class Branch extends Component {
  constructor(props) {
    super(props);
    this.state = { open: props.depth < OPEN_DEPTH, all: false };
  }

  render({ name, value, path, depth, inArray, columns, forced }, { open, all }) {
    const entries = Object.entries(value), list = Array.isArray(value), isOpen = open || forced;
    const count = list ? `[${entries.length}]` : `{${entries.length}}`;
    const few = all ? entries : entries.slice(0, MANY), rest = entries.length - few.length;
    return html`<li class="branch" data-path=${path}>
      <span class="branch-head">
        <button type="button" class="twist" aria-expanded=${isOpen} onClick=${() => this.setState({ open: !isOpen })}>
          ${icon("fold")}<span class="key">${keyText(name)}</span> <span class="count">${count}</span>
        </button>
        ${!inArray && html`<${Actions} column=${path} value=${value} columns=${columns} />`}
      </span>
      ${isOpen && html`<ul>
        ${few.map(([key, inner]) => node(key, inner, { path, depth: depth + 1, inArray: inArray || list, columns, forced }))}
        ${rest > 0 && html`<li><button type="button" class="more" onClick=${() => this.setState({ all: true })}>
          show ${rest.toLocaleString()} more</button></li>`}
      </ul>`}
    </li>`;
  }
}

function node(name, value, { path, ...others }) {
  const full = path ? `${path}.${name}` : name;
  const one = isTree(value) && Object.keys(value).length ? Branch : Leaf;
  return html`<${one} key=${name} name=${name} value=${value} path=${full} ...${others} />`;
}

// All members of `value`, an object; `forced` opens every level, as while a field is looked for.
export function Tree({ value, columns, forced = false }) {
  return html`<ul class="tree">
    ${Object.entries(value).map(([name, inner]) => node(name, inner, { path: "", depth: 1, inArray: false, columns, forced }))}
  </ul>`;
}
