// Failures to inject, and beside them what the application's handlers make of them.
import { Component, html } from "../app/html.js";
import { get, post } from "../app/api.js";
import { bytes, plural, safe } from "../app/format.js";
import { set } from "../app/store.js";
import { Ledgers } from "./ledgers.js";
import { IconButton, Small, View, vendorTitle } from "./parts.js";

const RETRY_AFTER = { name: "retry_after", label: "Retry-After, seconds", value: "2", text: true };
const WHEN = { before: "before anything is stored", after: "after the events are stored" };
const KINDS = {
  429: {
    title: "429", sub: "too many requests", fixed: { status: 429 }, inputs: [RETRY_AFTER],
    help: "A handler slows down, and waits as long as Retry-After says.",
  },
  503: {
    title: "503", sub: "unavailable", fixed: { status: 503 }, inputs: [{ ...RETRY_AFTER, value: "" }],
    help: "A handler keeps the batch, and sends it again after a growing pause.",
  },
  401: {
    title: "401", sub: "key refused", fixed: { status: 401 }, inputs: [],
    help: "A handler keeps everything, and tries again slowly until the key is accepted.",
  },
  413: {
    title: "413", sub: "body too large", inputs: [{ name: "max_body", label: "Largest body on the wire, bytes", value: "600", least: 0 }],
    help: "A handler halves the batch until it passes; each vendor answers in its own way.",
  },
  delay: {
    title: "Delay", sub: "slow answers", inputs: [{ name: "delay", label: "Seconds", value: "3", least: 0 }],
    help: "The server waits before it handles a request; log calls do not wait with it.",
  },
  reset: {
    title: "Reset", sub: "broken connection", inputs: [{ name: "reset", label: "When", value: "before", options: WHEN }],
    help: "The connection is reset. After storing, the handler cannot know, and sends the batch again.",
  },
  trickle: {
    title: "Trickle", sub: "answer byte by byte", inputs: [{ name: "trickle", label: "Seconds between bytes", value: "1", least: 0 }],
    help: "The answer comes one byte at a time, until the handler's timeout ends it.",
  },
};
const LENGTHS = { times: "requests", seconds: "seconds", forever: "until cleared" };
const WORDS = {
  status: (n) => `status ${n}`,
  retry_after: (text) => `Retry-After ${text}`,
  body: () => "an answer of its own",
  delay: (n) => `${n} s of delay`,
  reset: (when) => `connection reset ${when} storing`,
  trickle: (n) => `answer byte by byte, ${n} s apart`,
  max_body: (n) => `bodies above ${bytes(n)} are too large`,
  hang: () => "no answer",
  items: (list) => `items answered ${list.join(", ")}`,
  contains: (text) => `bodies that contain “${text}”`,
  compressed: () => "compressed bodies only",
};

// What a fault does, such as "status 503, Retry-After 2".
const describe = (fault) => Object.keys(WORDS).filter((name) => name in fault).map((name) => WORDS[name](fault[name])).join(", ");

function left({ times, seconds }) {
  const parts = [times && `${plural(times, "request")} left`, seconds && `${Math.ceil(seconds)} s left`];
  return parts.filter(Boolean).join(", ") || "until it is cleared";
}

function Options({ of }) {
  return Object.entries(of).map(([value, title]) => html`<option value=${value}>${title}</option>`);
}

class Form extends Component {
  state = { kind: "503", values: {}, vendor: "", length: "times", count: "3", error: "", said: "" };

  value({ name, value }) {
    return this.state.values[`${this.state.kind} ${name}`] ?? value;
  }

  fault() {
    const { kind, vendor, length, count } = this.state, fault = { ...KINDS[kind].fixed };
    for (const input of KINDS[kind].inputs) {
      const value = this.value(input);
      if (value) fault[input.name] = input.text || input.options ? value : Number(value);
    }
    if (vendor) fault.vendor = vendor;
    if (length !== "forever") fault[length] = Number(count);
    return fault;
  }

  add = async (submitted) => {
    submitted.preventDefault();
    try {
      const fault = this.fault();
      await post("/api/faults", fault);
      this.setState({ error: "", said: `Added: ${describe(fault)}` });
      this.props.onChange();
    } catch (error) {
      this.setState({ error: error.message, said: "" });
    }
  };

  on(name) {
    return ({ target }) => this.setState({ [name]: target.value, said: "" });
  }

  input(input) {
    const { name, label, options, text, least } = input, value = this.value(input);
    const change = ({ target }) => this.setState({ values: { ...this.state.values, [`${this.state.kind} ${name}`]: target.value }, said: "" });
    const kind = text ? { inputmode: "numeric" } : { type: "number", min: least, step: "any", required: true };
    return html`<label class="input">${label} ${options
      ? html`<select name=${name} value=${value} onChange=${change}><${Options} of=${options} /></select>`
      : html`<input name=${name} value=${value} onInput=${change} ...${kind} />`}</label>`;
  }

  length({ length, count }) {
    return html`<span class="input" role="group" aria-label="How long">For
      ${length !== "forever" && html`<label><span class="hidden-text">How many</span>
        <input name="count" type="number" min="1" max="86400" required value=${count} onInput=${this.on("count")} /></label>`}
      <label><span class="hidden-text">Of what</span>
        <select name="length" value=${length} onChange=${this.on("length")}><${Options} of=${LENGTHS} /></select></label>
    </span>`;
  }

  render({ vendors }, { kind, vendor, error, said }) {
    const names = { "": "all vendors", ...Object.fromEntries(vendors.map((one) => [one.name, one.title])) };
    return html`<form class="fault-form" onSubmit=${this.add}>
      <fieldset class="kinds"><legend>What goes wrong</legend>${Object.entries(KINDS).map(([name, { title, sub }]) => html`
        <label class="kind"><input type="radio" name="kind" value=${name} checked=${kind === name} onChange=${this.on("kind")} />
          <b>${title}</b><span>${sub}</span></label>`)}</fieldset>
      <p class="dim">${KINDS[kind].help}</p>
      <div class="inputs">
        ${KINDS[kind].inputs.map((one) => this.input(one))}
        <label class="input">Vendor <select name="vendor" value=${vendor} onChange=${this.on("vendor")}><${Options} of=${names} /></select></label>
        ${this.length(this.state)}
      </div>
      <div class="bar"><button type="submit" class="primary">Add fault</button> <span class="said" role="status">${safe(said)}</span></div>
      ${error && html`<p class="warning" role="alert">${safe(error)}</p>`}
    </form>`;
  }
}

function Active({ faults, onClear }) {
  return html`
    <div class="bar"><h3>Active</h3><span class="space"></span>
      ${faults.length > 0 && html`<${Small} onClick=${() => onClear({})}>Clear all<//>`}</div>
    ${!faults.length && html`<p class="note">No fault is active: requests are handled by the rules of their vendors.</p>`}
    <ul class="active-faults">${faults.map((fault) => html`<li key=${fault.id}>
      <b>${safe(describe(fault))}</b> <span>${fault.vendor ? safe(vendorTitle(fault.vendor)) : "all vendors"}</span>
      <span class="left">${left(fault)}</span>
      <${IconButton} name="close" label=${`Clear this fault: ${describe(fault)}`} onClick=${() => onClear({ id: fault.id })} /></li>`)}</ul>`;
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

  load = async () => {
    const { faults } = await get("/api/faults").catch(() => ({}));
    if (faults) set({ faults });
  };

  // One fault by its id, or all of them.
  clear = async (which) => {
    await post("/api/faults/clear", which).catch((error) => set({ notice: error.message }));
    this.load();
  };

  render({ state: { faults, reports, vendors } }) {
    return html`<div class="faults-view">
      <section class="inject" aria-labelledby="faults-title">
        <h2 id="faults-title">Faults</h2>
        <p class="dim">Make a vendor fail, and watch the application cope: no record should get lost, and no log call should wait.</p>
        <${Form} vendors=${vendors} onChange=${this.load} />
        <${Active} faults=${faults} onClear=${this.clear} />
      </section>
      <${Ledgers} reports=${reports} />
    </div>`;
  }
}
