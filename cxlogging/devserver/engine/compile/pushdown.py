"""
Predicate pushdown: conditions of a query's first filters that SQLite can apply.

They only reduce the rows that are read: the filters themselves still check each of them. So a
condition may let through rows that do not match, but must never leave out one that does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ....dataprime.rows import Severity
from ..errors import QueryRefusedError
from ..scan import MAX_CONDITIONS, ScanFilter, Sql
from ..syntax.nodes import Array, Binary, Call, Command, KeyPath, Literal, Name, Node, keypath_of
from ..text_search import tokens
from ..values import Timestamp
from .expression_compiler import ExpressionCompiler
from .scope import Scope

LabelSql = Mapping[str, Callable[[str], Sql]]
_SAFE = re.compile(r"[A-Za-z0-9 ]+")
MAX_WORD_LENGTH = 1_000
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def push_down_filters(
    scan_filter: ScanFilter, commands: Iterable[Command], scope: Scope, labels: LabelSql
) -> ScanFilter:
    """Return *scan_filter* with the conditions of the first filters among *commands*."""
    for command in commands:
        if command.name == "filter":
            for part in _conjuncts(command.parts["condition"]):
                scan_filter = _with(scan_filter, part, scope, labels)
        elif command.name == "wildfind":
            scan_filter = scan_filter.where(*_holding(command.parts["text"].value))
        elif command.name == "find":
            scan_filter = _searched(scan_filter, command.parts["of"], command.parts["text"].value)
        elif command.name not in ("block", "lucene"):
            break
    return scan_filter


def _conjuncts(node: Node) -> list[Node]:
    if isinstance(node, Binary) and node.sign == "&&":
        return [*_conjuncts(node.left), *_conjuncts(node.right)]
    return [node]


def _with(scan_filter: ScanFilter, node: Node, scope: Scope, labels: LabelSql) -> ScanFilter:
    if isinstance(node, Call):
        return _call(scan_filter, node, labels)
    if not isinstance(node, Binary):
        return scan_filter
    if node.sign in ("~", "~~") and isinstance(node.right, Literal):
        return _searched(scan_filter, node.left, str(node.right.value))
    if node.sign not in FLIPPED:
        return scan_filter
    for path, other, sign in (
        (keypath_of(node.left), node.right, node.sign),
        (keypath_of(node.right), node.left, FLIPPED[node.sign]),
    ):
        known = _constant(other, scope)
        if path is not None and known is not None:
            return _compared(scan_filter, path, sign, known, labels)
    return scan_filter


def _constant(node: Node, scope: Scope) -> Any:
    if isinstance(node, Name) and node.text not in Severity.__members__:
        return None
    try:
        free = replace(scope, settings=replace(scope.settings, field_exists=None))
        found = ExpressionCompiler(free).compile(node)
    except QueryRefusedError:
        return None
    return found.value if found.constant else None


def _compared(
    scan_filter: ScanFilter, path: KeyPath, sign: str, value: Any, labels: LabelSql
) -> ScanFilter:
    where = (path.root, path.steps)
    if where == ("$m", ("timestamp",)) and type(value) is Timestamp:
        return _timed(scan_filter, sign, int(value))
    if where == ("$m", ("severity",)) and type(value) is Severity:
        return _severe(scan_filter, {one for one in Severity if _ORDERS[sign](one, value)})
    if sign != "==" or type(value) is not str:
        return scan_filter
    if path.root == "$l" and len(path.steps) == 1 and path.steps[0] in labels:
        return scan_filter.where(labels[str(path.steps[0])](value))
    if path.root == "$d" and _SAFE.fullmatch(value):
        return scan_filter.where(("instr(data, ?)", (value,)))
    return scan_filter


_ORDERS: dict[str, Callable[[int, int], bool]] = {
    "==": lambda one, two: one == two,
    "!=": lambda one, two: one != two,
    "<": lambda one, two: one < two,
    "<=": lambda one, two: one <= two,
    ">": lambda one, two: one > two,
    ">=": lambda one, two: one >= two,
}


def _timed(scan_filter: ScanFilter, sign: str, moment: int) -> ScanFilter:
    windows = {
        "==": (moment, moment + 1), "<": (None, moment), "<=": (None, moment + 1),
        ">": (moment + 1, None), ">=": (moment, None), "!=": (None, None),
    }  # fmt: skip
    return scan_filter.within(*windows[sign])


def _severe(scan_filter: ScanFilter, severities: Iterable[int]) -> ScanFilter:
    return replace(scan_filter, severities=scan_filter.severities & frozenset(severities))


def _call(scan_filter: ScanFilter, node: Call, labels: LabelSql) -> ScanFilter:
    arguments = node.arguments
    if node.name in ("arrayContains", "inArray") and len(arguments) == 2:
        array, subject = arguments if node.name == "arrayContains" else arguments[::-1]
        return (
            _among(scan_filter, subject, array.items, labels)
            if isinstance(array, Array)
            else scan_filter
        )
    if node.name == "in" and len(arguments) > 1:
        return _among(scan_filter, arguments[0], arguments[1:], labels)
    if node.name == "textSearch" and len(arguments) == 2 and isinstance(arguments[1], Literal):
        return _searched(scan_filter, arguments[0], str(arguments[1].value))
    return scan_filter


def _among(
    scan_filter: ScanFilter, subject: Node, candidates: Iterable[Node], labels: LabelSql
) -> ScanFilter:
    path, items = keypath_of(subject), list(candidates)
    if path is None:
        return scan_filter
    if (path.root, path.steps) == ("$m", ("severity",)):
        names = [one.text for one in items if isinstance(one, Name)]
        if len(names) == len(items) and set(names) <= Severity.__members__.keys():
            return _severe(scan_filter, {Severity[name] for name in names})
        return scan_filter
    texts = [one.value for one in items if isinstance(one, Literal) and one.kind == "string"]
    known = path.root == "$l" and len(path.steps) == 1 and path.steps[0] in labels
    if not known or len(texts) != len(items) or not 0 < len(texts) <= MAX_CONDITIONS:
        return scan_filter
    parts = [labels[str(path.steps[0])](one) for one in texts]
    sql = " OR ".join(part for part, _ in parts)
    return scan_filter.where((f"({sql})", tuple(one for _, values in parts for one in values)))


def _searched(scan_filter: ScanFilter, of: Node, phrase: str) -> ScanFilter:
    path = keypath_of(of)
    if path is None or path.root != "$d":
        return scan_filter
    return scan_filter.where(*_holding(phrase))


def _holding(phrase: str) -> list[Sql]:
    # SQLite ignores case for ASCII letters only.
    words = [one for one in tokens(phrase) if _SAFE.fullmatch(one)]
    return [("data LIKE ?", (f"%{word[:MAX_WORD_LENGTH]}%",)) for word in words]
