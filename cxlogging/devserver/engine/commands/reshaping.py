"""Commands that change rows: choose, create, replace, move, remove, redact, convert, explode."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..compile import output_names
from ..compile.expression_compiler import ExpressionCompiler
from ..compile.patterns import pattern
from ..compile.scope import Scope
from ..errors import QueryEndedError, QueryRefusedError
from ..json_paths import has_path, read_path, with_value, without_path
from ..row import QueryRow
from ..syntax.nodes import Access, Call, Cast, Command, KeyPath, Name, keypath_of
from ..values import Kind, cast, kind_of
from .command_step import CommandStep

Change = Callable[[QueryRow], Any]


def row_change(command: Command, scope: Scope, change: Change) -> CommandStep:
    """Return a step that gives each row the data that *change* returns."""
    scope.shared.used.add("$d")

    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        return (row.with_data(change(row)) for row in rows)

    return CommandStep(command, apply, scope, one_to_one=True)


def _existing_path(scope: Scope, path: KeyPath) -> KeyPath:
    """Return *path*; refuse the query where it cannot be written or does not exist."""
    output_names.writable_path(path)
    scope.kind(path)
    return path


def choose(command: Command, scope: Scope) -> CommandStep:
    """`choose a, b as c`: rows that have only these fields."""
    items = command.parts["items"]
    compiler = ExpressionCompiler(scope)
    found = [compiler.compile(item.of) for item in items]
    runs = [one.evaluate for one in found]
    paths = output_names.output_paths(items)

    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        for row in rows:
            yield QueryRow(
                None, None, output_names.build_document(paths, [run(row) for run in runs])
            )

    origins = output_names.origins(items, paths, scope)
    after = scope.aggregated(paths, [one.kind for one in found], origins)
    return CommandStep(command, apply, after, one_to_one=True)


def create(command: Command, scope: Scope) -> CommandStep:
    """`create keypath from expression`, with its rules for existing and missing keypaths."""
    path = output_names.writable_path(command.parts["to"])
    return _written(command, scope, path, missing="create")


def replace(command: Command, scope: Scope) -> CommandStep:
    """`replace keypath with expression`, where the keypath exists, with the rules of `create`."""
    return _written(command, scope, _existing_path(scope, command.parts["to"]), missing="skip")


def _written(command: Command, scope: Scope, path: KeyPath, missing: str) -> CommandStep:
    parts = command.parts
    of, steps = ExpressionCompiler(scope).compile(parts["of"]), path.steps
    run = of.evaluate
    exists, missing = parts.get("exists", "overwrite"), parts.get("missing", missing)
    changed = parts.get("changed", "overwrite")

    def change(row: QueryRow) -> Any:
        data = row.data
        exists_now = has_path(data, steps)
        rule = exists if exists_now else missing
        value = None if rule in ("skip", "fail") else run(row)
        if exists_now and rule == "overwrite" and changed != "overwrite":
            same = kind_of(read_path(data, steps)) is kind_of(value)
            rule = rule if same else changed
        if rule == "fail":
            state = "exists" if exists_now else "is missing"
            raise QueryEndedError(
                f"{command.name}: the keypath {path} {state}, or has another type"
            )
        return data if rule == "skip" else with_value(data, steps, value)

    step = row_change(command, scope, change)
    always = (exists, missing, changed) == ("overwrite", "create", "overwrite")
    after = scope.with_field(path, of.kind if always else Kind.ANY)
    return CommandStep(command, step.apply, after, one_to_one=True)


def move(command: Command, scope: Scope) -> CommandStep:
    """`move a to b`."""
    start, to = (
        _existing_path(scope, command.parts["start"]).steps,
        output_names.writable_path(command.parts["to"]),
    )

    def change(row: QueryRow) -> Any:
        data = row.data
        if not has_path(data, start):
            return data
        return with_value(without_path(data, start), to.steps, read_path(data, start))

    step = row_change(command, scope, change)
    after = scope.without((start,)).with_field(to)
    return CommandStep(command, step.apply, after, one_to_one=True)


def remove(command: Command, scope: Scope) -> CommandStep:
    """`remove a, b`."""
    paths = [_existing_path(scope, path).steps for path in command.parts["paths"]]

    def change(row: QueryRow) -> Any:
        data = row.data
        for steps in paths:
            data = without_path(data, steps)
        return data

    step = row_change(command, scope, change)
    return CommandStep(command, step.apply, scope.without(paths), one_to_one=True)


def redact(command: Command, scope: Scope) -> CommandStep:
    """`redact keypath matching /pattern/ to 'text'`."""
    steps = _existing_path(scope, command.parts["path"]).steps
    token, new = command.parts["pattern"], command.parts["to"].value
    expression = token.value if token.kind == "regexp" else re.escape(token.value)
    found = pattern(expression, token.start)

    def change(row: QueryRow) -> Any:
        value = read_path(row.data, steps)
        # As the result of a function, the string is not searched for escapes by re.
        if type(value) is not str:
            return row.data
        return with_value(row.data, steps, found.sub(lambda _: new, value))

    return row_change(command, scope, change)


def convert(command: Command, scope: Scope) -> CommandStep:
    """`convert keypath:type, ...`."""
    paths = [(_existing_path(scope, path), kind) for path, kind in command.parts["types"]]
    types = [(path.steps, kind) for path, kind in paths]

    def change(row: QueryRow) -> Any:
        data = row.data
        for steps, kind in types:
            if has_path(data, steps):
                data = with_value(data, steps, cast(read_path(data, steps), kind))
        return data

    step = row_change(command, scope, change)
    after = scope
    for path, _ in paths:
        after = after.with_field(path)
    return CommandStep(command, step.apply, after, one_to_one=True)


def roundtime(command: Command, scope: Scope) -> CommandStep:
    """
    `roundtime [time] to interval [into keypath]`: rounds a time down, by default the event's.

    Without `into` the time itself is changed, so it must be a field of the data.
    """
    parts = command.parts
    of = parts["of"] or Access(command.at, Name(command.at, "$m"), "timestamp")
    target = parts["into"] or keypath_of(of.of if isinstance(of, Cast) else of)
    if target is None:
        raise QueryRefusedError("roundtime: add into and the keypath of the result", of.at)
    path = output_names.writable_path(target)
    call = Call(command.at, "roundTime", (of, parts["span"]))
    run = ExpressionCompiler(scope).compile(call).evaluate
    step = row_change(command, scope, lambda row: with_value(row.data, path.steps, run(row)))
    after = scope.with_field(path, Kind.TIMESTAMP)
    return CommandStep(command, step.apply, after, one_to_one=True)


def explode(command: Command, scope: Scope) -> CommandStep:
    """
    `explode array into keypath [original preserve]`: a row for each element.

    Where the value is no array, or an empty one, there is no row; with `original preserve` there is
    one, without an element.
    """
    path = output_names.writable_path(command.parts["to"])
    run, kept = (
        ExpressionCompiler(scope).compile(command.parts["of"]).evaluate,
        command.parts["kept"],
    )
    scope.shared.used.add("$d")

    def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        for row in rows:
            values = run(row)
            elements = values if type(values) is list else ()
            for value in elements or ((None,) if kept else ()):
                yield row.with_data(with_value(row.data if kept else {}, path.steps, value))

    after = scope.with_field(path) if kept else scope.of_fields((path,))
    return CommandStep(command, apply, after)
