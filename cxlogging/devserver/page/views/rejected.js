// What a vendor would have refused: its answer, the rule in words, the offending item, and what to do.
import { html } from "../app/html.js";
import { get } from "../app/api.js";
import { clock, plural, safe } from "../app/format.js";
import { closeEvent, go, set } from "../app/store.js";
import { LoadingView, LongText, Small, Status, VendorPick, vendorTitle } from "./parts.js";

const LIMIT = 100;
const ITEM = 1600; // characters that are shown at first

// Rules come from the local server, not from logs; all the same, only addresses of https are links.
function Rule({ rule: { text, link, fix } }) {
  return html`<div class="rule">
    <h4>The rule</h4>
    <p>${safe(text)} ${link?.startsWith("https://") && html`
      <a href=${link} target="_blank" rel="noreferrer noopener">${safe(new URL(link).hostname)}</a>`}</p>
    ${fix && html`<h4>How to fix it</h4><p class="fix">${safe(fix)}</p>`}
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

function Item({ index, error, item }) {
  if (!item && index === null) return null;
  return html`
    <h4>${index === null ? "What was refused" : `Item ${index + 1} of the request`}${error && html`: <span class="bad">${safe(error)}</span>`}</h4>
    ${item && html`<pre class="bytes" tabindex="0"><${LongText} text=${indented(item)} most=${ITEM} /></pre>`}`;
}

function Refusal({ refusal: { id, vendor, status, error, answer, method, path, items, time_ns: time } }) {
  const openRequest = () => {
    set({ request: id });
    closeEvent();
    go("requests");
  };
  return html`<li class="refusal" data-request=${id} data-vendor=${vendor}>
    <div class="bar">
      <${Status} request=${{ status, error }} /> <h3>${safe(vendorTitle(vendor))}</h3> <code class="dim">${safe(`${method} ${path}`)}</code>
      <span class="space"></span>
      <time class="dim" title=${clock(time).utc}>${clock(time).local}</time> <${Small} onClick=${openRequest}>Request ${id}<//>
    </div>
    <p class="why">${safe(error)}</p>
    ${byRule(items).map((broken) => html`<${Rule} rule=${broken[0].rule} />${broken.map((one) => html`<${Item} ...${one} />`)}`)}
    ${answer && html`<h4>The vendor's answer</h4><pre class="bytes" tabindex="0"><${LongText} text=${answer} most=${ITEM} /></pre>`}
  </li>`;
}

function Nothing({ vendors }) {
  return html`<div class="nothing"><h2>Nothing was refused</h2>
    <p>This server checks each request by the rules of ${vendors.map(({ title }) => title).join(", ")}: keys, content types, sizes,
      required fields, times and levels. What a vendor would refuse is listed here, with</p>
    <ul>
      <li>the vendor's own answer,</li><li>the rule in words, with a link to the document that it comes from,</li>
      <li>the item that broke it, and</li><li>what to change in the application or its configuration.</li>
    </ul>
    <p>To see one, send a request without a key:</p>
    <pre class="bytes">curl -i -H 'Content-Type: application/json' -d '[{"message": "hello"}]' ${location.origin}/</pre></div>`;
}

export class Rejected extends LoadingView {
  uses = ["lastRequest", "rejected", "vendors"];
  state = { rejected: null, error: "", vendor: "", limit: LIMIT };

  key() {
    const { vendor, limit } = this.state;
    return `${this.props.state.lastRequest} ${this.props.state.rejected} ${vendor} ${limit}`;
  }

  async ask() {
    const { vendor, limit } = this.state;
    const { rejected } = await get(`/api/rejected?limit=${limit}${vendor && `&vendor=${vendor}`}`);
    return { rejected };
  }

  render({ state }, { rejected, error, vendor, limit }) {
    if (!rejected) return html`<p class="note" role="status">${error || "Loading…"}</p>`;
    if (!rejected.length && !vendor) return html`<${Nothing} vendors=${state.vendors} />`;
    return html`<div class="rejected-view">
      <div class="heading"><h2>Rejected</h2><p class="dim">${plural(rejected.length, "refused request")}, the newest first</p>
        <${VendorPick} vendor=${vendor} onChoose=${(name) => this.choose({ vendor: name })} /></div>
      <ol class="refusals">${rejected.map((one) => html`<${Refusal} key=${one.id} refusal=${one} />`)}</ol>
      ${rejected.length === limit && html`<${Small} onClick=${() => this.choose({ limit: limit * 5 })}>Show more<//>`}
    </div>`;
  }
}
