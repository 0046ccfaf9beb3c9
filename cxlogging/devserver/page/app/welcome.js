// Nothing has arrived yet: the lines that send the first event here.
import { plural } from "./format.js";
import { Component, html } from "./html.js";
import { post } from "./api.js";

class Lines extends Component {
  copy = async () => {
    await navigator.clipboard.writeText(this.props.text);
    this.setState({ copied: true });
  };

  render({ text }, { copied }) {
    return html`<div class="lines"><pre tabindex="0">${text}</pre>
      <button type="button" onClick=${this.copy}>${copied ? "Copied" : "Copy"}</button></div>`;
  }
}

const program = ({ example }) => `import logging, cxlogging
handler = ${example}
logging.getLogger().addHandler(handler)
logging.warning("the first event", extra={"user": {"id": 7}})
handler.flush(timeout=5)`;

export class Welcome extends Component {
  state = { vendor: null, said: "" };

  load = async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    try {
      const { imported } = await post("/api/import", file);
      this.setState({ said: `${plural(imported, "event")} imported` });
    } catch (error) {
      this.setState({ said: error.message });
    }
  };

  render({ state: { vendors } }, { vendor, said }) {
    const chosen = vendors.find(({ name }) => name === vendor) ?? vendors[0];
    return html`
      <section class="page welcome" aria-label="Events"><div>
        <h2>Nothing has arrived yet</h2>
        <p>This server takes what applications send to ${vendors.map(({ title }) => title).join(", ")}. Point one here:</p>
        <${Lines} text=${`export CXLOGGING_URL=${location.origin}`} />
        ${chosen && html`
          <p>Or, in that shell, a program of five lines:</p>
          <div class="choice" role="group" aria-label="Vendor">${vendors.map(({ name, title }) =>
            html`<button type="button" key=${name} aria-pressed=${String(name === chosen.name)} onClick=${() => this.setState({ vendor: name })}>${title}</button>`)}</div>
          <${Lines} key=${chosen.name} text=${program(chosen)} />`}
        <p><label>Or import what was exported: <input type="file" accept=".jsonl,.gz,.json" onChange=${this.load} /></label></p>
        <p role="status">${said}</p>
      </div></section>`;
  }
}
