"""Commands that change each row: choose, create, replace, move, remove, convert, ..."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..compile import naming
from ..compile.compiler import Compiler, pattern
from ..compile.keypaths import holds, read, without, written
from ..compile.scope import Scope
from ..errors import QueryEndedError
from ..row import Row
from ..syntax.nodes import Command, KeyPath
from ..values import cast, kind_of
from .stage import Stage

Change = Callable[[Row], Any]


def changing(command: Command, scope: Scope, change: Change) -> Stage:
    """A stage that gives each row the data that *change* makes."""
    scope.shared.used.add("$d")

    def step(rows: Iterable[Row]) -> Iterator[Row]:
        return (row.with_data(change(row)) for row in rows)

    return Stage(command, step, scope, each=True)


def _own(scope: Scope, path: KeyPath) -> KeyPath:
    """*path*, which is in the data, and which rows may have."""
    naming.target(path)
    scope.kind(path)
    return path


def choose(command: Command, scope: Scope) -> Stage:
    """`choose a, b as c`: rows of these alone, in `$d`."""
    items = command.parts["items"]
    compiler = Compiler(scope)
    runs = [compiler.compile(item.of).run for item in items]
    paths = naming.names_of(items)

    def step(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            yield Row(None, None, naming.document(paths, [run(row) for run in runs]))

    return Stage(command, step, scope.aggregated(paths), each=True)


def create(command: Command, scope: Scope) -> Stage:
    """`create keypath from expression`, with its rules."""
    parts = command.parts
    path = naming.target(parts["to"])
    run, steps = Compiler(scope).compile(parts["of"]).run, path.steps
    exists, missing = parts.get("exists", "overwrite"), parts.get("missing", "create")
    changed = parts.get("changed", "overwrite")

    def change(row: Row) -> Any:
        data = row.data
        there = holds(data, steps)
        rule = exists if there else missing
        value = None if rule in ("skip", "fail") else run(row)
        if there and rule == "overwrite" and changed != "overwrite":
            same = kind_of(read(data, steps)) is kind_of(value)
            rule = rule if same else changed
        if rule == "fail":
            state = "exists" if there else "is missing"
            raise QueryEndedError(f"create: the keypath {path} {state}, or has another type")
        return data if rule == "skip" else written(data, steps, value)

    stage = changing(command, scope, change)
    return Stage(command, stage.step, scope.with_field(path), each=True)


def replace(command: Command, scope: Scope) -> Stage:
    """`replace keypath with expression`, where the keypath exists."""
    steps = _own(scope, command.parts["to"]).steps
    run = Compiler(scope).compile(command.parts["of"]).run

    def change(row: Row) -> Any:
        data = row.data
        return written(data, steps, run(row)) if holds(data, steps) else data

    return changing(command, scope, change)


def move(command: Command, scope: Scope) -> Stage:
    """`move a to b`."""
    start, to = _own(scope, command.parts["start"]).steps, naming.target(command.parts["to"])

    def change(row: Row) -> Any:
        data = row.data
        if not holds(data, start):
            return data
        return written(without(data, start), to.steps, read(data, start))

    stage = changing(command, scope, change)
    return Stage(command, stage.step, scope.with_field(to), each=True)


def remove(command: Command, scope: Scope) -> Stage:
    """`remove a, b`."""
    paths = [_own(scope, path).steps for path in command.parts["paths"]]

    def change(row: Row) -> Any:
        data = row.data
        for steps in paths:
            data = without(data, steps)
        return data

    stage = changing(command, scope, change)
    gone = {str(steps[0]) for steps in paths if len(steps) == 1}
    return Stage(command, stage.step, scope.without_fields(gone), each=True)


def redact(command: Command, scope: Scope) -> Stage:
    """`redact keypath matching /pattern/ to 'text'`."""
    steps = _own(scope, command.parts["path"]).steps
    token, new = command.parts["pattern"], command.parts["to"].value
    expression = token.value if token.kind == "regexp" else re.escape(token.value)
    found = pattern(expression, token.start)

    def change(row: Row) -> Any:
        value = read(row.data, steps)
        # The text stands for itself: a function keeps re from reading escapes in it.
        return (
            written(row.data, steps, found.sub(lambda _: new, value))
            if type(value) is str
            else row.data
        )

    return changing(command, scope, change)


def convert(command: Command, scope: Scope) -> Stage:
    """`convert keypath:type, ...`."""
    types = [(_own(scope, path).steps, kind) for path, kind in command.parts["types"]]

    def change(row: Row) -> Any:
        data = row.data
        for steps, kind in types:
            if holds(data, steps):
                data = written(data, steps, cast(read(data, steps), kind))
        return data

    return changing(command, scope, change)


def explode(command: Command, scope: Scope) -> Stage:
    """`explode array into keypath`: a row for each value; none for what is no array."""
    path = naming.target(command.parts["to"])
    run, kept = Compiler(scope).compile(command.parts["of"]).run, command.parts["kept"]
    scope.shared.used.add("$d")

    def step(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            values = run(row)
            for value in values if type(values) is list else ():
                yield row.with_data(written(row.data if kept else {}, path.steps, value))

    after = scope.with_field(path) if kept else scope.of_fields((path,))
    return Stage(command, step, after)
