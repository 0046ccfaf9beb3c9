"use strict";
// Shows what /api/events gives. Log text only ever becomes text: no innerHTML, no links made of it.
const PAGE = 200, PAUSE = 2000, MOST = 2000;
const byId = (id) => document.getElementById(id);
const list = byId("events"), state = byId("state"), more = byId("more"), search = byId("contains");
let vendor = "", newest = 0, oldest = null, timer = 0, turn = 0;

function element(tag, name, text) {
  const made = document.createElement(tag);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

function clock(ns) {
  const date = new Date(Math.floor(ns / 1e6));
  const two = (n, width = 2) => String(n).padStart(width, "0");
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`;
  return { time, full: date.toISOString() };
}

function details(event) {
  const { id, warnings, data, source, ...rest } = event;
  const parts = [];
  for (const warning of warnings) parts.push(element("p", "lint", `⚠ ${warning}`));
  const shown = { data, source, received: clock(rest.received_ns).full, bytes: rest.size };
  parts.push(element("pre", "", JSON.stringify(shown, null, 2)));
  return parts;
}

function row(event) {
  const item = element("li", `s${event.severity}${event.warnings.length ? " warned" : ""}`);
  const button = element("button", "row");
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  const when = clock(event.time_ns);
  const time = element("span", "time", when.time);
  time.title = when.full;
  const place = [event.application, event.subsystem].filter(Boolean).join(" / ");
  button.append(time, element("span", "level", event.level || "–"), element("span", "vendor", event.vendor),
    element("span", "place", place), element("span", "message", event.message));
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    if (open) item.replaceChildren(button); else item.append(...details(event));
  });
  item.append(button);
  return item;
}

async function get(path, options) {
  const answer = await fetch(path, options);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
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

async function refresh() {
  clearTimeout(timer);
  const mine = ++turn;
  try {
    const [{ events }, { counts, sizes }, { requests }] = await Promise.all(
      [get(query()), get("/api/counts"), get("/api/requests?limit=1")]);
    if (mine !== turn) return;
    if (!events.length || events[0].id < newest) restart();
    const fresh = events.filter((event) => event.id > newest);
    // A gap between what is shown and what is new: begin again rather than show it as one.
    if (newest && fresh.length === PAGE) restart();
    if (fresh.length) {
      newest = fresh[0].id;
      if (oldest === null) oldest = events.length === PAGE ? events.at(-1).id : 0;
      list.prepend(...fresh.map(row));
      while (list.childElementCount > MOST) list.lastElementChild.remove();
    }
    more.hidden = !oldest;
    byId("empty").hidden = list.childElementCount > 0;
    const refused = requests.length && requests[0].error ? requests[0] : null;
    byId("refused").hidden = !refused;
    if (refused) byId("refused").textContent = `Last request, ${refused.vendor}, ${refused.status || "no answer"}: ${refused.error}`;
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
for (const button of document.querySelectorAll("nav button")) {
  button.addEventListener("click", () => {
    vendor = button.dataset.vendor;
    for (const one of document.querySelectorAll("nav button")) one.setAttribute("aria-pressed", String(one === button));
    restart();
    refresh();
  });
}
search.addEventListener("input", () => { restart(); refresh(); });
byId("clear").addEventListener("click", async () => {
  await get("/api/clear", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
  restart();
  refresh();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
byId("hint").textContent = `export CXLOGGING_URL=${location.origin}`;
refresh();
