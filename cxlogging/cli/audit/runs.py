"""
Which numbered records of each process run have arrived.

A run is a sorted list of ranges of numbers, so that it takes room only for its gaps.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

IN_TRANSIT_NS = 60_000_000_000
"""Nanoseconds after which a missing record is not taken to be still on its way."""

_ID = re.compile(r"(.+)-([1-9]\d{0,17})", re.ASCII)


@dataclass
class NumberRange:
    """Numbers without a gap: the first, the last, and when the record of the first was logged."""

    first: int
    last: int
    at: int


@dataclass
class ProcessRun:
    """
    What has arrived of one process run.

    Attributes:
        duplicates: Records that had arrived before.
        ranges: The numbers that have arrived, in order.
    """

    duplicates: int = 0
    ranges: list[NumberRange] = field(default_factory=list)

    def add(self, number: int, at: int) -> None:
        """Count a record that was logged at *at*, in nanoseconds."""
        index = bisect_right(self.ranges, number, key=lambda each: each.first)
        before = self.ranges[index - 1] if index else None
        after = self.ranges[index] if index < len(self.ranges) else None
        if before is not None and number <= before.last:
            self.duplicates += 1
        elif before is not None and number == before.last + 1:
            before.last = number
            if after is not None and after.first == number + 1:
                before.last = after.last
                del self.ranges[index]
        elif after is not None and number + 1 == after.first:
            after.first, after.at = number, at
        else:
            self.ranges.insert(index, NumberRange(number, number, at))

    @property
    def first(self) -> int:
        """The lowest number that has arrived."""
        return self.ranges[0].first

    @property
    def last(self) -> int:
        """The highest number that has arrived."""
        return self.ranges[-1].last

    @property
    def arrived(self) -> int:
        """How many numbers have arrived; duplicates count once."""
        return sum(each.last - each.first + 1 for each in self.ranges)

    def gaps(self, *, from_one: bool) -> Iterator[tuple[int, int, int]]:
        """
        Yield each gap: its first and last number, and when the next record was logged.

        Nothing is missing after the last number, as the run may still be logging.

        Args:
            from_one: The numbers before the first one that has arrived are missing too.
        """
        expected = 1 if from_one else self.first
        for each in self.ranges:
            if each.first > expected:
                yield expected, each.first - 1, each.at
            expected = each.last + 1


@dataclass
class ProcessRuns:
    """
    The process runs of a window.

    Attributes:
        foreign: Records whose field does not hold an id.
    """

    runs: dict[str, ProcessRun] = field(default_factory=dict)
    foreign: int = 0

    def add(self, identity: object, at: int) -> None:
        """Count the record with an id, ``<process run>-<number>``."""
        found = _ID.fullmatch(identity) if isinstance(identity, str) else None
        if found is None:
            self.foreign += 1
            return
        self.runs.setdefault(found[1], ProcessRun()).add(int(found[2]), at)
