"""Commands that add the rows of another query to each row: join and stitch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from ..compile import output_names
from ..compile.expression_compiler import ExpressionCompiler
from ..compile.scope import QueryState, Scope
from ..errors import QueryEndedError, QueryRefusedError
from ..expression import Evaluate
from ..json_paths import with_value
from ..row import QueryRow
from ..syntax.nodes import Command, JoinSide, KeyPath, keypath_of
from ..values import group_key
from .command_step import CommandStep

MAX_JOINED = 100_000
"""Maximum number of rows of the other query, which are kept in memory."""

_SIDES = "write left=> or right=> before it"


@dataclass(frozen=True)
class OtherQuery:
    """
    The query in parentheses.

    Attributes:
        rows: Returns its rows, when the command runs.
        scope: The scope of its rows.
    """

    rows: Callable[[], Iterable[QueryRow]]
    scope: Scope

    def kept(self, state: QueryState, name: str) -> list[QueryRow]:
        """Return all rows; end the query where there are too many."""
        found: list[QueryRow] = []
        for row in self.rows():
            if len(found) == MAX_JOINED:
                raise QueryEndedError(
                    f"{name}: the query in parentheses has more than {MAX_JOINED:,} rows, the"
                    " limit of the local engine; filter or aggregate in it"
                )
            state.reserve(name)
            found.append(row)
        return found


def stitch(command: Command, scope: Scope, other: OtherQuery) -> CommandStep:
    """`stitch (query) into keypath`: adds the first row to the first one, and so on."""
    path = output_names.writable_path(command.parts["into"])
    scope.shared.used.update(("$d", "$m", "$l"))

    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        for row, added in zip_longest(rows, other.kept(scope.shared, command.name)):
            yield _with(row, path, added)

    return CommandStep(command, apply, _scope_after(scope, path))


def join(command: Command, scope: Scope, other: OtherQuery) -> CommandStep:
    """
    `join [left|inner|full|cross] (query) on left == right into keypath`, or `using keypaths`.

    A row is repeated for each row of the other query that has the same keys. Null equals nothing.
    """
    path, kind = output_names.writable_path(command.parts["into"]), command.parts["kind"]
    left, right = _keys(command, scope, other.scope)
    scope.shared.used.update(("$d", "$m", "$l"))

    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        others = other.kept(scope.shared, command.name)
        by_key: dict[Any, list[QueryRow]] = {}
        for added in others:
            key = _key(right, added)
            if key is not None:
                by_key.setdefault(key, []).append(added)
        found: set[Any] = set()
        for row in rows:
            key = _key(left, row)
            matches = by_key.get(key, ()) if key is not None else ()
            if matches:
                found.add(key)
            elif kind in ("left", "full"):
                yield _with(row, path, None)
            for added in matches:
                yield _with(row, path, added)
        for added in others if kind == "full" else ():
            if _key(right, added) not in found:
                yield _with(None, path, added)

    return CommandStep(command, apply, _scope_after(scope, path))


def _scope_after(scope: Scope, path: KeyPath) -> Scope:
    return scope.with_field(path)


def _with(row: QueryRow | None, path: KeyPath, added: QueryRow | None) -> QueryRow:
    value = None if added is None else added.data
    if row is None:
        return QueryRow(None, None, with_value({}, path.steps, value))
    return row.with_data(with_value(row.data, path.steps, value))


def _key(runs: Sequence[Evaluate], row: QueryRow) -> Any:
    """Return the key of *row*; None where a part of it is null."""
    values = [run(row) for run in runs]
    return None if None in values else tuple(map(group_key, values))


def _keys(command: Command, left: Scope, right: Scope) -> tuple[list[Evaluate], list[Evaluate]]:
    """Return the expressions whose values are equal in rows that belong together."""
    if command.parts["kind"] == "cross":
        return [], []
    of_left, of_right = ExpressionCompiler(left), ExpressionCompiler(right)
    if command.parts["using"]:
        paths = command.parts["using"]
        return (
            [of_left.keypath(path).evaluate for path in paths],
            [of_right.keypath(path).evaluate for path in paths],
        )
    ones: list[Evaluate] = []
    others: list[Evaluate] = []
    for first, second in command.parts["on"]:
        one, two = _in_order(first, second, left, right)
        ones.append(of_left.compile(one.of).evaluate)
        others.append(of_right.compile(two.of).evaluate)
    return ones, others


def _in_order(one: JoinSide, two: JoinSide, left: Scope, right: Scope) -> tuple[JoinSide, JoinSide]:
    """Return the left side of an equality, then its right side."""
    sides = [_side(each, left, right) for each in (one, two)]
    if sides[0] and sides[0] == sides[1]:
        raise QueryRefusedError(
            f"join: both sides of == are of the {sides[0]} query; {_SIDES}", two.at
        )
    if sides[0] == "right" or sides[1] == "left":
        return two, one
    if sides == ["", ""] and _path(one) == _path(two):
        raise QueryRefusedError(f"join: which side has which keypath? {_SIDES}, or using", one.at)
    return one, two


def _side(side: JoinSide, left: Scope, right: Scope) -> str:
    """Return the query that *side* is of; empty where both may have its keypath."""
    path = _path(side)
    if side.side or path is None:
        return side.side
    in_left, in_right = left.may_have(path), right.may_have(path)
    return "" if in_left is in_right else "left" if in_left else "right"


def _path(side: JoinSide) -> KeyPath | None:
    path = keypath_of(side.of)
    return None if path is None else KeyPath(0, path.root, path.steps)
