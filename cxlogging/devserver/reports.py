"""What applications report of their handlers: statistics and queues, kept for a short while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

KEPT_SECONDS = 30.0
"""After which the last report of a process is forgotten."""

MAX_PROCESSES = 64
MAX_HANDLERS = 100
MAX_NAME = 200
"""Characters of a name; a longer one is cut."""

_QUEUE = ("queue_records", "queue_bytes", "queue_limit")


@dataclass(frozen=True)
class _KeptReport:
    """A report, and when it came."""

    report: Mapping[str, Any]
    came_at: float


class ReportBoard:
    """
    The last report of each process.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._kept: dict[str, _KeptReport] = {}

    def add(self, value: Mapping[str, Any]) -> None:
        """
        Keep the report *value*, in place of an earlier one of the same process.

        Raises `ValueError` where it is not what `cxlogging.report_stats` sends.
        """
        report = _checked(value)
        with self._lock:
            self._kept.pop(report["process"], None)
            self._kept[report["process"]] = _KeptReport(report, self._clock())
            while len(self._kept) > MAX_PROCESSES:
                del self._kept[next(iter(self._kept))]

    def current(self) -> list[Mapping[str, Any]]:
        """Return the reports of the last 30 seconds, by process."""
        with self._lock:
            oldest = self._clock() - KEPT_SECONDS
            self._kept = {name: each for name, each in self._kept.items() if each.came_at >= oldest}
            return [self._kept[name].report for name in sorted(self._kept)]

    def clear(self) -> int:
        """Forget all reports, and return their number."""
        with self._lock:
            gone = len(self._kept)
            self._kept.clear()
        return gone


def _checked(value: Mapping[str, Any]) -> dict[str, Any]:
    process, handlers = value.get("process"), value.get("handlers")
    if not isinstance(process, (str, int)) or not str(process).strip():
        raise ValueError("process must name the process: a string or a number")
    if not isinstance(handlers, list) or len(handlers) > MAX_HANDLERS:
        raise ValueError(f"handlers must be a list of at most {MAX_HANDLERS} handlers")
    return {"process": str(process)[:MAX_NAME], "handlers": [_handler(each) for each in handlers]}


def _handler(value: Any) -> dict[str, Any]:
    if not (isinstance(value, dict) and isinstance(value.get("stats"), dict)):
        raise ValueError("a handler must be an object with its stats")  # noqa: TRY004 - of JSON
    if not all(isinstance(value.get(name), str) for name in ("name", "vendor")):
        raise ValueError("name and vendor of a handler must be strings")
    if not all(type(value.get(name)) is int for name in _QUEUE):
        raise ValueError(f"{', '.join(_QUEUE)} of a handler must be whole numbers")
    names = {name: value[name][:MAX_NAME] for name in ("name", "vendor")}
    return {**names, "stats": value["stats"], **{name: value[name] for name in _QUEUE}}
