"""`extract`: parses strings into structured values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ..compile import output_names
from ..compile.expression_compiler import ExpressionCompiler
from ..compile.scope import Scope
from ..errors import QueryRefusedError, UnsupportedError
from ..json_paths import has_path, read_path, with_value
from ..row import QueryRow
from ..syntax.expression_parser import TYPES
from ..syntax.lexer import Token
from ..syntax.nodes import Command, KeyPath, Name, Node
from ..values import cast
from .command_step import CommandStep
from .reshaping import row_change

Extractor = Callable[[str], Any]


def extract(command: Command, scope: Scope) -> CommandStep:
    """`extract expression into keypath using extractor(...) [datatypes ...]`."""
    parts = command.parts
    path, using = _target(parts["to"]), parts["using"]
    compiler = ExpressionCompiler(scope)
    run = compiler.compile(parts["of"]).evaluate
    extractor = _extractor(compiler, using, parts)
    if not path.steps and using.text in _ARRAYS:
        raise QueryRefusedError(f"{using.text}() results in an array: name a field", path.at)
    types = [(output_names.writable_path(one).steps, kind) for one, kind in parts["types"]]

    def change(row: QueryRow) -> Any:
        value = run(row)
        found = extractor(value) if type(value) is str else None
        if found is None:
            return row.data
        for steps, kind in types:
            if has_path(found, steps):
                found = with_value(found, steps, cast(read_path(found, steps), kind))
        if path.steps:
            return with_value(row.data, path.steps, found)
        return {**(row.data if type(row.data) is dict else {}), **found}

    step = row_change(command, scope, change)
    after = scope.with_field(path) if path.steps else scope.with_any_fields()
    return CommandStep(command, step.apply, after, one_to_one=True)


def _target(path: KeyPath) -> KeyPath:
    """Return where the values go; unlike with other commands, that can be `$d` itself."""
    return path if path.root == "$d" and not path.steps else output_names.writable_path(path)


def _extractor(compiler: ExpressionCompiler, using: Token, parts: dict[str, Any]) -> Extractor:
    known = _EXTRACTORS.get(using.text)
    if known is None:
        raise QueryRefusedError(
            f"unknown extractor {using.text!r}; known: {', '.join(_EXTRACTORS)}", using.start
        )
    build, names = known
    given: dict[str, Node] = dict(zip(names, parts["positional"], strict=False))
    given |= dict(parts["named"])
    if len(parts["positional"]) > len(names) or not given.keys() <= set(names):
        extra = sorted(given.keys() - set(names))
        name = extra[0] if extra else "so many arguments"
        raise UnsupportedError(f"{using.text}() with {name}", using.start)
    return build(compiler, using, given)


def _constant(compiler: ExpressionCompiler, given: dict[str, Node], name: str, default: Any) -> Any:
    if name not in given:
        return default
    found = compiler.compile(given[name])
    if not found.constant or type(found.value) is not type(default):
        raise QueryRefusedError(f"{name} takes a literal", given[name].at)
    return found.value


def _pattern(compiler: ExpressionCompiler, using: Token, given: dict[str, Node]) -> re.Pattern[str]:
    if "e" not in given:
        raise QueryRefusedError(f"{using.text}() takes e=/a regular expression/", using.start)
    found: re.Pattern[str] = _constant(compiler, given, "e", re.compile(""))
    return found


def _regexp(compiler: ExpressionCompiler, using: Token, given: dict[str, Node]) -> Extractor:
    expression = _pattern(compiler, using, given)
    names = {number: name for name, number in expression.groupindex.items()}

    def extractor(text: str) -> Any:
        found = expression.search(text)
        if found is None:
            return None
        groups = enumerate(found.groups(), 1)
        return {names.get(number, f"_{number - 1}"): held for number, held in groups}

    return extractor


def _multi_regexp(compiler: ExpressionCompiler, using: Token, given: dict[str, Node]) -> Extractor:
    expression = _pattern(compiler, using, given)
    return lambda text: [found[0] for found in expression.finditer(text)]


def _kv(compiler: ExpressionCompiler, using: Token, given: dict[str, Node]) -> Extractor:
    between = _constant(compiler, given, "pair_delimiter", " ")
    within = _constant(compiler, given, "key_delimiter", "=")
    if not between or not within:
        raise QueryRefusedError("kv() takes delimiters that are not empty", using.start)

    def extractor(text: str) -> Any:
        pairs = (pair.partition(within) for pair in text.split(between))
        return {name: held for name, mark, held in pairs if mark and name}

    return extractor


def _jsonobject(compiler: ExpressionCompiler, using: Token, given: dict[str, Node]) -> Extractor:
    del using
    count = _constant(compiler, given, "max_unescape_count", 1)

    def extractor(text: str) -> Any:
        found = _decoded(text)
        for _ in range(count):
            if type(found) is dict:
                break
            # An escaped object, in quotes or without them.
            text = found if type(found) is str else _decoded(f'"{text}"')
            if type(text) is not str:
                return None
            found = _decoded(text)
        return found if type(found) is dict else None

    return extractor


def _decoded(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def _split(compiler: ExpressionCompiler, using: Token, given: dict[str, Node]) -> Extractor:
    mark, kind = _constant(compiler, given, "delimiter", ","), given.get("element_datatype")
    if kind is not None and (not isinstance(kind, Name) or kind.text not in TYPES):
        raise QueryRefusedError("element_datatype takes a type, such as number", kind.at)
    if not mark:
        raise QueryRefusedError("split() takes a delimiter that is not empty", using.start)
    name = TYPES[kind.text] if isinstance(kind, Name) else "string"
    return lambda text: [cast(part, name) for part in text.split(mark)]


_ARRAYS = ("multi_regexp", "split")
_Build = Callable[[ExpressionCompiler, Token, "dict[str, Node]"], Extractor]
_EXTRACTORS: dict[str, tuple[_Build, tuple[str, ...]]] = {
    "regexp": (_regexp, ("e",)),
    "multi_regexp": (_multi_regexp, ("e",)),
    "kv": (_kv, ("pair_delimiter", "key_delimiter")),
    "jsonobject": (_jsonobject, ("max_unescape_count",)),
    "split": (_split, ("delimiter", "element_datatype")),
}
