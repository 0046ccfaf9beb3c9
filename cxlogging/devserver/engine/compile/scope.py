"""The names that a command may refer to, the settings of a run, and its shared state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ....errors import nearest
from ..errors import QueryEndedError, QueryRefusedError, UnsupportedError
from ..row import METADATA, QueryRow
from ..syntax.nodes import KeyPath
from ..values import Kind

UNSUPPORTED_METADATA = {
    "duration": "$m.duration of spans",
    "templateid": "$m.templateid, which the service finds",
    "branchid": "$m.branchid, which the service finds",
}
"""Metadata of the service that local events do not have."""

MAX_VALUES_IN_MEMORY = 1_000_000
"""Maximum number of values that a query keeps: groups, distinct values, sorted rows."""


@dataclass
class QueryState:
    """
    The state that the commands of one query share.

    Attributes:
        max_values: Maximum number of values in memory.
        values: Current number of values in memory.
        groups_dropped: True once groups were left out.
        used: Roots and fields that the query reads: `$d`, `$m.severity`, `$l.category`.
        paths: Keypaths of the data that the query reads and did not create itself.
        hints: Messages about likely mistakes in the query.
        scan: Reads rows; set when the query runs.
    """

    max_values: int = MAX_VALUES_IN_MEMORY
    values: int = 0
    groups_dropped: bool = False
    used: set[str] = field(default_factory=set)
    paths: dict[tuple[str | int, ...], KeyPath] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)
    scan: Callable[[Any], Iterator[QueryRow]] | None = None

    def reserve(self, what: str) -> None:
        """Count one more value in memory; end the query where there are too many."""
        self.values += 1
        if self.values > self.max_values:
            raise QueryEndedError(
                f"{what}: the query needs more than {self.max_values:,} values in memory; narrow it"
            )


@dataclass(frozen=True)
class Settings:
    """
    The settings of a run.

    Attributes:
        now: Nanoseconds since 1970, for `now()`.
        start: First instant of the window, or None.
        end: First instant after the window, or None.
        labels: Names of labels.
        label_readers: Functions that read the labels which depend on vendor, application and
            subsystem only.
        field_exists: Returns whether any event has a field, where unknown fields are refused.
        lucene_fields: Fields of a Lucene query that are not in the data.
        max_rows: Maximum number of rows in the answer.
    """

    now: int
    start: int | None = None
    end: int | None = None
    labels: tuple[str, ...] = ()
    label_readers: Mapping[str, Callable[[str, str, str], str]] = field(default_factory=dict)
    field_exists: Callable[[tuple[str | int, ...]], bool] | None = None
    lucene_fields: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    max_rows: int = 2_000


@dataclass(frozen=True)
class Scope:
    """
    The names that a command may refer to.

    Attributes:
        settings: The settings of the run.
        shared: The state that all commands share.
        logs: True for rows that are logs; False for rows that have only `$d`.
        fields: The fields of `$d` where all are known, else None.
        created: Fields of `$d` that the query created, in addition to those of logs.
    """

    settings: Settings
    shared: QueryState = field(default_factory=QueryState)
    logs: bool = True
    fields: frozenset[str] | None = None
    created: frozenset[str] = frozenset()

    def aggregated(self, names: Iterable[KeyPath]) -> Scope:
        """Return the scope after a command that creates rows of *names* only."""
        fields = frozenset(str(one.steps[0]) for one in names if one.steps)
        return replace(self, logs=False, fields=fields)

    def of_fields(self, names: Iterable[KeyPath]) -> Scope:
        """Return the scope after a command that leaves only *names* in the data."""
        return replace(self, fields=self.aggregated(names).fields)

    def without_fields(self, names: Iterable[str]) -> Scope:
        """Return the scope without the fields *names* of the data."""
        return self if self.fields is None else replace(self, fields=self.fields - set(names))

    def with_field(self, path: KeyPath) -> Scope:
        """Return the scope with one more field of the data."""
        name = {str(path.steps[0])} if path.steps else set()
        fields = None if self.fields is None else self.fields | name
        return replace(self, fields=fields, created=self.created | name)

    def kind(self, path: KeyPath) -> Kind:
        """Return the type of the value at *path*; refuse the query where there cannot be one."""
        if self.logs:
            self.shared.used.add(path.root if path.root == "$d" else str(path))
        if path.root == "$d":
            self._check_data(path)
            return Kind.ANY if path.steps else Kind.OBJECT
        if not self.logs:
            raise QueryRefusedError(
                f"keypath does not exist {str(path)!r}: after grouping, rows have only $d",
                path.at,
            )
        if not path.steps:
            return Kind.OBJECT
        known = METADATA if path.root == "$m" else dict.fromkeys(self.settings.labels, Kind.STRING)
        name = str(path.steps[0])
        if path.root == "$m" and name in UNSUPPORTED_METADATA:
            raise UnsupportedError(UNSUPPORTED_METADATA[name], path.at)
        if name not in known or len(path.steps) > 1:
            raise unknown_keypath(path, known)
        return known[name]

    def reads(self, path: KeyPath) -> None:
        """Record a keypath of the data that is read, unless the query created it."""
        if self.logs and self.fields is None and str(path.steps[0]) not in self.created:
            self.shared.paths.setdefault(path.steps, path)

    def _check_data(self, path: KeyPath) -> None:
        if not path.steps:
            return
        name = str(path.steps[0])
        self.reads(path)
        if self.fields is not None:
            missing = name not in self.fields
        else:
            exists = self.settings.field_exists
            missing = exists is not None and name not in self.created and not exists(path.steps)
        if missing:
            raise unknown_keypath(path, self.fields or ())


def unknown_keypath(path: KeyPath, known: Iterable[str]) -> QueryRefusedError:
    """Return the error for an unknown keypath, with the most similar one of *known*."""
    hint = nearest(str(path.steps[0]), known).strip()
    suggestion = f" ({hint[0].lower()}{hint[1:]})" if hint else ""
    return QueryRefusedError(f"keypath does not exist {str(path)!r}{suggestion}", path.at)
