"""Commands that combine rows: groupby, multigroupby, aggregate, count, countby, distinct."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..compile import output_names
from ..compile.expression_compiler import ExpressionCompiler
from ..compile.scope import QueryState, Scope
from ..errors import QueryRefusedError
from ..expression import Evaluate
from ..row import QueryRow
from ..syntax.nodes import Call, Command, KeyPath, NamedExpression
from ..values import group_key
from .accumulators import Accumulator, NewAccumulator
from .aggregation_compiler import AggregationCompiler
from .command_step import CommandStep

MAX_GROUPS = 1_000
"""Maximum number of groups of a command, as in the service; others are left out with a warning."""

MAX_GROUPINGS = 64


class Groups:
    """
    The groups of one grouping.

    Args:
        keys: The expressions by which rows are grouped; empty for a single group.
        starts: Create the accumulators of a group.
        state: Records that groups were left out.
    """

    def __init__(
        self, keys: Sequence[Evaluate], starts: Sequence[NewAccumulator], state: QueryState
    ) -> None:
        self._starts, self._state = starts, state
        self._keys = keys
        self._groups: dict[Any, _Group] = {}
        if not keys:
            self._groups[()] = _Group([], [start() for start in starts])

    def add(self, rows: Iterable[QueryRow]) -> None:
        """Add *rows* to their groups."""
        # A single loop without avoidable calls, because it runs for every row of the store.
        groups, keys, single = self._groups, self._keys, len(self._keys) == 1
        first = keys[0] if keys else None
        for row in rows:
            if single and first is not None:
                value = first(row)
                values = [value]
                name = value if type(value) is str else group_key(value)
            else:
                values = [key(row) for key in keys]
                name = tuple(map(group_key, values))
            group = groups.get(name)
            if group is None:
                group = self._new(name, values)
                if group is None:
                    continue
            for add in group.adds:
                add(row)

    def _new(self, name: Any, values: list[Any]) -> _Group | None:
        if len(self._groups) >= MAX_GROUPS:
            self._state.groups_dropped = True
            return None
        group = self._groups[name] = _Group(values, [start() for start in self._starts])
        return group

    def results(self) -> Iterator[tuple[list[Any], list[Any]]]:
        """Yield the keys of each group, and the results of its aggregations."""
        for group in self._groups.values():
            yield group.values, [state.result() for state in group.states]


class _Group:
    """The keys of a group, and its accumulators."""

    __slots__ = ("adds", "states", "values")

    def __init__(self, values: list[Any], states: list[Accumulator]) -> None:
        self.values, self.states = values, states
        self.adds = [state.add for state in states]


class Aggregates:
    """The aggregations of a command, and their names."""

    def __init__(self, items: Sequence[NamedExpression], scope: Scope) -> None:
        compiler = AggregationCompiler(ExpressionCompiler(scope))
        found = [compiler.aggregate(item.of) for item in items]
        self.runs, self.kinds = [one.evaluate for one in found], [one.kind for one in found]
        self.starts = compiler.starts
        self.paths = [output_names.aggregate_path(item, n) for n, item in enumerate(items)]

    def values(self, results: Any) -> list[Any]:
        """Return the values of the expressions, given the *results* of the aggregations."""
        return [run(results) for run in self.runs]


class _Keys:
    """The keys of a grouping: their values, types and names."""

    def __init__(self, items: Sequence[NamedExpression], scope: Scope) -> None:
        compiler = ExpressionCompiler(scope)
        found = [compiler.compile(item.of) for item in items]
        self.runs, self.kinds = [one.evaluate for one in found], [one.kind for one in found]
        self.paths = output_names.output_paths(items)


def groupby(command: Command, scope: Scope) -> CommandStep:
    """`groupby keys aggregate aggregations`; without aggregations it is `distinct`."""
    if not command.parts["aggregates"] and command.parts["keys"]:
        return distinct(command, scope)
    keys = _Keys(command.parts["keys"], scope)
    aggregates = Aggregates(command.parts["aggregates"], scope)
    names = [*keys.paths, *aggregates.paths]
    output_names.check_distinct(names)

    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        groups = Groups(keys.runs, aggregates.starts, scope.shared)
        groups.add(rows)
        for values, results in groups.results():
            data = output_names.build_document(names, [*values, *aggregates.values(results)])
            yield QueryRow(None, None, data)

    origins = output_names.origins(command.parts["keys"], keys.paths, scope)
    after = scope.aggregated(names, (*keys.kinds, *aggregates.kinds), origins)
    return CommandStep(command, apply, after, order_free=True)


def multigroupby(command: Command, scope: Scope) -> CommandStep:
    """`multigroupby (keys), (keys) aggregate aggregations`: several groupings in one scan."""
    sets = [_Keys(items, scope) for items in command.parts["sets"]]
    if len(sets) > MAX_GROUPINGS:
        raise QueryRefusedError(f"multigroupby takes at most {MAX_GROUPINGS} groupings", command.at)
    aggregates = Aggregates(command.parts["aggregates"], scope)
    keys = list({path.steps: path for one in sets for path in one.paths}.values())
    names = [*keys, *aggregates.paths]
    output_names.check_distinct(names)

    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        all_groups = [Groups(one.runs, aggregates.starts, scope.shared) for one in sets]
        for row in rows:
            for groups in all_groups:
                groups.add((row,))
        for groups, one in zip(all_groups, sets, strict=True):
            for values, results in groups.results():
                own = dict(zip((path.steps for path in one.paths), values, strict=True))
                held = [own.get(path.steps) for path in keys]
                data = output_names.build_document(names, [*held, *aggregates.values(results)])
                yield QueryRow(None, None, data)

    return CommandStep(command, apply, scope.aggregated(names), order_free=True)


def aggregate(command: Command, scope: Scope) -> CommandStep:
    """`aggregate aggregations`: a single group of all rows."""
    return groupby(replace(command, parts={"keys": (), **command.parts}), scope)


def count(command: Command, scope: Scope) -> CommandStep:
    """`count [into keypath]`."""
    into = command.parts["into"] or KeyPath(command.at, "$d", ("_count",))
    item = NamedExpression(command.at, Call(command.at, "count", ()), into)
    return groupby(replace(command, parts={"keys": (), "aggregates": (item,)}), scope)


def countby(command: Command, scope: Scope) -> CommandStep:
    """`countby key [into keypath] [asc|desc]`; by default the largest count first."""
    into = command.parts["into"] or KeyPath(command.at, "$d", ("_count",))
    item = NamedExpression(command.at, Call(command.at, "count", ()), into)
    parts = {"keys": (command.parts["key"],), "aggregates": (item,)}
    step = groupby(replace(command, parts=parts), scope)
    descending = command.parts["order"] != "asc"
    counted = ExpressionCompiler(step.scope_after).keypath(into).evaluate

    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        return iter(sorted(step.apply(rows), key=counted, reverse=descending))

    return replace(step, apply=apply)


def distinct(command: Command, scope: Scope) -> CommandStep:
    """`distinct keys`: each combination of keys once, when it first occurs."""
    keys = _Keys(command.parts["keys"], scope)
    state = scope.shared

    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        seen: set[Any] = set()
        for row in rows:
            values = [key(row) for key in keys.runs]
            name = tuple(map(group_key, values))
            if name not in seen:
                state.reserve("distinct")
                seen.add(name)
                yield QueryRow(None, None, output_names.build_document(keys.paths, values))

    origins = output_names.origins(command.parts["keys"], keys.paths, scope)
    after = scope.aggregated(keys.paths, keys.kinds, origins)
    return CommandStep(command, apply, after, order_free=True)
