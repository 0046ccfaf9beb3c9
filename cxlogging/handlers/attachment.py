"""Detects that a handler was removed from its loggers, as some frameworks do."""

from __future__ import annotations

import gc
import logging
import math
import os
import sys
import weakref

QUIET_SECONDS = 10.0
"""After so many seconds without a record, the handler is checked."""

CHECK_SECONDS = 1.0
"""At most once in so many seconds, while records come."""

WARNING = (
    "this handler was removed from its logger without being closed, and has received no record "
    "since; Celery does that when a worker starts (connect its signal setup_logging); if it was "
    "intended, close the handler"
)


class Attachment:
    """
    Watches one handler, from worker threads and at exit, never in a log call.

    Args:
        handler: The handler; it is not kept alive.

    Attributes:
        is_closed: The handler was closed on purpose, as dictConfig does too: nothing is said.
    """

    def __init__(self, handler: logging.Handler) -> None:
        self._handler = weakref.ref(handler)
        self._last_accepted = -1
        self._checked_at = self._quiet_at = -math.inf
        self.is_closed = False
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._was_attached = False
        self._count_without: int | None = None

    def check(self, now: float, accepted: int) -> tuple[str | None, float]:
        """
        Return a warning or None, and when to check again.

        Args:
            now: Seconds of a monotonic clock; infinite at exit.
            accepted: The number of records that the handler has accepted.
        """
        if self._pid != os.getpid():
            self._begin()
        if accepted != self._last_accepted and now != math.inf:
            self._last_accepted, self._quiet_at = accepted, now + QUIET_SECONDS
            if now >= self._checked_at + CHECK_SECONDS:
                self._checked_at = now
                self._note(accepted)
        if now < self._quiet_at and self._handler() is not None:
            return None, self._quiet_at
        self._quiet_at = math.inf if now != math.inf else self._quiet_at
        if not self._was_attached:
            return None, math.inf
        self._note(accepted)
        return (WARNING if self._is_lost(accepted) else None), math.inf

    def _note(self, accepted: int) -> None:
        if _is_attached(self._handler()):
            self._was_attached, self._count_without = True, None
        elif self._count_without is None:
            self._count_without = accepted
        elif accepted > self._count_without:  # it receives records without being attached
            self._was_attached = False

    def _is_lost(self, accepted: int) -> bool:
        if self.is_closed or not self._was_attached or self._count_without != accepted:
            return False
        return not _is_behind_another(self._handler())


def _is_attached(handler: logging.Handler | None) -> bool:
    """Return True if *handler* is attached to a logger; takes no lock of logging."""
    if handler is None:
        return False
    loggers = [logging.root, *list(logging.root.manager.loggerDict.values())]
    return any(
        each is handler
        for logger in loggers
        if isinstance(logger, logging.Logger)
        for each in tuple(logger.handlers)
    )


def _is_behind_another(handler: logging.Handler | None) -> bool:
    """Return True if *handler* is the target of a QueueListener or a MemoryHandler."""
    module = sys.modules.get("logging.handlers")
    if handler is None or module is None:
        return False
    for each in gc.get_objects():
        # By type: isinstance would read __class__, which may be code of the application.
        if issubclass(type(each), module.QueueListener):
            targets = tuple(getattr(each, "handlers", ()))
        elif issubclass(type(each), module.MemoryHandler):
            targets = (getattr(each, "target", None),)
        else:
            continue
        if any(one is handler for one in targets):
            return True
    return False
