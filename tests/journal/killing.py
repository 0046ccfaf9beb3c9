"""A real file system that ends the process at a named step of the spool's work."""

from __future__ import annotations

import os
import signal

from cxlogging.delivery.journal.disk import Disk
from cxlogging.delivery.journal.frames import FILE_MAGIC

OWN_SEGMENTS = {
    "after_folder": "put",
    "after_lock": "put",
    "after_create": "put",
    "after_header": "put",
    "after_replace": "put",
    "before_ack": "work",
    "after_ack": "work",
    "before_segment_removal": "work",
    "after_segment_removal": "work",
    "before_folder_removal": "close",
    "after_own_unlock": "close",
}
"""Steps in the life of a process's own segments, and what it does when it comes to them."""

ORPHANS = (
    "after_adopt",
    "during_recovery",
    "before_orphan_removal",
    "after_orphan_unlock",
)
"""Steps in delivering what others left; acknowledging and removing their segments are too."""


class KillingDisk(Disk):
    """
    A real file system that kills this process (SIGKILL) at a step.

    Args:
        step: One of those above, and which time: ``after_create:3`` is the third segment.
    """

    def __init__(self, step: str) -> None:
        self._step, _, times = step.partition(":")
        self._left = int(times or 1)
        self._paths: dict[int, str] = {}  # of what each descriptor was opened for
        self._new_ack = -1

    def _reach(self, step: str) -> None:
        if step and step == self._step:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)

    def _is_own(self, folder: int) -> bool:
        return self._paths[folder].split("/")[0].startswith(f"{os.getpid()}-")

    def _opened(self, fd: int, folder: int, name: str) -> int:
        self._paths[fd] = f"{self._paths.get(folder, '')}/{name}"
        return fd

    def folder(self, parent: int, name: str, *, create: bool) -> int:
        fd = super().folder(parent, name, create=create)
        self._paths[fd] = name
        if create and self._is_own(fd):
            self._reach("after_folder")
        return fd

    def lock(self, folder: int, name: str) -> int | None:
        fd = super().lock(folder, name)
        if fd is not None and name == "lock":
            self._reach("after_lock" if self._is_own(folder) else "after_adopt")
        return fd

    def create(self, folder: int, name: str) -> int:
        fd = self._opened(super().create(folder, name), folder, name)
        if name.endswith(".seg"):
            self._reach("after_create")
        return fd

    def write_all(self, fd: int, data: bytes) -> None:
        super().write_all(fd, data)
        if data.startswith(FILE_MAGIC):
            self._reach("after_header")

    def replace(self, fd: int, onto: int) -> None:
        super().replace(fd, onto)
        self._paths[onto] = self._paths[fd]
        self._reach("after_replace")

    def open(self, folder: int, name: str) -> int:
        return self._opened(super().open(folder, name), folder, name)

    def read(self, fd: int, size: int, offset: int) -> bytes:
        path = self._paths.get(fd, "")
        if path.endswith(".seg") and not path.startswith(f"{os.getpid()}-"):
            self._reach("during_recovery")
        return super().read(fd, size, offset)

    def append(self, folder: int, name: str) -> int:
        if name.endswith(".ack"):
            self._reach("before_ack")
        fd = self._opened(super().append(folder, name), folder, name)
        if name.endswith(".ack"):
            self._new_ack = fd
        return fd

    def write(self, fd: int, data: bytes) -> int:
        is_ack = self._paths.get(fd, "").endswith(".ack")
        if is_ack and fd != self._new_ack:
            self._reach("before_ack")
        self._new_ack = -1
        written = super().write(fd, data)
        if is_ack:
            self._reach("after_ack")
        return written

    def remove(self, folder: int, name: str) -> None:
        if name.endswith(".seg"):
            steps = ("before_segment_removal", "after_segment_removal")
        elif name == "lock" and self._is_own(folder):
            steps = ("before_folder_removal", "after_own_unlock")
        elif name == "lock":
            steps = ("before_orphan_removal", "after_orphan_unlock")
        else:
            steps = ("", "")
        self._reach(steps[0])
        super().remove(folder, name)
        self._reach(steps[1])
