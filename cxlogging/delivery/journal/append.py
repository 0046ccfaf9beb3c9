"""One append to a segment, which keeps the interpreter's lock while the disk is quick."""

from __future__ import annotations

from os import SEEK_CUR

from ..clock import Clock
from .disk import Disk
from .removal import Say

SLOW_SECONDS = 0.005
"""An append that takes longer is slow: so long any thread may keep the lock, as
`sys.setswitchinterval` says, and all the others wait."""

STALLED_SECONDS = 0.1
"""Slow appends may take so much of a second, ..."""

GIVING_SECONDS = 10.0
"""... or appends give the lock away for so long."""

EXACT_SECONDS = 1.0
"""How long appends are timed without what this thread waited for its turn."""

NOWHERE = -2
"""Not a place in a file, nor what a call that fails returns."""


class Append:
    """
    Appends to one file at a time.

    Args:
        disk: The file system.
        clock: Monotonic time.
        say: Told kind, topic and sentence of what a person should hear.

    Attributes:
        write: Append bytes to a descriptor, as `Disk.write` does. Another one after a stall.
    """

    def __init__(self, disk: Disk, clock: Clock, say: Say) -> None:
        self._disk = disk
        self._calls = disk.keeping
        self._monotonic = clock.monotonic
        self._ticks = iter(clock.monotonic, None)
        self._say = say
        self._end = NOWHERE
        self._stalled = 0.0
        self._stalled_since = self._exact_until = self._keep_at = 0.0
        self._said = False
        self.write = disk.write if disk.keeping is None else self._first

    def _first(self, fd: int, data: bytes) -> int:
        """Decide where the file is known."""
        self.write = self._keep if self._disk.is_local(fd) else self._disk.write
        return self.write(fd, data)

    def _keep(self, fd: int, data: bytes) -> int:
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
            return self._again(fd, data)
        self._end = end + written
        return written

    def _slow(self, took: float) -> None:
        # Between the calls another thread may have had its turn, unless it was very long.
        if took >= STALLED_SECONDS:
            self._stall(took)
        else:
            self._exact_until = self._monotonic() + EXACT_SECONDS
            self.write = self._keep_exactly

    def _keep_exactly(self, fd: int, data: bytes) -> int:
        """Append, and time the system's call alone: threads change between calls in Python."""
        write, seek = self._calls  # type: ignore[misc]
        end = seek(fd, 0, SEEK_CUR)
        if end != self._end:
            self._disk.check(fd)
        call = map(write, (fd,), (data,), (len(data),))
        # Nothing of this line is Python code while it runs: the interpreter keeps the lock.
        ((began, written, ended),) = zip(self._ticks, call, self._ticks, strict=False)
        if ended - began > SLOW_SECONDS:
            self._stall(ended - began)
        elif ended > self._exact_until:
            self.write = self._keep
        if written < 0:
            return self._again(fd, data)
        self._end = end + written
        return int(written)

    def _again(self, fd: int, data: bytes) -> int:
        """Append what could not be: it fails too, with the reason, or was interrupted."""
        self._end = NOWHERE
        return self._disk.write(fd, data)

    def _stall(self, took: float) -> None:
        now = self._monotonic()
        if now - self._stalled_since > 1:
            self._stalled, self._stalled_since = 0.0, now - took
        self._stalled += took
        if self._stalled < STALLED_SECONDS:
            return
        self._keep_at = now + GIVING_SECONDS
        self.write = self._give
        if not self._said:
            self._said = True
            self._say(
                "stall",
                "append",
                f"an append to the spool took {took:.2f} s (the disk is slow, or the processor is"
                " overloaded): other threads no longer wait for appends while that lasts",
            )

    def _give(self, fd: int, data: bytes) -> int:
        """Append while others go on, for a while."""
        now = self._monotonic()
        if now >= self._keep_at:
            self._end = NOWHERE
            self._exact_until = now + EXACT_SECONDS
            self.write = self._keep_exactly
            return self._keep_exactly(fd, data)
        return self._disk.write(fd, data)
