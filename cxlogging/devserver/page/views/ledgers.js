// The ledgers that applications report: how each handler's queue fills and drains.
import { Component, html } from "../app/html.js";
import { bytes, number, safe } from "../app/format.js";
import { copyText } from "./copy.js";
import { vendorTitle } from "./parts.js";

const SAMPLES = 120, INTERVAL = 500, WIDTH = 240, HEIGHT = 44;
const COUNTS = { accepted: "Accepted", delivered: "Delivered", retries: "Retries", pending: "Pending", spooled: "On disk", rejected: "Rejected", dropped: "Dropped" };
const LOSSES = new Set(["rejected", "dropped"]);
const history = new Map(); // by process and handler: the number of waiting records, oldest first
const LINE = "cxlogging.report_stats()", VARIABLE = "CXLOGGING_REPORT_STATS=1";

// The waiting records over time, as high as their peak.
function Curve({ samples }) {
  const peak = Math.max(...samples, 1), step = WIDTH / (SAMPLES - 1), start = SAMPLES - samples.length;
  const points = samples.map((n, at) => `${((start + at) * step).toFixed(1)},${(HEIGHT - 2 - (n / peak) * (HEIGHT - 4)).toFixed(1)}`);
  const first = (start * step).toFixed(1);
  return html`<svg class="curve" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
    <polygon points=${`${first},${HEIGHT} ${points.join(" ")} ${WIDTH},${HEIGHT}`} /><polyline points=${points.join(" ")} />
  </svg>`;
}

function Handler({ handler, samples }) {
  const { name, vendor, stats, queue_records: waiting, queue_bytes: held, queue_limit: limit } = handler;
  const share = limit ? Math.min(held / limit, 1) : 0, percent = share * 100;
  return html`<li class="ledger" data-handler=${name} data-vendor=${vendor}>
    <div class="bar"><h4>${safe(name)}</h4><span class="dim">${safe(vendorTitle(vendor))}</span><span class="space"></span><span class=${`state ${stats.state}`}>${safe(stats.state ?? "")}</span></div>
    <${Curve} samples=${samples} />
    <div class="meter" role="meter" aria-label=${`Queue of ${name}`} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(percent)}
      aria-valuetext=${`${number(waiting)} records, ${bytes(held)}`}><span style=${{ width: `${waiting ? Math.max(percent, 1) : 0}%` }}></span></div>
    <p class="queue"><b class="waiting">${number(waiting)}</b> waiting, ${bytes(held)}${limit ? ` of ${bytes(limit)}` : ""} <span class="dim">at most ${number(Math.max(...samples))} in the last minute</span></p>
    <dl class="counts">${Object.entries(COUNTS).filter(([key]) => key in stats).map(([key, title]) => html`<div class=${LOSSES.has(key) && stats[key] ? "loss" : ""} data-count=${key}>
      <dt>${title}</dt><dd>${number(stats[key])}</dd></div>`)}</dl>
    ${stats.last_error && html`<p class="why">${safe(stats.last_error)}</p>`}
  </li>`;
}

function HowTo() {
  return html`<div class="nothing"><h3>No application reports its statistics</h3>
    <p>Add one line where the application configures logging, and its queues appear here while they fill and drain:</p>
    <p class="bar"><code>${LINE}</code><button type="button" class="small" onClick=${() => copyText(`import cxlogging\n\n${LINE}\n`)}>Copy</button></p>
    <p>or set <code>${VARIABLE}</code>. It reports to <code>CXLOGGING_URL</code>, if that is on this machine; only counts are sent, never records.</p></div>`;
}

export class Ledgers extends Component {
  componentDidMount() {
    this.sample();
    this.timer = setInterval(() => this.sample(), INTERVAL);
  }

  componentWillUnmount() {
    clearInterval(this.timer);
    history.clear();
  }

  sample() {
    const current = new Map();
    for (const { process, handlers } of this.props.reports) {
      for (const { name, queue_records: waiting } of handlers) {
        const key = `${process} ${name}`;
        current.set(key, [...(history.get(key) ?? []), waiting].slice(-SAMPLES));
      }
    }
    history.clear();
    for (const [key, samples] of current) history.set(key, samples);
    this.forceUpdate();
  }

  render({ reports }) {
    return html`<section class="ledgers" aria-labelledby="ledgers-title">
      <h2 id="ledgers-title">Handlers</h2>
      <p class="dim">What the applications' handlers hold and have delivered.</p>
      ${reports.length ? reports.map(({ process, handlers }) => html`<section key=${process}>
          <h3>${safe(String(process))}</h3>
          <ul>${handlers.map((handler) => html`<${Handler} key=${handler.name} handler=${handler} samples=${history.get(`${process} ${handler.name}`) ?? [handler.queue_records]} />`)}</ul>
        </section>`) : html`<${HowTo} />`}
    </section>`;
  }
}
