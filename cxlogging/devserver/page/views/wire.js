// What went over the wire: the event's own bytes, and the request that it came in.
import { Component, html } from "../app/html.js";
import { bytes, number, plural, safe } from "../app/format.js";
import { parse } from "../app/api.js";
import { copyText } from "./copy.js";
import { LongText } from "./parts.js";

const FORMATS = { json: "JSON", ndjson: "JSON, one object a line", msgpack: "MessagePack" };

// "4.1 times smaller", or why there is no ratio.
export function ratio({ raw_bytes: raw, wire_bytes: wire }) {
  if (!raw || !wire) return "–";
  return raw === wire ? "1 : 1" : `${(raw / wire).toFixed(1)} : 1`;
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

// Texts of the same bytes, of which one is shown; `forms` are [label, text] pairs, texts may be null.
export class Forms extends Component {
  render({ forms, name }, { chosen }) {
    const there = forms.filter(([, text]) => text);
    const [label, text] = there.find(([one]) => one === chosen) ?? there[0] ?? ["", ""];
    return html`<div class="forms">
      <div class="row-of-buttons" role="group" aria-label=${`${name} as`}>
        ${there.map(([one]) => html`<button type="button" class="small" aria-pressed=${one === label}
          onClick=${() => this.setState({ chosen: one })}>${one}</button>`)}
        ${text && html`<button type="button" class="small" onClick=${() => copyText(text)}>Copy</button>`}
      </div>
      ${text && html`<pre class="bytes" tabindex="0" aria-label=${`${name}, ${label}`}>${label === "Hex" ? safe(text) : html`<${LongText} key=${label} text=${text} most=${20_000} />`}</pre>`}
    </div>`;
  }
}

function Sizes({ size, request }) {
  const packed = request.raw_bytes !== request.wire_bytes;
  return html`<dl class="facts">
    <dt>This event</dt><dd>${bytes(size)} <span class="dim">(${number(size)} bytes, before compression)</span></dd>
    <dt>Its request</dt><dd>${plural(request.events, "event")}, ${bytes(request.raw_bytes)}${packed && html` → ${bytes(request.wire_bytes)} <span class="dim">(${safe(request.encoding || "compressed")}, ${ratio(request)})</span>`}</dd>
    <dt>Content-Type</dt><dd><code>${safe(request.content_type || "none")}</code></dd>
    <dt>Sent to</dt><dd><code>${safe(`${request.method} ${request.path}`)}</code> <span class=${request.status >= 400 || !request.status ? "bad" : "good"}>${request.status || "no answer"}</span></dd>
  </dl>`;
}

export function Wire({ answer, onRequest }) {
  const { request } = answer, wire = answer.wire ?? {};
  if (!request) {
    return html`<p class="note">The request of this event is no longer in the log of requests, so its bytes are not known.</p>`;
  }
  const size = wire.bytes ?? answer.event.size;
  return html`<div class="wire">
    <${Sizes} size=${size} request=${request} />
    <button type="button" class="to-request" onClick=${() => onRequest(request.id)}>Request ${request.id} with its other events</button>
    ${wire.json || wire.hex ? html`<h3>Bytes of this event <span class="dim">${FORMATS[wire.format] ?? safe(wire.format)}</span></h3>
      <${Forms} forms=${formsOf({ text: wire.json, hex: wire.hex, format: wire.format })} name="Bytes of this event" />`
    : html`<p class="note">The body of this request is not kept: the server keeps bodies of up to 1 MiB, the newest 32 MiB in all.</p>`}
  </div>`;
}
