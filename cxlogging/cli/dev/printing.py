"""
Prints what arrives at the local server, on a thread of its own.

The server never waits for it. The store is the queue of events: the thread reads what came after
the last event that it printed, and leaves events out where too many are waiting.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, TextIO

from ..shared.screen import is_coloured, painted, safe, symbol
from .event_lines import event_text

if TYPE_CHECKING:
    from ...devserver import RequestRecord, Store

MAX_WAITING, KEPT = 5_000, 500
"""Of more waiting events than the first number, the newest are printed: the second number."""

BATCH, PAUSE = 50, 0.02
"""Events that are read at once, as each may be large, and seconds after them: both together keep
printing a small part of what the server's process does in a burst."""

MAX_REJECTIONS = 1_000
"""Rejected requests that may wait to be printed; above that the oldest are left out."""

POLL_SECONDS = 1.0
"""How long an event may wait that came without a request, such as an imported one."""

STOP_SECONDS = 1.0
"""How long printing the rest may take at the end."""


class Output:
    """
    Writes to a standard stream past its buffer.

    A write that waits for a terminal or a pipe holds no lock then, so the process can end.
    Once the stream is closed, nothing more is written.

    Attributes:
        is_open: False once a write has failed.
        is_coloured: Whether colours are wanted.
    """

    def __init__(self, stream: TextIO) -> None:
        buffer = getattr(stream, "buffer", None)
        self._raw: Any = getattr(buffer, "raw", buffer)
        self._encoding = stream.encoding
        self.is_open = True
        self.is_coloured = is_coloured(stream)

    def write(self, line: str) -> None:
        """Write *line*, and wait until it is written."""
        rest = memoryview(f"{line}\n".encode(self._encoding, "backslashreplace"))
        try:
            while self.is_open and rest:
                written = self._raw.write(rest)
                if written is None:  # the stream is non-blocking, and full
                    time.sleep(0.01)
                rest = rest[written or 0 :]
        except (OSError, ValueError):
            self.is_open = False


class EventPrinter:
    """
    Prints events on stdout, and why requests were rejected on stderr.

    Args:
        quiet: Print no events.

    Attributes:
        out: Where events are printed.
        errors: Where everything that is wrong is printed.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.out, self.errors = Output(sys.stdout), Output(sys.stderr)
        self._quiet = quiet
        self._rejections: deque[tuple[int, str]] = deque(maxlen=MAX_REJECTIONS)
        self._numbers, self._last_rejection = count(1), 0
        self._arrived = threading.Event()
        self._deadline: float | None = None
        self._thread: threading.Thread | None = None

    def start(self, store: Store, last_event: int) -> None:
        """Print the events of *store* that come after the one with the id *last_event*."""
        self._store, self._last, self._newest = store, last_event, last_event
        self._thread = threading.Thread(target=self._run, name="cxlogging-printer", daemon=True)
        self._thread.start()

    def on_request(self, request: RequestRecord) -> None:
        """Have the events of *request* printed, or why it was rejected; return at once."""
        if request.error:
            outcome = request.status or "no answer"
            line = f"{request.vendor} {request.method} {request.path} -> {outcome}: {request.error}"
            self._rejections.append((next(self._numbers), line))
        self._arrived.set()

    def stop(self) -> bool:
        """Print the rest; return False if the output does not take it in time."""
        if self._thread is None or not self._thread.is_alive():
            return True  # Ctrl-C may come before it is started
        self._deadline = time.monotonic() + STOP_SECONDS
        self._arrived.set()
        self._thread.join(2 * STOP_SECONDS)
        return not self._thread.is_alive()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._arrived.wait(POLL_SECONDS)
            self._arrived.clear()
            is_last = self._deadline is not None
            self._print_rejections()
            if not self._quiet:
                self._print_events()
        if self._newest > self._last:
            self.out.write(_left_out("events", self._newest - self._last))

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline

    def _print_events(self) -> None:
        events: list[dict[str, Any]] = [{}] * BATCH
        while len(events) == BATCH:
            self._newest = self._store.last_event
            too_many = self._newest - self._last > MAX_WAITING
            events = self._store.since(self._newest - KEPT if too_many else self._last, BATCH)
            for event in events:
                if not self.out.is_open or self._is_late():
                    return
                self._print_event(event)
            if len(events) == BATCH and self._deadline is None:
                time.sleep(PAUSE)
        self._last = max(self._last, self._newest)  # events may have been removed

    def _print_event(self, event: Mapping[str, Any]) -> None:
        left_out, self._last = event["id"] - self._last - 1, event["id"]
        if left_out:
            self.out.write(_left_out("events", left_out, "; the page has them"))
        try:
            text = event_text(event, coloured=self.out.is_coloured)
        except Exception as error:  # one event that cannot be shown does not end the printing
            text = f"event {event['id']} cannot be printed: {type(error).__name__}"
        self.out.write(text)
        if not self.out.is_open:
            self.errors.write("stdout is closed: events are no longer printed, the server runs on")

    def _print_rejections(self) -> None:
        while self._rejections and not self._is_late():
            number, line = self._rejections.popleft()
            left_out, self._last_rejection = number - self._last_rejection - 1, number
            if left_out:
                self.errors.write(_left_out("rejected requests", left_out))
            shown = safe(line)
            self.errors.write(painted(shown, "red") if self.errors.is_coloured else shown)


def _left_out(what: str, number: int, hint: str = "") -> str:
    return (
        f"{symbol('…', '...')} {what} not printed: {number:,}"
        f" (they came faster than they are printed{hint})"
    )
