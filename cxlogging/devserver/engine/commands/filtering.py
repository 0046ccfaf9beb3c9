"""Commands that leave rows out: filter, block, find, wildfind, lucene, dedupeby, limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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


def _kept(command: Command, scope: Scope, test: Evaluate) -> CommandStep:
    def step(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        return (row for row in rows if test(row) is True)

    return CommandStep(command, step, scope, drops=True)


def keep(command: Command, scope: Scope) -> CommandStep:
    """`filter`: rows where the condition is true; null is not."""
    return _kept(command, scope, ExpressionCompiler(scope).condition(command.parts["condition"]))


def block(command: Command, scope: Scope) -> CommandStep:
    """`block`: rows where the condition is not true."""
    test = ExpressionCompiler(scope).condition(command.parts["condition"])
    return _kept(command, scope, lambda row: test(row) is not True)


def find(command: Command, scope: Scope) -> CommandStep:
    """`find 'text' in keypath`."""
    token = command.parts["text"]
    phrase = Literal(token.start, token.value, "string")
    return _kept(
        command, scope, ExpressionCompiler(scope).search(command.parts["of"], phrase).evaluate
    )


def wildfind(command: Command, scope: Scope) -> CommandStep:
    """`wildfind 'text'`: in any value of `$d`."""
    token = command.parts["text"]
    phrase = Literal(token.start, token.value, "string")
    return _kept(
        command, scope, ExpressionCompiler(scope).search(Name(token.start, "$d"), phrase).evaluate
    )


def lucene(command: Command, scope: Scope) -> CommandStep:
    """`lucene 'query'`."""
    token = command.parts["text"]
    # Behind the quote; an escape before the place shifts it, and is rare.
    return _kept(command, scope, lucene_test(token.value, scope, token.start + 1))


def dedupeby(command: Command, scope: Scope) -> CommandStep:
    """`dedupeby keys keep N`: the first rows of each combination."""
    runs = [ExpressionCompiler(scope).compile(one).evaluate for one in command.parts["keys"]]
    most, state = command.parts["keep"], scope.shared

    def step(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        seen: dict[Any, int] = {}
        for row in rows:
            key = tuple(group_key(run(row)) for run in runs)
            count = seen.get(key)
            if count is None:
                state.reserve("dedupeby")
                count = 0
            if count < most:
                seen[key] = count + 1
                yield row

    return CommandStep(command, step, scope)


def limit(command: Command, scope: Scope) -> CommandStep:
    """`limit N`."""
    most = command.parts["count"]

    def step(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        return islice(rows, most)

    return CommandStep(command, step, scope)
