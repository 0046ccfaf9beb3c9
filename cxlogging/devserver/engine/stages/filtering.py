"""Commands that leave rows out: filter, block, find, wildfind, lucene, dedupeby, limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ..compile.compiled import Run
from ..compile.compiler import Compiler
from ..compile.scope import Scope
from ..row import Row
from ..syntax.lucene import lucene_test
from ..syntax.nodes import Command, Literal, Name
from ..values import hashable
from .stage import Stage


def _kept(command: Command, scope: Scope, test: Run) -> Stage:
    def step(rows: Iterable[Row]) -> Iterator[Row]:
        return (row for row in rows if test(row) is True)

    return Stage(command, step, scope, drops=True)


def keep(command: Command, scope: Scope) -> Stage:
    """`filter`: rows where the condition is true; null is not."""
    return _kept(command, scope, Compiler(scope).condition(command.parts["condition"]))


def block(command: Command, scope: Scope) -> Stage:
    """`block`: rows where the condition is not true."""
    test = Compiler(scope).condition(command.parts["condition"])
    return _kept(command, scope, lambda row: test(row) is not True)


def find(command: Command, scope: Scope) -> Stage:
    """`find 'text' in keypath`."""
    token = command.parts["text"]
    phrase = Literal(token.start, token.value, "string")
    return _kept(command, scope, Compiler(scope).search(command.parts["of"], phrase).run)


def wildfind(command: Command, scope: Scope) -> Stage:
    """`wildfind 'text'`: in any value of `$d`."""
    token = command.parts["text"]
    phrase = Literal(token.start, token.value, "string")
    return _kept(command, scope, Compiler(scope).search(Name(token.start, "$d"), phrase).run)


def lucene(command: Command, scope: Scope) -> Stage:
    """`lucene 'query'`."""
    token = command.parts["text"]
    # Behind the quote; an escape before the place shifts it, and is rare.
    return _kept(command, scope, lucene_test(token.value, scope, token.start + 1))


def dedupeby(command: Command, scope: Scope) -> Stage:
    """`dedupeby keys keep N`: the first rows of each combination."""
    runs = [Compiler(scope).compile(one).run for one in command.parts["keys"]]
    most, held = command.parts["keep"], scope.shared

    def step(rows: Iterable[Row]) -> Iterator[Row]:
        seen: dict[Any, int] = {}
        for row in rows:
            key = tuple(hashable(run(row)) for run in runs)
            count = seen.get(key)
            if count is None:
                held.take("dedupeby")
                count = 0
            if count < most:
                seen[key] = count + 1
                yield row

    return Stage(command, step, scope)


def limit(command: Command, scope: Scope) -> Stage:
    """`limit N`."""
    most = command.parts["count"]

    def step(rows: Iterable[Row]) -> Iterator[Row]:
        return islice(rows, most)

    return Stage(command, step, scope)
