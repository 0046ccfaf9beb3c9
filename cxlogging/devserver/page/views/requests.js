// One line for each request of an application; opening one shows its body and its events.
import { Component, html } from "../app/html.js";
import { get } from "../app/api.js";
import { bytes, clock, duration, number, plural, safe } from "../app/format.js";
import { go, openEvent, set } from "../app/store.js";
import { IconButton, vendorTitle } from "./parts.js";
import { Plot, axis, colour } from "./plot.js";
import { Forms, formsOf, ratio } from "./wire.js";

const LIMIT = 200, MOST = 1000;
const KINDS = { all: "All", failed: "Refused or failed", retried: "Sent again" };

export const failed = ({ status }) => status === 0 || status >= 400;
const retried = (request) => request.retry_of !== null || request.retries_seen > 0;

// "200", "429", or what happened instead of an answer.
export function Status({ status }) {
  return html`<span class=${`status ${status === 0 || status >= 400 ? "bad" : "good"}`}>${status || "no answer"}</span>`;
}

function Retries({ request: { retry_of: first, retries_seen: later } }) {
  if (first !== null) return html`<span class="retry">again, of ${first}</span>`;
  return later > 0 ? html`<span class="retry">sent ${plural(later, "more time")}</span>` : null;
}

function Line({ request, current }) {
  const open = () => set({ request: request.id });
  return html`<tr class=${failed(request) ? "failed" : ""} aria-current=${current ? "true" : undefined} onClick=${open} data-request=${request.id}>
    <td><button type="button" class="plain" title=${clock(request.time_ns).local} onClick=${open}>${clock(request.time_ns).time}</button></td>
    <td>${vendorTitle(request.vendor)}</td>
    <td><${Status} status=${request.status} /></td>
    <td class="n">${number(request.events)}</td>
    <td class="n">${request.raw_bytes ? bytes(request.raw_bytes) : "–"}</td>
    <td class="n">${bytes(request.wire_bytes)}</td>
    <td class="n">${ratio(request)}</td>
    <td class="n">${duration(request.duration_ms)}</td>
    <td><${Retries} request=${request} /><span class="why">${safe(request.error)}</span></td>
  </tr>`;
}

const HEADS = ["Time", "Vendor", "Status", "Events", "Raw", "Wire", "Ratio", "Duration", "Notes"];

class Details extends Component {
  constructor(props) {
    super(props);
    this.load();
  }

  async load() {
    try {
      this.setState({ answer: await get(`/api/request/${this.props.id}`) });
    } catch (error) {
      this.setState({ error: error.status === 404 ? "It is no longer in the log, which holds the newest 10,000 requests." : error.message });
    }
  }

  render({ id }, { answer, error }) {
    const close = () => set({ request: null });
    return html`<aside class="request-details" aria-labelledby="request-title">
      <div class="bar"><h2 id="request-title">Request ${id}</h2><span class="space"></span><${IconButton} name="close" label="Close request" onClick=${close} /></div>
      ${error && html`<p class="note">${error}</p>`}
      ${answer && html`<${Contents} ...${answer} />`}
    </aside>`;
  }
}

function Contents({ request, events, body, answer }) {
  return html`
    <dl class="facts">
      <div><dt>Sent</dt><dd><code>${safe(`${request.method} ${request.path}`)}</code></dd></div>
      <div><dt>Received</dt><dd>${clock(request.time_ns).local}, answered after ${duration(request.duration_ms)}</dd></div>
      <div><dt>Body</dt><dd>${bytes(request.raw_bytes)}${request.raw_bytes !== request.wire_bytes && html` → ${bytes(request.wire_bytes)} on the wire (${safe(request.encoding || "no encoding")}, ${ratio(request)})`}</dd></div>
      <div><dt>Content-Type</dt><dd><code>${safe(request.content_type || "none")}</code></dd></div>
      <div><dt>Answer</dt><dd><${Status} status=${request.status} /> ${request.error && html`<span class="why">${safe(request.error)}</span>`}</dd></div>
      ${retried(request) && html`<div><dt>Retries</dt><dd><${Retries} request=${request} />${request.retry_of !== null && html` <button type="button" class="small" onClick=${() => set({ request: request.retry_of })}>Open ${request.retry_of}</button>`}</dd></div>`}
    </dl>
    ${answer && html`<h3>Answer</h3><pre class="bytes" tabindex="0">${safe(answer)}</pre>`}
    <h3>${plural(request.events, "event")}</h3>
    <ol class="of-request">${events.map((row) => html`<li key=${row.id}><button type="button" class=${`neighbour s${row.severity}`} onClick=${() => openEvent(row.id)}>
      <span class="level">${safe(row.level)}</span><span class="message">${safe(row.message.split("\n")[0].slice(0, 300))}</span></button></li>`)}</ol>
    ${events.length < request.events && html`<p class="note">These are ${number(events.length)} of ${number(request.events)}; the oldest events may have made room for new ones.</p>`}
    <h3>Body</h3>
    ${body?.text || body?.hex ? html`<${Forms} forms=${formsOf(body)} name="Body" />${body.cut && html`<p class="note">This is the start of the body; the rest is not shown.</p>`}` : html`<p class="note">The body is not kept: the server keeps bodies of up to 1 MiB, the newest 32 MiB in all.</p>`}`;
}

// Events and bytes of each request, over time.
function plotOptions() {
  const bar = (label, stroke, scale) => ({ label, stroke, scale, width: 1.5, points: { show: true, size: 5, fill: stroke } });
  return {
    legend: { show: true }, cursor: { y: false },
    scales: { events: { range: (plot, low, high) => [0, Math.max(high ?? 1, 1)] }, bytes: { range: (plot, low, high) => [0, Math.max(high ?? 1, 1)] } },
    axes: [axis(), axis({ scale: "events", size: 46 }), axis({ scale: "bytes", side: 1, size: 66, grid: { show: false }, values: (plot, ticks) => ticks.map((n) => bytes(n)) })],
    series: [
      { value: (plot, at) => at === null ? "–" : clock(String(Math.round(at * 1e6)) + "000").time },
      bar("Events", colour("--accent"), "events"),
      { ...bar("Raw bytes", colour("--s4"), "bytes"), value: (plot, n) => n === null ? "–" : bytes(n) },
      { ...bar("Wire bytes", colour("--good"), "bytes"), value: (plot, n) => n === null ? "–" : bytes(n) },
    ],
  };
}

export class Requests extends Component {
  constructor(props) {
    super(props);
    this.state = { requests: null, error: "", kind: "all", vendor: "", limit: LIMIT };
  }

  componentDidMount() {
    this.load();
  }

  componentDidUpdate() {
    if (this.props.state.lastRequest !== this.seen) this.load();
  }

  componentWillUnmount() {
    this.gone = true;
  }

  // One request to the server at a time, and at most five a second.
  async load() {
    if (this.loading) return;
    this.loading = true;
    this.seen = this.props.state.lastRequest;
    try {
      const { requests } = await get(`/api/requests?limit=${this.state.limit}${this.state.vendor && `&vendor=${this.state.vendor}`}`);
      const inTime = [...requests].reverse(), column = (read) => inTime.map(read);
      const data = [column(({ time_ns: ns }) => Number(ns?.rawJSON ?? ns) / 1e9), column((one) => one.events), column((one) => one.raw_bytes), column((one) => one.wire_bytes)];
      if (!this.gone) this.setState({ requests, data, error: "" });
    } catch (error) {
      if (!this.gone) this.setState({ error: error.message });
    }
    setTimeout(() => {
      this.loading = false;
      if (!this.gone) this.componentDidUpdate();
    }, 200);
  }

  closeDetails(pressed) {
    if (pressed.key !== "Escape" || !this.props.state.request || this.props.state.open !== null) return;
    pressed.preventDefault();
    const line = document.querySelector(`[data-request="${this.props.state.request}"] button`);
    set({ request: null });
    line?.focus();
  }

  choose(changes) {
    this.setState(changes, () => {
      this.seen = null;
      this.componentDidUpdate();
    });
  }

  render({ state }, { requests, data, error, kind, vendor, limit }) {
    if (!requests) return html`<p class="note" role="status">${error || "Loading…"}</p>`;
    const tests = { all: () => true, failed, retried }, shown = requests.filter(tests[kind]);
    const sum = (name) => requests.reduce((total, one) => total + one[name], 0);
    const label = `Events and bytes of the last ${plural(requests.length, "request")}: ${plural(sum("events"), "event")}, ${bytes(sum("raw_bytes"))} raw, ${bytes(sum("wire_bytes"))} on the wire`;
    return html`<div class=${`requests ${state.request && state.open === null ? "with-details" : ""}`} onKeyDown=${(pressed) => this.closeDetails(pressed)}>
      <div class="list">
        <div class="heading"><h2>Requests</h2><p class="dim">${label.replace("Events and bytes of the", "The")}</p></div>
        ${data[0].length > 1 && html`<${Plot} label=${label} data=${data} options=${plotOptions} />`}
        <div class="row-of-buttons" role="group" aria-label="Which requests">
          ${Object.entries(KINDS).map(([name, title]) => html`<button type="button" class="small" aria-pressed=${kind === name} onClick=${() => this.setState({ kind: name })}>
            ${title} <b>${number(requests.filter(tests[name]).length)}</b></button>`)}
          <label class="pick"><span class="hidden-text">Vendor</span><select value=${vendor} onChange=${({ target }) => this.choose({ vendor: target.value })}>
            <option value="">All vendors</option>${state.vendors.map((one) => html`<option value=${one.name}>${one.title}</option>`)}</select></label>
        </div>
        ${shown.length ? html`<div class="scroll" tabindex="0" role="region" aria-label="Requests"><table class="log">
          <thead><tr>${HEADS.map((head, n) => html`<th scope="col" class=${n > 2 && n < 8 ? "n" : ""}>${head}</th>`)}</tr></thead>
          <tbody>${shown.map((request) => html`<${Line} key=${request.id} request=${request} current=${request.id === state.request} />`)}</tbody>
        </table></div>` : html`<${NoRequests} any=${requests.length > 0} />`}
        ${requests.length === limit && limit < MOST && html`<button type="button" class="small" onClick=${() => this.choose({ limit: MOST })}>Show the last ${number(MOST)}</button>`}
      </div>
      ${state.request && state.open === null ? html`<${Details} key=${state.request} id=${state.request} />` : null}
    </div>`;
  }
}

function NoRequests({ any }) {
  if (any) return html`<p class="note">None of these requests. <button type="button" class="small" onClick=${() => go("faults")}>Make some fail</button></p>`;
  return html`<div class="nothing"><h3>No request has arrived</h3>
    <p>Each request of a handler is a line here: its size before and after compression, how many events it carries, how it was answered, and whether it is a retry.</p>
    <p>Point an application at this server: <code>export CXLOGGING_URL=${location.origin}</code></p></div>`;
}
