"""What the service says beside the rows: warnings and statistics, typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

LIMIT_WARNINGS = frozenset(
    "numberOfResultsLimitWarning bytesScannedLimitWarning blocksLimitWarning"
    " aggregationBucketsLimitWarning scrollTimeoutWarning fieldCountLimitWarning"
    " shuffleFileSizeLimitReachedWarning filesReadLimitWarning".split()
)
"""Warnings after which rows, groups or fields may be missing."""

COMPILE_WARNING = "compileWarning"
"""Names what the service found odd in the query's text, such as an unknown keypath."""


@dataclass(frozen=True)
class QueryWarning:
    """
    A warning of the service.

    Attributes:
        kind: Its type in the API, such as ``"compileWarning"``; empty for a bare sentence.
        message: Its sentence, where it has one.
        details: Its members as they came, 64-bit numbers as `int`.
    """

    kind: str
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"{self.kind}: {self.message}"
            if self.kind and self.message
            else (self.message or self.kind)
        )


@dataclass(frozen=True)
class Limit:
    """A resource's limit: whether it was *reached*, and the numbers where they are given."""

    reached: bool
    limit: int | None = None
    measured_value: int | None = None


@dataclass(frozen=True)
class Statistics:
    """What a query cost; a number that the service did not give is None."""

    status: str
    e2e_duration_ms: int | None = None
    output_row_count: int | None = None
    bytes_read: int | None = None
    cross_region_bytes_read: int | None = None
    limits: Mapping[str, Limit] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


def number(value: Any) -> int | None:
    """Return a whole number that came as a number or, as 64-bit ones do, as a string."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def warning(document: Any) -> QueryWarning:
    """Return the warning of a sentence, or of ``{"someWarning": {...}}``."""
    if isinstance(document, str):
        return QueryWarning("", document)
    if not isinstance(document, Mapping) or not document:
        return QueryWarning("", str(document))
    kind, content = next(iter(document.items()))
    if not isinstance(content, Mapping):
        return (
            QueryWarning("", str(content))
            if kind == "message"
            else QueryWarning(kind, str(content))
        )
    details = {
        name: value if number(value) is None else number(value) for name, value in content.items()
    }
    return QueryWarning(kind, str(content.get("warningMessage", "")), details)


def statistics(document: Mapping[str, Any]) -> Statistics:
    """Return the statistics of a ``statistics`` line."""
    store = (document.get("storage") or {}).get("objectStore") or {}
    limits = {
        name: Limit(
            each.get("reached") is True,
            number(each.get("limit")),
            number(each.get("measuredValue")),
        )
        for name, each in (store.get("limits") or {}).items()
    }
    return Statistics(
        status=str(document.get("status", "")),
        e2e_duration_ms=number(document.get("e2eDurationMs")),
        output_row_count=number(document.get("outputRowCount")),
        bytes_read=number(store.get("bytesRead")),
        cross_region_bytes_read=number(store.get("crossRegionBytesRead")),
        limits=limits,
        raw=document,
    )


def merged(parts: Iterable[Statistics | None]) -> Statistics | None:
    """Return the sum of several queries' statistics; a limit that one reached is reached."""
    known = [each for each in parts if each is not None]
    if len(known) < 2:
        return known[0] if known else None

    def total(name: str) -> int | None:
        values = [value for each in known if (value := getattr(each, name)) is not None]
        return sum(values) if values else None

    limits: dict[str, Limit] = {}
    for each in known:
        for name, limit in each.limits.items():
            if name not in limits or limit.reached:
                limits[name] = limit
    return Statistics(
        status=known[-1].status,
        e2e_duration_ms=total("e2e_duration_ms"),
        output_row_count=total("output_row_count"),
        bytes_read=total("bytes_read"),
        cross_region_bytes_read=total("cross_region_bytes_read"),
        limits=limits,
        raw=known[-1].raw,
    )
