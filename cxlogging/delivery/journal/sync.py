"""Syncing to the disk at each flush interval, for ``durability="system"``."""

from __future__ import annotations

import _thread
import contextlib
from collections import deque
from dataclasses import dataclass

from ...wire.external_errors import is_external
from ...wire.threads import start_thread
from ..clock import Clocks
from ..process.state import own_thread
from ..process.threadless import no_thread
from ..queue.queue import Report
from .disk import Disk
from .process_dir import ProcessDir
from .spool import DestinationDir

IDLE_SECONDS = 60.0
"""The thread ends when nothing was written for this long."""


@dataclass
class SyncedFile:
    """The file that is appended to, and its size when it was synced; -1 before the first time."""

    fd: int
    process_dir: ProcessDir
    synced_size: int = -1


class Syncer:
    """
    A thread that syncs what was written since it last did.

    Args:
        disk: The file system.
        spool: Its directory entries are synced too.
        interval: Seconds between two syncs.
        clock: Monotonic time.
        report: Called with kind, topic and sentence of a diagnostic.
    """

    def __init__(
        self,
        disk: Disk,
        spool: DestinationDir,
        interval: float,
        clock: Clocks,
        report: Report,
    ) -> None:
        self._disk = disk
        self._spool = spool
        self._interval = max(interval, 0.01)
        self._clock = clock
        self._report = report
        self._full_segments: deque[int] = deque()
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._file: SyncedFile | None = None
        self._synced_entries_of: ProcessDir | None = None
        self._running = False
        self._ended = False

    def sync_and_close(self, fd: int) -> None:
        """Sync and close, at the next interval, a file that will not be written again."""
        self._full_segments.append(fd)

    def begin(self, fd: int, process_dir: ProcessDir) -> None:
        """Sync what is appended through *fd* from now on, and the entries of *process_dir*."""
        self._file, self._ended = SyncedFile(fd, process_dir), False
        self.start()

    def keep(self) -> None:
        """Start the thread again if something was written since it ended."""
        file = self._file
        with contextlib.suppress(OSError):
            if file and not self._running and self._disk.size(file.fd) != file.synced_size:
                self.start()

    def start(self) -> None:
        """Start the thread, if it is not running and one can start."""
        if not self._running and not no_thread():
            self._running = True
            try:
                start_thread(self._main)
            except RuntimeError as error:  # the interpreter is shutting down
                self._running = False
                if is_external(error):
                    raise

    def end(self) -> None:
        """End the thread."""
        self._ended = True
        self._file = None
        while (fd := self._next_full_segment()) is not None:
            self._disk.close(fd)
        with contextlib.suppress(RuntimeError):
            self._wake.release()

    def _next_full_segment(self) -> int | None:
        try:
            return self._full_segments.popleft()
        except IndexError:
            return None

    def _main(self) -> None:
        try:
            with own_thread():
                self._sync_until_idle()
        finally:  # whatever ended it, `keep` starts it again
            self._running = False

    def _sync_until_idle(self) -> None:
        idle_since = self._clock.monotonic()
        while not self._ended:
            if self.sync():
                idle_since = self._clock.monotonic()
            elif self._clock.monotonic() - idle_since > IDLE_SECONDS:
                break
            self._wake.acquire(timeout=self._interval)

    def sync(self) -> bool:
        """Sync once; return False if nothing was written since the last time."""
        try:
            while (fd := self._next_full_segment()) is not None:
                try:
                    self._disk.sync(fd)
                finally:
                    self._disk.close(fd)
            file = self._file  # read once: a log call may begin the next one meanwhile
            if file is None:
                return False
            if file.synced_size < 0:
                self._sync_entries(file.process_dir)
            size = self._disk.size(file.fd)
            if size == file.synced_size:
                return False
            self._disk.sync(file.fd)
            file.synced_size = size
        except OSError as error:
            reason = error.strerror or ""
            self._report("sync", reason, f"the spool cannot be synced: {reason or error}")
        return True

    def _sync_entries(self, process_dir: ProcessDir) -> None:
        process_dir.sync()
        if self._synced_entries_of is not process_dir:
            self._spool.sync()
            self._synced_entries_of = process_dir
