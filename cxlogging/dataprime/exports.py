"""Rows as dicts, JSON lines, tables and data frames; their libraries are imported when used."""

from __future__ import annotations

import contextlib
import csv
import datetime
import importlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from ..errors import CxLoggingError
from . import times
from .rows import Row


class SupportsWrite(Protocol):
    """A file that takes text."""

    def write(self, text: str, /) -> object: ...


Target: TypeAlias = "str | os.PathLike[str] | SupportsWrite"
_PANDAS: Mapping[type | None, str] = {
    int: "Int64",
    bool: "boolean",
    float: "float64",
    datetime.datetime: "datetime64[us, UTC]",
    None: "object",
}
"""The types of columns in pandas; it decides about strings itself."""


class MissingPackage(CxLoggingError, ImportError):  # noqa: N818 - named for what is wrong, as all errors of this client are
    """An export needs a package that is not installed."""


class Exports(Iterable[Row]):
    """The export methods of everything that yields rows."""

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return every row as a dict."""
        return [row.to_dict() for row in self]

    def to_jsonl(self, target: Target) -> int:
        """
        Write each row as a line of JSON as it is read; return the number of rows.

        *target* is a path, or a file that takes text, which stays open.
        """
        count = 0
        with _opened(target, "\n") as file:
            for row in self:
                file.write(json.dumps(document(row), ensure_ascii=False, default=str) + "\n")
                count += 1
        return count

    def to_csv(self, target: Target) -> int:
        """
        Write a table with one column for each keypath; return the number of rows.

        *target* is a path, or a file that takes text, which stays open.
        """
        columns = table(self)
        with _opened(target, "") as file:
            return write_csv(file, columns)

    def to_pandas(self) -> Any:
        """
        Return a ``pandas.DataFrame`` with one column for each keypath.

        Whole numbers, booleans and times keep their types beside nulls (``Int64``, ``boolean``,
        ``datetime64[us, UTC]``); it needs pandas 2.
        """
        pandas = _package("pandas")
        columns = table(self)
        types = column_types(columns)
        return pandas.DataFrame(
            {
                name: pandas.Series(values, dtype=_PANDAS.get(types[name]))
                for name, values in columns.items()
            }
        )

    def to_polars(self) -> Any:
        """Return a ``polars.DataFrame`` with one column for each keypath."""
        return _package("polars").DataFrame(table(self))

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table`` with one column for each keypath."""
        return _package("pyarrow").table(table(self))


@contextlib.contextmanager
def _opened(target: Target, newline: str) -> Iterator[SupportsWrite]:
    if isinstance(target, (str, os.PathLike)):
        with Path(target).open("w", encoding="utf-8", newline=newline) as file:
            yield file
    else:
        yield target


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingPackage(
            f"this export needs the package {name}: pip install {name}.", name=name
        ) from None


def document(row: Row) -> dict[str, Any]:
    """Return a row as a document for JSON, with times to the nanosecond."""
    if row.is_aggregate and isinstance(row.data, dict):
        return dict(row.typed_data(times.iso))
    found = row.to_dict()
    if row.timestamp_ns is not None:
        found["timestamp"] = times.iso(row.timestamp_ns)
    return found


def write_csv(file: SupportsWrite, columns: dict[str, list[Any]]) -> int:
    """Write the columns that `table` returned; return the number of rows."""
    writer = csv.writer(file)
    if columns:
        writer.writerow(columns)
    rows = list(zip(*columns.values(), strict=True))
    writer.writerows([cell_text(value) for value in row] for row in rows)
    return len(rows)


def table(rows: Iterable[Row]) -> dict[str, list[Any]]:
    """Return columns of equal length, each of one type: mixed types and lists become strings."""
    columns: dict[str, list[Any]] = {}
    count = 0
    for row in rows:
        for name, value in row.flat().items():
            column = columns.setdefault(name, [])
            column += [None] * (count - len(column))
            column.append(value)
        count += 1
    return {
        name: _of_one_type(column + [None] * (count - len(column)))
        for name, column in columns.items()
    }


def column_types(columns: Mapping[str, list[Any]]) -> dict[str, type | None]:
    """Return the type of the values in each column that `table` returned; None for nulls alone."""
    return {
        name: next((type(value) for value in column if value is not None), None)
        for name, column in columns.items()
    }


def _of_one_type(column: list[Any]) -> list[Any]:
    kinds = {type(value) for value in column if value is not None}
    numbers = kinds == {int, float}
    if numbers or kinds == {int}:
        # A float cannot hold every larger whole number: an id would change.
        bound = 2**53 if numbers else 2**63
        whole = [value for value in column if isinstance(value, int)]
        if all(-bound <= value < bound for value in whole):
            return [float(value) if numbers and value is not None else value for value in column]
        return [None if value is None else str(value) for value in column]
    if len(kinds) < 2 and kinds.isdisjoint({list, dict}):
        return column
    return [None if value is None else cell_text(value) for value in column]


def cell_text(value: Any) -> str:
    """Return *value* as the text of a cell: JSON for lists and booleans, ISO 8601 for times."""
    if isinstance(value, (list, dict, bool)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return "" if value is None else str(value)
