"""The state of the process: its pid, how far its end is, and which threads are ours."""

from __future__ import annotations

import _thread
import contextlib
import enum
import os
from collections.abc import Callable, Iterator

OWN_THREADS: set[int] = set()
"""Identifiers of threads that carry our traffic: their log records are not shipped."""

MOVING_THREADS: set[int] = set()
"""Identifiers of threads that are moving held records: a signal handler must not end them there."""

BEFORE_END: list[Callable[[], None]] = []
"""Called first when the process ends, before what waits is delivered."""

AFTER_FORK: list[Callable[[], None]] = []
"""Called in a fork's child, once its deliveries have started afresh. None may raise or wait."""


class Phase(enum.Enum):
    """How far the end of the process is."""

    RUNNING = "running"
    EXITING = "exiting"
    """The exit functions run; what waits is being delivered."""
    EXITED = "exited"
    """The exit functions have run: each log call delivers its own record."""


class Process:
    """
    The process that the state of all deliveries belongs to.

    Attributes:
        pid: The process; another one runs after a fork that called no hook.
        phase: How far its end is.
        is_forking: A fork is under way.
    """

    def __init__(self) -> None:
        self.pid: int | None = os.getpid()
        self.phase = Phase.RUNNING
        self.is_forking = False
        self._is_hooked = False
        self._finalizer_of: int | None = 0

    def begin(self) -> None:
        """Start afresh, in a fork's child."""
        self.pid = os.getpid()
        self.phase = Phase.RUNNING
        self.is_forking = False

    def begin_fork(self) -> None:
        """Note that a fork is under way."""
        self.is_forking = True

    def end_fork(self) -> None:
        """Note that the fork is over, in the parent."""
        self.is_forking = False

    def enter(self, phase: Phase) -> None:
        """Note that the end of the process is nearer."""
        self.phase = phase

    def once(self, install: Callable[[], None]) -> None:
        """Install the process's hooks, once; a fork's child inherits them."""
        self.pid = os.getpid()
        if not self._is_hooked:
            self._is_hooked = True
            install()

    @property
    def has_finalizer(self) -> bool:
        """Whether this very process has one: multiprocessing's are not inherited."""
        return self._finalizer_of == self.pid

    def note_finalizer(self) -> None:
        """Note that this process has one."""
        self._finalizer_of = self.pid

    @property
    def is_ending(self) -> bool:
        """Whether the exit functions have begun."""
        return self.phase is not Phase.RUNNING


PROCESS = Process()


def is_foreign() -> bool:
    """
    Return True after a fork that called no hook (uWSGI forks in C).

    The process id of a log record is only a hint: it may come from another process.
    """
    return os.getpid() != PROCESS.pid


@contextlib.contextmanager
def own_thread() -> Iterator[None]:
    """Mark the calling thread as one of this package."""
    ident = _thread.get_ident()
    OWN_THREADS.add(ident)
    try:
        yield
    finally:
        OWN_THREADS.discard(ident)
