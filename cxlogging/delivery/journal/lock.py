"""One at a time, where even a signal handler's log call may come in between."""

from __future__ import annotations

import _thread
import contextlib
from collections.abc import Iterator


class Alone:
    """A lock that its own thread cannot take twice, and that nobody waits for without end."""

    def __init__(self) -> None:
        self._lock = _thread.RLock()
        self._inside = False

    @contextlib.contextmanager
    def __call__(self, seconds: float = 0.0) -> Iterator[bool]:
        """
        Give True with nobody else inside; False where somebody is.

        That may be another thread, for longer than *seconds*, or this one: a
        signal handler's log call comes in the middle of ours.
        """
        if not self._lock.acquire(timeout=seconds):
            yield False
            return
        try:
            if self._inside:
                yield False
                return
            self._inside = True
            try:
                yield True
            finally:
                self._inside = False
        finally:
            self._lock.release()
