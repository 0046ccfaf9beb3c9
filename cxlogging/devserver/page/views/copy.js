// Copying to the clipboard: of single values, and of an event in several forms.
import { Component, html } from "../app/html.js";
import { IconButton } from "./parts.js";

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

function link(id) {
  return `${location.origin}${location.pathname}?event=${id}`;
}

// By label what is copied; `copies` are the texts that the server makes.
function forms({ event, copies = {} }) {
  const { traces, ...whole } = event;
  return {
    JSON: { text: JSON.stringify(whole, null, 2), help: "the event as JSON" },
    curl: { text: copies.curl, help: "a curl command that sends this event again" },
    Python: { text: copies.python, help: "a logging call that makes this record" },
    DataPrime: { text: copies.dataprime, help: "a query that finds this event" },
  };
}

export class CopyButtons extends Component {
  async copy(label, text) {
    const done = await copyText(text);
    this.setState({ said: done ? `Copied ${label}` : "The browser did not allow it" });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.setState({ said: "" }), 2500);
  }

  componentWillUnmount() {
    clearTimeout(this.timer);
  }

  render({ answer }, { said = "" }) {
    return html`<div class="copy" role="group" aria-label="Copy this event as">
      <span class="dim">Copy</span>
      ${Object.entries(forms(answer)).map(([label, { text, help }]) => text && html`
        <button type="button" class="small" title=${`Copy ${help}`} onClick=${() => this.copy(label, text)}>${label}</button>`)}
      <${IconButton} name="link" label="Copy a link to this event" onClick=${() => this.copy("the link", link(answer.event.id))} />
      <span class="said" role="status">${said}</span>
    </div>`;
  }
}
