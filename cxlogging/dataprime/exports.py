"""Rows as dicts, JSON lines, tables and data frames; their libraries are imported when used."""

from __future__ import annotations

import csv
import datetime
import importlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from ..errors import CxLoggingError
from . import times
from .rows import Row


class SupportsWrite(Protocol):
    """A file that takes text."""

    def write(self, text: str, /) -> object: ...


class MissingPackage(CxLoggingError, ImportError):  # noqa: N818 - named for what is wrong, as all errors of this client are
    """An export needs a package that is not installed."""


class Exports(Iterable[Row]):
    """The export methods of everything that yields rows."""

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return every row as a dict."""
        return [row.to_dict() for row in self]

    def to_jsonl(self, path: str | os.PathLike[str]) -> int:
        """Write each row as a line of JSON as it is read; return the number of rows."""
        count = 0
        with Path(path).open("w", encoding="utf-8", newline="\n") as file:
            for row in self:
                file.write(json.dumps(document(row), ensure_ascii=False, default=str) + "\n")
                count += 1
        return count

    def to_csv(self, path: str | os.PathLike[str]) -> int:
        """Write a table with one column for each keypath; return the number of rows."""
        columns = table(self)
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            return write_csv(file, columns)

    def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame`` with one column for each keypath."""
        return _package("pandas").DataFrame(table(self))

    def to_polars(self) -> Any:
        """Return a ``polars.DataFrame`` with one column for each keypath."""
        return _package("polars").DataFrame(table(self))

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table`` with one column for each keypath."""
        return _package("pyarrow").table(table(self))


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingPackage(
            f"this export needs the package {name}: pip install {name}.", name=name
        ) from None


def document(row: Row) -> dict[str, Any]:
    """Return a row as a document for JSON, with its time to the nanosecond."""
    found = row.to_dict()
    if row.timestamp_ns is not None:
        found["timestamp"] = times.iso(row.timestamp_ns)
    return found


def write_csv(file: SupportsWrite, columns: dict[str, list[Any]]) -> int:
    """Write the columns that `table` returned; return the number of rows."""
    writer = csv.writer(file)
    writer.writerow(columns)
    rows = list(zip(*columns.values(), strict=True))
    writer.writerows([_cell(value) for value in row] for row in rows)
    return len(rows)


def flat(row: Row) -> dict[str, Any]:
    """
    Return a row's values by keypath.

    A log has ``timestamp``, ``severity``, then ``$m.``, ``$l.`` and ``$d.``
    keypaths; the fields of an aggregate have no prefix.
    """
    if row.is_aggregate and isinstance(row.data, dict):
        return {path: leaf for name, each in row.data.items() for path, leaf in _leaves(name, each)}
    severity = row.severity
    values: dict[str, Any] = {
        "timestamp": row.timestamp,
        "severity": None if severity is None else severity.name,
    }
    known = {"timestamp": row.timestamp, "severity": severity}
    for name, value in row.metadata.items():
        if known.get(name) is None:  # a value that could not be parsed stays as it came
            values[f"$m.{name}"] = value
    values |= {f"$l.{name}": value for name, value in row.labels.items()}
    values |= dict(_leaves("$d", row.data))
    return values


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _leaves(f"{path}.{name}", each)
    else:
        yield path, value


def table(rows: Iterable[Row]) -> dict[str, list[Any]]:
    """Return columns of equal length, each of one type: mixed types and lists become strings."""
    columns: dict[str, list[Any]] = {}
    count = 0
    for row in rows:
        for name, value in flat(row).items():
            column = columns.setdefault(name, [])
            column += [None] * (count - len(column))
            column.append(value)
        count += 1
    return {
        name: _of_one_type(column + [None] * (count - len(column)))
        for name, column in columns.items()
    }


def _of_one_type(column: list[Any]) -> list[Any]:
    kinds = {type(value) for value in column if value is not None}
    numbers = kinds == {int, float}
    if numbers or kinds == {int}:
        whole = [value for value in column if isinstance(value, int)]
        if all(-(2**63) <= value < 2**63 for value in whole):
            return [float(value) if numbers and value is not None else value for value in column]
        return [None if value is None else str(value) for value in column]
    if len(kinds) < 2 and kinds.isdisjoint({list, dict}):
        return column
    return [None if value is None else _cell(value) for value in column]


def _cell(value: Any) -> Any:
    if isinstance(value, (list, dict, bool)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return "" if value is None else str(value)
