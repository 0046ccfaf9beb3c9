"""What follows the name of each command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import QueryRefusedError
from .clause_parser import ClauseParser
from .nodes import KeyPath, NamedExpression, Node, keypath_of

Parts = dict[str, Any]


def _filter(read: ClauseParser) -> Parts:
    return {"condition": read.expression()}


def _find(read: ClauseParser) -> Parts:
    text = read.expect_kind("string", "a text")
    read.expect_word("in")
    return {"text": text, "of": read.expression()}


def _text(read: ClauseParser) -> Parts:
    return {"text": read.expect_kind("string", "a text")}


def _choose(read: ClauseParser) -> Parts:
    found = [_chosen(read)]
    while read.accept(","):
        found.append(_chosen(read))
    return {"items": tuple(found)}


def _chosen(read: ClauseParser) -> NamedExpression:
    item = read.item()
    if item.alias is None and read.accept_word("from"):
        return NamedExpression(item.at, read.expression(), _as_keypath(item.of))
    return item


def _as_keypath(node: Node) -> KeyPath:
    found = keypath_of(node)
    if found is None:
        raise QueryRefusedError("choose: a keypath is due before from", node.at)
    return found


def _create(read: ClauseParser) -> Parts:
    parts: Parts = {"to": read.keypath()}
    read.expect_word("from")
    parts["of"] = read.expression()
    while read.accept_word("on"):
        if read.accept_word("datatype"):
            rule, allowed = "changed", ("skip", "fail", "overwrite")
            read.expect_word("change", "changed")
        else:
            read.expect_word("keypath")
            rule = read.expect_word("exists", "missing").text
            allowed = ("fail", "skip", "overwrite" if rule == "exists" else "create")
        parts[rule] = read.expect_word(*allowed).text
    return parts


def _replace(read: ClauseParser) -> Parts:
    to = read.keypath()
    read.expect_word("with")
    return {"to": to, "of": read.expression()}


def _move(read: ClauseParser) -> Parts:
    start = read.keypath()
    read.expect_word("to")
    return {"start": start, "to": read.keypath()}


def _remove(read: ClauseParser) -> Parts:
    paths = [read.keypath()]
    while read.accept(","):
        paths.append(read.keypath())
    return {"paths": tuple(paths)}


def _redact(read: ClauseParser) -> Parts:
    path = read.keypath()
    read.accept_word("matching")
    pattern = read.pattern()
    read.expect_word("to")
    return {"path": path, "pattern": pattern, "to": read.expect_kind("string", "a text")}


def _convert(read: ClauseParser) -> Parts:
    read.accept_word("datatypes")
    return {"types": read.types()}


def _extract(read: ClauseParser) -> Parts:
    of = read.expression()
    read.expect_word("into")
    to = read.keypath()
    read.expect_word("using")
    using = read.expect_kind("name", "an extractor, such as regexp(e=/.../)")
    plain, named = read.arguments() if read.accept("(") else ((), ())
    types = read.types() if read.accept_word("datatypes") else ()
    return {"of": of, "to": to, "using": using, "plain": plain, "named": named, "types": types}


def _explode(read: ClauseParser) -> Parts:
    of = read.expression()
    read.expect_word("into")
    to = read.keypath()
    kept = (
        read.accept_word("original") and read.expect_word("preserve", "discard").text == "preserve"
    )
    return {"of": of, "to": to, "kept": kept}


def _groupby(read: ClauseParser) -> Parts:
    return {"keys": read.items(), "aggregates": read.aggregates()}


def _multigroupby(read: ClauseParser) -> Parts:
    sets: list[tuple[NamedExpression, ...]] = []
    while not sets or read.accept(","):
        read.expect("(")
        sets.append(read.items())
        read.expect(")")
    return {"sets": tuple(sets), "aggregates": read.aggregates()}


def _aggregate(read: ClauseParser) -> Parts:
    return {"aggregates": read.items()}


def _count(read: ClauseParser) -> Parts:
    return {"into": read.keypath() if read.accept_word("into") else None}


def _countby(read: ClauseParser) -> Parts:
    key = read.item()
    into = read.keypath() if read.accept_word("into") else None
    order = read.advance().text if read.next_is_word("asc", "desc") else ""
    return {"key": key, "into": into, "order": order}


def _distinct(read: ClauseParser) -> Parts:
    return {"keys": read.items()}


def _dedupeby(read: ClauseParser) -> Parts:
    keys = [read.expression()]
    while read.accept(","):
        keys.append(read.expression())
    read.expect_word("keep")
    return {"keys": tuple(keys), "keep": read.count("how many to keep")}


def _top(read: ClauseParser) -> Parts:
    number = read.count("how many rows")
    keys = read.items()
    read.expect_word("by")
    return {"count": number, "keys": keys, "by": read.item()}


def _orderby(read: ClauseParser) -> Parts:
    keys: list[tuple[Node, bool]] = []
    while not keys or read.accept(","):
        of = read.expression()
        order = read.advance().text if read.next_is_word("asc", "desc") else "asc"
        keys.append((of, order == "desc"))
    return {"keys": tuple(keys)}


def _limit(read: ClauseParser) -> Parts:
    return {"count": read.count("how many rows")}


COMMANDS: dict[str, Callable[[ClauseParser], Parts]] = {
    "filter": _filter, "block": _filter, "find": _find, "wildfind": _text, "lucene": _text,
    "choose": _choose, "create": _create, "replace": _replace, "move": _move,
    "remove": _remove, "redact": _redact, "convert": _convert, "extract": _extract,
    "explode": _explode, "groupby": _groupby, "multigroupby": _multigroupby,
    "aggregate": _aggregate, "count": _count, "countby": _countby, "distinct": _distinct,
    "dedupeby": _dedupeby, "top": _top, "bottom": _top, "orderby": _orderby,
    "limit": _limit,
}  # fmt: skip
