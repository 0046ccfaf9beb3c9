// The ledgers that applications report: how each handler's queue fills and drains.
import { Component, html } from "../app/html.js";
import { bytes, number, safe } from "../app/format.js";
import { CopyIcon } from "./copy.js";
import { vendorTitle } from "./parts.js";

const SAMPLES = 120, INTERVAL = 500, WIDTH = 240, HEIGHT = 44; // a minute
const COUNTS = {
  accepted: "Accepted", delivered: "Delivered", retries: "Retries", pending: "Pending", spooled: "On disk", rejected: "Rejected", dropped: "Dropped",
};
const LOSSES = new Set(["rejected", "dropped"]);
const TROUBLED = new Set(["retrying", "holding", "off"]);
const LINE = "cxlogging.report_stats()", VARIABLE = "CXLOGGING_REPORT_STATS=1";

// The waiting records over time, as high as their peak.
function Curve({ samples }) {
  const peak = Math.max(...samples, 1), step = WIDTH / (SAMPLES - 1), start = SAMPLES - samples.length;
  const points = samples.map((n, at) => `${((start + at) * step).toFixed(1)},${(HEIGHT - 2 - (n / peak) * (HEIGHT - 4)).toFixed(1)}`);
  return html`<svg class="curve" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
    <polygon points=${`${(start * step).toFixed(1)},${HEIGHT} ${points.join(" ")} ${WIDTH},${HEIGHT}`} />
    <polyline points=${points.join(" ")} />
  </svg>`;
}

function Queue({ handler: { name, queue_records: waiting, queue_bytes: held, queue_limit: limit }, samples }) {
  const percent = limit ? Math.min(held / limit, 1) * 100 : 0;
  return html`
    <${Curve} samples=${samples} />
    <div class="meter" role="meter" aria-label=${`Queue of ${safe(name)}`} aria-valuemin="0" aria-valuemax="100"
      aria-valuenow=${Math.round(percent)} aria-valuetext=${`${number(waiting)} records, ${bytes(held)}`}>
      <span style=${{ width: `${waiting ? Math.max(percent, 1) : 0}%` }}></span></div>
    <p class="queue"><b class="waiting">${number(waiting)}</b> waiting, ${bytes(held)}${limit ? ` of ${bytes(limit)}` : ""}
      <span class="dim">${` at most ${number(Math.max(...samples))} in the last minute`}</span></p>`;
}

function Ledger({ handler, samples }) {
  const { name, vendor, stats } = handler, isTroubled = TROUBLED.has(stats.state);
  return html`<li class="ledger" data-vendor=${vendor}>
    <div class="bar">
      <h4>${safe(name)}</h4><span class="dim">${safe(vendorTitle(vendor))}</span>
      <span class="space"></span><span class=${`state ${safe(stats.state)}`}>${safe(stats.state)}</span>
    </div>
    <${Queue} handler=${handler} samples=${samples} />
    <dl class="counts">${Object.entries(COUNTS).filter(([key]) => key in stats).map(([key, title]) => html`
      <div class=${LOSSES.has(key) && stats[key] ? "loss" : ""} data-count=${key}><dt>${title}</dt><dd>${number(stats[key])}</dd></div>`)}</dl>
    ${stats.last_error && html`<p class=${isTroubled ? "why" : "dim"}>${isTroubled ? "" : "Earlier: "}${safe(stats.last_error)}</p>`}
  </li>`;
}

function HowTo() {
  return html`<div class="nothing"><h3>No application reports its statistics</h3>
    <p>Add one line where the application configures logging, and its queues appear here while they fill and drain:</p>
    <p class="bar"><code>${LINE}</code> <${CopyIcon} label="Copy the lines" text=${`import cxlogging\n\n${LINE}\n`} /></p>
    <p>Or set <code>${VARIABLE}</code>. It reports once a second to <code>CXLOGGING_URL</code>, if that is on this machine: counts
      alone, no records.</p></div>`;
}

export class Ledgers extends Component {
  history = new Map(); // by process and handler: the number of waiting records, oldest first

  shouldComponentUpdate({ reports }) {
    return reports !== this.props.reports;
  }

  componentDidMount() {
    this.timer = setInterval(() => this.sample(), INTERVAL);
  }

  componentWillUnmount() {
    clearInterval(this.timer);
  }

  sample() {
    const found = new Map();
    for (const { process, handlers } of this.props.reports) {
      handlers.forEach(({ queue_records: waiting }, at) => {
        const key = `${at} ${process}`;
        found.set(key, [...(this.history.get(key) ?? []), waiting].slice(-SAMPLES));
      });
    }
    this.history = found;
    this.forceUpdate();
  }

  render({ reports }) {
    return html`<section class="ledgers" aria-labelledby="ledgers-title">
      <h2 id="ledgers-title">Handlers</h2>
      <p class="dim">What the handlers of applications hold, and what became of the records.</p>
      ${!reports.length && html`<${HowTo} />`}
      ${reports.map(({ process, handlers }) => html`<section key=${process}>
        <h3>${safe(process)}</h3>
        <ul>${handlers.map((handler, at) => html`
          <${Ledger} key=${at} handler=${handler} samples=${this.history.get(`${at} ${process}`) ?? [handler.queue_records]} />`)}</ul>
      </section>`)}
    </section>`;
  }
}
