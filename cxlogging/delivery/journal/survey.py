"""
A look at a spool from outside: what waits in it, for whom, and how sound it is.

Nothing is changed, and no process is disturbed: the folders of running
processes are read while they grow.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..queue.queue import Item
from .disk import Disk
from .owner import LOCK, NAME, has_ended
from .rejected import Letter, Rejected
from .removal import DAMAGED
from .segment import SEGMENT, SETTLED, Segment
from .spool import ACCOUNT, UNKNOWN, read_identity, without_account

TAKE_COUNT = 1_000
TAKE_BYTES = 2**20


@dataclass
class Owner:
    """
    The folder of one process.

    Attributes:
        name: ``<process>-<random>``.
        running: Its process lives, or another one is delivering it.
        segments: Files.
        size: Bytes of all its files.
        waiting: Records without an outcome.
        damaged: Stretches of segments that cannot be read.
        torn: Segments whose last record was written only in part.
        troubles: Why a segment could not be read at all.
    """

    name: str
    running: bool = False
    segments: int = 0
    size: int = 0
    waiting: int = 0
    damaged: int = 0
    torn: int = 0
    troubles: list[str] = field(default_factory=list)


class Survey:
    """
    One destination's folder in a spool.

    Args:
        disk: The file system.
        name: Of the folder.
        folder: Its descriptor; closed with the survey.

    Attributes:
        identity: Who the destination is; empty where that cannot be read.
        account: The fingerprint of its key; `UNKNOWN` where an earlier version wrote it.
    """

    def __init__(self, disk: Disk, name: str, folder: int) -> None:
        self._disk = disk
        self._folder = folder
        self.name = name
        self.identity = read_identity(disk, folder)
        self.account = self.identity.get(ACCOUNT, UNKNOWN)

    @property
    def bare_identity(self) -> dict[str, str]:
        """Who the destination is, whatever its key."""
        return without_account(self.identity)

    def owners(self) -> list[Owner]:
        """Return what each process has here."""
        return [owner for name in self._owner_names() if (owner := self._owner(name)) is not None]

    def _owner_names(self) -> list[str]:
        return [name for name in self._disk.names(self._folder) if NAME.fullmatch(name)]

    def _owner(self, name: str) -> Owner | None:
        owner = Owner(name, size=self._disk.usage(self._folder, name))
        try:
            with self._inside(name) as folder:
                owner.running = LOCK in self._disk.names(folder) and not has_ended(
                    self._disk, self._folder, name
                )
                for segment in self._segments(folder):
                    owner.segments += 1
                    self._count(owner, segment)
        except FileNotFoundError:
            return None  # delivered and removed, just now
        except OSError as error:
            owner.troubles.append(str(error))
        return owner

    def _count(self, owner: Owner, segment: Segment) -> None:
        try:
            while items := segment.take(TAKE_COUNT, TAKE_BYTES):
                owner.waiting += len(items)
            owner.damaged += segment.damaged
            # The last record of a running process may be in the middle of being written.
            owner.torn += segment.torn and not owner.running
        except FileNotFoundError:
            owner.segments -= 1
        except OSError as error:
            owner.troubles.append(str(error))
        finally:
            segment.close()

    def items(self) -> Iterator[tuple[str, Item]]:
        """Yield the owner and the item of every record that waits."""
        for name in self._owner_names():
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

    def letters(self) -> Iterator[Letter]:
        """Yield the records that the vendor refused, oldest first."""
        return Rejected(self._disk).letters(self._folder)

    def clear_letters(self) -> None:
        """Remove the records that the vendor refused."""
        Rejected(self._disk).clear(self._folder)

    def set_aside(self) -> list[str]:
        """Return the names of damaged segments that were kept."""
        try:
            with self._inside(DAMAGED) as folder:
                return self._disk.names(folder)
        except FileNotFoundError:
            return []

    def clear_set_aside(self) -> None:
        """Remove the damaged segments that were kept."""
        with contextlib.suppress(FileNotFoundError):
            with self._inside(DAMAGED) as folder:
                for name in self._disk.names(folder):
                    self._disk.remove(folder, name)
            self._disk.remove_folder(self._folder, DAMAGED)

    def move(self, name: str, target: int) -> bool:
        """Move what the process *name* left behind to the folder *target*; False: it is running."""
        try:
            with self._inside(name) as folder:
                lock = self._disk.lock(folder, LOCK)
                if lock is None:
                    return False
                try:
                    self._disk.rename(self._folder, name, target, name)
                finally:
                    self._disk.close(lock)
        except FileNotFoundError:  # delivered and removed, just now
            return False
        return True

    def purge(self, name: str) -> bool:
        """Remove what the process *name* left behind; False where it is running."""
        with self._inside(name) as folder:
            lock = self._disk.lock(folder, LOCK)
            if lock is None:
                return False
            try:
                for each in self._disk.names(folder):
                    if each.endswith((SEGMENT, SETTLED)):
                        self._disk.remove(folder, each)
                self._disk.remove(folder, LOCK)
                self._disk.remove_folder(self._folder, name)
            finally:
                self._disk.close(lock)
        return True

    def close(self) -> None:
        """Close the folder."""
        self._disk.close(self._folder)


@contextlib.contextmanager
def surveyed(path: str, disk: Disk | None = None) -> Iterator[list[Survey]]:
    """
    Open the folders of all destinations of the spool at *path*.

    Raises:
        OSError: There is no spool, or others could change it.
    """
    disk = disk or Disk()
    surveys: list[Survey] = []
    base = disk.enter(path, create=False)
    try:
        for name in disk.names(base):
            with contextlib.suppress(NotADirectoryError):
                surveys.append(Survey(disk, name, disk.folder(base, name, create=False)))
        yield surveys
    finally:
        disk.close(base)
        for survey in surveys:
            survey.close()
