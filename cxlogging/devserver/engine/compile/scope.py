"""What a command may refer to, and the settings of a run."""

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
"""Metadata that no log has here."""

MAX_VALUES_IN_MEMORY = 1_000_000
"""Values that one query holds at most: groups, distinct values, sorted rows."""


@dataclass
class QueryState:
    """
    What the commands of one query share.

    Attributes:
        most: Values that it holds in memory at most; `take` ends it above.
        taken: How many it holds.
        buckets: True once groups were left out.
        used: Roots and fields that were asked for: `$d`, `$m.severity`, `$l.category`.
        paths: Keypaths of the data that the query reads and did not make itself.
        hints: What is likely to be a mistake in the query, in sentences.
        scan: Reads rows; set when the query runs.
    """

    most: int = MAX_VALUES_IN_MEMORY
    taken: int = 0
    buckets: bool = False
    used: set[str] = field(default_factory=set)
    paths: dict[tuple[str | int, ...], KeyPath] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)
    scan: Callable[[Any], Iterator[QueryRow]] | None = None

    def reserve(self, what: str) -> None:
        """Count one more value held."""
        self.taken += 1
        if self.taken > self.most:
            raise QueryEndedError(
                f"{what}: more than {self.most:,} values would have to be held; narrow the query"
            )


@dataclass(frozen=True)
class Settings:
    """
    What a run knows beside the query.

    Attributes:
        now: Nanoseconds since 1970, for `now()`.
        start: First instant of the window, or None.
        end: The instant after its last, or None.
        labels: Names of labels.
        label_readers: How labels are read that need vendor, application and subsystem alone.
        strict: Tells whether any event has such a field; None where it does not matter.
        lucene_fields: Fields of a Lucene query that are not in the data.
        most_rows: No more rows are wanted than these.
    """

    now: int
    start: int | None = None
    end: int | None = None
    labels: tuple[str, ...] = ()
    label_readers: Mapping[str, Callable[[str, str, str], str]] = field(default_factory=dict)
    strict: Callable[[tuple[str | int, ...]], bool] | None = None
    lucene_fields: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    most_rows: int = 2_000


@dataclass(frozen=True)
class Scope:
    """
    The rows that a command gets.

    Attributes:
        settings: Of the run.
        shared: By all commands of a query.
        logs: True for logs; False for rows that have `$d` alone.
        fields: Fields of `$d` where all are known, else None.
        made: Fields of `$d` that the query made, beside those that logs have.
    """

    settings: Settings
    shared: QueryState = field(default_factory=QueryState)
    logs: bool = True
    fields: frozenset[str] | None = None
    made: frozenset[str] = frozenset()

    def aggregated(self, names: Iterable[KeyPath]) -> Scope:
        """The scope after a command that makes rows of *names* alone."""
        fields = frozenset(str(one.steps[0]) for one in names if one.steps)
        return replace(self, logs=False, fields=fields)

    def of_fields(self, names: Iterable[KeyPath]) -> Scope:
        """The scope after a command that leaves *names* alone in the data."""
        return replace(self, fields=self.aggregated(names).fields)

    def without_fields(self, names: Iterable[str]) -> Scope:
        """The scope without fields of the data."""
        return self if self.fields is None else replace(self, fields=self.fields - set(names))

    def with_field(self, path: KeyPath) -> Scope:
        """The scope with one more field."""
        name = {str(path.steps[0])} if path.steps else set()
        fields = None if self.fields is None else self.fields | name
        return replace(self, fields=fields, made=self.made | name)

    def kind(self, path: KeyPath) -> Kind:
        """The type of what stands at *path*; refuses what cannot stand there."""
        if self.logs:
            self.shared.used.add(path.root if path.root == "$d" else str(path))
        if path.root == "$d":
            self._check_data(path)
            return Kind.ANY if path.steps else Kind.OBJECT
        if not self.logs:
            raise QueryRefusedError(
                f"keypath does not exist {str(path)!r}: these rows have $d alone, after grouping",
                path.at,
            )
        if not path.steps:
            return Kind.OBJECT
        known = METADATA if path.root == "$m" else dict.fromkeys(self.settings.labels, Kind.STRING)
        name = str(path.steps[0])
        if path.root == "$m" and name in UNSUPPORTED_METADATA:
            raise UnsupportedError(UNSUPPORTED_METADATA[name], path.at)
        if name not in known or len(path.steps) > 1:
            raise unknown(path, known)
        return known[name]

    def reads(self, path: KeyPath) -> None:
        """Note a keypath of the data, unless the query made it itself."""
        if self.logs and self.fields is None and str(path.steps[0]) not in self.made:
            self.shared.paths.setdefault(path.steps, path)

    def _check_data(self, path: KeyPath) -> None:
        if not path.steps:
            return
        name = str(path.steps[0])
        self.reads(path)
        if self.fields is not None:
            missing = name not in self.fields
        else:
            strict = self.settings.strict
            missing = strict is not None and name not in self.made and not strict(path.steps)
        if missing:
            raise unknown(path, self.fields or ())


def unknown(path: KeyPath, known: Iterable[str]) -> QueryRefusedError:
    """The refusal of a keypath, with the nearest of those that are *known*."""
    hint = nearest(str(path.steps[0]), known).strip()
    said = f" ({hint[0].lower()}{hint[1:]})" if hint else ""
    return QueryRefusedError(f"keypath does not exist {str(path)!r}{said}", path.at)
