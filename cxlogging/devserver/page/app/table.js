// The events as a virtual table: the oldest at the top, and only the rows that are visible in the document.
import { number, safe } from "./format.js";
import { Component, createRef, html } from "./html.js";
import { Row } from "./row.js";
import { set, state, toggleColumn } from "./store.js";
import { follow } from "./stream.js";

const AROUND = 16;  // rows above and below the visible ones, so that fast scrolling shows no gaps
const STEP = 8;     // rows by which what is drawn moves
const NEAR = 4;     // pixels within which an end counts as reached
// What was visible when another view was opened, for the way back.
const kept = { rows: [], top: 0 };
// By the width of the table: how high a row is, and the head.
const LAYOUTS = [
  { name: "narrow", below: 620, row: 46, head: 0 },
  { name: "medium", below: 860, row: 26, head: 26 },
  { name: "wide", below: Infinity, row: 26, head: 26 },
];

class Head extends Component {
  shouldComponentUpdate(next) {
    return next.columns !== this.props.columns;
  }

  render({ columns }) {
    return html`
      <div role="row" class="row head" aria-rowindex="1">
        ${["level", "time", "vendor", "place", "logger"].map((name) =>
          html`<span role="columnheader" key=${name} class=${name}>${name === "place" ? "app / subsystem" : name}</span>`)}
        ${columns.map((path) => html`<span role="columnheader" key=${path} class="extra" title=${safe(path)}><span>${safe(path)}</span>
          <button type="button" class="quiet" aria-label=${`Remove the column ${safe(path)}`} onClick=${() => toggleColumn(path)}>×</button></span>`)}
        <span role="columnheader" class="message">message</span>
      </div>`;
  }
}

// Says how many rows are new, to screen readers at most every few seconds.
class News extends Component {
  componentWillUnmount() {
    clearTimeout(this.timer);
  }

  componentDidUpdate() {
    if (this.props.fresh === this.said || this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.said = this.props.fresh;
      this.setState({ text: this.said ? `${number(this.said)} new events` : "" });
    }, 3_000);
  }

  render({ fresh, follows }, { text }) {
    return html`
      <p class="hidden-text" role="status">${text}</p>
      ${(fresh > 0 || !follows) && html`<button type="button" class="news" title="Show the newest (G)" onClick=${follow}>
        ${fresh > 0 ? `+${number(fresh)} new` : "↓ Newest"}</button>`}`;
  }
}

export class Table extends Component {
  scroller = createRef();
  rows = kept.rows;
  top = kept.top;
  known = 0; // the position of the scroller
  state = { height: 600, ...LAYOUTS[2] };

  componentDidMount() {
    this.observer = new ResizeObserver(([{ contentRect }]) => this.resize(contentRect));
    this.observer.observe(this.scroller.current);
    this.resize({ width: this.scroller.current.clientWidth, height: this.scroller.current.clientHeight });
    this.componentDidUpdate();
  }

  componentWillUnmount() {
    Object.assign(kept, { rows: this.rows, top: this.top });
    this.observer.disconnect();
  }

  // The row at the top stays there, and the one with the cursor stays visible.
  resize({ width, height }) {
    const layout = LAYOUTS.find(({ below }) => width < below);
    this.top *= layout.row / this.state.row;
    if (layout.row !== this.state.row) this.revealed = undefined;
    this.setState({ height, ...layout });
  }

  bottom(rows = this.rows) {
    return Math.max(0, rows.length * this.state.row + this.state.head - this.state.height);
  }

  onScroll = () => {
    // Its height may be newer than the state's: what vanished above the table is no scrolling by the user.
    const { scrollTop: top, scrollHeight, clientHeight } = this.scroller.current;
    const up = top < this.top - 0.5, down = top >= scrollHeight - clientHeight - NEAR;
    this.top = this.known = top;
    if (up && !down && state.follow) set({ follow: false });
    else if (down && !state.follow) set({ follow: true, pausedNew: state.paused ? state.pausedNew : 0 });
    if (this.drawn().first !== this.first) this.forceUpdate();
  };

  // Where rows were added or removed above, what is visible stays where it is.
  adopt(rows) {
    if (rows === this.rows) return;
    const first = Math.floor(this.top / this.state.row), at = rows.indexOf(this.rows[first]);
    if (at >= 0) this.top += (at - first) * this.state.row;
    this.rows = rows;
  }

  // Scrolls by as little as shows the row with the cursor.
  reveal(id) {
    this.revealed = id;
    const at = id === null ? -1 : this.rows.findIndex((row) => row.id === id);
    if (at < 0) return;
    const { row, head, height } = this.state, top = at * row;
    const visible = Math.min(Math.max(this.top, top + row + head - height), top);
    if (visible !== this.top) this.top = visible;
  }

  componentDidUpdate() {
    if (this.top === this.known) return;
    this.known = this.top;
    this.scroller.current.scrollTop = this.top;
  }

  drawn() {
    const { row, height } = this.state;
    const count = Math.ceil(height / row) + 2 * AROUND + STEP;
    const first = Math.max(0, Math.floor(this.top / row / STEP) * STEP - AROUND);
    return { count, first, last: Math.min(this.rows.length, first + count) };
  }

  render({ state: shown }) {
    const { rows, columns, selected, open, follow: follows, pausedNew, vendors } = shown;
    this.adopt(rows);
    if (selected !== this.revealed) this.reveal(selected);
    if (follows) this.top = this.bottom();
    const { row: height } = this.state, { count, first, last } = this.drawn(), made = [];
    this.first = first;
    let current = null;
    for (let at = first; at < last; at++) {
      const row = rows[at];
      if (row.id === selected) current = `row-${row.id}`;
      made.push(html`<${Row} key=${at % count} ...${{ row, at, height, columns, vendors, selected: row.id === selected, open: row.id === open }} />`);
    }
    const style = { "--row": `${height}px`, "--extras": columns.length ? "120px ".repeat(columns.length) : null, "--width": `${130 * columns.length}px` };
    return html`
      <div class="table">
        <div class=${`grid ${this.state.name}`} role="grid" tabindex="0" aria-label="Events" aria-rowcount=${rows.length + 1} aria-activedescendant=${current}
          ref=${this.scroller} onScroll=${this.onScroll} style=${style}>
          <${Head} columns=${columns} />
          <div class="rows" role="rowgroup" style=${{ height: `${rows.length * height}px` }}>${made}</div>
        </div>
        <${News} fresh=${pausedNew} follows=${follows} />
      </div>`;
  }
}
