"""The names that a command may refer to, the settings of a run, and its shared state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ....errors import nearest
from ..errors import QueryEndedError, QueryRefusedError, UnsupportedError
from ..json_paths import Steps
from ..row import METADATA, QueryRow
from ..syntax.nodes import KeyPath
from ..values import Kind

UNSUPPORTED_METADATA = {
    "duration": "$m.duration of spans",
    "templateid": "$m.templateid, which the service finds",
    "branchid": "$m.branchid, which the service finds",
}
"""Metadata of the service that local events do not have."""

OTHER_PLACES = {
    "app": "$l.applicationname", "application": "$l.applicationname",
    "applicationname": "$l.applicationname", "subsystem": "$l.subsystemname",
    "subsystemname": "$l.subsystemname", "service": "$l.subsystemname", "host": "$l.computername",
    "severity": "$m.severity", "level": "$m.severity", "time": "$m.timestamp",
    "timestamp": "$m.timestamp", "ts": "$m.timestamp", "ip": "$l.ipaddress",
}  # fmt: skip
"""What people look for in `$m` and `$l`, in lower case, and where it is."""

MAX_VALUES_IN_MEMORY = 1_000_000
"""Maximum number of values that a query keeps: groups, distinct values, sorted rows."""


Reference = tuple[str, Steps]
"""The root and the steps of a keypath."""


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
        compared: Keypaths of the data as it was sent, with the types they are compared with.
        looser: Fields of text searches, with tests that more of their values pass, and what to say
            where nothing was found but such a value.
        warnings: Messages about the query that are sent whatever it finds.
        hints: Messages about likely mistakes in the query, for a query that finds nothing.
        scan: Reads rows; set when the query runs.
    """

    max_values: int = MAX_VALUES_IN_MEMORY
    values: int = 0
    groups_dropped: bool = False
    used: set[str] = field(default_factory=set)
    paths: dict[tuple[str | int, ...], KeyPath] = field(default_factory=dict)
    compared: list[tuple[KeyPath, Kind]] = field(default_factory=list)
    looser: list[tuple[KeyPath, Callable[[str], bool], str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    scan: Callable[[Any], Iterator[QueryRow]] | None = None

    def warn(self, sentence: str) -> None:
        """Add a warning, once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)

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
        frequent: True where the query reads the frequent tier, which lacks some functions.
    """

    now: int
    start: int | None = None
    end: int | None = None
    labels: tuple[str, ...] = ()
    label_readers: Mapping[str, Callable[[str, str, str], str]] = field(default_factory=dict)
    field_exists: Callable[[tuple[str | int, ...]], bool] | None = None
    lucene_fields: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    max_rows: int = 2_000
    frequent: bool = False


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
        opened: True where the query added fields to `$d` whose names are not known.
        origins: Fields of `$m` and `$l` that are fields of `$d` now, with their types.
        kinds: Types of the fields of `$d` that the query computed, where they are known.
    """

    settings: Settings
    shared: QueryState = field(default_factory=QueryState)
    logs: bool = True
    fields: frozenset[str] | None = None
    created: frozenset[str] = frozenset()
    opened: bool = False
    origins: Mapping[Reference, tuple[KeyPath, Kind]] = field(default_factory=dict)
    kinds: Mapping[Steps, Kind] = field(default_factory=dict)

    def aggregated(
        self,
        names: Sequence[KeyPath],
        kinds: Iterable[Kind] = (),
        origins: Mapping[Reference, tuple[KeyPath, Kind]] | None = None,
    ) -> Scope:
        """Return the scope after a command that creates rows of *names* only, of these types."""
        fields, origins = _fields(names), origins or {}
        known = dict(zip((one.steps for one in names), kinds, strict=False))
        return replace(self, logs=False, fields=fields, opened=False, origins=origins, kinds=known)

    def of_fields(self, names: Iterable[KeyPath]) -> Scope:
        """Return the scope after a command that leaves only *names* in the data."""
        return replace(self, fields=_fields(names), opened=False, kinds={})

    def with_any_fields(self) -> Scope:
        """Return the scope with fields of the data whose names are not known."""
        return replace(self, fields=None, opened=True, kinds={})

    def resolved(self, path: KeyPath) -> KeyPath:
        """Return where *path* is: a command may have moved it from `$m` or `$l` to `$d`."""
        moved = None if self.logs else self.origins.get((path.root, path.steps))
        return path if moved is None else replace(moved[0], at=path.at)

    def is_sent(self, path: KeyPath) -> bool:
        """Return True for a field of the data that is as it was sent, so no type but JSON's."""
        sent = self.logs and self.fields is None and not self.opened and path.root == "$d"
        return sent and bool(path.steps) and str(path.steps[0]) not in self.created

    def without(self, paths: Iterable[Steps]) -> Scope:
        """Return the scope without the fields of the data at *paths*."""
        scope = self
        for steps in paths:
            if scope.fields is not None and len(steps) == 1:
                scope = replace(scope, fields=scope.fields - {str(steps[0])})
            scope = scope.untyped(steps)
        return scope

    def with_field(self, path: KeyPath, kind: Kind = Kind.ANY) -> Scope:
        """Return the scope after a field of the data was written, with its type."""
        name = {str(path.steps[0])} if path.steps else set()
        fields = None if self.fields is None else self.fields | name
        scope = self.untyped(path.steps)
        kinds = {**scope.kinds, path.steps: kind}
        return replace(scope, fields=fields, created=self.created | name, kinds=kinds)

    def untyped(self, steps: Steps) -> Scope:
        """Return the scope without what is known of the field at *steps*."""
        kinds = {at: kind for at, kind in self.kinds.items() if not _overlap(at, steps)}
        origins = {
            place: held
            for place, held in self.origins.items()
            if not _overlap(held[0].steps, steps)
        }
        return replace(self, kinds=kinds, origins=origins)

    def may_have(self, path: KeyPath) -> bool:
        """Return False where the rows are known to have no value at *path*."""
        if path.root != "$d":
            return self.logs or (path.root, path.steps) in self.origins
        return self.fields is None or not path.steps or str(path.steps[0]) in self.fields

    def kind(self, path: KeyPath) -> Kind:
        """Return the type of the value at *path*; refuse the query where there cannot be one."""
        if self.logs:
            self.shared.used.add(path.root if path.root == "$d" else str(path))
        if path.root == "$d":
            self._check_data(path)
            return self.kinds.get(path.steps, Kind.ANY) if path.steps else Kind.OBJECT
        if not self.logs:
            moved = self.origins.get((path.root, path.steps))
            if moved is not None:
                return moved[1]
            raise QueryRefusedError(
                f"keypath does not exist {str(path)!r}: rows have only what the commands before"
                " chose or grouped by; add it there",
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
        if self.logs and self.is_sent(path):
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
            missing = exists is not None and self.is_sent(path) and not exists(path.steps)
        if missing:
            raise unknown_keypath(path, self.fields or ())


def _overlap(one: Steps, other: Steps) -> bool:
    """Return True where one keypath is the other, or above it."""
    return one[: len(other)] == other[: len(one)]


def _fields(names: Iterable[KeyPath]) -> frozenset[str]:
    return frozenset(str(one.steps[0]) for one in names if one.steps)


def unknown_keypath(path: KeyPath, known: Iterable[str]) -> QueryRefusedError:
    """Return the error for an unknown keypath, with the most similar one of *known*."""
    name = str(path.steps[0])
    hint = nearest(name, known).strip()
    if path.root != "$d" and name.lower() in OTHER_PLACES:
        hint = f"Did you mean {OTHER_PLACES[name.lower()]!r}?"
    suggestion = f" ({hint[0].lower()}{hint[1:]})" if hint else ""
    return QueryRefusedError(f"keypath does not exist {str(path)!r}{suggestion}", path.at)
