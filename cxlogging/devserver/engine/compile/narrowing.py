"""
What a query lets the store leave out, found in its first filters.

Whatever is found here is only a help: the filters themselves decide about every row that the store
gives. So each condition may let through too much, and never too little.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ....dataprime.rows import Severity
from ..errors import QueryRefusedError
from ..stages.search import tokens
from ..syntax.nodes import Array, Binary, Call, Command, KeyPath, Literal, Name, Node
from ..values import Timestamp
from .compiler import Compiler
from .keypaths import keypath_of
from .scope import Scope

Sql = tuple[str, tuple[Any, ...]]
LabelSql = Mapping[str, Callable[[str], Sql]]
_SAFE = re.compile(r"[A-Za-z0-9 ]+")
COLUMNS = (
    "data", "time_ns", "severity", "id", "received_ns", "vendor", "application", "subsystem",
    "source",
)  # fmt: skip
"""Of a record, in this order."""

MOST_CONDITIONS = 50
LONGEST_WORD = 1_000
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


@dataclass(frozen=True)
class Narrowing:
    """
    Conditions for the store, all of them together.

    Attributes:
        start: First instant, nanoseconds.
        end: The instant after the last.
        severities: Of these alone.
        conditions: SQL and its values.
        newest: True for the newest first, False for the oldest, None where order does not matter.
        columns: What is needed of an event; the rest comes as NULL.
    """

    start: int | None = None
    end: int | None = None
    severities: frozenset[int] = frozenset(Severity)
    conditions: tuple[Sql, ...] = ()
    newest: bool | None = True
    columns: frozenset[str] = frozenset(COLUMNS)

    def within(self, start: int | None, end: int | None) -> Narrowing:
        """The same, of a window as well."""
        starts = [one for one in (self.start, start) if one is not None]
        ends = [one for one in (self.end, end) if one is not None]
        return replace(self, start=max(starts, default=None), end=min(ends, default=None))

    def where(self, *conditions: Sql) -> Narrowing:
        """The same, with more conditions; those above a number that SQLite takes are left out."""
        return replace(self, conditions=(*self.conditions, *conditions)[:MOST_CONDITIONS])


def narrowed(
    narrowing: Narrowing, commands: Iterable[Command], scope: Scope, labels: LabelSql
) -> Narrowing:
    """*narrowing* with what the first filters among *commands* allow."""
    for command in commands:
        if command.name == "filter":
            for part in _conjuncts(command.parts["condition"]):
                narrowing = _with(narrowing, part, scope, labels)
        elif command.name == "wildfind":
            narrowing = narrowing.where(*_holding(command.parts["text"].value))
        elif command.name == "find":
            narrowing = _searched(narrowing, command.parts["of"], command.parts["text"].value)
        elif command.name not in ("block", "lucene"):
            break
    return narrowing


def _conjuncts(node: Node) -> list[Node]:
    if isinstance(node, Binary) and node.sign == "&&":
        return [*_conjuncts(node.left), *_conjuncts(node.right)]
    return [node]


def _with(narrowing: Narrowing, node: Node, scope: Scope, labels: LabelSql) -> Narrowing:
    if isinstance(node, Call):
        return _call(narrowing, node, labels)
    if not isinstance(node, Binary):
        return narrowing
    if node.sign in ("~", "~~") and isinstance(node.right, Literal):
        return _searched(narrowing, node.left, str(node.right.value))
    if node.sign not in FLIPPED:
        return narrowing
    for path, other, sign in (
        (keypath_of(node.left), node.right, node.sign),
        (keypath_of(node.right), node.left, FLIPPED[node.sign]),
    ):
        known = _constant(other, scope)
        if path is not None and known is not None:
            return _compared(narrowing, path, sign, known, labels)
    return narrowing


def _constant(node: Node, scope: Scope) -> Any:
    if isinstance(node, Name) and node.text not in Severity.__members__:
        return None
    try:
        free = replace(scope, settings=replace(scope.settings, strict=None))
        found = Compiler(free).compile(node)
    except QueryRefusedError:
        return None
    return found.value if found.constant else None


def _compared(
    narrowing: Narrowing, path: KeyPath, sign: str, value: Any, labels: LabelSql
) -> Narrowing:
    where = (path.root, path.steps)
    if where == ("$m", ("timestamp",)) and type(value) is Timestamp:
        return _timed(narrowing, sign, int(value))
    if where == ("$m", ("severity",)) and type(value) is Severity:
        return _severe(narrowing, {one for one in Severity if _ORDERS[sign](one, value)})
    if sign != "==" or type(value) is not str:
        return narrowing
    if path.root == "$l" and len(path.steps) == 1 and path.steps[0] in labels:
        return narrowing.where(labels[str(path.steps[0])](value))
    if path.root == "$d" and _SAFE.fullmatch(value):
        return narrowing.where(("instr(data, ?)", (value,)))
    return narrowing


_ORDERS: dict[str, Callable[[int, int], bool]] = {
    "==": lambda one, two: one == two,
    "!=": lambda one, two: one != two,
    "<": lambda one, two: one < two,
    "<=": lambda one, two: one <= two,
    ">": lambda one, two: one > two,
    ">=": lambda one, two: one >= two,
}


def _timed(narrowing: Narrowing, sign: str, moment: int) -> Narrowing:
    windows = {
        "==": (moment, moment + 1), "<": (None, moment), "<=": (None, moment + 1),
        ">": (moment + 1, None), ">=": (moment, None), "!=": (None, None),
    }  # fmt: skip
    return narrowing.within(*windows[sign])


def _severe(narrowing: Narrowing, severities: Iterable[int]) -> Narrowing:
    return replace(narrowing, severities=narrowing.severities & frozenset(severities))


def _call(narrowing: Narrowing, node: Call, labels: LabelSql) -> Narrowing:
    arguments = node.arguments
    if node.name in ("arrayContains", "inArray") and len(arguments) == 2:
        array, subject = arguments if node.name == "arrayContains" else arguments[::-1]
        return (
            _among(narrowing, subject, array.items, labels)
            if isinstance(array, Array)
            else narrowing
        )
    if node.name == "in" and len(arguments) > 1:
        return _among(narrowing, arguments[0], arguments[1:], labels)
    if node.name == "textSearch" and len(arguments) == 2 and isinstance(arguments[1], Literal):
        return _searched(narrowing, arguments[0], str(arguments[1].value))
    return narrowing


def _among(
    narrowing: Narrowing, subject: Node, candidates: Iterable[Node], labels: LabelSql
) -> Narrowing:
    path, items = keypath_of(subject), list(candidates)
    if path is None:
        return narrowing
    if (path.root, path.steps) == ("$m", ("severity",)):
        names = [one.text for one in items if isinstance(one, Name)]
        if len(names) == len(items) and set(names) <= Severity.__members__.keys():
            return _severe(narrowing, {Severity[name] for name in names})
        return narrowing
    texts = [one.value for one in items if isinstance(one, Literal) and one.kind == "string"]
    known = path.root == "$l" and len(path.steps) == 1 and path.steps[0] in labels
    if not known or len(texts) != len(items) or not 0 < len(texts) <= MOST_CONDITIONS:
        return narrowing
    parts = [labels[str(path.steps[0])](one) for one in texts]
    sql = " OR ".join(part for part, _ in parts)
    return narrowing.where((f"({sql})", tuple(one for _, values in parts for one in values)))


def _searched(narrowing: Narrowing, of: Node, phrase: str) -> Narrowing:
    path = keypath_of(of)
    if path is None or path.root != "$d":
        return narrowing
    return narrowing.where(*_holding(phrase))


def _holding(phrase: str) -> list[Sql]:
    # Letters beyond ASCII have cases that SQLite does not know.
    words = [one for one in tokens(phrase) if _SAFE.fullmatch(one)]
    return [("data LIKE ?", (f"%{word[:LONGEST_WORD]}%",)) for word in words]
