"""A count of one day that all processes of a destination share, in a file of its spool."""

from __future__ import annotations

import json
from typing import NamedTuple

from ..journal.disk import Disk
from ..journal.spool import DestinationDir

FILE = "budget.json"
LOCK_FILE = "budget.lock"
MAX_FILE_BYTES = 4_096


class DayCount(NamedTuple):
    """
    What all processes have sent on one day.

    Attributes:
        day: Days since 1970, UTC.
        items: How many events.
        size: Their bytes before compression.
    """

    day: int
    items: int = 0
    size: int = 0


class SharedCount:
    """
    Adds to a count in a file, under a lock that ends with the process.

    Args:
        spool: The destination's directory.
        disk: The file system.
    """

    def __init__(self, spool: DestinationDir, disk: Disk) -> None:
        self._spool = spool
        self._disk = disk

    def add(self, day: int, items: int, size: int) -> DayCount | None:
        """
        Add to the count of *day*; return it, or None where another process is at it just now.

        What the file has of another day is forgotten.

        Raises:
            OSError: The file cannot be read or written.
        """
        disk = self._disk
        folder = self._spool.open()
        try:
            lock = disk.lock(folder, LOCK_FILE)
            if lock is None:
                return None
            try:
                count = self._read(folder)
                if count.day != day:
                    count = DayCount(day)
                total = DayCount(day, count.items + items, count.size + size)
                if items or size:
                    disk.write_file(folder, FILE, json.dumps(total._asdict()).encode())
                return total
            finally:
                disk.close(lock)
        finally:
            disk.close(folder)

    def _read(self, folder: int) -> DayCount:
        try:
            fd = self._disk.open(folder, FILE)
        except FileNotFoundError:
            return DayCount(-1)
        try:
            found = json.loads(self._disk.read(fd, MAX_FILE_BYTES, 0))
            return DayCount(int(found["day"]), int(found["items"]), int(found["size"]))
        except (ValueError, KeyError, TypeError):  # a power failure has truncated it
            return DayCount(-1)
        finally:
            self._disk.close(fd)
