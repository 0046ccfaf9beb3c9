"""The parsers of commands: for each, what follows its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import QueryRefusedError
from .clause_parser import ClauseParser
from .nodes import KeyPath, NamedExpression, Node, keypath_of

Parts = dict[str, Any]


def _filter(parser: ClauseParser) -> Parts:
    return {"condition": parser.expression()}


def _find(parser: ClauseParser) -> Parts:
    text = parser.expect_kind("string", "a string")
    parser.expect_word("in")
    return {"text": text, "of": parser.expression()}


def _text(parser: ClauseParser) -> Parts:
    return {"text": parser.expect_kind("string", "a string")}


def _choose(parser: ClauseParser) -> Parts:
    found = [_chosen_item(parser)]
    while parser.accept(","):
        found.append(_chosen_item(parser))
    return {"items": tuple(found)}


def _chosen_item(parser: ClauseParser) -> NamedExpression:
    item = parser.item()
    if item.alias is None and parser.accept_word("from"):
        return NamedExpression(item.at, parser.expression(), _as_keypath(item.of))
    return item


def _as_keypath(node: Node) -> KeyPath:
    found = keypath_of(node)
    if found is None:
        raise QueryRefusedError("choose: expected a keypath before from", node.at)
    return found


def _create(parser: ClauseParser) -> Parts:
    parts: Parts = {"to": parser.keypath()}
    parser.expect_word("from")
    return {**parts, "of": parser.expression(), **parser.on_rules()}


def _replace(parser: ClauseParser) -> Parts:
    to = parser.keypath()
    parser.expect_word("with")
    return {"to": to, "of": parser.expression(), **parser.on_rules()}


def _move(parser: ClauseParser) -> Parts:
    start = parser.keypath()
    parser.expect_word("to")
    return {"start": start, "to": parser.keypath()}


def _remove(parser: ClauseParser) -> Parts:
    paths = [parser.keypath()]
    while parser.accept(","):
        paths.append(parser.keypath())
    return {"paths": tuple(paths)}


def _redact(parser: ClauseParser) -> Parts:
    path = parser.keypath()
    parser.accept_word("matching")
    pattern = parser.pattern()
    parser.expect_word("to")
    return {"path": path, "pattern": pattern, "to": parser.expect_kind("string", "a string")}


def _convert(parser: ClauseParser) -> Parts:
    parser.accept_word("datatypes")
    return {"types": parser.types()}


def _extract(parser: ClauseParser) -> Parts:
    of = parser.expression()
    parser.expect_word("into")
    to = parser.keypath()
    parser.expect_word("using")
    using = parser.expect_kind("name", "an extractor, such as regexp(e=/.../)")
    positional, named = parser.arguments() if parser.accept("(") else ((), ())
    types = parser.types() if parser.accept_word("datatypes") else ()
    return {
        "of": of,
        "to": to,
        "using": using,
        "positional": positional,
        "named": named,
        "types": types,
    }


def _explode(parser: ClauseParser) -> Parts:
    of = parser.expression()
    parser.expect_word("into")
    to = parser.keypath()
    kept = (
        parser.accept_word("original")
        and parser.expect_word("preserve", "discard").text == "preserve"
    )
    return {"of": of, "to": to, "kept": kept}


def _groupby(parser: ClauseParser) -> Parts:
    return {"keys": parser.items(), "aggregates": parser.aggregates()}


def _multigroupby(parser: ClauseParser) -> Parts:
    sets: list[tuple[NamedExpression, ...]] = []
    while not sets or parser.accept(","):
        if parser.accept("("):
            sets.append(parser.items())
            parser.expect(")")
        else:
            sets.append((parser.item(),))
    return {"sets": tuple(sets), "aggregates": parser.aggregates()}


def _aggregate(parser: ClauseParser) -> Parts:
    return {"aggregates": parser.aggregations()}


def _count(parser: ClauseParser) -> Parts:
    return {"into": parser.keypath() if parser.accept_word("into") else None}


def _countby(parser: ClauseParser) -> Parts:
    key = parser.item()
    into = parser.keypath() if parser.accept_word("into") else None
    order = parser.advance().text if parser.next_is_word("asc", "desc") else ""
    return {"key": key, "into": into, "order": order}


def _distinct(parser: ClauseParser) -> Parts:
    return {"keys": parser.items()}


def _dedupeby(parser: ClauseParser) -> Parts:
    keys = [parser.expression()]
    while parser.accept(","):
        keys.append(parser.expression())
    order = parser.ordered() if parser.accept_orderby() else ()
    keep = parser.count("how many to keep") if parser.accept_word("keep") else 1
    if not order and parser.accept_orderby():
        order = parser.ordered()
    return {"keys": tuple(keys), "keep": keep, "order": order}


def _top(parser: ClauseParser) -> Parts:
    number = parser.count("how many rows")
    keys = parser.items()
    parser.expect_word("by")
    return {"count": number, "items": keys, "by": parser.items()}


def _orderby(parser: ClauseParser) -> Parts:
    return {"keys": parser.ordered()}


def _roundtime(parser: ClauseParser) -> Parts:
    of = None if parser.next_is_word("to") else parser.expression()
    parser.expect_word("to")
    span = parser.expression()
    return {
        "of": of,
        "span": span,
        "into": parser.keypath() if parser.accept_word("into") else None,
    }


def _limit(parser: ClauseParser) -> Parts:
    return {"count": parser.count("how many rows")}


COMMANDS: dict[str, Callable[[ClauseParser], Parts]] = {
    "filter": _filter, "block": _filter, "find": _find, "wildfind": _text, "lucene": _text,
    "choose": _choose, "create": _create, "replace": _replace, "move": _move,
    "remove": _remove, "redact": _redact, "convert": _convert, "extract": _extract,
    "explode": _explode, "groupby": _groupby, "multigroupby": _multigroupby,
    "aggregate": _aggregate, "count": _count, "countby": _countby, "distinct": _distinct,
    "dedupeby": _dedupeby, "top": _top, "bottom": _top, "orderby": _orderby,
    "limit": _limit, "roundtime": _roundtime,
}  # fmt: skip
