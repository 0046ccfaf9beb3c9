"""Timestamps as people and programs write them."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..shared.levels import HEAD_LENGTH

EARLIEST = 1e8
"""Seconds since 1970; a smaller number is not a timestamp but, for instance, a duration."""

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


@dataclass(frozen=True)
class TimestampParser:
    """
    Finds timestamps in lines and fields.

    Attributes:
        utc: True if times without a zone are UTC; otherwise they are local times.
        now: The clock in seconds since 1970, for times without a year.
    """

    utc: bool
    now: Callable[[], float]

    def of_line(self, text: str) -> float | None:
        """Return the timestamp at the head of a line, in seconds since 1970."""
        head = text[:HEAD_LENGTH]
        for pattern, parse in (
            (_ISO, self._iso),
            (_WEB, self._web),
            (_SYSLOG, self._syslog),
        ):
            found = pattern.search(head)
            if found is not None:
                return parse(found)
        epoch = _EPOCH.match(head)
        return None if epoch is None else epoch_seconds(epoch[1])

    def of_value(self, value: Any) -> float | None:
        """Return the timestamp in a field, in seconds since 1970."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return epoch_seconds(value)
        if not isinstance(value, str):
            return None
        text = value.strip()
        return epoch_seconds(text) if _EPOCH.fullmatch(text) else self.of_line(text)

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
            at = self._at([year - 1, *parts], None, None)  # written in December, read in January
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


def epoch_seconds(value: float | str) -> float | None:
    """Return the seconds of an epoch time whose unit (s, ms, µs, ns) follows from its size."""
    seconds = float(value)
    if not math.isfinite(seconds) or seconds < EARLIEST:
        return None
    for unit in (1, 1e3, 1e6, 1e9):
        if seconds / unit < 1e11:
            return seconds / unit
    return None
