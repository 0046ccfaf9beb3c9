"""Commands that make one row of many: groupby and its kin, aggregate, count, distinct."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..compile import naming
from ..compile.compiled import Run
from ..compile.compiler import Compiler
from ..compile.scope import Held, Scope
from ..row import Row
from ..syntax.nodes import Call, Command, Item, KeyPath
from ..values import hashable
from .aggregates import Start, State
from .aggregating import Aggregating
from .stage import Stage

MOST_BUCKETS = 1_000
"""Groups of one command, as at the service; further ones are left out, with a warning."""

MOST_SETS = 64


class Groups:
    """
    The groups of one set of keys.

    Args:
        keys: What rows are grouped by; nothing for a single group.
        starts: The aggregations.
        held: Told when groups are left out.
    """

    def __init__(self, keys: Sequence[Run], starts: Sequence[Start], held: Held) -> None:
        self._starts, self._held = starts, held
        self._keys = keys
        self._groups: dict[Any, _Group] = {}
        if not keys:
            self._groups[()] = _Group([], [start() for start in starts])

    def take(self, rows: Iterable[Row]) -> None:
        """Take all of *rows* into their groups."""
        # One loop, and no call that can be spared: it runs for every row of the store.
        groups, keys, single = self._groups, self._keys, len(self._keys) == 1
        first = keys[0] if keys else None
        for row in rows:
            if single and first is not None:
                value = first(row)
                values = [value]
                name = value if type(value) is str else hashable(value)
            else:
                values = [key(row) for key in keys]
                name = tuple(map(hashable, values))
            group = groups.get(name)
            if group is None:
                group = self._new(name, values)
                if group is None:
                    continue
            for add in group.adds:
                add(row)

    def _new(self, name: Any, values: list[Any]) -> _Group | None:
        if len(self._groups) >= MOST_BUCKETS:
            self._held.buckets = True
            return None
        group = self._groups[name] = _Group(values, [start() for start in self._starts])
        return group

    def results(self) -> Iterator[tuple[list[Any], list[Any]]]:
        """The keys of each group, and the results of its aggregations."""
        for group in self._groups.values():
            yield group.values, [state.result() for state in group.states]


class _Group:
    """The keys of a group, and what is kept of its rows."""

    __slots__ = ("adds", "states", "values")

    def __init__(self, values: list[Any], states: list[State]) -> None:
        self.values, self.states = values, states
        self.adds = [state.add for state in states]


class Aggregates:
    """The aggregations of a command, with their names."""

    def __init__(self, items: Sequence[Item], scope: Scope) -> None:
        compiler = Aggregating(Compiler(scope))
        self.runs = [compiler.aggregate(item.of).run for item in items]
        self.starts = compiler.starts
        self.paths = [naming.aggregate_name(item, n) for n, item in enumerate(items)]

    def values(self, results: Any) -> list[Any]:
        """The value of each expression, from the *results* of the aggregations."""
        return [run(results) for run in self.runs]


def _keys(items: Sequence[Item], scope: Scope) -> tuple[list[Run], list[KeyPath]]:
    compiler = Compiler(scope)
    return [compiler.compile(item.of).run for item in items], naming.names_of(items)


def groupby(command: Command, scope: Scope) -> Stage:
    """`groupby keys aggregate aggregations`."""
    keys, paths = _keys(command.parts["keys"], scope)
    aggregates = Aggregates(command.parts["aggregates"], scope)
    names = [*paths, *aggregates.paths]
    naming.check_distinct(names)

    def step(rows: Iterable[Row]) -> Iterator[Row]:
        groups = Groups(keys, aggregates.starts, scope.shared)
        groups.take(rows)
        for values, results in groups.results():
            data = naming.document(names, [*values, *aggregates.values(results)])
            yield Row(None, None, data)

    return Stage(command, step, scope.aggregated(names), unordered=True)


def multigroupby(command: Command, scope: Scope) -> Stage:
    """`multigroupby (keys), (keys) aggregate aggregations`: several groupings of one scan."""
    sets = [_keys(items, scope) for items in command.parts["sets"]]
    if len(sets) > MOST_SETS:
        naming.refuse(f"multigroupby takes at most {MOST_SETS} groupings", command.at)
    aggregates = Aggregates(command.parts["aggregates"], scope)
    keys = list({path.steps: path for _, paths in sets for path in paths}.values())
    names = [*keys, *aggregates.paths]
    naming.check_distinct(names)

    def step(rows: Iterable[Row]) -> Iterator[Row]:
        all_groups = [Groups(runs, aggregates.starts, scope.shared) for runs, _ in sets]
        for row in rows:
            for groups in all_groups:
                groups.take((row,))
        for groups, (_, paths) in zip(all_groups, sets, strict=True):
            for values, results in groups.results():
                own = dict(zip((path.steps for path in paths), values, strict=True))
                held = [own.get(path.steps) for path in keys]
                data = naming.document(names, [*held, *aggregates.values(results)])
                yield Row(None, None, data)

    return Stage(command, step, scope.aggregated(names), unordered=True)


def aggregate(command: Command, scope: Scope) -> Stage:
    """`aggregate aggregations`: one row of all."""
    return groupby(replace(command, parts={"keys": (), **command.parts}), scope)


def count(command: Command, scope: Scope) -> Stage:
    """`count [into keypath]`."""
    into = command.parts["into"] or KeyPath(command.at, "$d", ("_count",))
    item = Item(command.at, Call(command.at, "count", ()), into)
    return groupby(replace(command, parts={"keys": (), "aggregates": (item,)}), scope)


def countby(command: Command, scope: Scope) -> Stage:
    """`countby key [into keypath] [asc|desc]`; the largest first where nothing is said."""
    into = command.parts["into"] or KeyPath(command.at, "$d", ("_count",))
    item = Item(command.at, Call(command.at, "count", ()), into)
    parts = {"keys": (command.parts["key"],), "aggregates": (item,)}
    stage = groupby(replace(command, parts=parts), scope)
    descending = command.parts["order"] != "asc"
    counted = Compiler(stage.after).keypath(into).run

    def step(rows: Iterable[Row]) -> Iterator[Row]:
        return iter(sorted(stage.step(rows), key=counted, reverse=descending))

    return replace(stage, step=step)


def distinct(command: Command, scope: Scope) -> Stage:
    """`distinct keys`: each combination once, as soon as it is met."""
    keys, paths = _keys(command.parts["keys"], scope)
    held = scope.shared

    def step(rows: Iterable[Row]) -> Iterator[Row]:
        seen: set[Any] = set()
        for row in rows:
            values = [key(row) for key in keys]
            name = tuple(map(hashable, values))
            if name not in seen:
                held.take("distinct")
                seen.add(name)
                yield Row(None, None, naming.document(paths, values))

    return Stage(command, step, scope.aggregated(paths), unordered=True)
