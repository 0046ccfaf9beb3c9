// Asks before everything is deleted, and says what that is.
import { get, post } from "./api.js";
import { Dialog } from "./dialog.js";
import { plural } from "./format.js";
import { stored } from "./header.js";
import { Component, html } from "./html.js";
import { set } from "./store.js";

const close = () => set({ clearing: false });

export class ClearDialog extends Component {
  state = { counts: null, requests: {}, busy: false, error: "" };

  async componentDidMount() {
    try {
      const { counts, requests } = await get("/api/counts");
      this.setState({ counts, requests });
    } catch (error) {
      this.setState({ error: error.message });
    }
  }

  clear = async () => {
    this.setState({ busy: true, error: "" });
    try {
      await post("/api/clear", { what: "all" });
      close();
    } catch (error) {
      this.setState({ busy: false, error: error.message });
    }
  };

  render({ state: { vendors } }, { counts, requests, busy, error }) {
    const title = (name) => vendors.find((vendor) => vendor.name === name)?.title ?? name;
    const names = counts === null ? [] : [...new Set([...Object.keys(counts), ...Object.keys(requests)])]
      .filter((name) => counts[name] || requests[name]);
    const what = counts && `${plural(stored(counts), "event")} and ${plural(stored(requests), "request")}`;
    return html`
      <${Dialog} title="Clear" name="clear" onClose=${close}>
        ${counts === null ? html`<p>${error ? "" : "Counting…"}</p>` : html`
          <p>This deletes <b>${what}</b>, whatever is filtered. It cannot be undone.</p>
          ${names.length > 0 && html`<ul>${names.map((name) => html`<li key=${name}>${title(name)}:
            ${" "}${plural(counts[name] ?? 0, "event")}, ${plural(requests[name] ?? 0, "request")}</li>`)}</ul>`}
          <p>Faults stay. <a href="/api/export" download>Export the events</a> to keep them.</p>`}
        ${error && html`<p role="alert" class="failed">${error}</p>`}
        <div class="buttons">
          <button type="button" autofocus onClick=${close}>Cancel</button>
          <button type="button" class="danger" disabled=${busy || !counts} onClick=${this.clear}>Delete ${what}</button>
        </div>
      <//>`;
  }
}
