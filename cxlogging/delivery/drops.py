"""Records lost to overflow: counted at once, told later, reported to the destination."""

from __future__ import annotations

import contextlib
import datetime
import logging
from collections.abc import Callable, Mapping

from ..wire.event import Event, Source
from .clock import Clock
from .diagnostics import Diagnostics
from .ledger import Tally
from .options import Options

OnDrop = Callable[[str, int, int], object]


class Drops:
    """
    What overflow has cost.

    Args:
        tally: The ledger's count by level.
        options: ``on_drop`` and ``overflow``.
        clock: Wall-clock time.
    """

    def __init__(self, tally: Tally, options: Options, clock: Clock) -> None:
        self._tally = tally
        self._overflow = Tally()
        self._options = options
        self._clock = clock
        self._told = self._overflow.by_level()
        self._reported = self._overflow.by_level()
        self._first = 0.0
        self._last = 0.0

    def add(self, level: int) -> None:
        """Count one record lost to overflow; called by the logging thread."""
        self._tally.add(level)
        self._overflow.add(level)
        self._last = self._clock.wall()
        if not self._first:
            self._first = self._last

    def tell(self, diagnostics: Diagnostics, bound: int) -> None:
        """Tell ``on_drop``, and the operator when it begins; called by a worker."""
        counts = self._overflow.by_level()
        fresh = counts - self._told
        if not fresh:
            return
        self._told = counts
        diagnostics.say(
            "dropping",
            "dropping",
            f"the buffer of {bound} bytes is full: records are dropped"
            f" (overflow={self._options.overflow!r}) until the vendor takes them again",
        )
        tell_lost(self._options.on_drop, "dropped", fresh)

    def report(self) -> Event | None:
        """Return the event that tells the destination what was lost since the last one."""
        counts = self._overflow.by_level()
        fresh = counts - self._reported
        if not fresh:
            return None
        self._reported = counts
        first, last = self._first, self._last
        self._first = 0.0
        levels = {logging.getLevelName(level): count for level, count in sorted(fresh.items())}
        listed = ", ".join(f"{name} {count}" for name, count in levels.items())
        fields = {
            "cx_dropped": fresh.total(),
            "cx_dropped_by_level": levels,
            "cx_dropped_from": _iso(first),
            "cx_dropped_until": _iso(last),
        }
        message = (
            f"cxlogging dropped {fresh.total()} records as its buffer was full ({listed})"
            f" between {_iso(first)} and {_iso(last)}"
        )
        time_ns = int(self._clock.wall() * 1e6) * 1000
        return Event(time_ns, logging.WARNING, "WARNING", message, fields, Source())


def tell_lost(on_drop: OnDrop | None, outcome: str, counts: Mapping[int, int]) -> None:
    """Tell *on_drop* how many records of each level came to *outcome*."""
    if on_drop is not None:
        for level, count in sorted(counts.items()):
            with contextlib.suppress(Exception):
                on_drop(outcome, count, level)


def _iso(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()
