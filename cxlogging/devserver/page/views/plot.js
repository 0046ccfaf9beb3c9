// A plot of uPlot as a component, in the colours of the page.
import { Component, createRef, html } from "../app/html.js";
import uPlot from "../lib/uPlot.esm.js";

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// An axis in the page's colours; `more` overrides single options.
export function axis(more = {}) {
  return {
    stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif", ...more,
  };
}

// Draws a series as bars that leave a little space between them.
export const bars = () => uPlot.paths.bars({ size: [0.7, 40] });

// `options()` returns uPlot's options without its size; it is called again when light and dark change.
// `height` is in pixels, `label` says to screen readers what is drawn.
export class Plot extends Component {
  constructor(props) {
    super(props);
    this.place = createRef();
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.draw();
  }

  componentDidMount() {
    this.draw();
    this.observer = new ResizeObserver(([{ contentRect: { width } }]) => {
      if (width > 0) this.plot.setSize({ width: Math.floor(width), height: this.props.height });
    });
    this.observer.observe(this.place.current);
    this.scheme.addEventListener("change", this.redraw);
  }

  draw() {
    this.plot?.destroy();
    const width = Math.max(this.place.current.clientWidth, 100);
    this.plot = new uPlot({ ...this.props.options(), width, height: this.props.height }, this.props.data, this.place.current);
  }

  componentDidUpdate(before) {
    if (before.data !== this.props.data) this.plot.setData(this.props.data);
  }

  componentWillUnmount() {
    this.scheme.removeEventListener("change", this.redraw);
    this.observer.disconnect();
    this.plot.destroy();
  }

  render({ label }) {
    return html`<div class="plot" role="img" aria-label=${label} ref=${this.place}></div>`;
  }
}
