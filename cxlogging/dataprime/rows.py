"""
One row of an answer, and the keypaths into it.

A keypath starts with ``$m`` (metadata), ``$l`` (labels), or ``$d`` or nothing (the
data); ``.name``, ``['any name']`` and ``[0]`` are its steps.
"""

from __future__ import annotations

import datetime
import enum
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, NoReturn

from . import times
from .language.time_fields import TimeFields

_STEP = re.compile(
    r"""\.?(?P<name>[^.\[\]'"]+)|\[(?P<index>\d+)\]|\.?\[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]""",
    re.DOTALL,
)
_SPECIAL = re.compile(r"""[.\[\]'"]|^\$""")
"""What a name in a keypath cannot contain without brackets."""

_MISSING = object()
_NO_QUERY = TimeFields(known=False)


class Severity(enum.IntEnum):
    """The severities of a log, in order."""

    DEBUG = 1
    VERBOSE = 2
    INFO = 3
    WARNING = 4
    ERROR = 5
    CRITICAL = 6


class Row:
    """
    A row: a log, or a row of an aggregate, which has no metadata and no labels.

    ``row["$d.user.id"]`` raises `KeyError` where nothing is found; `get` does not. A time in
    an aggregate is a number of nanoseconds in `data`, and a datetime in `to_dict` and exports.

    Attributes:
        metadata: What the service added to the log: strings by name.
        labels: Application, subsystem and other labels: strings by name.
        raw: The data as it came.
    """

    def __init__(
        self,
        raw: Any = None,
        metadata: Mapping[str, Any] = {},
        labels: Mapping[str, Any] = {},
        *,
        time_fields: TimeFields = _NO_QUERY,
    ) -> None:
        self.raw = raw
        self.metadata = dict(metadata)
        self.labels = dict(labels)
        self._time_fields = time_fields

    @cached_property
    def data(self) -> Any:
        """The decoded data; the string itself where it is not JSON."""
        if not isinstance(self.raw, str):
            return self.raw
        try:
            return json.loads(self.raw)
        except (ValueError, RecursionError):
            return self.raw

    def typed_data(self, convert: Callable[[int], Any] = times.to_datetime) -> Any:
        """Return the data; in an aggregate with what *convert* makes of times in nanoseconds."""
        return self._time_fields.converted(self.data, convert) if self.is_aggregate else self.data

    @property
    def timestamp_ns(self) -> int | None:
        """The log's time in nanoseconds since 1970, or None for a row without a time."""
        value = self.metadata.get("timestamp")
        return None if value is None else times.parse_service_time(str(value))

    @property
    def timestamp(self) -> datetime.datetime | None:
        """The log's time as an aware datetime, truncated to microseconds."""
        found = self.timestamp_ns
        return None if found is None else times.to_datetime(found)

    @property
    def severity(self) -> Severity | None:
        """The log's severity, or None where the row has none."""
        value = str(self.metadata.get("severity", "")).upper()
        if value in Severity.__members__:
            return Severity[value]
        return Severity(int(value)) if value in set("123456") else None

    @property
    def is_aggregate(self) -> bool:
        """True for a row that has neither metadata nor labels."""
        return not (self.metadata or self.labels)

    def __getitem__(self, keypath: str) -> Any:
        if not isinstance(keypath, str):
            raise TypeError(
                f"a row takes a keypath such as 'user.id', not {keypath!r}: its data is row.data."
            )
        found = self._find(keypath)
        if found is _MISSING:
            raise KeyError(keypath)
        return found

    def __iter__(self) -> NoReturn:
        raise TypeError("a row cannot be iterated over: use row.data, row.to_dict() or row[...].")

    def __contains__(self, keypath: object) -> bool:
        return isinstance(keypath, str) and self._find(keypath) is not _MISSING

    def get(self, keypath: str, default: Any = None) -> Any:
        """Return the value at *keypath*, or *default*."""
        found = self._find(keypath)
        return default if found is _MISSING else found

    def _find(self, keypath: str) -> Any:
        try:
            root, steps = parse_keypath(keypath)
        except KeyError:
            return _MISSING
        value: Any = {"$m": self.metadata, "$l": self.labels}[root] if root != "$d" else self.data
        for step in steps:
            if isinstance(step, int) and isinstance(value, list):
                value = value[step] if step < len(value) else _MISSING
            elif isinstance(value, dict):
                value = value.get(str(step), _MISSING)
            else:
                return _MISSING
        return value

    def to_dict(self) -> dict[str, Any]:
        """Return the row as a dict: the data of an aggregate, or the parts of a log."""
        if self.is_aggregate and isinstance(self.data, dict):
            return dict(self.typed_data())
        severity = self.severity
        return {
            "timestamp": self.timestamp,
            "severity": None if severity is None else severity.name,
            "metadata": dict(self.metadata),
            "labels": dict(self.labels),
            "data": self.data,
        }

    def flat(self) -> dict[str, Any]:
        """
        Return the row's values by keypath.

        A log has ``timestamp``, ``severity``, then ``$m.``, ``$l.`` and ``$d.``
        keypaths; the fields of an aggregate have no prefix. A name with a dot in it is in
        brackets: ``$d['x.y']``.
        """
        if self.is_aggregate and isinstance(self.data, dict):
            return {path: leaf for path, leaf in _leaves("", self.typed_data()) if path}
        severity = self.severity
        values: dict[str, Any] = {
            "timestamp": self.timestamp,
            "severity": None if severity is None else severity.name,
        }
        known = {"timestamp": self.timestamp, "severity": severity}
        for name, value in self.metadata.items():
            if known.get(name) is None:  # a value that could not be parsed stays as it came
                values[step("$m", name)] = value
        values |= {step("$l", name): value for name, value in self.labels.items()}
        values |= dict(_leaves("$d", self.data))
        return values

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Row):
            return NotImplemented
        mine = (self.metadata, self.labels, self.raw)
        return mine == (other.metadata, other.labels, other.raw)

    __hash__ = None  # type: ignore[assignment]  # a row contains dicts

    def __repr__(self) -> str:
        data = repr(self.raw)
        return f"Row({data if len(data) <= 200 else f'{data[:200]}...'}, {self.metadata!r})"


def step(path: str, name: str) -> str:
    """Return the keypath of the member *name* of what is at *path*; empty is the root."""
    if name and not _SPECIAL.search(name):
        return f"{path}.{name}" if path else name
    quote = '"' if "']" in name else "'"
    return f"{path}[{quote}{name}{quote}]"


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _leaves(step(path, name), each)
    else:
        yield path, value


def parse_keypath(keypath: str) -> tuple[str, list[str | int]]:
    """Return root and steps of a keypath; raise `KeyError` where it is invalid."""
    root, rest = keypath[:2], keypath[2:]
    if root not in {"$m", "$l", "$d"} or (rest and rest[0] not in ".["):
        root, rest = "$d", f".{keypath}"
    steps: list[str | int] = []
    at = 0
    while at < len(rest):
        found = _STEP.match(rest, at)
        if found is None or (found["name"] and rest[at] != "."):
            raise KeyError(keypath)
        steps.append(int(found["index"]) if found["index"] else found["name"] or found["quoted"])
        at = found.end()
    return root, steps


def pairs(items: Any) -> dict[str, Any]:
    """Return the service's ``[{"key": ..., "value": ...}]`` as a dict; other shapes raise."""
    if items is None:
        return {}
    return {str(item["key"]): item.get("value") for item in items}
