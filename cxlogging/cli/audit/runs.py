"""
What has arrived of the numbers that records bear, run by run.

Numbers that follow each other take no more room than two: a run is a list of
unbroken stretches, and where nothing is missing there is one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

YOUNG = 60_000_000_000
"""Nanoseconds in which what is missing may still be under way."""

_ID = re.compile(r"(.+)-([1-9]\d{0,17})", re.ASCII)


@dataclass
class Stretch:
    """Numbers without a gap: the first and the last, and when the first was logged."""

    first: int
    last: int
    at: int


@dataclass
class Run:
    """
    One process run.

    Attributes:
        duplicates: Records that had arrived before.
        stretches: What has arrived, in order.
    """

    duplicates: int = 0
    stretches: list[Stretch] = field(default_factory=list)

    def add(self, number: int, at: int) -> None:
        """Count a record, logged at *at*, in nanoseconds."""
        index = bisect_right(self.stretches, number, key=lambda each: each.first)
        before = self.stretches[index - 1] if index else None
        after = self.stretches[index] if index < len(self.stretches) else None
        if before is not None and number <= before.last:
            self.duplicates += 1
        elif before is not None and number == before.last + 1:
            before.last = number
            if after is not None and after.first == number + 1:
                before.last = after.last
                del self.stretches[index]
        elif after is not None and number + 1 == after.first:
            after.first, after.at = number, at
        else:
            self.stretches.insert(index, Stretch(number, number, at))

    @property
    def first(self) -> int:
        """The lowest number that has arrived."""
        return self.stretches[0].first

    @property
    def last(self) -> int:
        """The highest number that has arrived."""
        return self.stretches[-1].last

    @property
    def arrived(self) -> int:
        """How many numbers have arrived, duplicates counted once."""
        return sum(each.last - each.first + 1 for each in self.stretches)

    def gaps(self, *, whole: bool) -> Iterator[tuple[int, int, int]]:
        """
        Yield what is missing: its first and last number, and when the next record was logged.

        What would come after the last number is no gap: the run may still be alive.

        Args:
            whole: Count what lies before the first number as missing too.
        """
        expected = 1 if whole else self.first
        for each in self.stretches:
            if each.first > expected:
                yield expected, each.first - 1, each.at
            expected = each.last + 1


@dataclass
class Runs:
    """
    All runs of a window.

    Attributes:
        foreign: Records whose field holds no id.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    foreign: int = 0

    def add(self, identity: object, at: int) -> None:
        """Count the record of an id, ``<process run>-<number>``."""
        found = _ID.fullmatch(identity) if isinstance(identity, str) else None
        if found is None:
            self.foreign += 1
            return
        self.runs.setdefault(found[1], Run()).add(int(found[2]), at)
