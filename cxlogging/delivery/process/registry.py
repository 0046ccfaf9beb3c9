"""Which deliveries the process has, over weak references: for forks, the exit and the watcher."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ..lane import Lane
from ..worker.threads import Workers
from .state import PROCESS, own_thread
from .watcher import Watcher

_registered: set[weakref.ref[Workers]] = set()
"""Copied in one indivisible step, which a `weakref.WeakSet` is not: other threads make handlers."""


def register(workers: Workers) -> None:
    """Count *workers* among those that a fork resets and the exit drains."""
    _registered.add(weakref.ref(workers, _registered.discard))


class ProcessThread(Protocol):
    """A thread of which the process has one, as a `Watcher` is."""

    def start(self) -> bool:
        """Start it if it is needed; return whether it runs."""
        ...

    def check(self) -> None:
        """End it if it is not needed any more."""
        ...

    @property
    def is_running(self) -> bool:
        """Whether a fork waits for it to leave."""
        ...

    def reset_after_fork(self) -> None:
        """Start afresh in a fork's child, which does not have the thread."""
        ...


LEFT_OPEN: deque[Lane] = deque(maxlen=16)
"""Of handlers that are gone although nobody closed them: the exit says so. The newest, of many."""


def unregister(workers: Workers) -> None:
    """Let neither forks nor the exit touch *workers*; for tests that end processes by hand."""
    _registered.discard(weakref.ref(workers))


def registered() -> list[Workers]:
    """Return the workers of all deliveries of this process."""
    living = (reference() for reference in _registered.copy())
    return [workers for workers in living if workers is not None]


def _is_watched() -> bool:
    if PROCESS.is_ending or PROCESS.is_forking:
        return False
    return any(each.lane.is_watched for each in registered())


def _look() -> None:
    for workers in registered():
        if workers.lane.is_watched:
            try:
                workers.look_for_backlog()
            except Exception as error:  # a bug in one must not end the watch for all
                sentence = f"the look for what waits in the spool failed: {error!r}"
                workers.lane.diagnostics.say("look", type(error).__name__, sentence)


WATCHER = Watcher(_is_watched, _look, own_thread)

REPORTERS: list[ProcessThread] = []
"""Threads beside the `WATCHER` and the workers; each has one, for all deliveries."""

AT_LAST: list[Callable[[], None]] = []
"""Called when the exit functions have delivered what waits; what they raise is ignored."""


def watchers() -> tuple[ProcessThread, ...]:
    """Return the threads that serve all deliveries: none of them runs during a fork."""
    return WATCHER, *REPORTERS
