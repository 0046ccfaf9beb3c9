"""Times and levels as people and programs write them."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LOOKED_AT = 256
"""Characters of a line in which its time and level are looked for."""

LEVELS = {
    "trace": 5,
    "debug": 10,
    "verbose": 15,
    "info": 20,
    "information": 20,
    "notice": 25,
    "warn": 30,
    "warning": 30,
    "error": 40,
    "err": 40,
    "severe": 40,
    "fatal": 50,
    "critical": 50,
    "crit": 50,
    "alert": 50,
    "emerg": 50,
    "emergency": 50,
    "panic": 50,
}
EARLIEST = 1e8
"""Seconds since 1970 below which a number is a duration or the like, and no time."""

SEVERITIES = {1: 10, 2: 15, 3: 20, 4: 30, 5: 40, 6: 50}
"""Numbers of a field named severity: those of Coralogix."""

PINO = {10: 5, 20: 10, 30: 20, 40: 30, 50: 40, 60: 50}
"""Numbers of a field named level: those of pino and bunyan; Python's are in levelno."""

_ISO = re.compile(
    r"(?<!\d)(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\d*"
    r"(?:\s?(Z|UTC|[+-]\d\d:?\d\d))?",
    re.ASCII | re.IGNORECASE,
)
_WEB = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})", re.ASCII)
_SYSLOG = re.compile(r"(?:^|>)([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)(?!\d)", re.ASCII)
_EPOCH = re.compile(r"\[?(\d{10}(?:\.\d{1,9})?|\d{13}|\d{16}|\d{19})(?=[\s\],:]|$)", re.ASCII)
_MONTHS = {
    name: n for n, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}

_WORDS = "|".join(sorted(LEVELS, key=len, reverse=True))
_LEVEL = re.compile(
    rf"(?i:(?:level|lvl|severity)[\"']?\s*[=:]\s*[\"']?(?P<named>{_WORDS})\b"
    rf"|[\[<(|]\s*(?P<held>{_WORDS})\s*[\]>)|])"
    rf"|(?<![\w.-])(?P<loud>{_WORDS.upper()})(?![\w-])"
)


@dataclass(frozen=True)
class Reader:
    """
    Reads times.

    Attributes:
        utc: True where a time without a zone is UTC; else it is this machine's.
        now: Seconds since 1970, for times without a year.
    """

    utc: bool
    now: Callable[[], float]

    def of_line(self, text: str) -> float | None:
        """Return the time that stands in the beginning of a line, in seconds since 1970."""
        head = text[:LOOKED_AT]
        for pattern, read in (
            (_ISO, self._iso),
            (_WEB, self._web),
            (_SYSLOG, self._syslog),
        ):
            found = pattern.search(head)
            if found is not None:
                return read(found)
        epoch = _EPOCH.match(head)
        return None if epoch is None else number(epoch[1])

    def of_value(self, value: Any) -> float | None:
        """Return the time that a field holds."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return number(value)
        if not isinstance(value, str):
            return None
        text = value.strip()
        return number(text) if _EPOCH.fullmatch(text) else self.of_line(text)

    def _iso(self, found: re.Match[str]) -> float | None:
        *parts, fraction, zone = found.groups()
        return self._at([int(part) for part in parts], fraction, zone)

    def _web(self, found: re.Match[str]) -> float | None:
        day, month, year, hour, minute, second, zone = found.groups()
        parts = [int(year), _MONTHS.get(month, 0), int(day), int(hour), int(minute), int(second)]
        return self._at(parts, None, zone)

    def _syslog(self, found: re.Match[str]) -> float | None:
        month, day, *rest = found.groups()
        year = datetime.datetime.fromtimestamp(self.now(), datetime.timezone.utc).year
        parts = [_MONTHS.get(month, 0), int(day), *map(int, rest)]
        at = self._at([year, *parts], None, None)
        if at is not None and at > self.now() + 86_400:
            at = self._at([year - 1, *parts], None, None)  # last December, read in January
        return at

    def _at(self, parts: list[int], fraction: str | None, zone: str | None) -> float | None:
        year, month, day, hour, minute, second = parts
        micro = int((fraction or "0").ljust(6, "0")[:6])
        try:
            whole = datetime.datetime(
                year, month, day, hour, minute, min(second, 59), micro, self._zone(zone)
            )
            return whole.timestamp()
        except (ValueError, OverflowError, OSError):
            return None

    def _zone(self, zone: str | None) -> datetime.tzinfo | None:
        if zone is None:
            return datetime.timezone.utc if self.utc else None
        if zone[0] not in "+-":
            return datetime.timezone.utc
        span = datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        return datetime.timezone(-span if zone[0] == "-" else span)


def number(value: float | str) -> float | None:
    """Return the seconds of an epoch in seconds, milli-, micro- or nanoseconds, by its size."""
    seconds = float(value)
    if not math.isfinite(seconds) or seconds < EARLIEST:
        return None
    for unit in (1, 1e3, 1e6, 1e9):
        if seconds / unit < 1e11:
            return seconds / unit
    return None


def level_of_line(text: str) -> str | None:
    """Return the level's word in the beginning of a line: loud, in brackets, or named."""
    found = _LEVEL.search(text[:LOOKED_AT])
    return None if found is None else found[found.lastgroup or 0]


def level_of_value(name: str, value: Any) -> tuple[int, str] | None:
    """Return the number and the word of the level that a field holds, by the field's *name*."""
    if isinstance(value, str):
        known = LEVELS.get(value.strip().lower())
        if known is not None:
            return known, value.strip().upper()
        value = int(value) if value.strip().isascii() and value.strip().isdigit() else None
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    last = name.rpartition(".")[2].lower()
    table = {"levelno": {n: n for n in range(1, 101)}, "severity": SEVERITIES}.get(last, PINO)
    found = table.get(value)
    return None if found is None else (found, _NAMES.get(found, f"LEVEL {found}"))


_NAMES = {5: "TRACE", 10: "DEBUG", 15: "VERBOSE", 20: "INFO", 30: "WARNING", 40: "ERROR"}
_NAMES[50] = "CRITICAL"
