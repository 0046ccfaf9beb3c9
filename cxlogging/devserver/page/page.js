"use strict";
// Shows the events of /api/events. Log text is only ever inserted as text: no innerHTML, no links.
const PAGE = 200, PAUSE = 2000, MAX_EVENTS = 2000;
const FOLDED_ABOVE = 24, HEAD = 8, TAIL = 12, WIDEST = 2000;
const MESSAGES = ["message", "body", "msg", "text", "event", "name"];
const TRACES = ["exception", "exception.stacktrace", "stack_info"];
const vendors = new Map();  // by name, as /api/vendors returns them
const byId = (id) => document.getElementById(id);
const list = byId("events"), state = byId("state"), more = byId("more"), search = byId("contains");
let vendor = "", newest = 0, oldest = null, timer = 0, turn = 0;

function element(tag, name, text) {
  const made = document.createElement(tag);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

// Control characters, changes of text direction, invisible characters, lone surrogates.
const UNSAFE = /[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\u{e0000}-\u{e0fff}]/gu;

function escaped(found) {
  const unit = (code) => code < 32 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  return Array.from({ length: found.length }, (_, n) => unit(found.charCodeAt(n))).join("");
}

function safe(text) {
  return text.replace(/\r\n/g, "\n").replaceAll("\t", "    ").replace(UNSAFE, escaped);
}

function json(value, indent) {
  return safe(JSON.stringify(value, null, indent));
}

function clock(ns) {
  const date = new Date(Math.floor(Number(ns.rawJSON ?? ns) / 1e6));
  const two = (n, width = 2) => String(n).padStart(width, "0");
  const day = `${two(date.getFullYear(), 4)}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`;
  const east = -date.getTimezoneOffset(), far = Math.abs(east);
  const zone = east ? `${east < 0 ? "-" : "+"}${two(Math.floor(far / 60))}:${two(far % 60)}` : "UTC";
  return { local: `${day} ${time} ${zone}`, utc: date.toISOString() };
}

function isTree(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) && !JSON.isRawJSON?.(value);
}

// The fields that the sender chose: without those that the handlers of cxlogging write into every event.
function chosen(event, data) {
  const message = MESSAGES.find((name) => data[name] === event.message);
  const own = vendors.get(event.vendor) ?? { fields: [], context: [] };
  const kept = Object.entries(data).filter(([name]) => name !== message && !own.fields.includes(name));
  const context = own.context.length && isTree(data.context) ? { ...data.context } : {};
  own.context.forEach((name) => delete context[name]);
  return Object.fromEntries(Object.keys(context).length ? [...kept, ["context", context]] : kept);
}

// Splits multi-line strings from the other fields, by their keypaths.
function apart(fields, above = "") {
  const short = [], long = [];
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "string" && value.trim().includes("\n")) long.push([above + name, value]);
    else if (isTree(value)) {
      const inner = apart(value, `${above}${name}.`);
      long.push(...inner.long);
      if (Object.keys(inner.short).length || !inner.long.length) short.push([name, inner.short]);
    } else short.push([name, value]);
  }
  return { short: Object.fromEntries(short), long };
}

function read(event) {
  const data = { ...event.data }, traces = [];
  let exception = "";
  for (const name of TRACES) {
    const held = data[name];
    const [type, message] = isTree(held) ? [held.type, held.message] : [data["exception.type"], data["exception.message"]];
    const said = typeof type === "string" ? [type, message].filter((one) => one && typeof one === "string").join(": ") : "";
    const text = typeof held === "string" ? held : isTree(held) && typeof held.stacktrace === "string" ? held.stacktrace : isTree(held) && said;
    if (!text) continue;
    if (name !== "stack_info") exception = said || text.trim().split("\n").at(-1);
    traces.push(text);
    delete data[name];
  }
  const logger = [event.source.category, data.logger, data.context?.runtime?.logger_name].find((one) => typeof one === "string" && one);
  return { exception, traces, logger: logger ?? "", ...apart(chosen(event, data)) };
}

function cut(line) {
  return line.length > WIDEST ? `${line.slice(0, WIDEST)}… ${line.length - WIDEST} more characters` : line;
}

// A string with its line breaks; a long one is folded, with a button that unfolds it.
function block(text) {
  const lines = safe(text).replace(/^\n+|\s+$/g, "").split("\n");
  const more = lines.length - HEAD - TAIL;
  const few = lines.length <= FOLDED_ABOVE ? lines : [...lines.slice(0, HEAD), `… ${more} more lines`, ...lines.slice(-TAIL)];
  const brief = few.map(cut).join("\n"), whole = lines.join("\n");
  const pre = element("pre", "lines", brief);
  if (brief === whole) return [pre];
  const button = element("button", "fold", "Show all");
  button.type = "button";
  button.addEventListener("click", () => {
    const unfolds = pre.textContent === brief;
    pre.textContent = unfolds ? whole : brief;
    button.textContent = unfolds ? "Fold" : "Show all";
  });
  return [pre, button];
}

function details(event) {
  const { traces, short, long } = read(event);
  const made = element("div", "details");
  for (const warning of event.warnings) made.append(element("p", "lint", safe(`⚠ ${warning}`)));
  if (event.message.trim().includes("\n") || event.message.length > 120) made.append(...block(event.message));
  for (const trace of traces) made.append(...block(trace));
  for (const [name, text] of long) made.append(element("h2", "", safe(name)), ...block(text));
  if (Object.keys(short).length) made.append(...block(json(short, 2)));
  const all = element("details", ""), when = clock(event.time_ns);
  const times = { time: when.local, utc: when.utc, received: clock(event.received_ns).utc };
  all.append(element("summary", "", "All fields"));
  all.addEventListener("toggle", () => {
    all.append(element("pre", "lines", json({ ...times, bytes: event.size, source: event.source, data: event.data }, 2)));
  }, { once: true });
  made.append(all);
  return made;
}

function row(event) {
  const item = element("li", `s${event.severity}${event.warnings.length ? " warned" : ""}`);
  const button = element("button", "row");
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  const when = clock(event.time_ns), { exception, logger, short } = read(event);
  const time = element("span", "time", when.local);
  time.title = when.utc;
  const place = [event.application, event.subsystem].filter(Boolean).join(" / ");
  const [first, ...others] = event.message.trim().split("\n");
  const message = element("span", "message", cut(safe(first)) + (others.length ? " ↵" : ""));
  if (exception) message.append(element("span", "exception", cut(safe(exception.split("\n")[0]))));
  const fields = Object.entries(short).map(([name, value]) => `${safe(name)}=${typeof value === "string" ? safe(value) : json(value)}`);
  if (fields.length) message.append(element("span", "fields", cut(fields.join(" "))));
  button.append(time, element("span", "level", safe(event.level) || "–"), element("span", "vendor", event.vendor),
    element("span", "place", safe(place)), element("span", "logger", safe(logger)), message);
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    if (open) item.replaceChildren(button); else item.append(details(event));
  });
  item.append(button);
  return item;
}

// Integers beyond the precision of a double stay as they were written, where the browser supports it.
function exact(key, value, context) {
  const inexact = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  return inexact && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
}

async function get(path, options) {
  const answer = await fetch(path, options);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return JSON.parse(await answer.text(), exact);
}

function query(before) {
  const asked = new URLSearchParams({ limit: String(PAGE) });
  if (vendor) asked.set("vendor", vendor);
  if (search.value) asked.set("contains", search.value);
  if (before) asked.set("before", before);
  return `/api/events?${asked}`;
}

function show(counts, sizes) {
  const all = Object.values(counts).reduce((sum, n) => sum + n, 0);
  for (const button of document.querySelectorAll("nav button")) {
    const n = button.dataset.vendor ? counts[button.dataset.vendor] : all;
    button.querySelector("b").textContent = n ? n.toLocaleString() : "";
  }
  state.className = "";
  state.textContent = `${(sizes.bytes / 2 ** 20).toFixed(1)} of ${(sizes.max_bytes / 2 ** 20).toFixed(0)} MiB`;
}

// Says why the list is empty: nothing has arrived at all, or nothing matches.
function showEmpty(counts) {
  const all = Object.values(counts).reduce((sum, n) => sum + n, 0), empty = !list.childElementCount;
  const name = vendor && vendors.get(vendor).title;
  byId("empty").hidden = !empty || all > 0;
  byId("none").hidden = !empty || all === 0;
  byId("none").textContent = search.value
    ? `No event${name && ` of ${name}`} contains “${safe(search.value)}”. The text is looked for as it is, in messages and in the JSON of the fields; cxlogging query --local takes conditions.`
    : `No event of ${name} has arrived yet, and ${all} of other vendors.`;
}

async function refresh() {
  clearTimeout(timer);
  const mine = ++turn;
  try {
    const [{ events }, { counts, sizes }, { requests }] = await Promise.all(
      [get(query()), get("/api/counts"), get("/api/requests?limit=1")]);
    if (mine !== turn) return;
    if (!events.length || events[0].id < newest) restart();
    const fresh = events.filter((event) => event.id > newest);
    // There is a gap between the events shown and the new ones: start again.
    if (newest && fresh.length === PAGE) restart();
    if (fresh.length) {
      newest = fresh[0].id;
      if (oldest === null) oldest = events.length === PAGE ? events.at(-1).id : 0;
      list.prepend(...fresh.map(row));
      while (list.childElementCount > MAX_EVENTS) list.lastElementChild.remove();
    }
    more.hidden = !oldest;
    showEmpty(counts);
    const refused = requests.length && requests[0].error ? requests[0] : null;
    byId("refused").hidden = !refused;
    if (refused) byId("refused").textContent = safe(`Last request, ${refused.vendor}, ${refused.status || "no answer"}: ${refused.error}`);
    show(counts, sizes);
  } catch {
    state.className = "lost";
    state.textContent = "the server does not answer";
  }
  if (mine === turn && !document.hidden) timer = setTimeout(refresh, PAUSE);
}

function restart() {
  list.replaceChildren();
  newest = 0;
  oldest = null;
}

more.addEventListener("click", async () => {
  const { events, next_before: next } = await get(query(oldest));
  list.append(...events.map(row));
  oldest = next;
  more.hidden = !oldest;
});

function choose(name) {
  vendor = name;
  for (const one of document.querySelectorAll("nav button")) one.setAttribute("aria-pressed", String(one.dataset.vendor === name));
  restart();
  refresh();
}

// A button for each vendor, before the first events are shown.
async function start() {
  try {
    for (const one of (await get("/api/vendors")).vendors) vendors.set(one.name, one);
  } catch {
    state.className = "lost";
    state.textContent = "the server does not answer";
    setTimeout(start, PAUSE);
    return;
  }
  for (const { name, title } of [{ name: "", title: "All" }, ...vendors.values()]) {
    const button = element("button", "", `${title} `);
    button.type = "button";
    button.dataset.vendor = name;
    button.setAttribute("aria-pressed", String(name === vendor));
    button.append(element("b", ""));
    button.addEventListener("click", () => choose(name));
    byId("vendors").append(button);
  }
  refresh();
}

search.addEventListener("input", () => { restart(); refresh(); });
byId("clear").addEventListener("click", async () => {
  const { token } = await get("/api/token");
  const headers = { "Content-Type": "application/json", "X-Cxlogging-Token": token };
  await get("/api/clear", { method: "POST", headers, body: "{}" });
  restart();
  refresh();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden && vendors.size) refresh(); });
byId("hint").textContent = `export CXLOGGING_URL=${location.origin}`;
start();
