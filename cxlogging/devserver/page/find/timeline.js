// Stacked bars of events over time, for uPlot. The most severe levels are at the bottom, where they can be compared.
import { number } from "../app/format.js";
import { axis, colour } from "../views/plot.js";
import uPlot from "../lib/uPlot.esm.js";
import { LEVELS } from "./filter_text.js";

const AXIS = 22, LABELS = 46, MIN_DRAG = 4;
const MIN_BARS = 24;  // a single bar is not as wide as the page
const FINEST = 1_000_000n;  // nanoseconds of a bar: shorter ones cannot be drawn
const COUNTS = [1, 2, 5].flatMap((n) => Array.from({ length: 10 }, (_, exponent) => n * 10 ** exponent)).sort((a, b) => a - b);
const MONTH = 28 * 86_400;  // seconds
const two = (n, width = 2) => String(n).padStart(width, "0");

// The levels of an answer with bars of a millisecond at least: {start, width, count, levels}.
function bars({ from, to, step, levels }) {
  const fine = BigInt(step), first = BigInt(from);
  if (fine >= FINEST) return { start: first, width: fine, count: Number((BigInt(to) - first) / fine), levels };
  const start = first / FINEST * FINEST, count = Number((BigInt(to) - start + FINEST - 1n) / FINEST);
  const sums = Object.entries(levels).map(([level, counts]) => {
    const all = new Array(count).fill(0);
    counts.forEach((n, at) => { all[Number((first - start + fine * BigInt(at)) / FINEST)] += n; });
    return [level, all];
  });
  return { start, width: FINEST, count, levels: Object.fromEntries(sums) };
}

// What is drawn of an answer of /api/histogram, or null where it counts nothing. Times are nanoseconds as strings.
// {bars: [{from, to, total, counts: [[level, name, n]…]}…], levels: [[level, name, n]…], total, from, to, begin, seconds, data, range}
export function timeline(answer) {
  if (!answer.from) return null;
  const { start, width, count, levels } = bars(answer);
  const made = Array.from({ length: count }, (_, at) => {
    const counts = LEVELS.map(([level, name]) => [level, name, levels[level]?.[at] ?? 0]).filter(([, , n]) => n);
    const from = start + width * BigInt(at);
    return { from: String(from), to: String(from + width), counts, total: counts.reduce((sum, [, , n]) => sum + n, 0) };
  });
  const sums = LEVELS.map(([level, name]) => [level, name, (levels[level] ?? []).reduce((sum, n) => sum + n, 0)]).filter(([, , n]) => n);
  const seconds = Number(width) / 1e9, begin = Number(start) / 1e9;
  const around = Math.max(0, Math.ceil((MIN_BARS - count) / 2)), places = Array.from({ length: count + 2 * around }, (_, at) => at - around);
  let below = places.map(() => 0);
  const stacked = LEVELS.map(([level]) => below = below.map((sum, n) => sum + (levels[level]?.[places[n]] ?? 0)));
  const total = sums.reduce((sum, [, , n]) => sum + n, 0);
  return total === 0 ? null : {
    bars: made, levels: sums, total, from: made[0].from, to: made.at(-1).to, begin, seconds,
    data: [places.map((at) => begin + at * seconds), ...stacked.reverse()],
    range: [begin - around * seconds, begin + (count + around) * seconds],
  };
}

// Labels of the time axis, in local time: as fine as the distance between them, with the date at midnight.
function times(_plot, splits, _axis, _space, distance) {
  return splits.map((seconds) => {
    const date = new Date(seconds * 1000), minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
    if (distance >= MONTH) return `${date.getFullYear()}-${two(date.getMonth() + 1)}`;
    if (distance >= 60 && minutes === "00:00") return `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    if (distance >= 60) return minutes;
    if (distance >= 1) return `${minutes}:${two(date.getSeconds())}`;
    return `${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`;
  });
}

function selected(plot, zoom) {
  const { left, width } = plot.select;
  if (width < MIN_DRAG) return;
  const [from, to] = [left, left + width].map((x) => plot.posToVal(x, "x") * 1000);
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  zoom(`${Math.floor(from)}000000`, `${Math.ceil(to)}000000`);
}

// Options of the plot. range() returns the seconds at its ends; zoom(from, to) gets what is selected, in nanoseconds as
// strings; point(seconds) the time below the pointer, or null.
export function options({ range, zoom, point }) {
  const path = uPlot.paths.bars({ size: [1, Infinity], align: 1, gap: 1 });
  const series = LEVELS.map(([level]) => ({ fill: colour(`--s${level}`), width: 0, paths: path, points: { show: false } }));
  return {
    padding: [6, 20, 0, 0], legend: { show: false },
    scales: { x: { time: true, range }, y: { range: (_plot, _least, most) => [0, Math.max(1, most)] } },
    axes: [
      axis({ size: AXIS, gap: 2, values: times, grid: { show: false } }),
      axis({ size: LABELS, gap: 4, space: 20, incrs: COUNTS, values: (_plot, splits) => splits.map((n) => n ? number(n) : "") }),
    ],
    series: [{}, ...series.reverse()],
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: MIN_DRAG } },
    hooks: {
      setSelect: [(plot) => selected(plot, zoom)],
      setCursor: [(plot) => point(plot.cursor.left >= 0 ? plot.posToVal(plot.cursor.left, "x") : null)],
    },
  };
}
