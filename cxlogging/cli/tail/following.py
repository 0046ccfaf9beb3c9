"""
The new rows of a query, each returned once.

A row becomes visible some time after its timestamp. So every window begins before the last one
ended, and rows that an earlier window returned are skipped. The overlap is short for most windows;
from time to time it is the whole time by which a row may be late.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ...dataprime import QueryError, Row

SECOND = 1_000_000_000
SHORT_OVERLAP = 5 * SECOND
WIDE_WINDOWS = 4
"""How many long overlaps there are in the time by which a row may be late."""

FetchRows = Callable[[int, int], Iterable[Row]]


@dataclass
class Following:
    """
    A query that is repeated for one time window after another.

    Attributes:
        fetch: Returns the rows between two times in nanoseconds.
        begin: Where the first window begins.
        max_lateness: By how many nanoseconds a row may be late.
    """

    fetch: FetchRows
    begin: int
    max_lateness: int
    _seen: Counter[tuple[int, str]] = field(default_factory=Counter)
    _last_end: int | None = None
    _last_wide_end: int = 0

    def new_until(self, now: int) -> list[Row]:
        """
        Return the rows up to *now* that were not returned before, in order of time.

        If it raises, no row counts as returned, and the next call asks for them again.
        """
        start, is_wide = self._start(now)
        found: Counter[tuple[int, str]] = Counter()
        fresh: list[tuple[int, Row]] = []
        for row in self.fetch(start, now):
            identity = _identity(row)
            found[identity] += 1
            if found[identity] > self._seen[identity]:
                fresh.append((identity[0], row))
        self._seen |= found
        self._last_end = max(now, self._last_end or 0)
        if is_wide:
            self._last_wide_end = now
            self._forget(now - self.max_lateness)
        fresh.sort(key=lambda pair: pair[0])
        return [row for _, row in fresh]

    def _start(self, now: int) -> tuple[int, bool]:
        if self._last_end is None:
            return min(self.begin, now), True
        is_wide = now - self._last_wide_end >= self.max_lateness // WIDE_WINDOWS
        # No row that became visible since the last wide window is older than this.
        start = (
            self._last_wide_end - self.max_lateness if is_wide else self._last_end - SHORT_OVERLAP
        )
        return min(max(start, self.begin), now), is_wide

    def _forget(self, before: int) -> None:
        for identity in [each for each in self._seen if each[0] < before]:
            del self._seen[identity]


def _identity(row: Row) -> tuple[int, str]:
    moment = row.timestamp_ns
    if moment is None:
        raise QueryError(
            "tail prints logs as they arrive: a query that counts or groups cannot be followed."
        )
    found = row.metadata.get("logid")
    # Without the other metadata, which the service may complete later.
    return moment, str(found or json.dumps([row.labels, row.raw], default=str))
