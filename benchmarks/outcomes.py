"""Which aims a run has reached."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .aims import AIMS, Aim, Look
from .figures import Figure, Series, series
from .subjects.floors import floor
from .subjects.ours import ours

AllRuns = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]
"""By mode and subject's name, the rounds."""


@dataclass(frozen=True)
class Outcome:
    """
    What was reached of an aim.

    Attributes:
        aim: The aim.
        journal: Whether with the spool.
        bound: What is wanted.
        values: Of the rounds, for the worst vendor; none where nothing was measured.
        vendor: The worst.
        lost: Records of all vendors that did not arrive, where that counts.
        floor: What the leanest pipeline of this vendor reaches, in the median.
    """

    aim: Aim
    journal: bool
    bound: float
    values: tuple[float, ...] = ()
    vendor: str = ""
    lost: int = 0
    floor: float | None = None

    @property
    def median(self) -> float | None:
        """The median of the rounds."""
        return statistics.median(self.values) if self.values else None

    @property
    def reached(self) -> bool | None:
        """Whether the bound was met and, where it matters, nothing was lost."""
        if self.median is None:
            return None
        kept = self.median >= self.bound if self.aim.least else self.median <= self.bound
        return kept and not self.lost


def outcomes(runs: AllRuns, aims: Sequence[Aim] = AIMS) -> list[Outcome]:
    """Return the outcome of each aim, in memory and with the spool."""

    def look(mode: str, name: str, figure: Figure) -> Series:
        return series(runs.get(mode, {}).get(name, ()), figure)

    return [
        _outcome(aim, bool(journal), bound, look, runs)
        for aim in aims
        for journal, bound in enumerate(aim.bounds)
        if bound is not None
    ]


def _outcome(aim: Aim, journal: bool, bound: float, look: Look, runs: AllRuns) -> Outcome:
    found = {}
    lost = 0
    for vendor in aim.vendors:
        subject = ours(vendor, journal=journal, fast=aim.fast)
        values = aim.measure(look, subject)
        if values:
            found[vendor] = tuple(values)
            lost += _lost(runs.get("burst", {}).get(subject.name, ())) if aim.whole else 0
    if not found:
        return Outcome(aim, journal, bound)
    worst = (min if aim.least else max)(found, key=lambda each: statistics.median(found[each]))
    compared = aim.fast and len(aim.vendors) > 1
    lean = aim.measure(look, floor(worst, journal=journal)) if compared else []
    reachable = statistics.median(lean) if lean else None
    return Outcome(aim, journal, bound, found[worst], worst, lost, reachable)


def _lost(rounds: Sequence[Mapping[str, Any]]) -> int:
    return sum(each.get("missing", 0) for each in rounds)
