"""Commands that order rows: orderby, top, bottom."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..compile import output_names
from ..compile.expression_compiler import ExpressionCompiler
from ..compile.scope import QueryState, Scope
from ..errors import QueryRefusedError
from ..expression import Evaluate
from ..row import QueryRow
from ..syntax.nodes import Call, Command, KeyPath, NamedExpression, Node, keypath_of
from ..values import sort_key_of
from .aggregation_compiler import has_aggregation
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
    """
    `top N items by items`: the rows with the largest values; `bottom`: those with the smallest.

    With an aggregation among the items, the others are the keys of groups.
    """
    parts = command.parts
    names = _Names(parts["items"], parts["by"])
    by = names.by
    if any(map(has_aggregation, (*parts["items"], *parts["by"]))):
        step = _grouped(command, scope, names)
    else:
        items = list({_path(item): item for item in (*names.items, *by)}.values())
        step = choose(replace(command, parts={"items": tuple(items)}), scope)
    compiler = ExpressionCompiler(step.scope_after)
    runs = [(compiler.keypath(_path(item)).evaluate, command.name == "top") for item in by]

    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        return iter(first_rows(step.apply(rows), runs, parts["count"]))

    return replace(step, apply=apply, one_to_one=False)


def _grouped(command: Command, scope: Scope, names: _Names) -> CommandStep:
    keys = tuple(item for item in names.items if not has_aggregation(item))
    aggregates = tuple(item for item in (*names.items, *names.by) if has_aggregation(item))
    known = {_path(item) for item in keys}
    for item in names.by:
        if not has_aggregation(item) and _path(item) not in known:
            raise QueryRefusedError(
                f"{command.name}: {_path(item)} is no aggregation, nor one of the keys", item.at
            )
    return groupby(replace(command, parts={"keys": keys, "aggregates": aggregates}), scope)


class _Names:
    """The items of `top` and what it orders by, each with the keypath that it gets."""

    def __init__(self, items: Sequence[NamedExpression], by: Sequence[NamedExpression]) -> None:
        number = 0
        named: list[NamedExpression] = []
        for position, item in enumerate((*items, *by)):
            if not has_aggregation(item):
                path = output_names.output_path(item, position)
            else:
                path = _aggregate_path(item, number)
                number += 1
            named.append(replace(item, alias=path))
        self.items, self.by = named[: len(items)], named[len(items) :]


def _aggregate_path(item: NamedExpression, number: int) -> KeyPath:
    plain_count = isinstance(item.of, Call) and item.of.name == "count"
    if item.alias is None and plain_count and not number:
        return KeyPath(item.at, "$d", ("_count",))
    return output_names.aggregate_path(item, number)


def _path(item: NamedExpression) -> KeyPath:
    assert item.alias is not None  # noqa: S101 - _Names gives every item one
    return replace(item.alias, at=0)
