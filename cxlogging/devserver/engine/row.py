"""
A row on its way through a query: metadata, labels, data.

A row that comes from the store reads its JSON and makes its labels when they are first asked for;
most rows are dropped before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ...dataprime.rows import Severity
from ..schema import to_json
from .values import Kind, Timestamp, plain, severity_text, timestamp_text

Record = tuple[Any, ...]
"""A row of the database, its columns in the order of `scan.COLUMNS`."""

RECORD_COLUMNS = (
    "data", "time_ns", "severity", "id", "received_ns", "vendor", "application", "subsystem",
    "source",
)  # fmt: skip
"""Of a record, in this order."""

METADATA = {
    "timestamp": Kind.TIMESTAMP,
    "severity": Kind.ENUM,
    "logid": Kind.STRING,
    "priorityclass": Kind.STRING,
    "timestampMicros": Kind.NUMBER,
    "ingressTimestamp": Kind.TIMESTAMP,
}
"""The fields of `$m`, and their types."""

_SEVERITIES = (None, *Severity)
_scan: Callable[[str, int], tuple[Any, int]] = vars(json.JSONDecoder())["scan_once"]


class QueryRow:
    """
    One row; nobody changes its parts in place.

    Args:
        record: Of the database, or None for a row that the query made.
        labels_of: Gives the labels of a record.
        data: What the query made of `$d`; None for what the sender sent.
    """

    __slots__ = ("_changed", "_data", "_labels", "_labels_of", "_metadata", "record")

    def __init__(
        self,
        record: Record | None,
        labels_of: Callable[[Record], dict[str, str]] | None = None,
        data: Any = None,
    ) -> None:
        self.record, self._labels_of, self._data = record, labels_of, data
        self._changed = data is not None
        self._metadata: dict[str, Any] | None = None
        self._labels: dict[str, str] | None = None

    @property
    def data(self) -> Any:
        """`$d`."""
        data = self._data
        if data is None and self.record is not None:
            # Without the look for blanks around it: the store writes none.
            data = self._data = _scan(self.record[0], 0)[0]
        return data

    @property
    def metadata(self) -> Mapping[str, Any]:
        """`$m`, typed; nothing of an aggregate."""
        found = self._metadata
        if found is None:
            found = self._metadata = {} if self.record is None else _metadata(self.record)
        return found

    @property
    def labels(self) -> Mapping[str, str]:
        """`$l`; nothing of an aggregate."""
        found = self._labels
        if found is None:
            if self.record is None or self._labels_of is None:
                found = self._labels = {}
            else:
                found = self._labels = self._labels_of(self.record)
        return found

    def with_data(self, data: Any) -> QueryRow:
        """The same row with another `$d`."""
        row = QueryRow(self.record, self._labels_of, data)
        row._metadata, row._labels = self._metadata, self._labels
        return row

    def document(self) -> dict[str, Any]:
        """The row as the service writes it."""
        kept = None if self._changed or self.record is None else self.record[0]
        return {
            "metadata": [_pair(name, _shown(held)) for name, held in self.metadata.items()],
            "labels": [_pair(name, held) for name, held in self.labels.items()],
            "userData": to_json(plain(self.data)) if kept is None else kept,
        }


FIELDS: dict[str, Callable[[Record], Any]] = {
    "timestamp": lambda record: Timestamp(record[1]),
    "severity": lambda record: _SEVERITIES[record[2]],
    # The shape of a UUID, so that what reads the service's ids reads these.
    "logid": lambda record: f"00000000-0000-4000-8000-{record[3]:012x}",
    "priorityclass": lambda _: "high",
    "timestampMicros": lambda record: record[1] // 1_000,
    "ingressTimestamp": lambda record: Timestamp(record[4]),
}
"""How each field of `$m` is read."""

COLUMN_OF_REFERENCE = {
    "$d": "data",
    "$m.timestamp": "time_ns",
    "$m.severity": "severity",
    "$m.logid": "id",
    "$m.timestampMicros": "time_ns",
    "$m.ingressTimestamp": "received_ns",
}
"""The column that a reference needs, where it needs one alone."""


def _metadata(record: Record) -> dict[str, Any]:
    return {name: read(record) for name, read in FIELDS.items()}


def _pair(key: str, value: str) -> dict[str, str]:
    return {"key": key, "value": value}


def _shown(value: Any) -> str:
    if type(value) is Timestamp:
        # The service's own stamps are UTC, and do not say so.
        return (timestamp_text(value) or "").removesuffix("Z")
    return severity_text(value) if type(value) is Severity else str(value)
