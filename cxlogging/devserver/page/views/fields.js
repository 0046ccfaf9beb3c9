// The fields of an event: what every event has, what its sender chose, and all of it as it is stored.
import { Component, html } from "../app/html.js";
import { bytes, clock, duration, safe } from "../app/format.js";
import { Fact, LongText, vendorTitle } from "./parts.js";
import { Actions, Tree, matching } from "./tree.js";

const FACTS = [
  ["level", "Level"], ["vendor", "Vendor"], ["application", "Application"], ["subsystem", "Subsystem"], ["logger", "Logger"],
  ["call_site", "Logged at"], ["trace_id", "Trace"], ["span_id", "Span"], ["request_id", "Request"], ["task_id", "Task"],
];
const EXAMPLE = 'extra={"order": 17}';
const NO_FILTER = new Set(["span_id"]);

const said = (ms) => ms >= 0 ? `${duration(ms)} later` : `${duration(-ms)} earlier, by the clock of this machine`;

function Facts({ event, columns }) {
  const when = clock(event.time), late = Number(BigInt(event.received) - BigInt(event.time)) / 1e6;
  return html`<dl class="facts">
    <${Fact} title="Time">${when.local} <span class="dim">${when.utc}</span><//>
    ${FACTS.filter(([name]) => event[name]).map(([name, title]) => html`<${Fact} title=${title} data-fact=${name}>
      <span class="value">${safe(name === "vendor" ? vendorTitle(event.vendor) : event[name])}</span>
      <${Actions} field=${NO_FILTER.has(name) ? null : name} value=${event[name]} columns=${columns} />
    <//>`)}
    <${Fact} title="Received">${said(late)}, ${bytes(event.size)}<//>
  </dl>`;
}

// A tree with a heading; nothing where the value has no fields.
class Part extends Component {
  render({ title, value, columns, sought, closed }, { toggled }) {
    const shown = sought ? matching(value, sought) : value;
    if (!shown || !Object.keys(shown).length) return null;
    const open = Boolean(sought) || (toggled ?? !closed);
    return html`<section class="part">
      <h3><button type="button" class="twist" aria-expanded=${open} onClick=${() => this.setState({ toggled: !open })}>${title}</button></h3>
      ${open && html`<${Tree} key=${sought} value=${shown} columns=${columns} forced=${Boolean(sought)} />`}
    </section>`;
  }
}

// More than the heading shows.
const isLong = (message) => message.length > 240 || message.trim().includes("\n");

export class Fields extends Component {
  render({ event, columns }, { sought = "" }) {
    const own = Object.keys(event.fields).length > 0;
    const look = (change) => this.setState({ sought: change.target.value.trim().toLowerCase() });
    const parts = [["Fields", event.fields], ["All fields, as stored", event.data], ["Envelope", event.source]];
    const none = sought && parts.every(([, value]) => !matching(value, sought));
    return html`<div class="fields">
      ${isLong(event.message) && html`<pre class="message"><${LongText} text=${event.message} most=${4000} /></pre>`}
      <${Facts} event=${event} columns=${columns} />
      <label class="seek"><span class="hidden-text">Find a field</span>
        <input type="search" placeholder="Find a field or value" onInput=${look} /></label>
      ${!own && !sought && html`<p class="note">The application added no fields of its own: <code>${EXAMPLE}</code> in the log call adds one.</p>`}
      ${none && html`<p class="note">No field or value of this event contains “${safe(sought)}”.</p>`}
      ${parts.map(([title, value], n) => html`
        <${Part} title=${title} value=${value} columns=${columns} sought=${sought} closed=${n > 0 && (n > 1 || own)} />`)}
    </div>`;
  }
}
