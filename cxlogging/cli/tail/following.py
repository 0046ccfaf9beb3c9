"""
New rows of a query, each once: windows that overlap, and what was seen in them.

A row becomes visible some time after the instant that it bears. So every window
begins before the last one ended, and what came with an earlier window is passed
over. A short overlap is asked for each time, and the whole allowance for late
rows now and then: most of what is asked is new.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ...dataprime import QueryError, Row

SECOND = 1_000_000_000
SHORT = 5 * SECOND
WIDE_EVERY = 4
"""The whole allowance is asked for again after a quarter of it."""

Ask = Callable[[int, int], Iterable[Row]]


@dataclass
class Following:
    """
    A query that is followed.

    Attributes:
        ask: Returns the rows of a window, both instants in nanoseconds.
        begin: Where the first window begins.
        allowance: Nanoseconds by which a row may be late.
    """

    ask: Ask
    begin: int
    allowance: int
    _seen: Counter[tuple[int, str]] = field(default_factory=Counter)
    _reached: int | None = None
    _wide: int = 0

    def new_until(self, now: int) -> list[Row]:
        """
        Return the rows up to *now* that were not returned before, in order of time.

        Where it raises, nothing is counted as seen: the next call asks again.
        """
        start, is_wide = self._start(now)
        found: Counter[tuple[int, str]] = Counter()
        fresh: list[tuple[int, Row]] = []
        for row in self.ask(start, now):
            identity = _identity(row)
            found[identity] += 1
            if found[identity] > self._seen[identity]:
                fresh.append((identity[0], row))
        self._seen |= found
        self._reached = max(now, self._reached or 0)
        if is_wide:
            self._wide = now
            self._forget(now - self.allowance)
        fresh.sort(key=lambda pair: pair[0])
        return [row for _, row in fresh]

    def _start(self, now: int) -> tuple[int, bool]:
        if self._reached is None:
            return min(self.begin, now), True
        is_wide = now - self._wide >= self.allowance // WIDE_EVERY
        # What has become visible since the last wide question is no older than that.
        start = self._wide - self.allowance if is_wide else self._reached - SHORT
        return min(max(start, self.begin), now), is_wide

    def _forget(self, before: int) -> None:
        for identity in [each for each in self._seen if each[0] < before]:
            del self._seen[identity]


def _identity(row: Row) -> tuple[int, str]:
    moment = row.timestamp_ns
    if moment is None:
        raise QueryError(
            "tail follows logs: a query that counts or groups has no rows that come one by one."
        )
    found = row.metadata.get("logid")
    # Metadata that the service adds later is left out: the row is the same.
    return moment, str(found or json.dumps([row.labels, row.raw], default=str))
