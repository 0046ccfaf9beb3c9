// Copying to the clipboard: of single values, and of an event in several forms.
import { Component, html } from "../app/html.js";
import { IconButton, Small } from "./parts.js";

// A page that is not on loopback has no clipboard of its own: there a selected text is copied.
function copySelected(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "hidden-text";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

// Copies the text, and returns whether the browser allowed it.
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

// A button that copies one value, and says for a moment that it did.
export class CopyIcon extends Component {
  copy = async () => {
    const done = await copyText(this.props.text);
    this.setState({ done });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.setState({ done: false }), 1500);
  };

  componentWillUnmount() {
    clearTimeout(this.timer);
  }

  render({ label }, { done }) {
    return html`<${IconButton} name=${done ? "done" : "copy"} label=${done ? "Copied" : label} onClick=${this.copy} />`;
  }
}

function link(id) {
  return `${location.origin}${location.pathname}?event=${id}`;
}

// By label what is copied; `copies` are the texts that the server makes.
function forms({ event, copies = {} }) {
  const { traces, ...whole } = event;
  return {
    JSON: { read: () => JSON.stringify(whole, null, 2), help: "the event as JSON" },
    curl: { read: () => copies.curl, help: "a curl command that sends this event again" },
    Python: { read: () => copies.python, help: "a logging call that makes this record" },
    DataPrime: { read: () => copies.dataprime, help: "a query that finds this event" },
  };
}

export class CopyButtons extends Component {
  async copy(label, text) {
    const done = Boolean(text) && await copyText(text);
    this.setState({ said: done ? `Copied ${label}` : text ? "The browser did not allow it" : "The event is nested too deeply" });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.setState({ said: "" }), 2500);
  }

  componentWillUnmount() {
    clearTimeout(this.timer);
  }

  render({ answer }, { said = "" }) {
    return html`<div class="copy" role="group" aria-label="Copy this event as">
      <span class="dim">Copy</span>
      ${Object.entries(forms(answer)).map(([label, { read, help }]) => html`
        <${Small} title=${`Copy ${help}`} onClick=${() => this.copy(label, read())}>${label}<//>`)}
      <${IconButton} name="link" label="Copy a link to this event" onClick=${() => this.copy("the link", link(answer.event.id))} />
      <span class="said" role="status">${said}</span>
    </div>`;
  }
}
