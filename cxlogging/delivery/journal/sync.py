"""Syncing to the medium at each flush interval, for ``durability="system"``."""

from __future__ import annotations

import _thread
import contextlib
from collections import deque

from ...wire.threads import start_thread
from ...wire.values.guard import is_external
from ..clock import Clock
from ..process.state import own_thread
from ..process.threadless import no_thread
from .disk import Disk
from .owner import Owner
from .removal import Say
from .spool import Spool

IDLE_SECONDS = 60.0
"""The thread ends when nothing was written for so long; the worker cannot be busy as long."""


class Syncer:
    """
    A thread that syncs what was written since it last did.

    Args:
        disk: The file system.
        spool: Whose names are synced too.
        interval: Seconds between two syncs.
        clock: Monotonic time.
        say: Told kind, topic and sentence of what a person should hear.
    """

    def __init__(self, disk: Disk, spool: Spool, interval: float, clock: Clock, say: Say) -> None:
        self._disk = disk
        self._spool = spool
        self._interval = max(interval, 0.01)
        self._clock = clock
        self._say = say
        self._owed: deque[int] = deque()
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._fd = -1
        self._owner: Owner | None = None
        self._named: Owner | None = None
        self._synced = -1
        self._running = False
        self._ended = False

    def owe(self, fd: int) -> None:
        """Sync the file of *fd*, which will not be written again, and close it."""
        self._owed.append(fd)

    def begin(self, fd: int, owner: Owner) -> None:
        """Sync what is appended through *fd* from now on, and the names in *owner*."""
        self._fd, self._owner, self._synced, self._ended = fd, owner, -1, False
        self.start()

    def keep(self) -> None:
        """Have a thread, where something was written since the last one ended."""
        with contextlib.suppress(OSError):
            if not self._running and self._disk.size(self._fd) != self._synced:
                self.start()

    def start(self) -> None:
        """Have a thread, where one can start."""
        if not self._running and not no_thread():
            self._running = True
            try:
                start_thread(self._main)
            except RuntimeError as error:  # the interpreter is ending
                self._running = False
                if is_external(error):
                    raise

    def end(self) -> None:
        """Let the thread go."""
        self._ended = True
        self._fd = -1
        while (fd := self._next_owed()) is not None:
            self._disk.close(fd)
        with contextlib.suppress(RuntimeError):
            self._wake.release()

    def _next_owed(self) -> int | None:
        try:
            return self._owed.popleft()
        except IndexError:
            return None

    def _main(self) -> None:
        with own_thread():
            quiet_since = self._clock.monotonic()
            while not self._ended:
                if self.sync():
                    quiet_since = self._clock.monotonic()
                elif self._clock.monotonic() - quiet_since > IDLE_SECONDS:
                    break
                self._wake.acquire(timeout=self._interval)
            self._running = False

    def _sync_names(self, owner: Owner) -> None:
        owner.sync()
        if self._named is not owner:
            self._spool.sync()
            self._named = owner

    def sync(self) -> bool:
        """Sync once; False where nothing was written since."""
        try:
            while (fd := self._next_owed()) is not None:
                try:
                    self._disk.sync(fd)
                finally:
                    self._disk.close(fd)
            if self._fd < 0:
                return False
            if self._synced < 0 and self._owner is not None:
                self._sync_names(self._owner)
            size = self._disk.size(self._fd)
            if size == self._synced:
                return False
            self._disk.sync(self._fd)
            self._synced = size
        except OSError as error:
            self._say("sync", error.strerror or "", f"the spool cannot be synced: {error.strerror}")
        return True
