// One event in full, at the right of the page.
import { Component, createRef, html } from "../app/html.js";
import { get } from "../app/api.js";
import { clock, safe } from "../app/format.js";
import { closeEvent, go, openEvent, set, state, subscribe } from "../app/store.js";
import { CopyButtons } from "./copy.js";
import { Fields } from "./fields.js";
import { IconButton, View } from "./parts.js";
import { Related, count } from "./related.js";
import { Traceback } from "./traceback.js";
import { Wire } from "./wire.js";

let byKeyboard = true; // how the last thing was done
addEventListener("keydown", () => byKeyboard = true, true);
addEventListener("pointerdown", () => byKeyboard = false, true);

function openRequest(id) {
  set({ request: id });
  closeEvent();
  go("requests");
}

const TABS = {
  fields: { title: "Fields", view: ({ answer, columns }) => html`<${Fields} event=${answer.event} columns=${columns} />` },
  traceback: {
    title: "Traceback",
    there: ({ event }) => event.traces.length > 0,
    view: ({ answer }) => html`<${Traceback} traces=${answer.event.traces} />`,
  },
  wire: { title: "Wire", view: ({ answer }) => html`<${Wire} answer=${answer} onRequest=${openRequest} />` },
  related: { title: "Related", badge: count, view: ({ answer }) => html`<${Related} answer=${answer} />` },
};

function Tabs({ names, current, answer, onChoose }) {
  const move = (pressed) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[pressed.key], at = names.indexOf(current);
    const to = pressed.key === "Home" ? 0 : pressed.key === "End" ? names.length - 1 : step ? (at + step + names.length) % names.length : -1;
    if (to < 0) return;
    pressed.preventDefault();
    pressed.stopPropagation();
    onChoose(names[to]);
    document.getElementById(`drawer-tab-${names[to]}`).focus();
  };
  return html`<div class="tabs" role="tablist" aria-label="Parts of the event" onKeyDown=${move}>
    ${names.map((name) => html`<button type="button" role="tab" id=${`drawer-tab-${name}`} aria-controls="drawer-panel"
      aria-selected=${name === current} tabindex=${name === current ? 0 : -1} onClick=${() => onChoose(name)}>
      ${TABS[name].title}${TABS[name].badge?.(answer) ? html` <b>${TABS[name].badge(answer)}</b>` : null}
    </button>`)}
  </div>`;
}

// The place of an event in the list, which is in the order of arrival; -1 where it is not there.
function placeOf(id, rows) {
  let low = 0, high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].id < id) low = middle + 1;
    else high = middle;
  }
  return rows[low]?.id === id ? low : -1;
}

// To the neighbours in the list, which changes while events arrive.
class Steps extends Component {
  componentDidMount() {
    this.unsubscribe = subscribe(() => this.forceUpdate());
  }

  componentWillUnmount() {
    this.unsubscribe();
  }

  render({ id }) {
    const { rows } = state, at = placeOf(id, rows);
    const step = (name, label, to) => html`<${IconButton} name=${name} label=${label} disabled=${at < 0 || !rows[to]}
      onClick=${() => openEvent(rows[to].id)} />`;
    return [step("previous", "Previous event", at - 1), step("next", "Next event", at + 1)];
  }
}

const NARROWEST = 360, ROOM = 320, STEP = 40; // pixels of the drawer, of what is beside it, and of a key

// The left edge, by which the drawer is made wider or narrower: with the pointer or the arrow keys.
class Edge extends Component {
  componentDidMount() {
    this.setState({ width: document.getElementById("drawer").offsetWidth });
  }

  resize(width) {
    const to = Math.round(Math.max(Math.min(width, innerWidth - ROOM), NARROWEST));
    document.documentElement.style.setProperty("--drawer", `${to}px`);
    this.setState({ width: to });
  }

  onPointerMove = (moved) => {
    if (moved.target.hasPointerCapture(moved.pointerId)) this.resize(innerWidth - moved.clientX);
  };

  onKeyDown = (pressed) => {
    const by = { ArrowLeft: STEP, ArrowRight: -STEP }[pressed.key];
    if (!by) return;
    pressed.preventDefault();
    this.resize(document.getElementById("drawer").offsetWidth + by);
  };

  render(_, { width = NARROWEST }) {
    return html`<div class="edge" role="separator" aria-orientation="vertical" aria-label="Width of the drawer" tabindex="0"
      aria-valuenow=${width} aria-valuemin=${NARROWEST} aria-valuemax=${Math.max(innerWidth - ROOM, NARROWEST)}
      onPointerDown=${(down) => down.target.setPointerCapture(down.pointerId)} onPointerMove=${this.onPointerMove}
      onKeyDown=${this.onKeyDown}></div>`;
  }
}

function Head({ answer, heading }) {
  const { event } = answer, [first] = event.message.trim().split("\n"), when = clock(event.time);
  return html`<div class="drawer-head">
    <div class="bar">
      <span class=${`level s${event.severity}`}>${safe(event.level) || "no level"}</span>
      <time title=${when.utc}>${when.local}</time>
      <span class="space"></span>
      <${Steps} id=${event.id} />
      <${IconButton} name="close" label="Close (Esc)" onClick=${closeEvent} />
    </div>
    <h2 id="drawer-title" tabindex="-1" ref=${heading}>${safe(first.slice(0, 240)) || "(no message)"}${first.length > 240 ? "…" : ""}</h2>
    ${event.exception && html`<p class="exception">${safe(event.exception.slice(0, 500))}</p>`}
    ${event.warnings.map((one) => html`<p class="warning"><span class="hidden-text">Warning: </span>${safe(one)}</p>`)}
    <${CopyButtons} answer=${answer} />
  </div>`;
}

export class Drawer extends View {
  uses = ["open", "columns"];

  constructor(props) {
    super(props);
    this.heading = createRef();
    this.state = { answer: null, error: "", tab: "" };
  }

  componentDidMount() {
    this.before = document.activeElement;
    // Who clicks on a row goes on in the list.
    this.moveIn = byKeyboard || !this.before?.closest(".grid");
    this.load();
  }

  componentDidUpdate() {
    if (this.props.state.open !== this.asked) this.load();
    if (!this.moveIn || !this.heading.current) return;
    this.moveIn = false;
    this.heading.current.focus();
  }

  // The focus returns to where it was before the drawer opened, unless it has left the drawer.
  componentWillUnmount() {
    this.request?.abort();
    const { before } = this, current = document.activeElement;
    if (current !== document.body && !document.getElementById("drawer")?.contains(current)) return;
    const known = before?.isConnected && before !== document.body;
    (known ? before : document.querySelector("main .grid, main section"))?.focus({ preventScroll: true });
  }

  async load() {
    const { open } = this.props.state;
    this.request?.abort();
    this.request = new AbortController();
    this.asked = open;
    try {
      const answer = await get(`/api/event/${open}`, this.request.signal);
      if (this.asked === open) this.setState({ answer, error: "" });
    } catch (error) {
      if (error.name !== "AbortError" && this.asked === open) this.setState({ answer: null, error: message(error) });
    }
  }

  render({ state: page }, { answer, error, tab }) {
    if (error) {
      return html`<aside class="drawer" id="drawer" aria-labelledby="drawer-title">
        <div class="drawer-head">
          <div class="bar"><span class="space"></span><${IconButton} name="close" label="Close (Esc)" onClick=${closeEvent} /></div>
          <h2 id="drawer-title" tabindex="-1" ref=${this.heading}>Event ${page.open} cannot be shown</h2></div>
        <p class="note">${safe(error)}</p>
      </aside>`;
    }
    if (!answer) return html`<aside class="drawer" id="drawer" aria-label="Event" aria-busy="true"></aside>`;
    const names = Object.keys(TABS).filter((name) => TABS[name].there?.(answer) ?? true);
    const usual = names.includes("traceback") ? "traceback" : "fields";
    const current = names.includes(tab) ? tab : usual;
    return html`<aside class="drawer" id="drawer" aria-labelledby="drawer-title">
      <${Edge} />
      <${Head} answer=${answer} heading=${this.heading} />
      <${Tabs} names=${names} current=${current} answer=${answer} onChoose=${(one) => this.setState({ tab: one })} />
      <div class="panel" id="drawer-panel" role="tabpanel" aria-labelledby=${`drawer-tab-${current}`} tabindex="0"
        key=${`${answer.event.id} ${current}`}>
        <${TABS[current].view} answer=${answer} columns=${page.columns} />
      </div>
    </aside>`;
  }
}

function message(error) {
  if (error.status !== 404) return error.message;
  return "It is no longer in the store: the oldest events make room for new ones, and Clear removes all of them.";
}
