"""The report of a run: medians with least and most, ratios by round, and the two aims."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .run import Runs
from .subjects import ENQUEUE, ENQUEUE_LOCKED, FAST, LOGTAIL, NO_OP, PLAIN, SUBJECTS, Subject

PACKAGES = "cxlogging logtail-python msgpack msgspec isal backports.zstd urllib3 requests".split()
CPU_AIM = 0.5
BUSY = 0.5
"""A load above which a machine is not quiet."""
BETTER_STACK = "Better Stack"

Round = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """
    One figure of each subject.

    Attributes:
        title: With its unit.
        value: Takes a round; None where the subject has no such figure.
        form: How a number is printed.
    """

    title: str
    value: Callable[[Round], float | None]
    form: str = ".1f"

    def cell(self, rounds: Sequence[Round]) -> str:
        """Return ``median (least-most)``."""
        values = [value for each in rounds if (value := self.value(each)) is not None]
        if not values:
            return "-"
        middle, least, most = (
            f"{value:{self.form}}"
            for value in (statistics.median(values), min(values), max(values))
        )
        return middle if least == most else f"{middle} ({least}-{most})"


def _delivered(value: Callable[[Round], float]) -> Callable[[Round], float | None]:
    """Return *value* for rounds in which the sink got anything."""
    return lambda each: value(each) if each["total"]["sink"]["requests"] else None


def _bytes_per_record(total: Round) -> float:
    return float(total["sink"]["bytes"] / max(total["sink"]["distinct"], 1))


def _busy(total: Round) -> float:
    """Return the sink's CPU time as a share of the run's wall time."""
    return float(total["sink"]["cpu"] / total["wall"])


def _both(each: Round, name: str) -> float:
    return float(each["calls"][name] + each["total"][name])


def _twice(each: Round) -> float:
    return float(each["calls"]["sink"]["duplicates"] + each["total"]["sink"]["duplicates"])


CALLS = (
    Column("p50 µs", lambda each: each["calls"]["p50_ns"] / 1e3, ".2f"),
    Column("p99 µs", lambda each: each["calls"]["p99_ns"] / 1e3),
    Column("max ms", lambda each: each["calls"]["max_ns"] / 1e6, ".2f"),
    Column("first call µs", lambda each: each["calls"]["first_call"] * 1e6, ".0f"),
)
TOTALS = (
    Column("CPU µs/record", lambda each: each["total"]["cpu_per_record"] * 1e6),
    Column("records/s", _delivered(lambda each: each["total"]["per_second"]), ",.0f"),
    Column("start CPU ms", lambda each: each["total"]["start_cpu"] * 1e3, ".0f"),
    Column("peak MB", lambda each: (each["total"]["peak_bytes"] or 0) / 1e6 or None),
)
SINK = (
    Column("requests", _delivered(lambda each: each["total"]["sink"]["requests"]), ".0f"),
    Column("bytes/record", _delivered(lambda each: _bytes_per_record(each["total"])), ".0f"),
    Column("sink CPU ms", _delivered(lambda each: each["total"]["sink"]["cpu"] * 1e3)),
    Column("sink busy %", _delivered(lambda each: _busy(each["total"]) * 100)),
    Column("missing", _delivered(lambda each: _both(each, "missing")), ".0f"),
    Column("twice", _delivered(_twice), ".0f"),
)


def text(runs: Runs, environment: dict[str, Any]) -> str:
    """Return the whole report."""
    parts = [
        _head(environment),
        "One logger.info with three extras, each call timed:",
        _table(runs, CALLS),
        "The same without timing each call, until the sink acknowledged the last record:",
        _table(runs, TOTALS),
        "The sink: its own CPU, and what came to it (missing and twice: both modes together):",
        _table({name: runs[name] for name in runs if _arrives(runs[name])}, SINK),
        "\n".join(_remarks(runs, environment)),
        "\n".join(_aims(runs)),
    ]
    return "\n\n".join(parts)


def environment(count: int, rounds: int) -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "records": count,
        "rounds": rounds,
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _head(environment: dict[str, Any]) -> str:
    packages = environment["packages"]
    return (
        f"{environment['rounds']} interleaved rounds, {environment['records']:,} records a run,"
        " a fresh process a run; median (least-most) of the rounds.\n"
        f"Python {environment['python']}, {environment['system']}, {environment['cpus']} CPUs,"
        f" load before: {environment['load']}\n"
        + ", ".join(f"{name} {packages[name] or 'missing'}" for name in packages)
    )


def _arrives(rounds: Sequence[Round]) -> bool:
    return any(each["total"]["sink"]["requests"] for each in rounds)


def _table(runs: Runs, columns: Sequence[Column]) -> str:
    rows = [["", *(column.title for column in columns)]]
    rows += [[name, *(column.cell(runs[name]) for column in columns)] for name in runs]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )


def _remarks(runs: Runs, environment: dict[str, Any]) -> Iterator[str]:
    yield from (
        f"{each.name}: {each.note}." for each in SUBJECTS if each.note and each.name in runs
    )
    for name, rounds in runs.items():
        early = sum(
            each["total"]["sink"]["answered_ns"] > each["total"]["waited_ns"] for each in rounds
        )
        if early and _arrives(rounds):
            yield f"{name}: flush returned before the last acknowledgement in {early} rounds."
    busiest = max((_busy(each["total"]) for name in runs for each in runs[name]), default=0)
    load = environment["load"]
    if load is not None and load > BUSY:
        yield f"Other programs ran when this began (load {load:.1f}): the figures are disturbed."
    yield f"The sink was busy for {busiest:.0%} of a run's wall time at most."


def _ratios(
    runs: Runs, above: Subject, below: Subject, value: Callable[[Subject, int], float]
) -> list[float]:
    return [value(above, at) / value(below, at) for at in range(len(runs[above.name]))]


def _aims(runs: Runs) -> Iterator[str]:
    """Yield each aim, with the ratio that decides it: the median of the rounds' ratios."""

    def call(subject: Subject, at: int) -> float:
        return float(runs[subject.name][at]["calls"]["p50_ns"])

    def cpu(subject: Subject, at: int) -> float:
        def of(name: str) -> float:
            return float(runs[name][at]["total"]["cpu_per_record"])

        return of(subject.name) - of(NO_OP.name)

    for number, queue in (("1", ENQUEUE), ("1, over the slower queue", ENQUEUE_LOCKED)):
        yield f"Aim {number}: p50 of the call at most that of {queue.name}:"
        for subject in (*FAST, *PLAIN):
            yield _aim(subject, _ratios(runs, subject, queue, call), 1.0)
    yield f"Aim 2: CPU above {NO_OP.name} at most {CPU_AIM} of that of {LOGTAIL.name}:"
    for subject in (*FAST, *PLAIN):
        if BETTER_STACK in subject.name:
            yield _aim(subject, _ratios(runs, subject, LOGTAIL, cpu), CPU_AIM)


def _aim(subject: Subject, ratios: Sequence[float], bound: float) -> str:
    ratio = statistics.median(ratios)
    verdict = "reached" if ratio <= bound else "NOT reached"
    return f"  {subject.name:<32} {ratio:.2f} ({min(ratios):.2f}-{max(ratios):.2f})  {verdict}"
