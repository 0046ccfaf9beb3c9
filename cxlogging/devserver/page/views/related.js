// The neighbours of an event: those of the same trace, request or task.
import { html } from "../app/html.js";
import { safe } from "../app/format.js";
import { addFilter, go, openEvent } from "../app/store.js";
import { EventLink, Small } from "./parts.js";

const TITLES = { trace_id: "Same trace", request_id: "Same request of the application", task_id: "Same task" };

// The time between two events, such as "+12.4 ms".
function apart(row, event) {
  const ns = BigInt(row.time) - BigInt(event.time), far = Number(ns < 0n ? -ns : ns) / 1e6;
  const text = far < 1 ? `${(far * 1000).toFixed(0)} µs` : far < 1000 ? `${far.toFixed(1)} ms` : `${(far / 1000).toFixed(2)} s`;
  return ns === 0n ? "0" : `${ns < 0n ? "−" : "+"}${text}`;
}

function Neighbour({ row, event }) {
  const current = row.id === event.id;
  return html`<li><${EventLink} row=${row} vendor=${event.vendor} current=${current} onClick=${() => openEvent(row.id)}>
    <span class="apart">${current ? "this" : apart(row, event)}</span><//></li>`;
}

// The neighbours and the event itself, in the order of time.
function inOrder(event, neighbours) {
  const rows = [event, ...neighbours.filter(({ id }) => id !== event.id)];
  return rows.sort((a, b) => BigInt(a.time) < BigInt(b.time) ? -1 : BigInt(a.time) > BigInt(b.time) ? 1 : a.id - b.id);
}

export function count({ event, related }) {
  const ids = new Set(Object.values(related).flat().map(({ id }) => id));
  ids.delete(event.id);
  return ids.size;
}

export function Related({ answer: { event, related } }) {
  const groups = Object.keys(TITLES).filter((field) => event[field]);
  if (!groups.length) {
    return html`<p class="note">This event names no trace, request or task. The integrations for web frameworks and task queues add a
      request or task id, and an event that is logged within a span of OpenTelemetry has a trace id.</p>`;
  }
  const only = (field) => {
    addFilter("is", field, event[field]);
    go("events");
  };
  return groups.map((field) => html`<section class="related" data-field=${field}>
    <h3>${TITLES[field]} <code>${safe(event[field])}</code></h3>
    <ol>${inOrder(event, related[field]).map((row) => html`<${Neighbour} key=${row.id} row=${row} event=${event} />`)}</ol>
    <${Small} onClick=${() => only(field)}>Show only these events<//>
  </section>`);
}
