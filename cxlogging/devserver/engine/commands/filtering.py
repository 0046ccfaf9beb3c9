"""Commands that leave rows out: filter, block, find, wildfind, lucene, dedupeby, limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from ..compile.expression_compiler import ExpressionCompiler
from ..compile.scope import Scope
from ..expression import Evaluate
from ..row import QueryRow
from ..syntax.nodes import Command, Literal, Name
from ..values import group_key
from .command_step import CommandStep
from .lucene import lucene_test
from .ordering import orderby


def _filtered(command: Command, scope: Scope, test: Evaluate) -> CommandStep:
    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        return (row for row in rows if test(row) is True)

    return CommandStep(command, apply, scope, only_drops=True)


def filter_rows(command: Command, scope: Scope) -> CommandStep:
    """`filter`: keeps rows where the condition is true, not those where it is null."""
    return _filtered(
        command, scope, ExpressionCompiler(scope).condition(command.parts["condition"])
    )


def block(command: Command, scope: Scope) -> CommandStep:
    """`block`: keeps rows where the condition is false or null."""
    test = ExpressionCompiler(scope).condition(command.parts["condition"])
    return _filtered(command, scope, lambda row: test(row) is not True)


def find(command: Command, scope: Scope) -> CommandStep:
    """`find 'text' in keypath`."""
    token = command.parts["text"]
    phrase = Literal(token.start, token.value, "string")
    return _filtered(
        command, scope, ExpressionCompiler(scope).search(command.parts["of"], phrase).evaluate
    )


def wildfind(command: Command, scope: Scope) -> CommandStep:
    """`wildfind 'text'`: searches all values of `$d`."""
    token = command.parts["text"]
    phrase = Literal(token.start, token.value, "string")
    return _filtered(
        command, scope, ExpressionCompiler(scope).search(Name(token.start, "$d"), phrase).evaluate
    )


def lucene(command: Command, scope: Scope) -> CommandStep:
    """`lucene 'query'`."""
    token = command.parts["text"]
    # The text starts after the quote; escapes before an error would shift its position.
    return _filtered(command, scope, lucene_test(token.value, scope, token.start + 1))


def dedupeby(command: Command, scope: Scope) -> CommandStep:
    """
    `dedupeby keys [keep N] [orderby keys]`: keeps the first N rows, by default 1, for each
    combination of keys; in the order of the rows, or in that of `orderby`.
    """
    runs = [ExpressionCompiler(scope).compile(one).evaluate for one in command.parts["keys"]]
    maximum, state = command.parts["keep"], scope.shared
    order = command.parts["order"]
    ordered = orderby(replace(command, parts={"keys": order}), scope, None) if order else None

    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        seen: dict[Any, int] = {}
        for row in rows if ordered is None else ordered.apply(rows):
            key = tuple(group_key(run(row)) for run in runs)
            count = seen.get(key)
            if count is None:
                state.reserve("dedupeby")
                count = 0
            if count < maximum:
                seen[key] = count + 1
                yield row

    return CommandStep(command, apply, scope)


def limit(command: Command, scope: Scope) -> CommandStep:
    """`limit N`."""
    maximum = command.parts["count"]

    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        return islice(rows, maximum)

    return CommandStep(command, apply, scope)
