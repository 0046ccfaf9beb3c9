"""The records that the vendor rejected, with its reason: a bounded file of JSON lines."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import NamedTuple

from ..queue.queue import Item
from .disk import Disk

NEWER = "rejected.jsonl"
OLDER = "rejected.1.jsonl"
LOCK = "rejected.lock"
MAX_FILE_BYTES = 8 * 2**20
"""Of each of the two files: beyond it, the newer one replaces the older one."""

CHUNK_BYTES = 2**20


class DeadLetter(NamedTuple):
    """A rejected record: when and why, its level number, and the item as it was sent."""

    at: float
    reason: str
    level: int
    item: bytes


class DeadLetterFile:
    """
    The rejected records of one destination.

    Args:
        disk: The file system.
        max_bytes: Of each of the two files.
    """

    def __init__(self, disk: Disk, max_bytes: int = MAX_FILE_BYTES) -> None:
        self._disk = disk
        self._max_bytes = max_bytes

    def add(self, folder: int, item: Item, reason: str, at: float) -> None:
        """
        Store one record.

        Raises:
            OSError: It could not be written.
        """
        letter = {
            "at": at,
            "reason": reason,
            "level": item[0],
            "item": base64.b64encode(item[1]).decode(),
        }
        fd = self._disk.append(folder, NEWER)
        try:
            # The line break in front ends a line that a full disk has truncated.
            self._disk.write_all(fd, b"\n" + json.dumps(letter).encode() + b"\n")
            full = self._disk.size(fd) > self._max_bytes
        finally:
            self._disk.close(fd)
        if full:
            self._rotate(folder)

    def _rotate(self, folder: int) -> None:
        lock = self._disk.lock(folder, LOCK)
        if lock is None:  # another process does it
            return
        try:
            fd = self._disk.append(folder, NEWER)
            full = self._disk.size(fd) > self._max_bytes
            self._disk.close(fd)
            if full:
                self._disk.rename(folder, NEWER, folder, OLDER)
        finally:
            self._disk.close(lock)

    def letters(self, folder: int) -> Iterator[DeadLetter]:
        """Yield the records, oldest first; lines that cannot be read are skipped."""
        for name in (OLDER, NEWER):
            for line in self._lines(folder, name):
                try:
                    found = json.loads(line)
                    item = base64.b64decode(found["item"])
                    yield DeadLetter(
                        float(found["at"]), str(found["reason"]), int(found["level"]), item
                    )
                except (ValueError, KeyError, TypeError):
                    continue

    def _lines(self, folder: int, name: str) -> Iterator[bytes]:
        try:
            fd = self._disk.open(folder, name)
        except FileNotFoundError:
            return
        try:
            rest, offset = b"", 0
            while data := self._disk.read(fd, CHUNK_BYTES, offset):
                offset += len(data)
                *whole, rest = (rest + data).split(b"\n")
                yield from whole
        finally:
            self._disk.close(fd)

    def clear(self, folder: int) -> None:
        """Remove all of them."""
        self._disk.remove(folder, OLDER)
        self._disk.remove(folder, NEWER)
