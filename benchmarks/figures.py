"""Figures of the rounds, and ratios within a round: values in, values out."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Round = Mapping[str, Any]
Series = dict[int, float]
"""A figure by the number of the round."""

Value = Callable[[Round], "float | None"]


@dataclass(frozen=True)
class Figure:
    """
    One figure of a round.

    Attributes:
        title: With its unit.
        value: Takes a round; None where it has no such figure.
        form: How a number is printed.
    """

    title: str
    value: Value
    form: str = ".1f"

    def cell(self, rounds: Sequence[Round]) -> str:
        """Return ``median (least-most)``, or ``-``."""
        values = list(series(rounds, self).values())
        return spread(values, self.form) if values else "-"


def spread(values: Sequence[float], form: str) -> str:
    """Return the median of *values*, and the least and the most where they differ."""
    middle, least, most = (
        f"{value:{form}}" for value in (statistics.median(values), min(values), max(values))
    )
    return middle if least == most else f"{middle} ({least}-{most})"


def series(rounds: Sequence[Round], figure: Figure) -> Series:
    """Return the figure of each round that has it; a round that failed has none."""
    found = {}
    for each in rounds:
        value = None if "failed" in each else figure.value(each)
        if value is not None:
            found[each["round"]] = value
    return found


def over(above: Series, below: Series) -> list[float]:
    """Return the ratio of each round that both have."""
    return [above[at] / below[at] for at in above if below.get(at)]


def joined(several: Sequence[Series], function: Callable[[list[float]], float]) -> Series:
    """Return *function* of the figures of each round that all of *several* have."""
    several = [each for each in several if each]
    if not several:
        return {}
    shared = set.intersection(*(set(each) for each in several))
    return {at: function([each[at] for each in several]) for at in sorted(shared)}


def _scaled(name: str, unit: float) -> Value:
    return lambda each: each[name] / unit if name in each else None


def _part(above: str, below: str, scale: float = 1.0) -> Value:
    """Return a ratio of two figures, for rounds that have both."""

    def value(each: Round) -> float | None:
        return each[above] / each[below] * scale if each.get(below) and above in each else None

    return value


MEDIAN_CALL, MEAN_CPU = "base_p50_ns", "base_cpu"
"""The same figure of the no-op handler: a median for a median, a mean for a mean."""


def steady(figure: Figure, unit: str, *, rate: bool = False) -> Figure:
    """
    Return *figure* in *unit*, `MEDIAN_CALL` or `MEAN_CPU`; a *rate*, per such a unit.

    A machine's speed changes between one process and the next by more than two
    subjects differ. The no-op is called in turns with the subject, so what both
    lose to that cancels out.
    """

    def value(each: Round) -> float | None:
        plain, one = figure.value(each), each.get(unit)
        if plain is None or not one:
            return None
        return plain * one if rate else plain / one

    return Figure(figure.title, value)


def _arrived(value: Value) -> Value:
    """Return *value* for subjects that send; the others have no time of arrival."""
    return lambda each: value(each) if "wall" in each else None


MEAN = Figure("mean µs", _scaled("mean_ns", 1e3))
P50 = Figure("p50 µs", _scaled("p50_ns", 1e3), ".2f")
P99 = Figure("p99 µs", _scaled("p99_ns", 1e3))
P99_MS = Figure("p99 ms", _scaled("p99_ns", 1e6), ".3f")
LONGEST = Figure("max ms", _scaled("max_ns", 1e6))
CPU = Figure("CPU µs/record", _part("cpu", "records", 1e6))
DELIVERED = Figure("delivered/s", _arrived(_part("delivered", "wall")), ",.0f")
ABOVE_P50 = Figure(
    "p50 above no-op µs",
    lambda each: (each["p50_ns"] - each["base_p50_ns"]) / 1e3 if "base_p50_ns" in each else None,
    ".2f",
)
ABOVE_CPU = Figure(
    "CPU above no-op µs/record",
    lambda each: (
        (each["cpu"] / each["records"] - each["base_cpu"]) * 1e6 if "base_cpu" in each else None
    ),
)
ABOVE_PEAK = Figure(
    "peak above no-op MB",
    lambda each: (
        (each["peak_bytes"] - each["base_bytes"]) / 1e6 if each.get("base_bytes") else None
    ),
)
WIRE = Figure("bytes/record", _arrived(_part("bytes", "delivered")), ".0f")
PEAK = Figure("peak MB", lambda each: (each.get("peak_bytes") or 0) / 1e6 or None)
MISSING = Figure("missing", _arrived(lambda each: each.get("missing")), ".0f")
TWICE = Figure("twice", _arrived(lambda each: each.get("duplicates")), ".0f")
REQUESTS = Figure("requests", _arrived(lambda each: each.get("requests")), ".0f")
BUSY = Figure("sink busy %", _arrived(_part("sink_cpu", "wall", 100)), ".0f")
IMPORT = Figure("import ms", _scaled("import_ns", 1e6))
SWITCHES = Figure("context switches", lambda each: each.get("switches"), ".0f")
IDLE_CPU = Figure("CPU ms", lambda each: each["cpu"] * 1e3, ".1f")
RECORDS = Figure("records", lambda each: each.get("records"), ",.0f")
AFTER = Figure(
    "delivered ms after the last call",
    _arrived(lambda each: max(0.0, (each["answered_ns"] - each["logged_ns"]) / 1e6)),
    ".0f",
)
LAGS = tuple(
    Figure(f"lag {what} ms", _scaled(name, 1e6), ".2f")
    for what, name in (("p50", "p50_ns"), ("p99", "p99_ns"), ("max", "max_ns"))
)
SERVED = Figure("requests/s", lambda each: each.get("served"), ",.0f")
OVER_NO_OP = Figure("over no-op's", _part("served", "plain_served"), ".2f")
ANSWERS = tuple(
    Figure(f"answer {what} ms", _scaled(name, 1e6), ".2f")
    for what, name in (("p50", "p50_ns"), ("p99", "p99_ns"), ("max", "max_ns"))
)
THREADS = Figure("threads", lambda each: each.get("threads"), ".0f")

CALLS = (P50, P99, LONGEST)
BURST = (*CALLS, ABOVE_P50, CPU, ABOVE_CPU, DELIVERED, WIRE, PEAK, REQUESTS, MISSING, TWICE, BUSY)
BY_MODE: dict[str, tuple[Figure, ...]] = {
    "burst": BURST,
    "import": (IMPORT,),
    "idle": (SWITCHES, IDLE_CPU, THREADS),
    "longest": (*CALLS, CPU, DELIVERED, PEAK, MISSING, TWICE),
    "down": (*CALLS, CPU, ABOVE_PEAK),
    "busy": (RECORDS, MEAN, *CALLS, CPU, DELIVERED, AFTER, MISSING, TWICE),
    "loop": (*LAGS, CPU, MISSING, TWICE),
    "web": (SERVED, OVER_NO_OP, *ANSWERS, CPU, AFTER, MISSING, TWICE),
    "holding": (*CALLS, ABOVE_P50, CPU, ABOVE_CPU, WIRE, PEAK, MISSING, TWICE),
    "three": (P50, CPU, ABOVE_CPU, DELIVERED, MISSING, TWICE, BUSY),
}
USUAL = (*CALLS, CPU, DELIVERED, WIRE, PEAK, MISSING, TWICE, BUSY)


def shown_of(mode: str) -> tuple[Figure, ...]:
    """Return the figures of a mode's table; those of ``busy-2`` are those of ``busy``."""
    return BY_MODE.get(mode) or BY_MODE.get(mode.partition("-")[0], USUAL)
