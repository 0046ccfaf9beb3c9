"""The relay's own log: one line a fact on stderr, as JSON or as text, past all handlers."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from ..delivery.stderr import STDERR
from ..printable import safe
from ..wire.system_clock import monotonic, wall
from ..wire.timestamps import rfc3339

REPEAT_SECONDS = 30.0
"""From one message about a trouble to the next one about it."""


class RelayLog:
    """
    Writes events with fields; the module `logging` has no part in it.

    Args:
        format: ``"json"``, ``"text"``, or ``"auto"``: text on a terminal.
        stream: Where lines go.
    """

    def __init__(self, format: str = "auto", stream: TextIO | None = None) -> None:  # noqa: A002
        self._stream = stream or sys.stderr
        is_text = format == "text" or (format == "auto" and self._stream.isatty())
        self._line = _text if is_text else _json
        self._said_at: dict[str, float] = {}

    def info(self, event: str, **fields: Any) -> None:
        """Write what happened."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Write what is wrong and may pass; not more often than once in 30 s for each *event*."""
        now = monotonic()
        if now - self._said_at.get(event, -REPEAT_SECONDS) >= REPEAT_SECONDS:
            self._said_at[event] = now
            self._write("warning", event, fields)

    def passed(self, event: str, recovered: str, **fields: Any) -> None:
        """Write *recovered* if *event* was the last to be written of a trouble."""
        if self._said_at.pop(event, None) is not None:
            self._write("info", recovered, fields)

    def _write(self, level: str, event: str, fields: dict[str, Any]) -> None:
        line = self._line(rfc3339(int(wall() * 1e9)), level, event, fields)
        with contextlib.suppress(OSError, ValueError):  # nobody reads it
            self._stream.write(f"{line}\n")
            self._stream.flush()

    @contextlib.contextmanager
    def with_diagnostics(self) -> Iterator[None]:
        """Write what deliveries say here too."""
        with STDERR.relayed(lambda line: self.warning(line.removeprefix("cxlogging: "))):
            yield


def _json(at: str, level: str, event: str, fields: dict[str, Any]) -> str:
    return json.dumps({"time": at, "level": level, "event": event, **fields}, default=str)


def _text(at: str, level: str, event: str, fields: dict[str, Any]) -> str:
    more = "".join(f"  {name}={value}" for name, value in fields.items())
    return safe(f"{at}  {level}  {event}{more}")
