"""Commands that order rows: orderby, top, bottom."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..compile import output_names
from ..compile.expression_compiler import ExpressionCompiler
from ..compile.scope import QueryState, Scope
from ..expression import Evaluate
from ..row import QueryRow
from ..syntax.nodes import Call, Command, KeyPath, NamedExpression, Node, keypath_of
from ..values import sort_key_of
from .aggregation_compiler import is_aggregation
from .command_step import CommandStep
from .grouping import groupby
from .reshaping import choose

Key = Callable[[QueryRow], Any]


class Reversed:
    """A value that sorts in reverse order."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: Reversed) -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reversed) and bool(other.value == self.value)

    __hash__ = None  # type: ignore[assignment]  # only compared, never hashed


def first_rows(
    rows: Iterable[QueryRow], runs: Sequence[tuple[Evaluate, bool]], maximum: int
) -> list[QueryRow]:
    """Return the first *maximum* of *rows* in the order of *runs*."""
    if len(runs) > 1:
        return heapq.nsmallest(maximum, rows, sort_key(runs))
    ((run, descending),) = runs

    def key(row: QueryRow) -> Any:
        value = run(row)
        return (descending is (value is not None), sort_key_of(value))

    return (heapq.nlargest if descending else heapq.nsmallest)(maximum, rows, key)


def sort_key(runs: Sequence[tuple[Evaluate, bool]]) -> Key:
    """Return the sort key for *runs*, each ascending or descending; nulls are always last."""

    def key(row: QueryRow) -> Any:
        parts = []
        for run, descending in runs:
            value = run(row)
            order = sort_key_of(value)
            parts.append((value is None, Reversed(order) if descending else order))
        return parts

    return key


def orderby(command: Command, scope: Scope, maximum: int | None) -> CommandStep:
    """
    `orderby keys`.

    Args:
        command: The command as it was written.
        scope: The names that it may refer to.
        maximum: Number of rows that are read, so no more are kept in memory; None for all.
    """
    compiler = ExpressionCompiler(scope)
    runs = [(compiler.compile(of).evaluate, down) for of, down in command.parts["keys"]]

    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        if maximum is not None:
            return iter(first_rows(rows, runs, maximum))
        return iter(sorted(_counted(rows, scope.shared), key=sort_key(runs)))

    return CommandStep(command, apply, scope)


def _counted(rows: Iterable[QueryRow], state: QueryState) -> Iterator[QueryRow]:
    for row in rows:
        state.reserve("orderby without a limit")
        yield row


def by_time(command: Command) -> bool | None:
    """Return True for a descending order by `$m.timestamp` only, False for ascending; else None."""
    keys: Sequence[tuple[Node, bool]] = command.parts["keys"]
    if len(keys) != 1:
        return None
    of, descending = keys[0]
    path = keypath_of(of)
    same = path is not None and (path.root, path.steps) == ("$m", ("timestamp",))
    return descending if same else None


def top(command: Command, scope: Scope) -> CommandStep:
    """`top N keys by expression`: the largest first; `bottom`: the smallest first."""
    parts = command.parts
    step = _measured(command, scope)
    path = parts["by"].alias or _measured_path(parts["by"])
    measured = ExpressionCompiler(step.scope_after).keypath(path).evaluate
    runs = [(measured, command.name == "top")]

    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        return iter(first_rows(step.apply(rows), runs, parts["count"]))

    return replace(step, apply=apply, one_to_one=False)


def _measured_path(by: NamedExpression) -> KeyPath:
    if is_aggregation(by.of) and isinstance(by.of, Call) and by.of.name == "count":
        return KeyPath(by.at, "$d", ("_count",))
    if is_aggregation(by.of):
        return output_names.aggregate_path(by, 0)
    return output_names.output_path(by, 0)


def _measured(command: Command, scope: Scope) -> CommandStep:
    """Return the step that gives the rows which are then ordered."""
    keys, by = command.parts["keys"], command.parts["by"]
    named = replace(by, alias=by.alias or _measured_path(by))
    if is_aggregation(by.of):
        return groupby(replace(command, parts={"keys": keys, "aggregates": (named,)}), scope)
    return choose(replace(command, parts={"items": (*keys, named)}), scope)
