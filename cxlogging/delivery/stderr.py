"""
Writing messages to stderr without ever waiting for a reader.

It may happen that nobody reads stderr: a paused pager, a stalled log driver, a terminal stopped
with Ctrl-S. The descriptor is shared with the application, so its flags are not changed: what
can be reopened (pipes and terminals, on Linux) is written to through an open file description of
our own, without waiting; anything else only where `poll` says that there is room.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import stat
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import TextIO

from ..wire.external_errors import contained, is_external

KEPT = 20
"""Lines that are kept until stderr can be written; older ones are only counted."""

LINE_BYTES = min(getattr(select, "PIPE_BUF", 512), 4_096)
"""A pipe that has room takes so much at once, not interleaved with what others write."""

Relay = Callable[[str], object]

_NOWAIT = os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


class Stderr:
    """
    Writes lines to ``sys.__stderr__``, or keeps them until it can be written.

    ``sys.stderr`` is not used: it may itself be a logger. A stream without a file descriptor (one
    that a test or an embedding program has put there) is written to as any program would.

    Args:
        stream: Returns the stream; None is none.
    """

    def __init__(self, stream: Callable[[], TextIO | None] = lambda: sys.__stderr__) -> None:
        self._stream = stream
        self._relays: list[Relay] = []
        # Any thread and any signal handler may be inside of `say`: no lock is taken here.
        self._waiting: deque[str] = deque(maxlen=KEPT)
        self.unsaid = 0

    def say(self, line: str) -> bool:
        """Write *line*, or keep it for `catch_up` and return False; never raise, never wait."""
        shown = "".join(each if each.isprintable() else " " for each in line)
        if self._relays:
            with contained:
                self._relays[-1](shown)
            return True
        if self.catch_up() and self._write(f"{shown}\n"):
            return True
        self.unsaid += 1
        self._waiting.append(shown)
        return False

    def catch_up(self) -> bool:
        """Write what could not be written before; return whether nothing is left of it."""
        if not self.unsaid:
            return True
        count = self.unsaid
        messages = "1 message" if count == 1 else f"{count} messages"
        last = "it follows" if count == 1 else "the last ones follow"
        if not self._write(f"cxlogging: {messages} could not be written to stderr: {last}\n"):
            return False
        self.unsaid -= count
        while self._waiting:
            try:
                line = self._waiting.popleft()
            except IndexError:  # another thread was faster
                return True
            if not self._write(f"{line}\n"):
                self.unsaid += 1
                self._waiting.appendleft(line)
                return False
        return True

    def reset_after_fork(self) -> None:
        """Start afresh in a fork's child: the parent writes what is left."""
        self._waiting.clear()
        self.unsaid = 0

    @contextlib.contextmanager
    def relayed(self, relay: Relay) -> Iterator[None]:
        """Pass lines to *relay*, which must not wait either, instead of writing them."""
        self._relays.append(relay)
        try:
            yield
        finally:
            self._relays.remove(relay)

    def _write(self, text: str) -> bool:
        """Return True where *text* was written."""
        try:
            stream = self._stream()
            if stream is None:
                return True  # nobody will ever read it
            fd = _descriptor(stream)
            if fd is None:
                stream.write(text)
                stream.flush()
                return True
            encoding = getattr(stream, "encoding", None) or "utf-8"
            return _write(fd, _cut(text.encode(encoding, "backslashreplace")))
        except BaseException as error:
            if is_external(error):
                raise
            return False


def _descriptor(stream: TextIO) -> int | None:
    """Return the descriptor of a stream that Python itself opened."""
    if not isinstance(stream, io.TextIOWrapper) or not hasattr(select, "poll"):
        return None
    try:
        return stream.fileno()
    except io.UnsupportedOperation:
        return None


def _cut(line: bytes) -> bytes:
    return line if len(line) <= LINE_BYTES else line[: LINE_BYTES - 4] + b"...\n"


def _write(fd: int, line: bytes) -> bool:
    """Write *line* where that does not wait; return whether it was taken."""
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return os.write(fd, line) == len(line)
    try:
        # Not kept: a reader must see the end of a pipe that the application has closed.
        own = os.open(f"/proc/self/fd/{fd}", _NOWAIT)
    except OSError as error:
        if is_external(error):
            raise
        if error.errno == errno.ENXIO and not stat.S_ISSOCK(mode):
            return False  # a pipe that nobody has open for reading
        return _has_room(fd) and os.write(fd, line) > 0
    try:
        return os.write(own, line) > 0
    finally:
        os.close(own)


def _has_room(fd: int) -> bool:
    """Return True where a write of at most `LINE_BYTES` need not wait."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return any(event & select.POLLOUT for _, event in poll.poll(0))


class FinalReport:
    """
    Counts records that a ``__del__`` logs while the interpreter shuts down, and that are lost.

    One line for each destination says how many, when the interpreter clears the module
    ``sys``, which holds the only reference to the report. That is after all other modules:
    by then there are only builtins and what this object holds itself.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._stream = sys.__stderr__
        self._fd = None if self._stream is None else _descriptor(self._stream)
        self._write = os.write
        self._poll: Callable[[int], object] | None = None
        if self._fd is not None:
            poll = select.poll()
            poll.register(self._fd, select.POLLOUT)
            self._poll = poll.poll

    def add(self, name: str, count: int) -> None:
        """Count records to the destination *name*."""
        self._counts[name] = self._counts.get(name, 0) + count

    def __del__(self) -> None:
        for name, count in self._counts.items():
            records = "1 record was" if count == 1 else f"{count} records were"
            what = f"{records} not delivered when the process ended: logged while it was ending"
            line = f"cxlogging: {name}: {what}\n"
            if self._fd is None or self._poll is None:
                if self._stream is not None:
                    self._stream.write(line)
                    self._stream.flush()
            elif self._poll(0):  # there is room, so it does not wait
                self._write(self._fd, line.encode())


def report_at_last(name: str, count: int) -> None:
    """Report at the very end of the interpreter that *count* records to *name* were lost."""
    report = vars(sys).setdefault("_cxlogging_report", FinalReport())
    report.add(name, count)


STDERR = Stderr()
"""The one of the process."""
