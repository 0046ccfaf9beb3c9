"""Records lost to overflow: counted at once, reported later to the operator and the vendor."""

from __future__ import annotations

import _thread
import contextlib
import datetime
import logging
import math
from collections.abc import Callable, Mapping

from ..wire.event import Event, SyntheticOrigin
from .clock import Clocks
from .diagnostics import Diagnostics
from .ledger import Tally
from .options import Options

REPORT_SECONDS = 60.0
"""Between two reports to the destination."""

OnDrop = Callable[[str, int, int], object]


class Drops:
    """
    What overflow has cost.

    Args:
        tally: The ledger's count by level.
        options: ``on_drop`` and ``overflow``.
        clock: Wall-clock time.

    Attributes:
        has_unreported: Records were dropped since `report` was last called.
    """

    def __init__(self, tally: Tally, options: Options, clock: Clocks) -> None:
        self._tally = tally
        self._overflow = Tally()
        self._options = options
        self._clock = clock
        self._reported = self._overflow.by_level()
        self._sent = self._sending = self._overflow.by_level()
        self._send_at = -math.inf
        self._first = self._sending_first = 0.0
        self._last = 0.0
        self._large = 0
        self._reporting = _thread.allocate_lock()
        self.has_unreported = False

    def add(self, level: int, large: int = 0) -> None:
        """
        Count one record lost to overflow; called by the logging thread.

        Args:
            level: Of the record.
            large: Its bytes, where it is larger than the whole buffer.
        """
        self._tally.add(level)
        self._overflow.add(level)
        self._large = large or self._large
        self.has_unreported = True
        self._last = self._clock.wall()
        if not self._first:
            self._first = self._last

    def report(self, diagnostics: Diagnostics, bound: int, full: str) -> None:
        """
        Call ``on_drop``, and write to the operator when drops begin; called by a worker.

        Args:
            diagnostics: For the operator.
            bound: Of the buffer, in bytes.
            full: A sentence that says that the buffer is full.
        """
        if not self.has_unreported or not self._reporting.acquire(blocking=False):
            return
        try:
            self.has_unreported = False
            counts = self._overflow.by_level()
            fresh, self._reported = counts - self._reported, counts
            large, self._large = self._large, 0
        finally:
            self._reporting.release()
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
        report_lost(self._options.on_drop, "dropped", fresh)

    @property
    def event_due_at(self) -> float:
        """The monotonic time at which the vendor is to get an event; infinite where nothing is."""
        return self._send_at if self._first else math.inf

    def take_event(self, now: float) -> Event | None:
        """
        Return the event that tells the vendor what was lost; one a minute at most.

        Called under the delivery's lock, at monotonic *now*; `event_sent` follows.
        """
        counts = self._overflow.by_level()
        fresh = counts - self._sent
        if not fresh or now < self._send_at:
            return None
        self._send_at = now + REPORT_SECONDS
        self._sending = counts
        first, last = self._first, self._last
        self._sending_first, self._first = first, 0.0
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
        time_ns, origin = self._clock.wall_ns(), SyntheticOrigin()
        return Event(time_ns, logging.WARNING, "WARNING", message, fields, origin)

    def event_sent(self, *, done: bool) -> None:
        """Note whether the vendor took the event; else the next one includes its counts."""
        if done:
            self._sent = self._sending
        else:
            self._first = self._sending_first


def report_lost(on_drop: OnDrop | None, outcome: str, counts: Mapping[int, int]) -> None:
    """Call *on_drop* with how many records of each level had *outcome*."""
    if on_drop is not None:
        for level, count in sorted(counts.items()):
            with contextlib.suppress(Exception):
                on_drop(outcome, count, level)


def _iso(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()
