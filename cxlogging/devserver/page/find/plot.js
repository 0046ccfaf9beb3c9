// Stacked bars of events over time, drawn by uPlot. The most severe levels are at the bottom, where they can be compared.
import { number } from "../app/format.js";
import uPlot from "../lib/uPlot.esm.js";
import { LEVELS } from "./filter_text.js";

const HEIGHT = 92, AXIS = 22, LABELS = 46, MIN_DRAG = 4, MIN_BARS = 24;
const FONT = "11px system-ui, sans-serif";
const two = (n, width = 2) => String(n).padStart(width, "0");

// Returns the times and, in the order of drawing, what each level adds to those below it.
function stacked({ from, step, levels }, count) {
  const start = BigInt(from), width = BigInt(step);
  const times = Array.from({ length: count }, (_, n) => Number(start + width * BigInt(n)) / 1e9);
  let below = new Array(count).fill(0);
  const sums = LEVELS.map(([level]) => below = below.map((sum, n) => sum + (levels[level]?.[n] ?? 0)));
  return [times, ...sums.reverse()];
}

// Labels of the time axis, in local time: as fine as the distance between them, with the date at midnight.
function labels(_plot, splits, _axis, _space, distance) {
  return splits.map((seconds) => {
    const date = new Date(seconds * 1000), minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
    if (distance >= 60 && minutes === "00:00") return `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    if (distance >= 60) return minutes;
    return `${minutes}:${two(date.getSeconds())}${distance < 1 ? `.${two(date.getMilliseconds(), 3)}` : ""}`;
  });
}

export class Plot {
  // zoom(from, to) gets a selected window, in nanoseconds as strings; point(bucket) the bucket below the pointer, or null.
  constructor(element, { zoom, point }) {
    this.element = element;
    this.range = [0, 1];
    this.readColours();
    const axis = { stroke: () => this.colours.quiet, font: FONT, ticks: { show: false } };
    const bars = uPlot.paths.bars({ size: [1, Infinity], align: 1, gap: 1 });
    this.uplot = new uPlot({
      width: element.clientWidth || 300, height: HEIGHT, padding: [6, 20, 0, 0], legend: { show: false },
      scales: { x: { time: true, range: () => this.range }, y: { range: (_plot, _min, most) => [0, Math.max(1, most)] } },
      axes: [
        { ...axis, size: AXIS, gap: 2, values: labels, grid: { show: false } },
        { ...axis, size: LABELS, gap: 4, space: 20, incrs: [1, 2, 5].flatMap((n) => Array.from({ length: 10 }, (_, e) => n * 10 ** e)).sort((a, b) => a - b),
          values: (_plot, splits) => splits.map((n) => n ? number(n) : ""), grid: { stroke: () => this.colours.line, width: 1 } },
      ],
      series: [{}, ...LEVELS.map(([level]) => ({ fill: () => this.colours[level], width: 0, paths: bars, points: { show: false } })).reverse()],
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: MIN_DRAG } },
      hooks: {
        setSelect: [(plot) => this.selected(plot, zoom)],
        setCursor: [(plot) => point(plot.cursor.left >= 0 ? this.bucketAt(plot) : null)],
      },
    }, [[0], ...LEVELS.map(() => [0])], element);
    this.resized = new ResizeObserver(() => {
      if (element.clientWidth) this.uplot.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    this.resized.observe(element);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", this.recolour);
  }

  readColours() {
    const style = getComputedStyle(document.documentElement), read = (name) => style.getPropertyValue(`--${name}`).trim();
    this.colours = { quiet: read("quiet"), line: read("line") };
    for (const [level] of LEVELS) this.colours[level] = read(`s${level}`);
  }

  recolour = () => {
    this.readColours();
    this.uplot.redraw();
  };

  bucketAt(plot) {
    const at = Math.floor((plot.posToVal(plot.cursor.left, "x") - this.start) / this.step);
    return at >= 0 && at < this.count ? at : null;
  }

  selected(plot, zoom) {
    const { left, width } = plot.select;
    if (width < MIN_DRAG) return;
    const [from, to] = [left, left + width].map((x) => plot.posToVal(x, "x") * 1000);
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    zoom(`${Math.floor(from)}000000`, `${Math.ceil(to)}000000`);
  }

  // Shows an answer of /api/histogram.
  show(answer, count) {
    this.step = Number(answer.step) / 1e9;
    this.count = count;
    this.start = Number(answer.from) / 1e9;
    // A single bar is not as wide as the page.
    const around = Math.max(0, MIN_BARS - count) / 2 * this.step;
    this.range = [this.start - around, this.start + this.step * count + around];
    this.uplot.setData(stacked(answer, count));
  }

  destroy() {
    this.resized.disconnect();
    this.scheme.removeEventListener("change", this.recolour);
    this.uplot.destroy();
  }
}
