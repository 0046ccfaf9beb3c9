// One line for each request of an application; opening one shows its body and its events.
import { Component, html } from "../app/html.js";
import { get } from "../app/api.js";
import { bytes, clock, duration, number, plural, safe } from "../app/format.js";
import { go, openEvent, set } from "../app/store.js";
import { EventLink, Fact, IconButton, LoadingView, Small, Status, VendorPick, isFailed, vendorTitle } from "./parts.js";
import { Plot, axis, bars, colour } from "./plot.js";
import { Forms, NOT_KEPT, Sizes, formsOf, ratio } from "./wire.js";

const LIMIT = 200, MOST = 1000;
const TESTS = {
  all: ["All", () => true],
  failed: ["Refused or failed", isFailed],
  retried: ["Sent again", (request) => isRetried(request)],
};
const HEADS = [["Time"], ["Vendor"], ["Status"], ["Events", "n"], ["Raw", "n"], ["Wire", "n"], ["Ratio", "n"], ["Duration", "n"], ["Notes"]];

const isRetried = ({ retry_of: first, retries_seen: later }) => first !== null || later > 0;

function Retries({ request: { retry_of: first, retries_seen: later } }) {
  if (first !== null) return html`<span class="retry">again, of ${first}</span>`;
  return later > 0 ? html`<span class="retry">sent ${plural(later, "more time")}</span>` : null;
}

function Line({ request, current }) {
  const open = () => set({ request: request.id }), when = clock(request.time_ns);
  return html`<tr aria-current=${current ? "true" : undefined} onClick=${open} data-request=${request.id}>
    <td><button type="button" class="plain" title=${when.local} onClick=${open}>${when.time}</button></td>
    <td>${safe(vendorTitle(request.vendor))}</td>
    <td><${Status} request=${request} /></td>
    <td class="n">${number(request.events)}</td>
    <td class="n">${request.raw_bytes ? bytes(request.raw_bytes) : "–"}</td>
    <td class="n">${bytes(request.wire_bytes)}</td>
    <td class="n">${ratio(request)}</td>
    <td class="n">${duration(request.duration_ms)}</td>
    <td><${Retries} request=${request} /><span class="why">${safe(request.error)}</span></td>
  </tr>`;
}

function Facts({ request }) {
  const first = request.retry_of;
  return html`<dl class="facts">
    <${Fact} title="Sent"><code>${safe(`${request.method} ${request.path}`)}</code><//>
    <${Fact} title="Received">${clock(request.time_ns).local}, answered after ${duration(request.duration_ms)}<//>
    <${Fact} title="Body"><${Sizes} request=${request} /><//>
    <${Fact} title="Content-Type"><code>${safe(request.content_type || "none")}</code><//>
    <${Fact} title="Answer"><${Status} request=${request} /> <span class="why">${safe(request.error)}</span><//>
    ${isRetried(request) && html`<${Fact} title="Retries"><${Retries} request=${request} />
      ${first !== null && html`<${Small} onClick=${() => set({ request: first })}>Open request ${first}<//>`}<//>`}
  </dl>`;
}

function Contents({ request, events, body, answer }) {
  const gone = request.events - events.length;
  return html`
    <${Facts} request=${request} />
    ${answer && html`<h3>Answer</h3><pre class="bytes" tabindex="0">${safe(answer)}</pre>`}
    <h3>${plural(request.events, "event")}</h3>
    <ol class="of-request">${events.map((row) => html`<li key=${row.id}>
      <${EventLink} row=${row} vendor=${request.vendor} onClick=${() => openEvent(row.id)} /></li>`)}</ol>
    ${gone > 0 && html`<p class="note">${plural(gone, "more event")}, which are not listed here or have made room for newer ones.</p>`}
    <h3>Body</h3>
    ${body?.text || body?.hex ? html`<${Forms} forms=${formsOf(body)} name="Body" />` : html`<p class="note">${NOT_KEPT}</p>`}
    ${body?.cut && html`<p class="note">This is the start of the body.</p>`}`;
}

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
    return html`<aside class="request-details" aria-labelledby="request-title">
      <div class="bar"><h2 id="request-title">Request ${id}</h2><span class="space"></span>
        <${IconButton} name="close" label="Close request (Esc)" onClick=${() => set({ request: null })} /></div>
      ${error && html`<p class="note">${error}</p>`}
      ${answer && html`<${Contents} ...${answer} />`}
    </aside>`;
  }
}

const fromZero = (plot, low, high) => [0, Math.max(high ?? 1, 1)];
const size = (plot, n) => n === null ? "–" : bytes(n);

// Events and bytes of each request, in the order of time. `times` returns the times of the requests.
function plotOptions(times) {
  const timeOf = (at) => times()[at] ?? "";
  const line = (label, stroke) => ({ label, stroke, scale: "bytes", value: size, width: 1.5, points: { show: true, size: 5, fill: stroke } });
  return {
    cursor: { y: false },
    scales: {
      x: { time: false, range: (plot, low, high) => [(low ?? 0) - 0.5, (high ?? 1) + 0.5] },
      events: { range: fromZero },
      bytes: { range: fromZero },
    },
    axes: [
      axis({ size: 30, space: 90, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500], grid: { show: false }, values: (plot, ticks) => ticks.map(timeOf) }),
      axis({ scale: "events", size: 46, space: 24 }),
      axis({ scale: "bytes", side: 1, size: 66, space: 24, grid: { show: false }, values: (plot, ticks) => ticks.map((n) => bytes(n)) }),
    ],
    series: [
      { label: "Time", value: (plot, at) => at === null ? "–" : timeOf(at) },
      { label: "Events", scale: "events", stroke: colour("--accent"), fill: `${colour("--accent")}33`, paths: bars(), points: { show: false } },
      line("Raw", colour("--s4")), line("Wire", colour("--good")),
    ],
  };
}

function plotData(requests) {
  const inTime = [...requests].reverse(), column = (read) => inTime.map(read);
  return [
    column((_, at) => at), column((one) => one.events), column((one) => one.raw_bytes || null), column((one) => one.wire_bytes),
  ];
}

// The sizes are those of requests whose body was read: their ratio is that of the compression.
function summaryOf(requests) {
  const read = requests.filter((one) => one.raw_bytes), sum = (name) => read.reduce((total, one) => total + one[name], 0);
  const sizes = `${bytes(sum("raw_bytes"))}, ${bytes(sum("wire_bytes"))} on the wire`;
  return `${plural(requests.length, "request")} with ${plural(sum("events"), "event")}: ${sizes}`;
}

export class Requests extends LoadingView {
  uses = ["lastRequest", "request", "open", "vendors"];
  state = { requests: null, error: "", kind: "all", vendor: "", limit: LIMIT };

  // The labels of the plot are read whenever it is drawn.
  plotOptions = () => plotOptions(() => this.state.times);

  key() {
    const { vendor, limit } = this.state;
    return `${this.props.state.lastRequest} ${vendor} ${limit}`;
  }

  async ask() {
    const { vendor, limit } = this.state;
    const { requests } = await get(`/api/requests?limit=${limit}${vendor && `&vendor=${vendor}`}`);
    const times = requests.map((one) => clock(one.time_ns).time.slice(0, 8)).reverse();
    return { requests, times, data: plotData(requests) };
  }

  onKeyDown = (pressed) => {
    const { request, open } = this.props.state;
    if (pressed.key !== "Escape" || !request || open !== null) return;
    pressed.preventDefault();
    set({ request: null });
    document.querySelector(`[data-request="${request}"] button`)?.focus();
  };

  choice({ requests, kind, vendor }) {
    return html`<div class="row-of-buttons" role="group" aria-label="Which requests">
      ${Object.entries(TESTS).map(([name, [title, test]]) => html`
        <${Small} pressed=${kind === name} onClick=${() => this.setState({ kind: name })}>
          ${title} <b>${number(requests.filter(test).length)}</b><//>`)}
      <${VendorPick} vendor=${vendor} onChoose=${(name) => this.choose({ vendor: name })} />
    </div>`;
  }

  table(shown, current) {
    return html`<div class="scroll" tabindex="0" role="region" aria-label="Requests"><table class="log">
      <thead><tr>${HEADS.map(([head, kind]) => html`<th scope="col" class=${kind}>${head}</th>`)}</tr></thead>
      <tbody>${shown.map((request) => html`<${Line} key=${request.id} request=${request} current=${request.id === current} />`)}</tbody>
    </table></div>`;
  }

  render({ state }, { requests, data, error, kind, limit }) {
    if (!requests) return html`<p class="note" role="status">${error || "Loading…"}</p>`;
    if (!requests.length && !this.state.vendor) return html`<${NoRequests} />`;
    const shown = requests.filter(TESTS[kind][1]), details = state.request && state.open === null;
    const summary = summaryOf(requests), isCut = requests.length === limit;
    return html`<div class=${`requests-view ${details ? "with-details" : ""}`} onKeyDown=${this.onKeyDown}>
      <div class="list">
        <div class="heading"><h2>Requests</h2><p class="dim">${isCut ? "The last " : ""}${summary}</p></div>
        ${requests.length > 1 && html`<${Plot} label=${`Requests over time: ${summary}`} height=${150} data=${data}
          options=${this.plotOptions} />`}
        ${this.choice(this.state)}
        ${shown.length ? this.table(shown, state.request)
          : html`<p class="note">None. <${Small} onClick=${() => go("faults")}>Make some fail<//></p>`}
        ${isCut && limit < MOST && html`<${Small} onClick=${() => this.choose({ limit: MOST })}>Show the last ${number(MOST)}<//>`}
      </div>
      ${details && html`<${Details} key=${state.request} id=${state.request} />`}
    </div>`;
  }
}

function NoRequests() {
  return html`<div class="nothing"><h2>No request has arrived</h2>
    <p>Each request of a handler is a line here: how many events it carries, its size before and after compression, how it was answered,
      and whether it is a retry.</p>
    <p>Point an application at this server: <code>export CXLOGGING_URL=${location.origin}</code></p></div>`;
}
