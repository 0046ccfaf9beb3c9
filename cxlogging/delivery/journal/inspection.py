"""
What is in a spool, as the command line shows it: what waits, for which
destination, and whether it is intact.

Looking changes nothing and disturbs no process: the directories of running processes are read
while they grow.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..queue.queue import Item
from .disk import Disk
from .process_dir import LOCK, NAME, has_ended
from .rejected import DeadLetter, DeadLetterFile
from .segment import ACK, DAMAGED, SEGMENT, Segment
from .spool import ACCOUNT, UNKNOWN_ACCOUNT, read_identity, without_account

TAKE_COUNT = 1_000
TAKE_BYTES = 2**20


@dataclass
class ProcessSummary:
    """
    The directory of one process.

    Attributes:
        name: ``<process id>-<random>``.
        running: The process is alive, or another one is delivering its records.
        segments: How many there are.
        size: Bytes of all its files.
        waiting: Records without an outcome.
        damaged: Ranges of segments that cannot be read.
        torn: Segments whose last record is incomplete.
        troubles: Why segments could not be read at all.
    """

    name: str
    running: bool = False
    segments: int = 0
    size: int = 0
    waiting: int = 0
    damaged: int = 0
    torn: int = 0
    troubles: list[str] = field(default_factory=list)


class SpooledDestination:
    """
    A destination's directory in a spool.

    Args:
        disk: The file system.
        name: Of the directory.
        folder: Its descriptor, which `close` closes.

    Attributes:
        identity: Who the destination is; empty if that cannot be read.
        account: The fingerprint of its key; `UNKNOWN_ACCOUNT` if an earlier version wrote it.
    """

    def __init__(self, disk: Disk, name: str, folder: int) -> None:
        self._disk = disk
        self._folder = folder
        self.name = name
        self.identity = read_identity(disk, folder)
        self.account = self.identity.get(ACCOUNT, UNKNOWN_ACCOUNT)

    @property
    def bare_identity(self) -> dict[str, str]:
        """Who the destination is, without the account."""
        return without_account(self.identity)

    def processes(self) -> list[ProcessSummary]:
        """Return what each process has here."""
        found = (self._process(name) for name in self._process_names())
        return [process for process in found if process is not None]

    def _process_names(self) -> list[str]:
        return [name for name in self._disk.names(self._folder) if NAME.fullmatch(name)]

    def _process(self, name: str) -> ProcessSummary | None:
        process = ProcessSummary(name, size=self._disk.usage(self._folder, name))
        try:
            with self._inside(name) as folder:
                process.running = LOCK in self._disk.names(folder) and not has_ended(
                    self._disk, self._folder, name
                )
                for segment in self._segments(folder):
                    process.segments += 1
                    self._count(process, segment)
        except FileNotFoundError:
            return None  # just delivered and removed
        except OSError as error:
            process.troubles.append(str(error))
        return process

    def _count(self, process: ProcessSummary, segment: Segment) -> None:
        try:
            while items := segment.take(TAKE_COUNT, TAKE_BYTES):
                process.waiting += len(items)
            process.damaged += segment.damaged
            # A running process may be writing its last record just now.
            process.torn += segment.torn and not process.running
        except FileNotFoundError:
            process.segments -= 1
        except OSError as error:
            process.troubles.append(str(error))
        finally:
            segment.close()

    def items(self) -> Iterator[tuple[str, Item]]:
        """Yield the process and the item of every record that waits."""
        for name in self._process_names():
            with contextlib.suppress(OSError), self._inside(name) as folder:
                for segment in self._segments(folder):
                    try:
                        while items := segment.take(TAKE_COUNT, TAKE_BYTES):
                            for item in items:
                                yield name, item
                    except OSError:
                        continue
                    finally:
                        segment.close()

    @contextlib.contextmanager
    def _inside(self, name: str) -> Iterator[int]:
        folder = self._disk.folder(self._folder, name, create=False)
        try:
            yield folder
        finally:
            self._disk.close(folder)

    def _segments(self, folder: int) -> Iterator[Segment]:
        for name in self._disk.names(folder):
            if name.endswith(SEGMENT):
                base = name.removesuffix(SEGMENT)
                yield Segment(self._disk, folder, base, 1, final=True)

    def letters(self) -> Iterator[DeadLetter]:
        """Yield the records that the vendor rejected, oldest first."""
        return DeadLetterFile(self._disk).letters(self._folder)

    def clear_letters(self) -> None:
        """Remove the records that the vendor rejected."""
        DeadLetterFile(self._disk).clear(self._folder)

    def damaged_segments(self) -> list[str]:
        """Return the names of damaged segments that were kept."""
        try:
            with self._inside(DAMAGED) as folder:
                return self._disk.names(folder)
        except FileNotFoundError:
            return []

    def clear_damaged_segments(self) -> None:
        """Remove the damaged segments that were kept."""
        with contextlib.suppress(FileNotFoundError):
            with self._inside(DAMAGED) as folder:
                for name in self._disk.names(folder):
                    self._disk.remove(folder, name)
            self._disk.remove_folder(self._folder, DAMAGED)

    def move(self, name: str, target: int) -> bool:
        """Move the directory of the process *name* to *target*; False if the process is running."""
        try:
            with self._inside(name) as folder:
                lock = self._disk.lock(folder, LOCK)
                if lock is None:
                    return False
                try:
                    self._disk.rename(self._folder, name, target, name)
                finally:
                    self._disk.close(lock)
        except FileNotFoundError:  # just delivered and removed
            return False
        return True

    def purge(self, name: str) -> bool:
        """Remove the directory of the process *name*; False if the process is running."""
        with self._inside(name) as folder:
            lock = self._disk.lock(folder, LOCK)
            if lock is None:
                return False
            try:
                for each in self._disk.names(folder):
                    if each.endswith((SEGMENT, ACK)):
                        self._disk.remove(folder, each)
                self._disk.remove(folder, LOCK)
                self._disk.remove_folder(self._folder, name)
            finally:
                self._disk.close(lock)
        return True

    def close(self) -> None:
        """Close the directory."""
        self._disk.close(self._folder)


@contextlib.contextmanager
def opened_spool(path: str, disk: Disk | None = None) -> Iterator[list[SpooledDestination]]:
    """
    Open the directories of all destinations of the spool at *path*.

    Raises:
        OSError: There is no spool, or other users could change it.
    """
    disk = disk or Disk()
    destinations: list[SpooledDestination] = []
    base = disk.enter(path, create=False)
    try:
        for name in disk.names(base):
            with contextlib.suppress(NotADirectoryError):
                folder = disk.folder(base, name, create=False)
                destinations.append(SpooledDestination(disk, name, folder))
        yield destinations
    finally:
        disk.close(base)
        for destination in destinations:
            destination.close()
