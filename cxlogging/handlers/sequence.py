"""The id of an event: duplicates carry the same one, and gaps can be seen."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator


class Sequence:
    """Numbers the events of one process run: ``<run>-<number>``."""

    def __init__(self) -> None:
        self._current: tuple[int | None, str, Iterator[int]] = (-1, "", itertools.count(1))

    def identify(self, pid: int | None) -> str:
        """Return the next id; a fork's child has a run of its own."""
        current = self._current  # one value: threads that begin at once have a run each
        if pid != current[0]:
            self._current = current = (pid, os.urandom(6).hex(), itertools.count(1))
        return f"{current[1]}-{next(current[2])}"
