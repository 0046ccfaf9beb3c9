"""What follows the name of each command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..compile.keypaths import keypath_of
from ..errors import QueryRefusedError
from .nodes import Item, KeyPath, Node
from .reader import Reader

Parts = dict[str, Any]


def _filter(read: Reader) -> Parts:
    return {"condition": read.expression()}


def _find(read: Reader) -> Parts:
    text = read.expect_kind("string", "a text")
    read.expect_word("in")
    return {"text": text, "of": read.expression()}


def _text(read: Reader) -> Parts:
    return {"text": read.expect_kind("string", "a text")}


def _choose(read: Reader) -> Parts:
    found = [_chosen(read)]
    while read.took(","):
        found.append(_chosen(read))
    return {"items": tuple(found)}


def _chosen(read: Reader) -> Item:
    item = read.item()
    if item.alias is None and read.took_word("from"):
        return Item(item.at, read.expression(), _as_keypath(item.of))
    return item


def _as_keypath(node: Node) -> KeyPath:
    found = keypath_of(node)
    if found is None:
        raise QueryRefusedError("choose: a keypath is due before from", node.at)
    return found


def _create(read: Reader) -> Parts:
    parts: Parts = {"to": read.keypath()}
    read.expect_word("from")
    parts["of"] = read.expression()
    while read.took_word("on"):
        if read.took_word("datatype"):
            rule, allowed = "changed", ("skip", "fail", "overwrite")
            read.expect_word("change", "changed")
        else:
            read.expect_word("keypath")
            rule = read.expect_word("exists", "missing").text
            allowed = ("fail", "skip", "overwrite" if rule == "exists" else "create")
        parts[rule] = read.expect_word(*allowed).text
    return parts


def _replace(read: Reader) -> Parts:
    to = read.keypath()
    read.expect_word("with")
    return {"to": to, "of": read.expression()}


def _move(read: Reader) -> Parts:
    start = read.keypath()
    read.expect_word("to")
    return {"start": start, "to": read.keypath()}


def _remove(read: Reader) -> Parts:
    paths = [read.keypath()]
    while read.took(","):
        paths.append(read.keypath())
    return {"paths": tuple(paths)}


def _redact(read: Reader) -> Parts:
    path = read.keypath()
    read.took_word("matching")
    pattern = read.pattern()
    read.expect_word("to")
    return {"path": path, "pattern": pattern, "to": read.expect_kind("string", "a text")}


def _convert(read: Reader) -> Parts:
    read.took_word("datatypes")
    return {"types": read.types()}


def _extract(read: Reader) -> Parts:
    of = read.expression()
    read.expect_word("into")
    to = read.keypath()
    read.expect_word("using")
    using = read.expect_kind("name", "an extractor, such as regexp(e=/.../)")
    plain, named = read.arguments() if read.took("(") else ((), ())
    types = read.types() if read.took_word("datatypes") else ()
    return {"of": of, "to": to, "using": using, "plain": plain, "named": named, "types": types}


def _explode(read: Reader) -> Parts:
    of = read.expression()
    read.expect_word("into")
    to = read.keypath()
    kept = read.took_word("original") and read.expect_word("preserve", "discard").text == "preserve"
    return {"of": of, "to": to, "kept": kept}


def _groupby(read: Reader) -> Parts:
    return {"keys": read.items(), "aggregates": read.aggregates()}


def _multigroupby(read: Reader) -> Parts:
    sets: list[tuple[Item, ...]] = []
    while not sets or read.took(","):
        read.expect("(")
        sets.append(read.items())
        read.expect(")")
    return {"sets": tuple(sets), "aggregates": read.aggregates()}


def _aggregate(read: Reader) -> Parts:
    return {"aggregates": read.items()}


def _count(read: Reader) -> Parts:
    return {"into": read.keypath() if read.took_word("into") else None}


def _countby(read: Reader) -> Parts:
    key = read.item()
    into = read.keypath() if read.took_word("into") else None
    order = read.advance().text if read.has_word("asc", "desc") else ""
    return {"key": key, "into": into, "order": order}


def _distinct(read: Reader) -> Parts:
    return {"keys": read.items()}


def _dedupeby(read: Reader) -> Parts:
    keys = [read.expression()]
    while read.took(","):
        keys.append(read.expression())
    read.expect_word("keep")
    return {"keys": tuple(keys), "keep": read.count("how many to keep")}


def _top(read: Reader) -> Parts:
    number = read.count("how many rows")
    keys = read.items()
    read.expect_word("by")
    return {"count": number, "keys": keys, "by": read.item()}


def _orderby(read: Reader) -> Parts:
    keys: list[tuple[Node, bool]] = []
    while not keys or read.took(","):
        of = read.expression()
        order = read.advance().text if read.has_word("asc", "desc") else "asc"
        keys.append((of, order == "desc"))
    return {"keys": tuple(keys)}


def _limit(read: Reader) -> Parts:
    return {"count": read.count("how many rows")}


COMMANDS: dict[str, Callable[[Reader], Parts]] = {
    "filter": _filter, "block": _filter, "find": _find, "wildfind": _text, "lucene": _text,
    "choose": _choose, "create": _create, "replace": _replace, "move": _move,
    "remove": _remove, "redact": _redact, "convert": _convert, "extract": _extract,
    "explode": _explode, "groupby": _groupby, "multigroupby": _multigroupby,
    "aggregate": _aggregate, "count": _count, "countby": _countby, "distinct": _distinct,
    "dedupeby": _dedupeby, "top": _top, "bottom": _top, "orderby": _orderby,
    "limit": _limit,
}  # fmt: skip
