"""
A row in a query: metadata, labels and data.

A row from the store decodes its JSON and its labels when they are first used, because most rows are
filtered out before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ...dataprime.rows import Severity
from ..schema import to_json
from .values import Kind, Timestamp, json_value, severity_text, timestamp_text

Record = tuple[Any, ...]
"""A row of the database, with the columns of `RECORD_COLUMNS`."""

RECORD_COLUMNS = (
    "data", "time_ns", "severity", "id", "received_ns", "vendor", "application", "subsystem",
    "source",
)  # fmt: skip
"""The columns of a record, in this order."""

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
    A row; its parts are never changed in place.

    Args:
        record: The row of the database, or None for a row that the query created.
        labels_of: Returns the labels of a record.
        data: The `$d` that the query computed; None for the data as it was sent.
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
            # scan_once() skips the search for whitespace around the value: the store writes none.
            data = self._data = _scan(self.record[0], 0)[0]
        return data

    @property
    def metadata(self) -> Mapping[str, Any]:
        """`$m`, with typed values; empty for an aggregate."""
        found = self._metadata
        if found is None:
            found = self._metadata = {} if self.record is None else _metadata(self.record)
        return found

    @property
    def labels(self) -> Mapping[str, str]:
        """`$l`; empty for an aggregate."""
        found = self._labels
        if found is None:
            if self.record is None or self._labels_of is None:
                found = self._labels = {}
            else:
                found = self._labels = self._labels_of(self.record)
        return found

    def with_data(self, data: Any) -> QueryRow:
        """Return the row with another `$d`."""
        row = QueryRow(self.record, self._labels_of, data)
        row._metadata, row._labels = self._metadata, self._labels
        return row

    def document(self) -> dict[str, Any]:
        """Return the row as the service writes it."""
        kept = None if self._changed or self.record is None else self.record[0]
        return {
            "metadata": [_key_value(name, _as_text(held)) for name, held in self.metadata.items()],
            "labels": [_key_value(name, held) for name, held in self.labels.items()],
            "userData": to_json(json_value(self.data)) if kept is None else kept,
        }


FIELDS: dict[str, Callable[[Record], Any]] = {
    "timestamp": lambda record: Timestamp(record[1]),
    "severity": lambda record: _SEVERITIES[record[2]],
    # In the form of a UUID, so that code which parses the service's ids can parse these.
    "logid": lambda record: f"00000000-0000-4000-8000-{record[3]:012x}",
    "priorityclass": lambda _: "high",
    "timestampMicros": lambda record: record[1] // 1_000,
    "ingressTimestamp": lambda record: Timestamp(record[4]),
}
"""Functions that read each field of `$m`."""

COLUMN_OF_REFERENCE = {
    "$d": "data",
    "$m.timestamp": "time_ns",
    "$m.severity": "severity",
    "$m.logid": "id",
    "$m.timestampMicros": "time_ns",
    "$m.ingressTimestamp": "received_ns",
}
"""The column that a reference needs, where it needs a single one."""


def _metadata(record: Record) -> dict[str, Any]:
    return {name: read(record) for name, read in FIELDS.items()}


def _key_value(key: str, value: str) -> dict[str, str]:
    return {"key": key, "value": value}


def _as_text(value: Any) -> str:
    if type(value) is Timestamp:
        # The service writes times in UTC without an offset.
        return (timestamp_text(value) or "").removesuffix("Z")
    return severity_text(value) if type(value) is Severity else str(value)
