"""The id of an event: duplicates carry the same one, and gaps can be seen."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

from ..delivery.process.state import PROCESS

MOST_PROCESSES = 4_096
"""Whose counters are kept; above it all are forgotten, and begin runs anew."""


class Sequence:
    """
    Numbers the events of one process run: ``<run>-<number>``.

    Records of several processes may come through one handler, in any order, as behind a
    ``QueueListener``: each process has a run, and a number that is missing in it is a loss.
    """

    def __init__(self) -> None:
        self._runs: dict[int | None, tuple[str, Iterator[int]]] = {}
        self._owner = os.getpid()

    def identify(self, pid: int | None) -> str:
        """Return the next id of the process *pid*; a fork's child has runs of its own."""
        run = self._runs.get(pid)
        if run is None or self._owner != PROCESS.pid:
            run = self._begin(pid)
        return f"{run[0]}-{next(run[1])}"

    def _begin(self, pid: int | None) -> tuple[str, Iterator[int]]:
        # After a fork: the parent goes on with the runs that we have copies of.
        if self._owner != os.getpid() or len(self._runs) >= MOST_PROCESSES:
            self._runs, self._owner = {}, os.getpid()
        # One step: threads that begin at once get the same run.
        return self._runs.setdefault(pid, (os.urandom(6).hex(), itertools.count(1)))
