// What went over the wire: the event's own bytes, and the request that it came in.
import { Component, html } from "../app/html.js";
import { bytes, plural, safe } from "../app/format.js";
import { parse } from "../app/api.js";
import { CopyIcon } from "./copy.js";
import { Fact, LongText, Small, Status } from "./parts.js";

const FORMATS = { json: "JSON", ndjson: "JSON, one object a line", msgpack: "MessagePack" };
const MOST = 20_000; // characters that are shown at first
export const NOT_KEPT = "The bytes are not kept: the server keeps bodies of up to 1 MiB, the newest 32 MiB in all.";

// How much smaller a body became, such as "4.1 : 1".
export function ratio({ raw_bytes: raw, wire_bytes: wire }) {
  if (!raw || !wire) return "–";
  return raw === wire ? "1 : 1" : `${(raw / wire).toFixed(1)} : 1`;
}

// The sizes of a request before and after compression.
export function Sizes({ request }) {
  const { raw_bytes: raw, wire_bytes: wire, encoding } = request;
  if (raw === wire || !raw) return html`${bytes(wire)}, not compressed`;
  return html`${bytes(raw)} → ${bytes(wire)} on the wire <span class="dim">(${safe(encoding)}, ${ratio(request)})</span>`;
}

function indented(text) {
  try {
    return JSON.stringify(parse(text), null, 2);
  } catch {
    return text;
  }
}

// The forms in which a body, or a part of one, is shown.
export function formsOf({ text, hex, format }) {
  const whole = format === "json" && text ? indented(text) : null;
  return [[format === "msgpack" ? "Decoded" : "As sent", text], ["Indented", whole === text ? null : whole], ["Hex", hex]];
}

// Texts of the same bytes, of which one is shown; `forms` are pairs of a label and a text or null.
export class Forms extends Component {
  render({ forms, name }, { chosen }) {
    const there = forms.filter(([, text]) => text);
    const [label, text] = there.find(([one]) => one === chosen) ?? there[0];
    return html`<div class="forms">
      <div class="row-of-buttons" role="group" aria-label=${`${name} as`}>
        ${there.map(([one]) => html`<${Small} pressed=${one === label} onClick=${() => this.setState({ chosen: one })}>${one}<//>`)}
        <${CopyIcon} label=${`Copy, ${label}`} text=${text} />
      </div>
      <pre class=${`bytes ${label === "Hex" ? "hex" : ""}`} tabindex="0" aria-label=${`${name}, ${label}`}>
        <${LongText} key=${label} text=${text} most=${MOST} /></pre>
    </div>`;
  }
}

export function Wire({ answer, onRequest }) {
  const { request, event } = answer, wire = answer.wire ?? {}, size = wire.bytes ?? event.size;
  if (!request) return html`<p class="note">The request of this event is no longer in the log, so its bytes are not known.</p>`;
  return html`<div class="wire">
    <dl class="facts">
      <${Fact} title="This event">${plural(size, "byte")} <span class="dim">before compression</span><//>
      <${Fact} title="Its request">${plural(request.events, "event")}, <${Sizes} request=${request} /><//>
      <${Fact} title="Content-Type"><code>${safe(request.content_type || "none")}</code><//>
      <${Fact} title="Sent to"><code>${safe(`${request.method} ${request.path}`)}</code> <${Status} request=${request} /><//>
    </dl>
    <button type="button" class="to-request" onClick=${() => onRequest(request.id)}>Open request ${request.id}</button>
    ${wire.json || wire.hex ? html`
      <h3>Bytes of this event <span class="dim">${FORMATS[wire.format] ?? safe(wire.format)}</span></h3>
      <${Forms} forms=${formsOf({ text: wire.json, hex: wire.hex, format: wire.format })} name="Bytes of this event" />`
    : html`<p class="note">${NOT_KEPT}</p>`}
  </div>`;
}
