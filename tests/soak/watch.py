"""The resources that a process uses over time: memory, files, threads."""

from __future__ import annotations

import contextlib
import resource
import time
from dataclasses import dataclass
from pathlib import Path

SETTLING_SECONDS = 3.0
"""After its start a process is not looked at for so long: it imports and connects."""


@dataclass
class Look:
    """The resources of a process at one moment."""

    at: float
    rss: int
    files: int
    threads: int


class Watch:
    """
    Samples one process at a time, once a second.

    Args:
        name: For the table.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._pid = 0
        self._next = 0.0
        self.looks: list[Look] = []

    def begin(self, pid: int) -> None:
        """Sample the process *pid* from now on."""
        self._pid = pid
        self._next = time.monotonic() + SETTLING_SECONDS

    def look(self) -> None:
        """Take a sample, if it is time to."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + 1
        with contextlib.suppress(OSError, ValueError):
            place = Path(f"/proc/{self._pid}")
            pages = int((place / "statm").read_text().split()[1])
            files = sum(1 for _ in (place / "fd").iterdir())
            threads = sum(1 for _ in (place / "task").iterdir())
            self.looks.append(Look(now, pages * resource.getpagesize(), files, threads))


def table(watches: list[Watch]) -> str:
    """Return the samples as a table: the median of each tenth of the time."""
    lines = [""]
    for watch in watches:
        looks = watch.looks
        if not looks:
            continue
        tenths = [looks[len(looks) * n // 10 : len(looks) * (n + 1) // 10] for n in range(10)]
        tenths = [tenth for tenth in tenths if tenth]
        for title, value in (
            ("RSS, MB", lambda look: look.rss / 2**20),
            ("files", lambda look: look.files),
            ("threads", lambda look: look.threads),
        ):
            medians = [sorted(map(value, tenth))[len(tenth) // 2] for tenth in tenths]
            most = max(map(value, looks))
            shown = "  ".join(f"{each:6.1f}" for each in medians)
            lines.append(f"{watch.name:14} {title:8} {shown}   most {most:.1f}")
    return "\n".join([*lines, ""])
