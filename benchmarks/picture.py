"""The picture of a run: bars of what a call, a record and a second give, as SVG."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from .figures import CPU, DELIVERED, MEAN, P50, Figure, series
from .subjects import BY_NAME

LABELS, PANEL, GAP, ROW, BAR, TOP = 232, 190, 22, 22, 13, 66
NUMBER = 56
"""Room for the number behind a bar."""

Runs = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]
"""By mode and subject's name, the rounds."""

STYLE = """
text { font: 12px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #59636e; }
.title { font-weight: 600; }
.ours { fill: #1f6feb; } .peer { fill: #8c959f; } .floor, .baseline { fill: #c8d1da; }
text.peer { fill: #59636e; } text.ours { font-weight: 600; }
@media (prefers-color-scheme: dark) {
  text, text.peer { fill: #9198a1; } text.ours { fill: #58a6ff; }
  .floor, .baseline { fill: #3d444d; }
}
"""


@dataclass(frozen=True)
class Panel:
    """One figure of all subjects, in one mode; *better* says which way to look."""

    title: str
    better: str
    figure: Figure
    form: str
    mode: str = "burst"


PANELS = (
    Panel("A call takes, µs (p50)", "shorter is better", P50, ".1f"),
    Panel("Beside 2 busy threads, µs", "mean; shorter is better", MEAN, ".0f", "busy-2"),
    Panel("CPU of a record, µs", "shorter is better", CPU, ".0f"),
    Panel("Delivered in a second", "longer is better", DELIVERED, ",.0f"),
)


def picture(runs: Runs) -> str:
    """Return the picture of the medians, a row for each subject of the burst that sends."""
    names = [name for name in runs["burst"] if shown(name)]
    panels = [panel for panel in PANELS if panel.mode in runs]
    width = LABELS + len(panels) * (PANEL + GAP)
    height = TOP + ROW * len(names) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"',
        f'width="{width}" height="{height}" role="img" aria-labelledby="title description">',
        '<title id="title">What logging through cxlogging costs, beside its peers</title>',
        f'<desc id="description">{escape(_described(runs, panels, names))}</desc>',
        f"<style>{STYLE}</style>",
        *(
            f'<text class="{BY_NAME[name].kind}" x="{LABELS - 10}" y="{_middle(at)}"'
            f' text-anchor="end">{escape(name)}</text>'
            for at, name in enumerate(names)
        ),
    ]
    for number, panel in enumerate(panels):
        left = LABELS + number * (PANEL + GAP)
        parts += _panel(panel, left, [_value(runs, panel, name) for name in names], names)
    return "\n".join([*parts, "</svg>", ""])


def shown(name: str) -> bool:
    """Return whether a subject has a row: what sends, with the ``fast`` extra or a peer."""
    subject = BY_NAME[name]
    return bool(subject.services) and subject.fast and subject.kind in {"ours", "peer"}


def median(rounds: Sequence[Mapping[str, Any]], figure: Figure) -> float | None:
    """Return the median of the rounds, or None where there is no such figure."""
    values = series(rounds, figure).values()
    return statistics.median(values) if values else None


def _value(runs: Runs, panel: Panel, name: str) -> float | None:
    return median(runs[panel.mode].get(name, ()), panel.figure)


def _middle(row: int) -> int:
    return TOP + ROW * row + ROW // 2 + 4


def _panel(
    panel: Panel, left: int, values: Sequence[float | None], names: Sequence[str]
) -> list[str]:
    parts = [
        f'<text class="title" x="{left}" y="24">{escape(panel.title)}</text>',
        f'<text x="{left}" y="42">{escape(panel.better)}</text>',
    ]
    most = scale([value for value in values if value is not None])
    for at, (value, name) in enumerate(zip(values, names, strict=True)):
        if value is not None:
            parts += _bar(value, most, left, at, BY_NAME[name].kind, panel.form)
    return parts


def _bar(value: float, most: float, left: int, at: int, kind: str, form: str) -> list[str]:
    room = PANEL - NUMBER
    length = max(1.0, min(value / most, 1.0) * room)
    top = TOP + ROW * at + (ROW - BAR) // 2
    return [
        f'<rect class="{kind}" x="{left}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2"/>'
        if value <= most
        else _cut(left, top, room, kind),
        f'<text class="{kind}" x="{left + length + 5:.1f}" y="{_middle(at)}">{value:{form}}</text>',
    ]


def _cut(left: int, top: int, room: int, kind: str) -> str:
    """Return a bar that is longer than its panel: its end is slanted and set apart."""
    long = room - 16
    return (
        f'<path class="{kind}" d="M{left} {top} h{long} l-4 {BAR} h-{long - 4} z'
        f' M{left + long + 4} {top} h12 v{BAR} h-16 z"/>'
    )


def scale(values: Sequence[float]) -> float:
    """Return what a whole panel stands for; a value far beyond the others is cut off."""
    if not values:
        return 1.0
    typical = statistics.median(values)
    return max(value for value in values if value <= 8 * typical)


def _described(runs: Runs, panels: Sequence[Panel], names: Sequence[str]) -> str:
    """Return the picture in words, for those who do not see it."""
    lines = []
    for name in names:
        said = [
            f"{panel.title}: {value:{panel.form}}"
            for panel in panels
            if (value := _value(runs, panel, name)) is not None
        ]
        lines.append(f"{name}: {'; '.join(said)}.")
    return " ".join(lines)
