// What a vendor would have refused: its answer, the rule in words, the offending item, and what to do.
import { Component, html } from "../app/html.js";
import { get } from "../app/api.js";
import { clock, plural, safe } from "../app/format.js";
import { closeEvent, go, set } from "../app/store.js";
import { LongText, vendorTitle } from "./parts.js";
import { Status } from "./requests.js";

const LIMIT = 100;

// Rules come from the local server, not from logs; other addresses than https are not linked all the same.
function Rule({ rule }) {
  return html`<div class="rule">
    <h4>The rule</h4><p>${safe(rule.text)} ${rule.link?.startsWith("https://") && html`<a href=${rule.link} target="_blank" rel="noreferrer noopener">${safe(new URL(rule.link).hostname)} documents it</a>`}</p>
    ${rule.fix && html`<h4>How to fix it</h4><p class="fix">${safe(rule.fix)}</p>`}
  </div>`;
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// Refused items that broke the same rule, in the order of the batch.
function byRule(items) {
  const found = new Map();
  for (const one of items) found.set(one.rule.text, [...(found.get(one.rule.text) ?? []), one]);
  return [...found.values()];
}

function Items({ items }) {
  return items.map(({ index, error, item }) => (item || index !== null) && html`
    <h4>${index === null ? "What was refused" : `Item ${index + 1} of the request`}${error && html`: <span class="bad">${safe(error)}</span>`}</h4>
    ${item && html`<pre class="bytes" tabindex="0"><${LongText} text=${indented(item)} most=${1600} /></pre>`}`);
}

function Refusal({ refusal }) {
  const { id, vendor, status, error, answer, method, path } = refusal;
  const openRequest = () => {
    set({ request: id });
    closeEvent();
    go("requests");
  };
  return html`<li class="refusal" data-request=${id} data-vendor=${vendor}>
    <div class="bar"><${Status} status=${status} /> <h3>${safe(vendorTitle(vendor))}</h3> <code class="dim">${safe(`${method} ${path}`)}</code><span class="space"></span>
      <time class="dim" title=${clock(refusal.time_ns).utc}>${clock(refusal.time_ns).local}</time>
      <button type="button" class="small" onClick=${openRequest}>Request ${id}</button></div>
    <p class="why">${safe(error)}</p>
    ${byRule(refusal.items).map((items) => html`<${Rule} rule=${items[0].rule} /><${Items} items=${items} />`)}
    ${answer && html`<h4>The vendor's answer</h4><pre class="bytes" tabindex="0"><${LongText} text=${answer} most=${1200} /></pre>`}
  </li>`;
}

function Nothing({ titles }) {
  return html`<div class="nothing"><h3>Nothing was refused</h3>
    <p>This server checks each request by the rules of ${titles || "the vendors"}: authentication, content types, sizes, required fields, times and levels.
      What a vendor would refuse is listed here, with</p>
    <ul><li>the vendor's own answer, byte for byte,</li><li>the rule in words, with a link to the document that it comes from,</li>
      <li>the item that broke it, and</li><li>what to change in the application or its configuration.</li></ul>
    <p>To see one, send a request without a key:</p>
    <pre class="bytes">curl -i -H 'Content-Type: application/json' -d '[{"message": "hello"}]' ${location.origin}/</pre></div>`;
}

export class Rejected extends Component {
  constructor(props) {
    super(props);
    this.state = { rejected: null, error: "", vendor: "", limit: LIMIT };
  }

  componentDidMount() {
    this.load();
  }

  componentDidUpdate() {
    if (this.key() !== this.seen) this.load();
  }

  componentWillUnmount() {
    this.gone = true;
  }

  key() {
    const { vendor, limit } = this.state;
    return `${this.props.state.lastRequest} ${this.props.state.rejected} ${vendor} ${limit}`;
  }

  async load() {
    if (this.loading) return;
    this.loading = true;
    this.seen = this.key();
    const { vendor, limit } = this.state;
    try {
      const { rejected } = await get(`/api/rejected?limit=${limit}${vendor && `&vendor=${vendor}`}`);
      if (!this.gone) this.setState({ rejected, error: "" });
    } catch (error) {
      if (!this.gone) this.setState({ error: error.message });
    }
    setTimeout(() => {
      this.loading = false;
      if (!this.gone) this.componentDidUpdate();
    }, 200);
  }

  render({ state }, { rejected, error, vendor, limit }) {
    if (!rejected) return html`<p class="note" role="status">${error || "Loading…"}</p>`;
    return html`<div class="rejected-view">
      <div class="heading"><h2>Rejected</h2><p class="dim">${rejected.length ? `${plural(rejected.length, "refusal")}, the newest first` : ""}</p>
        <label class="pick"><span class="hidden-text">Vendor</span><select value=${vendor} onChange=${({ target }) => this.setState({ vendor: target.value })}>
          <option value="">All vendors</option>${state.vendors.map((one) => html`<option value=${one.name}>${one.title}</option>`)}</select></label></div>
      ${rejected.length ? html`<ol class="refusals">${rejected.map((one) => html`<${Refusal} key=${one.id} refusal=${one} />`)}</ol>`
        : html`<${Nothing} titles=${state.vendors.map(({ title }) => title).join(", ")} />`}
      ${rejected.length === limit && html`<button type="button" class="small" onClick=${() => this.setState({ limit: limit * 5 })}>Show more</button>`}
    </div>`;
  }
}
