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

MAX_CALL_SITES = 100
"""Of a handler."""

_QUEUE = ("queue_records", "queue_bytes", "queue_limit")
_TEXTS = ("logger", "file", "function", "level")
_NUMBERS = ("line", "events", "bytes", "held_back")


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

    def ledgers(self) -> list[dict[str, Any]]:
        """Return the same without the call sites."""
        return [
            {
                **report,
                "handlers": [
                    {name: held for name, held in handler.items() if name != "volume"}
                    for handler in report["handlers"]
                ],
            }
            for report in self.current()
        ]

    def call_sites(self) -> list[dict[str, Any]]:
        """Return how much each call site of these processes has logged, the most bytes first."""
        rows = [
            {"process": report["process"], "vendor": handler["vendor"],
             "destination": handler["name"], **site}
            for report in self.current()
            for handler in report["handlers"]
            for site in handler.get("volume", ())
        ]  # fmt: skip
        return sorted(rows, key=lambda row: -row["bytes"])

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
    found = {**names, "stats": value["stats"], **{name: value[name] for name in _QUEUE}}
    if "volume" in value:  # earlier versions do not report it
        found["volume"] = _call_sites(value["volume"])
    return found


def _call_sites(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > MAX_CALL_SITES:
        raise ValueError(f"volume must be a list of at most {MAX_CALL_SITES} call sites")
    for each in value:
        texts = isinstance(each, dict) and all(isinstance(each.get(name), str) for name in _TEXTS)
        if not (texts and all(type(each.get(name)) is int for name in _NUMBERS)):
            raise ValueError(
                f"a call site must have {', '.join(_TEXTS)} as strings, and"
                f" {', '.join(_NUMBERS)} as whole numbers"
            )
    return [
        {**{name: each[name][:MAX_NAME] for name in _TEXTS},
         **{name: each[name] for name in _NUMBERS}}
        for each in value
    ]  # fmt: skip
