"""The names of values in rows that a query creates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import QueryRefusedError, UnsupportedError
from ..json_paths import with_value
from ..syntax.nodes import Call, Cast, KeyPath, NamedExpression, Node, keypath_of
from ..values import Kind
from .scope import Reference, Scope


def writable_path(path: KeyPath) -> KeyPath:
    """Return *path*; refuse the query where it cannot be written: only fields of `$d` can."""
    if path.root != "$d":
        raise UnsupportedError(f"writing to {path.root}", path.at)
    if not path.steps:
        raise QueryRefusedError("$d as a whole cannot be written: name a field of it", path.at)
    return path


def output_path(item: NamedExpression, number: int) -> KeyPath:
    """Return the keypath of an item: its alias, its own keypath, or `_expr0` by its position."""
    if item.alias is not None:
        return writable_path(item.alias)
    node: Node = item.of
    while isinstance(node, Cast):
        node = node.of
    path = keypath_of(node)
    if path is None:
        return KeyPath(item.at, "$d", (f"_expr{number}",))
    if not path.steps:
        raise QueryRefusedError(f"{path.root} as a whole needs a name: add as ...", item.at)
    return KeyPath(item.at, "$d", path.steps)


def origins(
    items: Sequence[NamedExpression], paths: Sequence[KeyPath], scope: Scope
) -> dict[Reference, tuple[KeyPath, Kind]]:
    """Return which fields of `$m` and `$l` are at *paths*, after *items* were written there."""
    found: dict[Reference, tuple[KeyPath, Kind]] = {}
    for item, path in zip(items, paths, strict=True):
        of = keypath_of(item.of)
        if of is not None and of.root != "$d" and of.steps:
            found[of.root, of.steps] = (path, scope.kind(of))
    return found


def output_paths(items: Sequence[NamedExpression]) -> list[KeyPath]:
    """Return the keypaths of *items*; refuse the query where two are equal."""
    found = [output_path(item, number) for number, item in enumerate(items)]
    check_distinct(found)
    return found


def check_distinct(paths: Sequence[KeyPath]) -> None:
    """Refuse the query where two values have the same keypath."""
    seen: set[tuple[str | int, ...]] = set()
    for path in paths:
        if path.steps in seen:
            raise QueryRefusedError(f"two values have the name {path}: add as ...", path.at)
        seen.add(path.steps)


def aggregate_path(item: NamedExpression, number: int) -> KeyPath:
    """Return the keypath of an aggregation: its alias, or such as `_count0`."""
    if item.alias is not None:
        return writable_path(item.alias)
    word = item.of.name if isinstance(item.of, Call) else "expr"
    return KeyPath(item.at, "$d", (f"_{word}{number}",))


def build_document(paths: Sequence[KeyPath], values: Sequence[Any]) -> dict[str, Any]:
    """Return `$d` with *values* at *paths*."""
    data: dict[str, Any] = {}
    for path, value in zip(paths, values, strict=True):
        if len(path.steps) == 1:
            data[str(path.steps[0])] = value
        else:
            data = with_value(data, path.steps, value)
    return data
