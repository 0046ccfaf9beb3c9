// The fields of an event: what every event has, what its sender chose, and all of it as it is stored.
import { Component, html } from "../app/html.js";
import { bytes, clock, duration, safe } from "../app/format.js";
import { LongText } from "./parts.js";
import { Actions, Tree, matching } from "./tree.js";

const FACTS = [
  ["level", "Level"], ["vendor", "Vendor"], ["application", "Application"], ["subsystem", "Subsystem"], ["logger", "Logger"],
  ["call_site", "Logged at"], ["trace_id", "Trace"], ["span_id", "Span"], ["request_id", "Request"], ["task_id", "Task"],
];
const NO_FILTER = new Set(["span_id"]);

function Facts({ event, columns }) {
  const when = clock(event.time), late = Number(BigInt(event.received) - BigInt(event.time)) / 1e6;
  return html`<dl class="facts">
    <div><dt>Time</dt><dd>${when.local} <span class="dim">${when.utc}</span></dd></div>
    ${FACTS.filter(([name]) => event[name]).map(([name, title]) => html`<div data-fact=${name}>
      <dt>${title}</dt>
      <dd><span class="value">${safe(event[name])}</span>
        <${Actions} field=${NO_FILTER.has(name) ? null : name} value=${event[name]} columns=${columns} /></dd>
    </div>`)}
    <div><dt>Received</dt><dd>${late >= 0 ? `${duration(late)} later` : `${duration(-late)} earlier, by this machine's clock`}, ${bytes(event.size)}</dd></div>
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

export class Fields extends Component {
  render({ event, columns }, { sought = "" }) {
    const own = Object.keys(event.fields).length > 0;
    const look = (change) => this.setState({ sought: change.target.value.trim().toLowerCase() });
    const parts = [["Fields", event.fields], ["All fields, as stored", event.data], ["Envelope", event.source]];
    const none = sought && parts.every(([, value]) => !matching(value, sought));
    return html`<div class="fields">
      ${event.message.length > 240 || event.message.includes("\n") ? html`<pre class="message"><${LongText} text=${event.message} most=${4000} /></pre>` : null}
      <${Facts} event=${event} columns=${columns} />
      <label class="seek"><span class="hidden-text">Find a field</span>
        <input type="search" placeholder="Find a field or value" onInput=${look} /></label>
      ${!own && !sought && html`<p class="note">The application added no fields of its own: <code>extra={"order": 17}</code> in the log call, or <code>cxlogging.bind(…)</code>.</p>`}
      ${none && html`<p class="note">No field or value of this event contains “${safe(sought)}”.</p>`}
      ${parts.map(([title, value], n) => html`<${Part} title=${title} value=${value} columns=${columns} sought=${sought} closed=${n > 0 && (n > 1 || own)} />`)}
    </div>`;
  }
}
