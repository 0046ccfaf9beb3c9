"""Compiles operators: the types that they take, and their results."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..errors import QueryRefusedError
from ..expression import Evaluate, Expression, check_type, fold_constants
from ..syntax.nodes import Binary
from ..values import (
    Interval,
    Kind,
    Timestamp,
    compare,
    equals,
    finite,
    kind_of,
    parse_interval,
    round_down,
)
from . import severities

COMPARISONS: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}

COMPARING = ("==", "!=", *COMPARISONS)
N, T, V = Kind.NUMBER, Kind.TIMESTAMP, Kind.INTERVAL
ARITHMETIC: dict[tuple[str, Kind, Kind], Kind] = {
    ("+", N, N): N, ("-", N, N): N, ("*", N, N): N, ("/", N, N): N, ("%", N, N): N,
    ("+", T, V): T, ("+", V, T): T, ("-", T, V): T, ("-", T, T): V, ("/", T, V): T,
    ("+", V, V): V, ("-", V, V): V, ("*", V, N): V, ("*", N, V): V, ("/", V, N): V,
    ("/", V, V): N,
}  # fmt: skip
"""The result types; a timestamp divided by an interval is rounded down to a multiple of it."""

_MAKE: dict[Kind, Callable[[Any], Any]] = {N: lambda value: value, T: Timestamp, V: Interval}


def binary(node: Binary, left: Expression, right: Expression) -> Expression:
    """Return the expression `left sign right`; refuse types that do not match."""
    sign = node.sign
    if sign in ("&&", "||"):
        return _logic(node, left, right)
    if sign in ("==", "!="):
        _check_same(node, left, right)
        return fold_constants(_equality(left, right, negated=sign == "!="), Kind.BOOL, left, right)
    if sign in COMPARISONS:
        _check_same(node, left, right)
        return fold_constants(_ordering(left, right, sign), Kind.BOOL, left, right)
    return _arithmetic(node, left, right)


def _check_same(node: Binary, left: Expression, right: Expression) -> None:
    open_kinds = (Kind.ANY, Kind.NULL)
    if left.kind is right.kind or left.kind in open_kinds or right.kind in open_kinds:
        return
    hint = ""
    if Kind.ENUM in (left.kind, right.kind):
        hint = severities.hint_for((node.left, node.right))
    if Kind.TIMESTAMP in (left.kind, right.kind):
        hint = "; write a time as @'2025-01-20T00:00:00Z'"
    raise QueryRefusedError(
        f"type mismatch: {node.sign} compares a {left.kind.value} with a {right.kind.value}{hint}",
        node.at,
    )


def _equality(left: Expression, right: Expression, *, negated: bool) -> Evaluate:
    if left.constant and not right.constant:
        left, right = right, left
    run = left.evaluate
    if right.constant and type(right.value) is str:
        return _string_equality(run, right.value, negated=negated)
    other = right.evaluate

    def same(row: Any) -> Any:
        found = equals(run(row), other(row))
        return found if found is None else found is not negated

    return same


def _string_equality(run: Evaluate, wanted: str, *, negated: bool) -> Evaluate:
    def same(row: Any) -> Any:
        value = run(row)
        if type(value) is str:
            return (value == wanted) is not negated
        return negated if value is None else None

    return same


def _ordering(left: Expression, right: Expression, sign: str) -> Evaluate:
    one, two, test = left.evaluate, right.evaluate, COMPARISONS[sign]

    def ordered(row: Any) -> Any:
        order = compare(one(row), two(row))
        return None if order is None else test(order)

    return ordered


def _logic(node: Binary, left: Expression, right: Expression) -> Expression:
    for side in (left, right):
        check_type(side, Kind.BOOL, node.sign, node.at)
    one, two, ends = left.evaluate, right.evaluate, node.sign == "||"

    def logic(row: Any) -> Any:
        # false && null is false, true || null is true, in either order.
        first = one(row)
        if first is ends:
            return ends
        second = two(row)
        if second is ends:
            return ends
        return (not ends) if type(first) is bool and type(second) is bool else None

    return fold_constants(logic, Kind.BOOL, left, right)


def _arithmetic(node: Binary, left: Expression, right: Expression) -> Expression:
    sign = node.sign
    kinds = {
        made
        for (each, one, two), made in ARITHMETIC.items()
        if each == sign
        and left.kind in (one, Kind.ANY, Kind.NULL)
        and right.kind in (two, Kind.ANY, Kind.NULL)
    }
    if not kinds:
        hint = "; concat() joins strings" if Kind.STRING in (left.kind, right.kind) else ""
        raise QueryRefusedError(
            f"type mismatch: {sign} does not take a {left.kind.value} and"
            f" a {right.kind.value}{hint}",
            node.at,
        )
    one, two = left.evaluate, right.evaluate

    def run(row: Any) -> Any:
        return calculated(sign, one(row), two(row))

    return fold_constants(run, kinds.pop() if len(kinds) == 1 else Kind.ANY, left, right)


def calculated(sign: str, left: Any, right: Any) -> Any:
    """Return `left sign right`; None where that has no result."""
    if left is None or right is None:
        return None
    made = ARITHMETIC.get((sign, kind_of(left), kind_of(right)))
    if made is None:
        left, right = _text_as_interval(left), _text_as_interval(right)
        made = ARITHMETIC.get((sign, kind_of(left), kind_of(right)))
        if made is None:
            return None
    if sign == "/" and type(left) is Timestamp:
        return round_down(left, right)
    try:
        return _MAKE[made](finite(_PLAIN[sign](_bare(left), _bare(right))))
    except (ZeroDivisionError, OverflowError, ValueError, TypeError):
        return None


def _text_as_interval(value: Any) -> Any:
    found = parse_interval(value) if type(value) is str else None
    return value if found is None else found


def _bare(value: Any) -> Any:
    return value if type(value) is float else int(value)


def _divide(left: Any, right: Any) -> Any:
    # Integers stay integers where the division has no remainder.
    if type(left) is int and type(right) is int and left % right == 0:
        return left // right
    return left / right


def _power_safe_times(left: Any, right: Any) -> Any:
    if type(left) is int and type(right) is int and left.bit_length() + right.bit_length() > 4_096:
        raise OverflowError
    return left * right


_PLAIN: dict[str, Any] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": _power_safe_times,
    "/": _divide,
    "%": math.fmod,
}


def negative(of: Expression, at: int) -> Expression:
    """Return the expression `-of`."""
    if of.kind not in (N, V, Kind.ANY, Kind.NULL):
        raise QueryRefusedError(f"type mismatch: - does not take a {of.kind.value}", at)
    run = of.evaluate

    def minus(row: Any) -> Any:
        value = run(row)
        kind = type(value)
        if kind is int or kind is float:
            return -value
        return Interval(-value) if kind is Interval else None

    return fold_constants(minus, of.kind, of)


def negation(of: Expression, at: int) -> Expression:
    """Return the expression `!of`."""
    run = check_type(of, Kind.BOOL, "!", at).evaluate

    def run_not(row: Any) -> Any:
        value = run(row)
        return not value if type(value) is bool else None

    return fold_constants(run_not, Kind.BOOL, of)
