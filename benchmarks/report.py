"""The report of a run, as tables; as text here, as Markdown in `publish`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .figures import BUSY, series, shown_of, spread
from .modes import BY_NAME as MODES
from .outcomes import Outcome, outcomes
from .subjects import BY_NAME as SUBJECTS

Result = Mapping[str, Any]
"""``environment``, ``runs`` by mode and subject, ``absent`` with the reasons."""

QUIET = 0.5
"""A load above which a machine is not quiet."""

TITLES = {
    "import": "Importing it, above import logging; of cxlogging, making a handler too",
    "idle": "An idle process that has logged: what it does in {seconds:g} seconds",
}


@dataclass(frozen=True)
class Table:
    """A table: its title, its head, its rows; the first column is text."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


FINE = 1.0
"""Below this bound, two digits would hide whether a number has reached it."""

AIMS_HEAD = ("", "where", "wanted", "median (least-most)", "the worst vendor", "its floor", "")


def aims_table(runs: Mapping[str, Any]) -> Table:
    """Return the aims and their outcomes."""
    return Table("The numbers to reach", AIMS_HEAD, [_aim_row(each) for each in outcomes(runs)])


def _aim_row(each: Outcome) -> Sequence[str]:
    aim = each.aim
    unit = f" {aim.unit}" if aim.unit else ""
    form = ".3f" if each.bound < FINE else ".2f"
    return (
        aim.title,
        "spool" if each.journal else "memory",
        f"{'≥' if aim.least else '≤'} {each.bound:g}{unit}",
        spread(each.values, form) if each.values else "not measured",
        each.vendor if len(aim.vendors) > 1 else "",
        "-" if each.floor is None else f"{each.floor:{form}}",
        _verdict(each),
    )


def _verdict(each: Outcome) -> str:
    if each.reached is None:
        return "-"
    lost = f", {each.lost} lost" if each.lost else ""
    return f"reached{lost}" if each.reached else f"NOT reached{lost}"


def mode_tables(runs: Mapping[str, Any]) -> Iterator[Table]:
    """Yield the figures of each mode that was measured."""
    for mode, subjects in runs.items():
        figures = shown_of(mode)
        title = TITLES[mode].format(**_any(subjects)) if mode in TITLES else MODES[mode].title
        shown = [
            each for each in figures if any(series(rounds, each) for rounds in subjects.values())
        ]
        head = ("", *(each.title for each in shown))
        rows = [(name, *(each.cell(rounds) for each in shown)) for name, rounds in subjects.items()]
        yield Table(title, head, rows)


def _any(subjects: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((each for rounds in subjects.values() for each in rounds), {"seconds": 0})


def machine(environment: Mapping[str, Any]) -> str:
    """Return a sentence about the machine and the versions."""
    return (
        f"{environment['python']} on {environment['system']}; {environment['cpus']} CPUs"
        f" ({environment['processor']}), memory {environment['memory']};"
        f" load before: {environment['load']}."
    )


def versions(environment: Mapping[str, Any]) -> str:
    """Return the versions of all packages that were measured."""
    return ", ".join(
        f"{name} {version or 'missing'}" for name, version in environment["packages"].items()
    )


def remarks(result: Result) -> Iterator[str]:
    """Yield remarks on settings, missing subjects, failures and disturbances."""
    runs = result["runs"]
    taken = {name for subjects in runs.values() for name in subjects}
    yield from (
        f"{name}: {subject.note}."
        for name, subject in SUBJECTS.items()
        if subject.note and name in taken
    )
    yield from (f"{name} could not be measured: {why}." for name, why in result["absent"].items())
    for mode, subjects in runs.items():
        for name, rounds in subjects.items():
            for each in rounds:
                yield from _troubles(f"{name}, {mode}", each)
    if result["environment"].get("quick"):
        yield "A quick run: too few records and rounds to rely on any figure."
    load = result["environment"]["load"]
    if load is not None and load > QUIET:
        yield f"Other programs ran when this began (load {load:.1f}): the figures are disturbed."
    yield f"The sink was busy for {busiest(runs):.0f} % of a run's wall time at most."


def _troubles(what: str, each: Mapping[str, Any]) -> Iterator[str]:
    if "failed" in each:
        yield f"{what}: failed: {each['failed']}."
    if each.get("unreadable"):
        yield f"{what}: the sink could not read a body: {each['unreadable']}."


def busiest(runs: Mapping[str, Any]) -> float:
    """Return the largest share of a run in which the sink was busy, in percent."""
    rounds = (each for subjects in runs.values() for each in subjects.values())
    return max((value for each in rounds for value in series(each, BUSY).values()), default=0.0)


def text(result: Result) -> str:
    """Return the whole report."""
    runs = result["runs"]
    parts = [
        "Interleaved rounds, a fresh process a run; median (least-most) of the rounds.",
        machine(result["environment"]),
        versions(result["environment"]),
        *(_text(table) for table in mode_tables(runs)),
        "\n".join(remarks(result)),
        _text(aims_table(runs)),
    ]
    return "\n\n".join(parts)


def _text(table: Table) -> str:
    rows = [table.head, *table.rows]
    widths = [max(len(row[at]) for row in rows) for at in range(len(table.head))]
    lines = (
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in rows
    )
    return "\n".join([f"{table.title}:", *lines])
