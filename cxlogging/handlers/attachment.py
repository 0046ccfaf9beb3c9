"""Whether a handler that was attached to a logger still is: some frameworks take handlers away."""

from __future__ import annotations

import gc
import logging
import math
import os
import sys
import weakref

QUIET_SECONDS = 10.0
"""Without a record for so long, records have stopped."""

LOOK_SECONDS = 1.0

SENTENCE = (
    "no logger has this handler any more, and no record has come since: it was removed without "
    "being closed, as Celery does when a worker starts (connect its signal setup_logging); "
    "close the handler where that is meant"
)


class Attachment:
    """
    Looks after one handler, on workers and at the exit, never in a log call.

    Args:
        handler: Is not kept alive.
    """

    def __init__(self, handler: logging.Handler) -> None:
        self._handler = weakref.ref(handler)
        self._last = -1
        self._looked_at = self._quiet_at = -math.inf
        self._closed = False
        self._begin()

    def close(self) -> None:
        """Say nothing from now on: the handler was closed on purpose, as dictConfig does too."""
        self._closed = True

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._was_attached = False
        self._count_without: int | None = None

    def look(self, now: float, accepted: int) -> tuple[str | None, float]:
        """
        Return what there is to say, and when to look again.

        Args:
            now: Seconds of a monotonic clock; infinite at the exit.
            accepted: How many records have come.
        """
        if self._pid != os.getpid():
            self._begin()
        if accepted != self._last and now != math.inf:
            self._last, self._quiet_at = accepted, now + QUIET_SECONDS
            if now >= self._looked_at + LOOK_SECONDS:
                self._looked_at = now
                self._note(accepted)
        if now < self._quiet_at and self._handler() is not None:
            return None, self._quiet_at
        self._quiet_at = math.inf if now != math.inf else self._quiet_at
        if not self._was_attached:
            return None, math.inf
        self._note(accepted)
        return (SENTENCE if self._is_lost(accepted) else None), math.inf

    def _note(self, accepted: int) -> None:
        if _is_attached(self._handler()):
            self._was_attached, self._count_without = True, None
        elif self._count_without is None:
            self._count_without = accepted
        elif accepted > self._count_without:  # somebody else gives it records
            self._was_attached = False

    def _is_lost(self, accepted: int) -> bool:
        if self._closed or not self._was_attached or self._count_without != accepted:
            return False
        return not _is_behind_another(self._handler())


def _is_attached(handler: logging.Handler | None) -> bool:
    """Return True where a logger has *handler*; without logging's lock."""
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
    """Return True where a QueueListener or a MemoryHandler has *handler*; looks at all objects."""
    module = sys.modules.get("logging.handlers")
    if handler is None or module is None:
        return False
    for each in gc.get_objects():
        # By its type: an object's own __class__ may be code of the application.
        if issubclass(type(each), module.QueueListener):
            held = tuple(getattr(each, "handlers", ()))
        elif issubclass(type(each), module.MemoryHandler):
            held = (getattr(each, "target", None),)
        else:
            continue
        if any(one is handler for one in held):
            return True
    return False
