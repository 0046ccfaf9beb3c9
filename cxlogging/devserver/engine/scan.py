"""
Reads the events for a query: streamed, on a connection of its own, in the order of an index.

A connection in WAL mode sees the store as it was when the statement started, and does not block
writers (https://www.sqlite.org/wal.html).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from ...dataprime.rows import Severity
from .errors import QueryEndedError
from .row import RECORD_COLUMNS, QueryRow, Record

Sql = tuple[str, tuple[Any, ...]]
"""A condition, and the values of its parameters."""

MAX_CONDITIONS = 50
CHUNK = 256
"""Rows fetched at a time; between two chunks the query can be stopped."""

ALL_SEVERITIES = 6
_DATA = itemgetter(0)


@dataclass(frozen=True)
class ScanFilter:
    """
    The events to read from the store: those that meet all conditions.

    Attributes:
        start: First instant of the window in nanoseconds.
        end: First instant after the window.
        severities: The severities to read.
        conditions: More conditions in SQL.
        newest: True for the newest first, False for the oldest, None where order does not matter.
        by_arrival: True for the last arrived first, whatever the events' own times.
        columns: The columns to read; the others are NULL.
    """

    start: int | None = None
    end: int | None = None
    severities: frozenset[int] = frozenset(Severity)
    conditions: tuple[Sql, ...] = ()
    newest: bool | None = True
    by_arrival: bool = False
    columns: frozenset[str] = frozenset(RECORD_COLUMNS)

    def within(self, start: int | None, end: int | None) -> ScanFilter:
        """Return the filter with a window as well."""
        starts = [one for one in (self.start, start) if one is not None]
        ends = [one for one in (self.end, end) if one is not None]
        return replace(self, start=max(starts, default=None), end=min(ends, default=None))

    def where(self, *conditions: Sql) -> ScanFilter:
        """Return the filter with more conditions; those above `MAX_CONDITIONS` are left out."""
        return replace(self, conditions=(*self.conditions, *conditions)[:MAX_CONDITIONS])


def statement(scan_filter: ScanFilter) -> tuple[str, tuple[Any, ...]]:
    """
    Return the SQL of *scan_filter*, and its parameters.

    For some of the severities in order of time, there is one SELECT for each severity: SQLite
    merges them by its index, and never sorts.
    """
    by_time = scan_filter.newest is not None and not scan_filter.by_arrival
    ordered = {"time_ns", "id"} if by_time else {"id"} if scan_filter.by_arrival else set()
    needed = scan_filter.columns | ordered
    columns = ", ".join(one if one in needed else "NULL" for one in RECORD_COLUMNS)
    parts, values = _conditions(scan_filter)
    severities = sorted(map(int, scan_filter.severities))
    if len(severities) == ALL_SEVERITIES:
        selects = [_select(columns, parts)]
    elif not by_time or not severities:
        among = f"severity IN ({', '.join(map(str, severities))})"
        selects = [_select(columns, [*parts, among])]
    else:
        selects = [_select(columns, [f"severity = {one}", *parts]) for one in severities]
    sql = " UNION ALL ".join(selects)
    if by_time:
        way = "DESC" if scan_filter.newest else "ASC"
        sql += f" ORDER BY time_ns {way}, id {way}"
    elif scan_filter.by_arrival:
        sql += " ORDER BY id DESC"
    return sql, values * len(selects)


def _select(columns: str, parts: list[str]) -> str:
    where = f" WHERE {' AND '.join(parts)}" if parts else ""
    return f"SELECT {columns} FROM events{where}"  # noqa: S608 - values are parameters


def _conditions(scan_filter: ScanFilter) -> tuple[list[str], tuple[Any, ...]]:
    parts: list[str] = []
    values: list[Any] = []
    if scan_filter.start is not None:
        parts.append("time_ns >= ?")
        values.append(_clamped(scan_filter.start))
    if scan_filter.end is not None:
        parts.append("time_ns < ?")
        values.append(_clamped(scan_filter.end))
    for sql, more in scan_filter.conditions:
        parts.append(sql)
        values.extend(more)
    return parts, tuple(values)


def _clamped(moment: int) -> int:
    # The range of SQLite's integers; no event is outside of it.
    return max(-(2**63), min(moment, 2**63 - 1))


class Scan:
    """
    Reads rows of one store for one query.

    Args:
        path: The database file.
        labels_of: Returns the labels of a record.
        stopped: Called between chunks; True ends the query.

    Attributes:
        rows_read: Number of rows read.
        bytes_read: Bytes of their data.
    """

    def __init__(
        self,
        path: Path,
        labels_of: Callable[[Record], dict[str, str]],
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._path, self._labels_of, self._stopped = path, labels_of, stopped
        self.rows_read = 0
        self.bytes_read = 0

    def rows(self, scan_filter: ScanFilter) -> Iterator[QueryRow]:
        """Return an iterator over the rows of *scan_filter*, which reads them as needed."""
        return chain.from_iterable(self._chunks(scan_filter))

    def _chunks(self, scan_filter: ScanFilter) -> Iterator[list[QueryRow]]:
        labels_of = self._labels_of
        try:
            with closing(self._connected()) as connection:
                cursor = connection.execute(*statement(scan_filter))
                while chunk := cursor.fetchmany(CHUNK):
                    if self._stopped():
                        raise QueryEndedError("cancelled")
                    self.rows_read += len(chunk)
                    if "data" in scan_filter.columns:
                        self.bytes_read += sum(map(len, map(_DATA, chunk)))
                    yield [QueryRow(record, labels_of) for record in chunk]
        except sqlite3.Error as error:
            raise QueryEndedError(f"the store cannot be read: {error}") from None

    def _connected(self) -> sqlite3.Connection:
        address = f"{self._path.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(address, uri=True, check_same_thread=False, timeout=30)
