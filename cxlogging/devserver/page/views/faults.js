// Failures to inject, and beside them what the application's handlers make of them.
import { Component, html } from "../app/html.js";
import { get, post } from "../app/api.js";
import { bytes, plural, safe } from "../app/format.js";
import { set } from "../app/store.js";
import { Ledgers } from "./ledgers.js";
import { View, vendorTitle } from "./parts.js";

const RETRY_AFTER = { name: "retry_after", label: "Retry-After, seconds", value: "2", text: true, optional: true };
const KINDS = {
  429: { title: "429", sub: "too many requests", help: "A handler slows down, and waits as long as Retry-After says.", fixed: { status: 429 }, inputs: [RETRY_AFTER] },
  503: { title: "503", sub: "unavailable", help: "A handler keeps the batch, and sends it again after a growing pause.", fixed: { status: 503 }, inputs: [{ ...RETRY_AFTER, value: "" }] },
  401: { title: "401", sub: "key refused", help: "A handler keeps everything, and tries again slowly until the key works.", fixed: { status: 401 }, inputs: [] },
  413: { title: "413", sub: "body too large", help: "A handler halves the batch. Smaller bodies pass; each vendor answers in its own way.", fixed: {}, inputs: [{ name: "max_body", label: "Largest body on the wire, bytes", value: "600", least: 0 }] },
  delay: { title: "Delay", sub: "slow answers", help: "The server waits before it handles a request: log calls must not.", fixed: {}, inputs: [{ name: "delay", label: "Seconds", value: "3", least: 0 }] },
  reset: { title: "Reset", sub: "broken connection", help: "The connection is reset. After storing, a retry makes duplicates: there was no answer.", fixed: {}, inputs: [{ name: "reset", label: "When", value: "before", options: { before: "before anything is stored", after: "after the events are stored" } }] },
  trickle: { title: "Trickle", sub: "answer byte by byte", help: "The answer comes one byte at a time, until the handler's deadline ends it.", fixed: {}, inputs: [{ name: "trickle", label: "Seconds between bytes", value: "1", least: 0 }] },
};
const LENGTHS = { times: "requests", seconds: "seconds", forever: "until cleared" };

// "503, Retry-After 2" from the attributes of a fault.
export function describe(fault) {
  const words = {
    status: (n) => `status ${n}`, retry_after: (text) => `Retry-After ${text}`, delay: (n) => `${n} s of delay`, reset: (when) => `connection reset ${when} storing`,
    trickle: (n) => `answer byte by byte, ${n} s apart`, max_body: (n) => `bodies above ${bytes(n)} are too large`, hang: () => "no answer", compressed: () => "compressed bodies only",
    contains: (text) => `bodies that contain “${text}”`, items: (list) => `items answered ${list.join(", ")}`, body: () => "an answer of its own",
  };
  return Object.keys(words).filter((name) => name in fault).map((name) => words[name](fault[name])).join(", ");
}

function left(fault) {
  const parts = [];
  if (fault.times) parts.push(`${plural(fault.times, "request")} left`);
  if (fault.seconds) parts.push(`${Math.ceil(fault.seconds)} s left`);
  return parts.join(", ") || "until it is cleared";
}

class Form extends Component {
  constructor(props) {
    super(props);
    this.state = { kind: "503", values: {}, vendor: "", length: "times", count: "3", error: "", said: "" };
  }

  fault() {
    const { kind, values, vendor, length, count } = this.state, fault = { ...KINDS[kind].fixed };
    for (const { name, value, text, options, optional } of KINDS[kind].inputs) {
      const given = values[`${kind} ${name}`] ?? value;
      if (given || !optional) fault[name] = text || options ? given : Number(given);
    }
    if (vendor) fault.vendor = vendor;
    if (length !== "forever") fault[length] = Number(count);
    return fault;
  }

  async add(submitted) {
    submitted.preventDefault();
    try {
      const fault = this.fault();
      await post("/api/faults", fault);
      this.setState({ error: "", said: `Added: ${describe(fault)}` });
      this.props.onChange();
    } catch (error) {
      this.setState({ error: error.message, said: "" });
    }
  }

  input({ name, label, value, options, text, least }) {
    const key = `${this.state.kind} ${name}`, held = this.state.values[key] ?? value;
    const change = ({ target }) => this.setState({ values: { ...this.state.values, [key]: target.value } });
    return html`<label class="input">${label} ${options
      ? html`<select name=${name} value=${held} onChange=${change}>${Object.entries(options).map(([one, title]) => html`<option value=${one}>${title}</option>`)}</select>`
      : html`<input name=${name} value=${held} onInput=${change} size="8" required=${!text} ...${text ? { inputmode: "numeric" } : { type: "number", min: least, step: "any" }} />`}</label>`;
  }

  render({ vendors }, { kind, vendor, length, count, error, said }) {
    const on = (name) => ({ target }) => this.setState({ [name]: target.value });
    return html`<form class="fault-form" onSubmit=${(submitted) => this.add(submitted)}>
      <fieldset class="kinds"><legend>What goes wrong</legend>${Object.entries(KINDS).map(([name, { title, sub }]) => html`
        <label class="kind"><input type="radio" name="kind" value=${name} checked=${kind === name} onChange=${on("kind")} /><b>${title}</b><span>${sub}</span></label>`)}</fieldset>
      <p class="dim">${KINDS[kind].help}</p>
      <div class="inputs">${KINDS[kind].inputs.map((one) => this.input(one))}
        <label class="input">For <select name="vendor" value=${vendor} onChange=${on("vendor")}><option value="">all vendors</option>
          ${vendors.map((one) => html`<option value=${one.name}>${one.title}</option>`)}</select></label>
        <span class="input" role="group" aria-label="How long">${length !== "forever" && html`<label><span class="hidden-text">How many</span>
          <input name="count" type="number" min="1" max="86400" required value=${count} onInput=${on("count")} size="5" /></label>`}
          <label><span class="hidden-text">Of what</span><select name="length" value=${length} onChange=${on("length")}>${Object.entries(LENGTHS).map(([one, title]) => html`<option value=${one}>${title}</option>`)}</select></label></span>
      </div>
      <div class="bar"><button type="submit" class="primary">Add fault</button><span class="said" role="status">${safe(said)}</span></div>
      ${error && html`<p class="warning" role="alert">${safe(error)}</p>`}
    </form>`;
  }
}

export class Faults extends View {
  uses = ["faults", "reports", "vendors"];

  componentDidMount() {
    this.load();
    this.timer = setInterval(() => this.props.state.faults.some(({ seconds }) => seconds) && this.load(), 1000);
  }

  componentWillUnmount() {
    clearInterval(this.timer);
  }

  async load() {
    const { faults } = await get("/api/faults").catch(() => ({}));
    if (faults) set({ faults });
  }

  async clear() {
    await post("/api/faults/clear").catch((error) => set({ notice: error.message }));
    this.load();
  }

  render({ state }) {
    return html`<div class="faults-view">
      <section class="inject" aria-labelledby="faults-title">
        <h2 id="faults-title">Faults</h2>
        <p class="dim">Make a vendor fail, and watch the application cope: nothing that it logged should get lost, and no log call should wait.</p>
        <${Form} vendors=${state.vendors} onChange=${() => this.load()} />
        <div class="bar"><h3>Active</h3><span class="space"></span>${state.faults.length > 0 && html`<button type="button" class="small" onClick=${() => this.clear()}>Clear all</button>`}</div>
        ${state.faults.length ? html`<ul class="active-faults">${state.faults.map((fault) => html`<li>
            <b>${safe(describe(fault))}</b> <span>${fault.vendor ? vendorTitle(fault.vendor) : "all vendors"}</span>
            <span class="left">${left(fault)}</span></li>`)}</ul>`
          : html`<p class="note">No fault is active: each request is handled by the vendor's rules.</p>`}
      </section>
      <${Ledgers} reports=${state.reports} />
    </div>`;
  }
}
