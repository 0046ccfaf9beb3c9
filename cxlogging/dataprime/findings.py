"""What the service says beside the rows: warnings and statistics, typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

RESULTS_WARNING = "numberOfResultsLimitWarning"
LIMIT_WARNINGS = frozenset(
    "bytesScannedLimitWarning blocksLimitWarning aggregationBucketsLimitWarning"
    " scrollTimeoutWarning fieldCountLimitWarning shuffleFileSizeLimitReachedWarning"
    " filesReadLimitWarning archiveWarning timeRangeWarning".split()
) | {RESULTS_WARNING}
"""Warnings after which rows, groups or fields may be missing."""

_BACKGROUND_LIMIT = re.compile(
    r"\b(MAX_RESULTS|SCANNED_BYTES_LIMIT|BLOCK_LIMIT|METASTORE_DATA_MISSING"
    r"|BUCKET_ACCESS_DENIED|BUCKET_READ_FAILED|SCROLL_TIMEOUT)\b|^Max results is"
)
"""Limits in the sentences of background queries."""

COMPILE_WARNING = "compileWarning"
"""Kind of the warnings about the text of the query, such as an unknown keypath."""


@dataclass(frozen=True)
class QueryWarning:
    """
    A warning of the service.

    Attributes:
        kind: Its type in the API, such as ``"compileWarning"``; empty for a bare sentence.
        message: Its text, where it has one.
        details: Its members as they came, with 64-bit numbers as `int`.
    """

    kind: str
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def limit(self) -> str:
        """The limit of which it warns: rows, groups or fields may be missing. Else empty."""
        if self.kind in LIMIT_WARNINGS:
            return self.kind
        found = _BACKGROUND_LIMIT.search(f"{self.kind} {self.message}".strip())
        return "" if found is None else found[1] or "MAX_RESULTS"

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.kind, self.message)))


@dataclass(frozen=True)
class Limit:
    """The limit of a resource: whether it was *reached*, and its numbers where they are given."""

    reached: bool
    limit: int | None = None
    measured_value: int | None = None


@dataclass(frozen=True)
class Statistics:
    """What a query cost; numbers that the service did not give are None."""

    status: str
    e2e_duration_ms: int | None = None
    output_row_count: int | None = None
    bytes_read: int | None = None
    cross_region_bytes_read: int | None = None
    limits: Mapping[str, Limit] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


def number(value: Any) -> int | None:
    """Return a whole number; 64-bit ones come as strings. None for anything else."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def warning(document: Any) -> QueryWarning:
    """Return the warning for a sentence, or for ``{"someWarning": {...}}``."""
    if isinstance(document, str):
        return QueryWarning("", document)
    if not isinstance(document, Mapping) or not document:
        return QueryWarning("", str(document))
    kind, content = next(iter(document.items()))
    if not isinstance(content, Mapping):
        return QueryWarning("" if kind == "message" else kind, str(content))
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
    """Return the sum of several queries' statistics, with every limit that one of them reached."""
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
