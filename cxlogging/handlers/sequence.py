"""Sequence ids: a duplicate of an event has the same id, and a missing event leaves a gap."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

from ..delivery.process.state import PROCESS

MAX_PROCESSES = 4_096
"""Processes whose counters are kept; beyond that, all counters are dropped and new runs begin."""


class SequenceIds:
    """
    Numbers the events of each process: ``<run>-<number>``.

    Records of several processes may come through one handler, in any order, as behind a
    ``QueueListener``: each process has its own run, in which a missing number is a lost event.
    """

    def __init__(self) -> None:
        self._runs: dict[int | None, tuple[str, Iterator[int]]] = {}
        self._owner = os.getpid()

    def next(self, pid: int | None) -> str:
        """Return the next id of the process *pid*; the child of a fork begins new runs."""
        run = self._runs.get(pid)
        if run is None or self._owner != PROCESS.pid:
            run = self._begin(pid)
        return f"{run[0]}-{next(run[1])}"

    def _begin(self, pid: int | None) -> tuple[str, Iterator[int]]:
        # After a fork, the parent continues the runs that were copied to this process.
        if self._owner != os.getpid() or len(self._runs) >= MAX_PROCESSES:
            self._runs, self._owner = {}, os.getpid()
        # setdefault is atomic: threads that begin at the same time get the same run.
        return self._runs.setdefault(pid, (os.urandom(6).hex(), itertools.count(1)))
