"""Records lost to overflow: counted at once, told later, reported to the destination."""

from __future__ import annotations

import _thread
import contextlib
import datetime
import logging
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..wire.event import Event, SyntheticOrigin
from .clock import Clock
from .diagnostics import Diagnostics
from .ledger import Tally

if TYPE_CHECKING:
    from .options import Options

REPORT_SECONDS = 60.0
"""From one report to the destination to the next, and so long the next may be in coming."""

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
        self._reported = self._reporting = self._overflow.by_level()
        self._report_at = -math.inf
        self._first = self._reporting_first = 0.0
        self._last = 0.0
        self._large = 0
        self._telling = _thread.allocate_lock()
        self.untold = False
        """Whether records were lost of which nobody was told yet."""

    def add(self, level: int, large: int = 0) -> None:
        """
        Count one record lost to overflow; called by the logging thread.

        Args:
            level: Of the record.
            large: Its bytes, where it is larger than all that the buffer has room for.
        """
        self._tally.add(level)
        self._overflow.add(level)
        self._large = large or self._large
        self.untold = True
        self._last = self._clock.wall()
        if not self._first:
            self._first = self._last

    def tell(self, diagnostics: Diagnostics, bound: int, full: str) -> None:
        """
        Tell ``on_drop``, and the operator when it begins; called by a worker.

        Args:
            diagnostics: For the operator.
            bound: Of the buffer, in bytes.
            full: Says that the buffer is full.
        """
        if not self.untold or not self._telling.acquire(blocking=False):
            return
        try:
            self.untold = False
            counts = self._overflow.by_level()
            fresh, self._told = counts - self._told, counts
            large, self._large = self._large, 0
        finally:
            self._telling.release()
        if large:
            sentence = (
                f"a record of {large} bytes has no room in the buffer of {bound} bytes and is"
                " dropped: raise buffer_bytes, or spool_bytes where there is a spool"
            )
            diagnostics.say("large", "large", sentence)
        if fresh.total() > bool(large):
            sentence = (
                f"{full}: records are dropped"
                f" (overflow={self._options.overflow!r}) until the vendor takes them again;"
                f" {counts.total()} so far"
            )
            diagnostics.say("dropping", "dropping", sentence)
        tell_lost(self._options.on_drop, "dropped", fresh)

    @property
    def report_at(self) -> float:
        """The monotonic time at which the destination is to be told; infinite where of nothing."""
        return self._report_at if self._first else math.inf

    def report(self, now: float) -> Event | None:
        """
        Return the event that tells the destination what was lost; one a minute.

        Called under the delivery's lock, at monotonic *now*; `reported` ends it.
        """
        counts = self._overflow.by_level()
        fresh = counts - self._reported
        if not fresh or now < self._report_at:
            return None
        self._report_at = now + REPORT_SECONDS
        self._reporting = counts
        first, last = self._first, self._last
        self._reporting_first, self._first = first, 0.0
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
        return Event(time_ns, logging.WARNING, "WARNING", message, fields, SyntheticOrigin())

    def reported(self, *, done: bool) -> None:
        """Note whether the destination took the event of `report`: else the next one has it all."""
        if done:
            self._reported = self._reporting
        else:
            self._first = self._reporting_first


def tell_lost(on_drop: OnDrop | None, outcome: str, counts: Mapping[int, int]) -> None:
    """Tell *on_drop* how many records of each level came to *outcome*."""
    if on_drop is not None:
        for level, count in sorted(counts.items()):
            with contextlib.suppress(Exception):
                on_drop(outcome, count, level)


def _iso(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()
