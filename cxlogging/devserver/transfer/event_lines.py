"""
Events as lines of JSON: what an export contains, and what an import takes.

A line has the fields of `StoredEvent`; its times are strings of digits, which JavaScript does not
round. Of an imported line only `vendor`, `time_ns`, `message` and `data` are required, and fields
with other names are ignored, so that events of `/api/events` can be imported as they are.
"""

from __future__ import annotations

import gzip
import re
import time
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Any

from ...vendors.emulation.bodies import MalformedError, strict_json
from ...vendors.emulation.times import fits
from ...vendors.emulation.types import StoredEvent
from ...vendors.registry import VENDORS
from ..schema import EVENT_COLUMNS, to_json

MAX_BYTES = 64 * 1024 * 1024
"""Bytes of an import after decompression, and as sent."""

MAX_EVENTS = 100_000
MAX_LINES = 2 * MAX_EVENTS
"""Blank ones included."""

MAX_LINE = 8 * 1024 * 1024
"""Bytes of a line."""

TIMES = ("time_ns", "received_ns")
GZIP_MAGIC = b"\x1f\x8b"

_NANOSECONDS = re.compile(r"-?[0-9]{1,19}", re.ASCII)


class LineError(Exception):
    """
    A line cannot be imported.

    Args:
        number: Of the line, from 1.
        reason: What is wrong with it.
    """

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"line {number}: {reason}")
        self.number = number


class ImportTooLargeError(Exception):
    """The import is larger than the limit; the message says which."""


def to_line(event: Mapping[str, Any]) -> bytes:
    """Return the line of *event*, a dict as the store returns it."""
    exported = {name: event[name] for name in EVENT_COLUMNS}
    for name in TIMES:
        exported[name] = str(exported[name])
    return to_json(exported).encode() + b"\n"


def read_lines(file: IO[bytes]) -> Iterator[StoredEvent]:
    """
    Yield the events in *file*, from its beginning: lines of JSON, perhaps compressed with gzip.

    Raises:
        LineError: A line is not an event.
        ImportTooLargeError: There is more than `MAX_BYTES`, `MAX_EVENTS` or `MAX_LINES`.
    """
    file.seek(0)
    is_packed = file.read(2) == GZIP_MAGIC
    file.seek(0)
    lines = gzip.GzipFile(fileobj=file, mode="rb") if is_packed else file
    size, count, number = 0, 0, 0
    now = time.time_ns()
    while line := _next_line(lines, number + 1):
        number, size, count = number + 1, size + len(line), count + bool(line.strip())
        if size > MAX_BYTES:
            raise ImportTooLargeError(f"more than {MAX_BYTES >> 20} MiB when decompressed")
        if count > MAX_EVENTS or number > MAX_LINES:
            raise ImportTooLargeError(f"more than {MAX_EVENTS:,} events, or as many blank lines")
        if line.strip():
            yield _event(line, number, now)


def _next_line(lines: IO[bytes] | gzip.GzipFile, number: int) -> bytes:
    try:
        line = lines.readline(MAX_LINE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise LineError(number, f"the compressed file is broken: {error}") from None
    if len(line) > MAX_LINE:
        raise LineError(number, f"longer than {MAX_LINE >> 20} MiB")
    return line


def _event(line: bytes, number: int, now: int) -> StoredEvent:
    try:
        value = strict_json(line)
    except MalformedError as error:
        raise LineError(number, str(error)) from None
    if not isinstance(value, dict):
        raise LineError(number, "not a JSON object")
    reader = _LineReader(value, number)
    return StoredEvent(
        vendor=reader.vendor(),
        time_ns=reader.nanoseconds("time_ns"),
        received_ns=reader.nanoseconds("received_ns", now),
        level=reader.typed("level", str, ""),
        severity=reader.severity(),
        message=reader.typed("message", str),
        application=reader.typed("application", str, ""),
        subsystem=reader.typed("subsystem", str, ""),
        source=reader.typed("source", dict, {}),
        data=reader.typed("data", dict),
        warnings=tuple(map(str, reader.typed("warnings", list, []))),
        size=max(reader.typed("size", int, len(line)), 0),
    )


class _LineReader:
    """The fields of one line, checked as they are read."""

    def __init__(self, value: Mapping[str, Any], number: int) -> None:
        self._value, self._number = value, number

    def typed(self, name: str, kind: type, default: Any = None) -> Any:
        """Return a field, or *default*; raise `LineError` where it has another type."""
        found = self._value.get(name, default)
        if type(found) is not kind:
            kinds = {str: "a string", dict: "an object", list: "an array", int: "a whole number"}
            raise LineError(self._number, f"{name} must be {kinds[kind]}")
        return found

    def vendor(self) -> str:
        """Return the vendor's name."""
        found = self._value.get("vendor")
        if not isinstance(found, str) or found not in VENDORS:
            raise LineError(self._number, f"vendor must be one of {', '.join(VENDORS)}")
        return found

    def severity(self) -> int:
        """Return the severity, info by default."""
        found: int = self.typed("severity", int, 3)
        if not 1 <= found <= 6:
            raise LineError(self._number, "severity must be 1 (debug) to 6 (critical)")
        return found

    def nanoseconds(self, name: str, default: int | None = None) -> int:
        """Return a time, which is a number or digits."""
        found = self._value.get(name, default)
        is_digits = isinstance(found, str) and _NANOSECONDS.fullmatch(found)
        if (type(found) is int or is_digits) and fits(int(found)):
            return int(found)
        raise LineError(self._number, f"{name} must be nanoseconds since 1970")
