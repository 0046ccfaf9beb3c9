"""The directory that one process appends to, locked for as long as the process lives."""

from __future__ import annotations

import contextlib
import errno
import os
import re

from .disk import Disk
from .frames import header
from .segment import ACK, SEGMENT, Segment

LOCK = "lock"
NAME = re.compile(r"\d+-[0-9a-f]{16}")
ATTEMPTS = 5


def has_ended(disk: Disk, parent: int, name: str) -> bool:
    """
    Return whether the process whose directory is *name* has ended and left something.

    Raises:
        OSError: The directory cannot be read.
    """
    folder = disk.folder(parent, name, create=False)
    try:
        if LOCK not in disk.names(folder):
            return False
        lock = disk.lock(folder, LOCK)
        if lock is not None:
            disk.close(lock)
        return lock is not None
    finally:
        disk.close(folder)


def waiting_bytes(disk: Disk, parent: int, name: str) -> int:
    """Return how many bytes wait in the directory *name* of another process; 0 if it is gone."""
    total = disk.usage(parent, name)
    with contextlib.suppress(FileNotFoundError):
        folder = disk.folder(parent, name, create=False)
        try:
            for each in disk.names(folder):
                if each.endswith(ACK):
                    base = each.removesuffix(ACK)
                    with contextlib.suppress(FileNotFoundError):
                        total -= Segment(disk, folder, base, 1, final=True).settled_bytes()
        finally:
            disk.close(folder)
    return max(total, 0)


class ProcessDir:
    """
    A directory ``<process id>-<random>`` inside a destination's directory.

    Args:
        disk: The file system.
        parent: Descriptor of the destination's directory.
        magic: The bytes with which every frame begins.

    Raises:
        OSError: It cannot be created.
    """

    def __init__(self, disk: Disk, parent: int, magic: bytes) -> None:
        self._disk = disk
        self._parent = parent
        self._magic = magic
        self._segments = 0
        for _ in range(ATTEMPTS):
            self.name = f"{os.getpid()}-{os.urandom(8).hex()}"
            try:
                self._folder = disk.folder(parent, self.name, create=True)
            except FileNotFoundError:
                continue  # another process removed the empty directory as an orphan
            try:
                lock = disk.lock(self._folder, LOCK)
            except FileNotFoundError:
                lock = None
            except BaseException:
                disk.close(self._folder)
                raise
            if lock is not None:
                self._lock = lock
                return
            disk.close(self._folder)  # removed as an orphan just before it was locked
        raise OSError(errno.EBUSY, f"no directory could be created in {ATTEMPTS} attempts")

    def create_segment(self, index: int) -> tuple[Segment, int]:
        """Create a segment; return it, and a descriptor that appends to it."""
        self._segments += 1
        name = f"{self._segments:08d}"
        fd = self._disk.create(self._folder, name + SEGMENT)
        try:
            self._disk.write_all(fd, header(self._magic))
        except BaseException:
            self._disk.close(fd)
            self._disk.remove(self._folder, name + SEGMENT)
            raise
        segment = Segment(
            self._disk, self._folder, name, index, self._magic, process=self.name, final=False
        )
        return segment, fd

    @property
    def is_linked(self) -> bool:
        """Whether the directory has not been removed."""
        return self._disk.is_linked(self._lock)

    def is_at(self, path: str) -> bool:
        """Whether the directory is in the one at *path*."""
        return self._disk.leads_to(f"{path}/{self.name}", self._folder)

    def sync(self) -> None:
        """Sync the directory's entries, and its own entry in the parent."""
        self._disk.sync(self._folder)
        self._disk.sync(self._parent)

    @property
    def is_held(self) -> bool:
        """Whether the descriptors of directory and lock are still ours, and open."""
        return self._disk.holds(self._folder) and self._disk.holds(self._lock)

    def reopen(self, parent: int) -> tuple[int, int]:
        """
        Open again what something else closed; return the old and the new descriptor.

        Raises:
            OSError: It cannot be opened, or another process has adopted it meanwhile.
        """
        folder = self._disk.folder(parent, self.name, create=False)
        if not self._disk.holds(self._lock):
            lock = self._disk.lock(folder, LOCK)
            if lock is None:
                self._disk.close(folder)
                raise FileNotFoundError(errno.ENOENT, f"{self.name} was adopted")
            self._disk.close(self._lock)
            self._lock = lock
        lost, self._parent, self._folder = self._folder, parent, folder
        self._disk.close(lost)
        return lost, folder

    def remove(self) -> None:
        """Remove the directory, in which no segment is left."""
        self._disk.remove(self._folder, LOCK)
        self._disk.remove_folder(self._parent, self.name)

    def close(self) -> None:
        """Close the directory: another process may adopt what is in it."""
        self._disk.close(self._folder)
        self._disk.close(self._lock)
