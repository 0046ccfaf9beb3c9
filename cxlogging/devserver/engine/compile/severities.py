"""
Severities in comparisons: bare words in capitals, or the numbers 1 to 6.

Any other way to write one would compare with a field of the data, or with a string, and never be
true: it is refused with the word that is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ....dataprime.rows import Severity
from ....errors import nearest
from ..errors import QueryRefusedError
from ..expression import Expression
from ..syntax.nodes import Array, Literal, Name, Node
from ..values import Kind

NAMES = "severities are bare words: DEBUG VERBOSE INFO WARNING ERROR CRITICAL"
_OTHER_NAMES = {"WARN": "WARNING", "FATAL": "CRITICAL", "ERR": "ERROR", "TRACE": "VERBOSE"}


def meant_by(text: Any) -> str:
    """Return the severity that *text* names in other letters; empty for other texts."""
    word = str(text).upper()
    word = _OTHER_NAMES.get(word, word)
    return word if word in Severity.__members__ else ""


def check_names(nodes: Iterable[Node], is_field: Callable[[Name], bool]) -> None:
    """
    Refuse bare words that are no severity, where they are compared with one.

    Args:
        nodes: What is compared.
        is_field: Returns whether a word is a field of the data as it was sent.
    """
    for node in nodes:
        if isinstance(node, Array):
            check_names(node.items, is_field)
        if not isinstance(node, Name) or node.text in Severity.__members__:
            continue
        meant = meant_by(node.text)
        if meant:
            raise QueryRefusedError(
                f"keypath does not exist {node.text!r}: severities are bare words in capitals,"
                f" write {meant}",
                node.at,
            )
        if is_field(node):
            hint = nearest(node.text.upper(), Severity.__members__)
            raise QueryRefusedError(
                f"{node.text} is no severity, and no field of the data equals one.{hint} {NAMES}",
                node.at,
            )


def hint_for(nodes: Iterable[Node]) -> str:
    """Return what to write instead of the string among *nodes*."""
    for node in nodes:
        if isinstance(node, Literal) and (meant := meant_by(node.value)):
            return f"; write {meant} without quotes: severities are bare words"
    return f"; {NAMES}"


def advice(path: str, nodes: Iterable[Node]) -> str:
    """Return what to write instead of a comparison of the field *path* with a severity."""
    for node in nodes:
        if isinstance(node, Name) and node.text in Severity.__members__:
            return f"write {path} == '{node.text}', or $m.severity == {node.text}"
    return "cast the severity, as in $m.severity:string"


def with_members(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Return *nodes* with the numbers among severities as severities; refuse other literals."""
    found: list[Node] = []
    for node in nodes:
        if isinstance(node, Array):
            found.append(Array(node.at, with_members(node.items)))
        elif isinstance(node, Literal):
            found.append(_member(node))
        else:
            found.append(node)
    return tuple(found)


def _member(node: Literal) -> Name:
    if type(node.value) is int and node.value in list(Severity):
        return Name(node.at, Severity(node.value).name)
    raise QueryRefusedError(
        f"type mismatch: no severity equals {node.value!r}{hint_for((node,))}", node.at
    )


def as_numbers(left: Expression, right: Expression) -> tuple[Expression, Expression]:
    """Return both sides of a comparison; a severity as its number beside a number."""
    if {left.kind, right.kind} != {Kind.ENUM, Kind.NUMBER}:
        return left, right
    return _number(left), _number(right)


def _number(side: Expression) -> Expression:
    if side.kind is not Kind.ENUM:
        return side
    run = side.evaluate

    def number(row: Any) -> Any:
        value = run(row)
        return None if value is None else int(value)

    return Expression(number, Kind.NUMBER, side.constant)
