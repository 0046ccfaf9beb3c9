"""
One append to a segment, which does not release the GIL while the disk is fast.

And the queue in memory that takes over where it fails.
"""

from __future__ import annotations

import _thread
from collections.abc import Callable, Sequence
from os import SEEK_CUR

from ..clock import Clocks
from ..options import Options
from ..queue.memory import ITEM_OVERHEAD, MemoryQueue
from ..queue.queue import Item, Report
from .disk import Disk
from .frames import FRAME_BYTES

SLOW_SECONDS = 0.005
"""An append that takes longer is slow: this long, as `sys.setswitchinterval` says, any thread may
hold the GIL while the others wait."""

STALLED_SECONDS = 0.1
"""If slow appends take this much of a second, ..."""

RELEASING_SECONDS = 10.0
"""... appends release the GIL for this long."""

EXACT_SECONDS = 1.0
"""How long appends are timed without what this thread waited for the GIL."""

NOWHERE = -2
"""Neither an offset in a file nor what a call that fails returns."""


class Appender:
    """
    Appends to one file at a time.

    Args:
        disk: The file system.
        clock: Monotonic time.
        report: Called with kind, topic and sentence of a diagnostic.

    Attributes:
        write: Append bytes to a descriptor, as `Disk.write` does; after a stall, another function.
    """

    def __init__(self, disk: Disk, clock: Clocks, report: Report) -> None:
        self._disk = disk
        self._calls = disk.gil_calls
        self._monotonic = clock.monotonic
        self._ticks = iter(clock.monotonic, None)
        self._report = report
        self._end = NOWHERE
        self._slow_seconds = 0.0
        self._slow_since = self._exact_until = self._hold_at = 0.0
        self._is_reported = False
        self.write = disk.write if disk.gil_calls is None else self._first

    def _first(self, fd: int, data: bytes) -> int:
        """Decide how to append, now that the file is known."""
        self.write = self._hold if self._disk.is_local(fd) else self._disk.write
        return self.write(fd, data)

    def _hold(self, fd: int, data: bytes) -> int:
        """Append while the GIL is held."""
        write, seek = self._calls  # type: ignore[misc]
        end = seek(fd, 0, SEEK_CUR)
        if end != self._end:
            # The first append, the next segment, or a file of the application's under the same
            # number: another file is never at exactly the offset where this one ended.
            self._disk.check(fd)
        size = len(data)
        monotonic = self._monotonic
        began = monotonic()
        written = write(fd, data, size)
        took = monotonic() - began
        if took > SLOW_SECONDS:
            self._slow(took)
        if written < 0:
            return self._repeat(fd, data)
        self._end = end + written
        return written

    def _slow(self, took: float) -> None:
        # Another thread may have run between the calls, unless it took very long.
        if took >= STALLED_SECONDS:
            self._stall(took)
        else:
            self._exact_until = self._monotonic() + EXACT_SECONDS
            self.write = self._hold_and_time

    def _hold_and_time(self, fd: int, data: bytes) -> int:
        """Append, and time only the system call: threads switch between calls in Python."""
        write, seek = self._calls  # type: ignore[misc]
        end = seek(fd, 0, SEEK_CUR)
        if end != self._end:
            self._disk.check(fd)
        call = map(write, (fd,), (data,), (len(data),))
        # No Python code runs in this line, so the GIL is held throughout.
        ((began, written, ended),) = zip(self._ticks, call, self._ticks, strict=False)
        if ended - began > SLOW_SECONDS:
            self._stall(ended - began)
        elif ended > self._exact_until:
            self.write = self._hold
        if written < 0:
            return self._repeat(fd, data)
        self._end = end + written
        return int(written)

    def _repeat(self, fd: int, data: bytes) -> int:
        """Append after a failure: it fails again, with the reason, or it was only interrupted."""
        self._end = NOWHERE
        return self._disk.write(fd, data)

    def _stall(self, took: float) -> None:
        now = self._monotonic()
        if now - self._slow_since > 1:
            self._slow_seconds, self._slow_since = 0.0, now - took
        self._slow_seconds += took
        if self._slow_seconds < STALLED_SECONDS:
            return
        self._hold_at = now + RELEASING_SECONDS
        self.write = self._release
        if not self._is_reported:
            self._is_reported = True
            self._report(
                "stall",
                "append",
                f"an append to the spool took {took:.2f} s (the disk is slow, or the processor is"
                " overloaded): other threads no longer wait for appends while that lasts",
            )

    def _release(self, fd: int, data: bytes) -> int:
        """Append while other threads run, for a while."""
        now = self._monotonic()
        if now >= self._hold_at:
            self._end = NOWHERE
            self._exact_until = now + EXACT_SECONDS
            self.write = self._hold_and_time
            return self._hold_and_time(fd, data)
        return self._disk.write(fd, data)


class MemoryFallback(MemoryQueue):
    """
    The queue in memory that a journal uses while the disk fails.

    Args:
        options: As a `MemoryQueue` takes them.
        clock: For ``overflow="block"``.
        on_evicted: Called with the items that ``"drop_oldest"`` evicts.
        lock: The delivery's lock.
    """

    def __init__(
        self,
        options: Options,
        clock: Clocks,
        on_evicted: Callable[[Sequence[Item]], None],
        lock: _thread.RLock,
    ) -> None:
        super().__init__(options, clock, lambda _: None, lock)
        self._on_items_evicted = on_evicted

    def _count_evicted(self, items: Sequence[Item]) -> None:
        self._on_items_evicted(items)

    @property
    def frame_bytes(self) -> int:
        """The bytes that what waits would take on disk."""
        return self.bytes_in - self.bytes_out - len(self) * (ITEM_OVERHEAD - FRAME_BYTES)
