"""What was reached of the numbers to reach: runs in, outcomes out."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .aims import AIMS, Aim, Look
from .figures import Figure, Series, series
from .subjects.ours import ours

AllRuns = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]
"""By mode and subject's name, the rounds."""


@dataclass(frozen=True)
class Outcome:
    """What was reached: the values of *subject*, the worst; None where nothing was measured."""

    title: str
    journal: bool
    bound: float
    least_wanted: bool
    unit: str
    subject: str | None = None
    median: float | None = None
    least: float | None = None
    most: float | None = None
    lost: int = 0

    @property
    def reached(self) -> bool | None:
        """Whether the bound was kept and, where it counts, nothing was lost."""
        if self.median is None:
            return None
        kept = self.median >= self.bound if self.least_wanted else self.median <= self.bound
        return kept and not self.lost


def outcomes(runs: AllRuns, aims: Sequence[Aim] = AIMS) -> list[Outcome]:
    """Return what was reached of each aim, in memory and then with the spool."""

    def look(mode: str, name: str, figure: Figure) -> Series:
        return series(runs.get(mode, {}).get(name, ()), figure)

    return [
        _outcome(aim, journal, bound, look, runs)
        for aim in aims
        for journal, bound in enumerate(aim.bounds)
        if bound is not None
    ]


def _outcome(aim: Aim, journal: int, bound: float, look: Look, runs: AllRuns) -> Outcome:
    plain = Outcome(aim.title, bool(journal), bound, aim.least, aim.unit)
    found = []
    for vendor in aim.vendors:
        subject = ours(vendor, journal=bool(journal), fast=aim.fast)
        values = aim.measure(look, subject)
        if values:
            lost = _lost(runs.get("burst", {}).get(subject.name, ())) if aim.whole else 0
            found.append((statistics.median(values), values, subject.name, lost))
    if not found:
        return plain
    worst = (min if aim.least else max)(found, key=lambda each: each[0])
    _, values, name, _ = worst
    return Outcome(
        aim.title,
        bool(journal),
        bound,
        aim.least,
        aim.unit,
        name,
        statistics.median(values),
        min(values),
        max(values),
        sum(each[3] for each in found),
    )


def _lost(rounds: Sequence[Mapping[str, Any]]) -> int:
    return sum(each.get("missing", 0) for each in rounds)
