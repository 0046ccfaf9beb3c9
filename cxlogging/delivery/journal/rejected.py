"""What the vendor refused for itself, with its reason: a bounded file of JSON lines."""

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
MOST_BYTES = 8 * 2**20
"""Of each of the two files; above it, the newer one takes the place of the older one."""

CHUNK_BYTES = 2**20


class Letter(NamedTuple):
    """One refused record: when, why, its level number, and the vendor's item."""

    at: float
    reason: str
    level: int
    item: bytes


class Rejected:
    """
    The refused records of one destination.

    Args:
        disk: The file system.
        most_bytes: Of each of the two files.
    """

    def __init__(self, disk: Disk, most_bytes: int = MOST_BYTES) -> None:
        self._disk = disk
        self._most = most_bytes

    def add(self, folder: int, item: Item, reason: str, at: float) -> None:
        """
        Keep one record.

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
            # A line of its own, also after one that a full disk has cut short.
            self._disk.write_all(fd, b"\n" + json.dumps(letter).encode() + b"\n")
            full = self._disk.size(fd) > self._most
        finally:
            self._disk.close(fd)
        if full:
            self._turn(folder)

    def _turn(self, folder: int) -> None:
        lock = self._disk.lock(folder, LOCK)
        if lock is None:  # another process does it
            return
        try:
            fd = self._disk.append(folder, NEWER)
            full = self._disk.size(fd) > self._most
            self._disk.close(fd)
            if full:
                self._disk.rename(folder, NEWER, folder, OLDER)
        finally:
            self._disk.close(lock)

    def letters(self, folder: int) -> Iterator[Letter]:
        """Return what is kept, oldest first; a line that cannot be read is passed over."""
        for name in (OLDER, NEWER):
            for line in self._lines(folder, name):
                try:
                    found = json.loads(line)
                    item = base64.b64decode(found["item"])
                    yield Letter(
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
        """Remove what is kept."""
        self._disk.remove(folder, OLDER)
        self._disk.remove(folder, NEWER)
