"""
The thread that looks for what other processes left in a spool, even if this one logs nothing.

There is one for the whole process, and only while a spool is configured: an idle process
wakes up once in `LOOK_SECONDS`, however many handlers it has.
"""

from __future__ import annotations

import _thread
import contextlib
from collections import deque
from collections.abc import Callable

from ...wire.external_errors import is_external
from ...wire.threads import start_thread, take
from .threadless import no_thread

LOOK_SECONDS = 10.0


class Watcher:
    """
    A thread that calls *look* from time to time, as long as that is needed.

    Args:
        is_needed: Called before each wait; `check` makes the thread call it again.
        look: What the thread does.
        around: A context in which the thread runs.
        seconds: Between two looks.

    Attributes:
        trouble: Why the thread could not start.
    """

    def __init__(
        self,
        is_needed: Callable[[], bool],
        look: Callable[[], None],
        around: Callable[[], contextlib.AbstractContextManager[None]],
        seconds: float = LOOK_SECONDS,
    ) -> None:
        self._is_needed = is_needed
        self._look = look
        self._around = around
        self._seconds = seconds
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Start afresh in a fork's child, which does not have the thread."""
        # Appending and popping are indivisible: whoever takes the one element may run.
        self._free: deque[None] = deque([None])
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self.trouble: BaseException | None = None

    def start(self) -> bool:
        """Start the thread if it is needed; return whether it runs."""
        if not self._free:
            return True
        if no_thread() or not self._is_needed():
            return False
        permit: deque[None] = deque()  # whoever takes it decides whether the thread runs
        try:
            permit.append(self._free.pop())
            start_thread(lambda: self._main(permit))
        except BaseException as error:
            if take(permit):
                self._free.append(None)
            if is_external(error) or not isinstance(error, (IndexError, RuntimeError, MemoryError)):
                raise
            self.trouble = None if isinstance(error, IndexError) else error
            return self.trouble is None  # another thread was faster
        self.trouble = None
        return True

    def check(self) -> None:
        """End the thread if it is not needed any more."""
        with contextlib.suppress(RuntimeError):  # it was notified already
            self._wake.release()

    @property
    def is_running(self) -> bool:
        """Whether the thread runs, or is about to leave."""
        return not self._free

    def _main(self, permit: deque[None]) -> None:
        if not take(permit):
            return
        free = self._free
        with self._around():
            while True:
                while self._is_needed():
                    if not self._wake.acquire(timeout=self._seconds):
                        self._look()
                free.append(None)
                # Whoever called `start` meanwhile found the thread running, and relies on it.
                if not self._is_needed() or not take(free):
                    return
