"""One item of a Honeycomb batch: `{"data": {...}, "time": "...", "samplerate": 1}`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import msgpack

from ..emulation.event_fields import compact, level_of, message_of, tidy
from ..emulation.msgpack_bodies import iso, jsonable
from ..emulation.times import fits, rfc3339_ns
from ..emulation.types import ApiRequest, Rule, StoredEvent
from . import emulator_rules as rules

EMPTY = "Request body should not be empty."
MALFORMED = "Request body is malformed and cannot be read."
TOO_MANY_COLUMNS = "Event has too many columns."
TOO_LARGE = "Request body is too large."

COLUMN_LIMIT = 2_000
STRING_LIMIT = 65_536

_EPOCH = re.compile(r"([0-9]{10})\.?([0-9]{0,20})")


@dataclass(frozen=True)
class ItemResult:
    """The event of an item, or the error that its status holds and the rule that it breaks."""

    event: StoredEvent | None = None
    error: str = ""
    rule: Rule = rules.EVENT

    def with_lint(self, lint: tuple[str, ...]) -> StoredEvent:
        """Return the event with *lint* before its own warnings."""
        assert self.event is not None  # noqa: S101 - only called for valid items
        return replace(self.event, warnings=lint + self.event.warnings) if lint else self.event


def read_item(
    value: Any, size: int, request: ApiRequest, dataset: str, *, packed: bool
) -> ItemResult:
    """
    Return the event in *value*, an element of the array.

    Args:
        value: As decoded; MessagePack may hold timestamps and bytes.
        size: Bytes of the item on the wire, 0 when they were not measured.
        request: For the time of receipt.
        dataset: Unquoted.
        packed: True when it came as MessagePack.
    """
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, dict):
        return ItemResult(None, MALFORMED, rules.EVENT)
    if not data:
        return ItemResult(None, EMPTY, rules.EMPTY_DATA)
    if len(data) > COLUMN_LIMIT:
        return ItemResult(None, TOO_MANY_COLUMNS, rules.COLUMNS)
    found: dict[str, None] = {}
    try:
        data, odd = tidy(jsonable(data, found) if packed else data, doubles=True)
    except RecursionError:
        return ItemResult(None, MALFORMED, rules.NESTING)
    time_ns = _time_ns(value, found)
    rate = _sample_rate(value, found)
    if any(isinstance(one, str) and _is_long(one) for one in data.values()):
        found["a string above 64 KiB"] = None
    found.update(dict.fromkeys(odd))
    return ItemResult(_event(data, dataset, time_ns, rate, request, tuple(found), size))


def _is_long(text: str) -> bool:
    # A character is at most four bytes: only long texts are worth measuring.
    return len(text) * 4 > STRING_LIMIT and len(text.encode("utf-8", "replace")) > STRING_LIMIT


def _event(
    data: dict[str, Any],
    dataset: str,
    time_ns: int | None,
    rate: int,
    request: ApiRequest,
    warnings: tuple[str, ...],
    size: int,
) -> StoredEvent:
    level, severity = level_of(data)
    service = data.get("service.name", "")
    return StoredEvent(
        vendor="honeycomb",
        time_ns=request.received_ns if time_ns is None else time_ns,
        received_ns=request.received_ns,
        level=level,
        severity=severity,
        message=message_of(data, "body"),
        application=dataset,
        subsystem=service if isinstance(service, str) else compact(service),
        source={"dataset": dataset, "samplerate": rate},
        data=data,
        warnings=warnings,
        size=size or len(compact(data)),
    )


def _time_ns(value: dict[str, Any], found: dict[str, None]) -> int | None:
    time = value.get("time")
    if time is None or time == "":
        return None
    parsed: int | None = None
    if isinstance(time, msgpack.Timestamp):
        parsed = time.to_unix_nano() if fits(time.to_unix_nano()) else None
    elif isinstance(time, str):
        parsed = parse_time(time)
    else:
        found["time must be a string: a number is ignored"] = None
        return None
    if parsed is None:
        shown = iso(time.to_unix_nano()) if isinstance(time, msgpack.Timestamp) else time[:60]
        found[f"time {shown!r} cannot be read: the time of receipt is used"] = None
    return parsed


def parse_time(text: str) -> int | None:
    """
    Return the nanoseconds since 1970 of an RFC 3339 time, or of an epoch in digits.

    The first ten digits of an epoch are seconds, the rest a fraction, with or without a point.
    """
    match = _EPOCH.fullmatch(text)
    if match is None:
        return rfc3339_ns(text)
    nanoseconds = int(match[1]) * 1_000_000_000 + int(match[2][:9].ljust(9, "0"))
    return nanoseconds if fits(nanoseconds) else None


def _sample_rate(value: dict[str, Any], found: dict[str, None]) -> int:
    rate = value.get("samplerate", 1)
    if isinstance(rate, bool) or not isinstance(rate, int) or rate == 0 or abs(rate) >= 2**63:
        found["samplerate must be an integer from 1: 1 is used"] = None
        return 1
    if rate < 0:
        found["samplerate is negative"] = None
    return rate
