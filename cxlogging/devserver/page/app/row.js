// One row of the table. Its element is used again for other rows while one scrolls.
import { clock, json, plural, safe } from "./format.js";
import { Component, html } from "./html.js";
import { closeEvent, openEvent, state } from "./store.js";

const WIDEST = 500; // characters; no screen shows more of a line
const FIXED = { "$l.applicationname": "application", "$l.subsystemname": "subsystem", "$m.severity": "level", "$m.timestamp": "time" };

function line(text) {
  const trimmed = text.trim(), end = trimmed.indexOf("\n");
  const first = end < 0 ? trimmed : trimmed.slice(0, end);
  const cut = first.length > WIDEST ? `${first.slice(0, WIDEST)}…` : first;
  return safe(cut) + (end < 0 ? "" : " ↵");
}

const shown = (value) => typeof value === "string" ? line(value) : json(value).slice(0, WIDEST);

// The value at a keypath such as "user.id" or "$d.user.id", whether its dots are levels or in names.
export function valueAt(row, path) {
  const keypath = path.replace(/^\$d\./, "");
  if (FIXED[path]) return row[FIXED[path]];
  const parts = keypath.split(".");
  let tree = row.fields ?? {};
  while (parts.length && tree !== null && typeof tree === "object") {
    const n = parts.findIndex((_, at) => Object.hasOwn(tree, parts.slice(0, at + 1).join(".")));
    if (n < 0) break;
    tree = tree[parts.splice(0, n + 1).join(".")];
  }
  if (!parts.length) return tree;
  return Object.hasOwn(row, keypath) && typeof row[keypath] !== "object" ? row[keypath] : undefined;
}

function fieldsOf(row) {
  let text = "";
  for (const [name, value] of Object.entries(row.fields ?? {})) {
    text += `${text && "  "}${safe(name)}=${shown(value)}`;
    if (text.length > WIDEST) return `${text.slice(0, WIDEST)}…`;
  }
  return text;
}

const titleOf = (name) => state.vendors.find((vendor) => vendor.name === name)?.title ?? name;
const toggle = (id) => state.open === id ? closeEvent() : openEvent(id);

export class Row extends Component {
  shouldComponentUpdate(next) {
    const now = this.props;
    return ["row", "at", "height", "columns", "selected", "open", "vendors"].some((name) => next[name] !== now[name]);
  }

  message(row) {
    const fields = fieldsOf(row);
    return html`<span role="gridcell" class="message">
      ${line(row.message)}${row.warnings > 0 && html`<span class="warning" title=${plural(row.warnings, "warning")}> ⚠<span class="hidden-text">${plural(row.warnings, "warning")}</span></span>`}
      ${row.exception && html`${" "}<span class="exception">${line(row.exception)}</span>`}
      ${fields && html`${" "}<span class="fields">${fields}</span>`}</span>`;
  }

  render({ row, at, height, columns, selected, open }) {
    const when = clock(row.time), place = [row.application, row.subsystem].filter(Boolean).join(" / ");
    return html`
      <div role="row" id=${`row-${row.id}`} class=${`row s${row.severity}${open ? " open" : ""}`} aria-rowindex=${at + 2}
        aria-selected=${String(selected)} style=${{ transform: `translateY(${at * height}px)` }} onClick=${() => toggle(row.id)}>
        <span role="gridcell" class="level">${safe(row.level) || "–"}</span>
        <span role="gridcell" class="time" title=${`${when.local}\n${when.utc}`}>${when.time}</span>
        <span role="gridcell" class="vendor">${titleOf(row.vendor)}</span>
        <span role="gridcell" class="place">${safe(place)}</span>
        <span role="gridcell" class="logger">${safe(row.logger)}</span>
        ${columns.map((path) => {
          const value = valueAt(row, path), text = value === undefined ? "" : shown(value);
          return html`<span role="gridcell" class="extra" title=${text && `${safe(path)}: ${text}`}>${text}</span>`;
        })}
        ${this.message(row)}
      </div>`;
  }
}
