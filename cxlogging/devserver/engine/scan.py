"""
Reading events for a query: streamed, on a connection of its own, in an order that an index has.

A connection in WAL mode sees the store as it was when the statement began, and keeps nobody from
writing (https://www.sqlite.org/wal.html).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from .compile.narrowing import COLUMNS, Narrowing
from .errors import QueryEndedError
from .row import Record, Row

CHUNK = 256
"""Rows fetched at a time; between two of them the query can be stopped."""

ALL_SEVERITIES = 6
_DATA = itemgetter(0)


def statement(narrowing: Narrowing) -> tuple[str, tuple[Any, ...]]:
    """
    The SQL of *narrowing*, and its values.

    Where rows are to come in order of time and of some severities alone, it is one select each,
    which SQLite merges as it reads the index of each: it never sorts.
    """
    ordered = {"time_ns", "id"} if narrowing.newest is not None else set()
    needed = narrowing.columns | ordered
    columns = ", ".join(one if one in needed else "NULL" for one in COLUMNS)
    parts, values = _conditions(narrowing)
    severities = sorted(map(int, narrowing.severities))
    if len(severities) == ALL_SEVERITIES:
        selects = [_select(columns, parts)]
    elif narrowing.newest is None or not severities:
        among = f"severity IN ({', '.join(map(str, severities))})"
        selects = [_select(columns, [*parts, among])]
    else:
        selects = [_select(columns, [f"severity = {one}", *parts]) for one in severities]
    sql = " UNION ALL ".join(selects)
    if narrowing.newest is not None:
        way = "DESC" if narrowing.newest else "ASC"
        sql += f" ORDER BY time_ns {way}, id {way}"
    return sql, values * len(selects)


def _select(columns: str, parts: list[str]) -> str:
    where = f" WHERE {' AND '.join(parts)}" if parts else ""
    return f"SELECT {columns} FROM events{where}"  # noqa: S608 - values are parameters


def _conditions(narrowing: Narrowing) -> tuple[list[str], tuple[Any, ...]]:
    parts: list[str] = []
    values: list[Any] = []
    if narrowing.start is not None:
        parts.append("time_ns >= ?")
        values.append(_bounded(narrowing.start))
    if narrowing.end is not None:
        parts.append("time_ns < ?")
        values.append(_bounded(narrowing.end))
    for sql, more in narrowing.conditions:
        parts.append(sql)
        values.extend(more)
    return parts, tuple(values)


def _bounded(moment: int) -> int:
    # What SQLite can hold; no event lies beyond.
    return max(-(2**63), min(moment, 2**63 - 1))


class Scan:
    """
    Reads rows of one store for one query.

    Args:
        path: The database file.
        labels_of: Gives the labels of a record.
        stopped: Asked between chunks; True ends the query.

    Attributes:
        rows_read: Rows that the store gave.
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

    def rows(self, narrowing: Narrowing) -> Iterator[Row]:
        """The rows of *narrowing*, read as they are asked for."""
        return chain.from_iterable(self._chunks(narrowing))

    def _chunks(self, narrowing: Narrowing) -> Iterator[list[Row]]:
        labels_of = self._labels_of
        try:
            with closing(self._connected()) as connection:
                cursor = connection.execute(*statement(narrowing))
                while chunk := cursor.fetchmany(CHUNK):
                    if self._stopped():
                        raise QueryEndedError("cancelled")
                    self.rows_read += len(chunk)
                    if "data" in narrowing.columns:
                        self.bytes_read += sum(map(len, map(_DATA, chunk)))
                    yield [Row(record, labels_of) for record in chunk]
        except sqlite3.Error as error:
            raise QueryEndedError(f"the store cannot be read: {error}") from None

    def _connected(self) -> sqlite3.Connection:
        address = f"{self._path.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(address, uri=True, check_same_thread=False, timeout=30)
