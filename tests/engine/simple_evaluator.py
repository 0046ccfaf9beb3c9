"""
A second evaluator of a part of the language, written from its documentation.

Expressions and commands are tuples, which it writes as text for the engine and evaluates itself, in
the plainest way. Null is None. It knows the data as JSON alone: no times, no severities.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]
Expr = tuple[Any, ...]

TYPES = (str, float, bool)
"""In the order in which values of different types are sorted; null is last."""


def type_of(value: Any) -> Any:
    if value is None:
        return None
    return bool if isinstance(value, bool) else str if isinstance(value, str) else float


def text_of(expr: Expr) -> str:
    """Return *expr* as it is written in a query."""
    name, *rest = expr
    if name == "field":
        return str(rest[0])
    if name == "literal":
        return _literal(rest[0])
    if name in ("not", "minus"):
        return f"{'!' if name == 'not' else '-'}({text_of(rest[0])})"
    if name == "cast":
        return f"({text_of(rest[0])}):{rest[1]}"
    if name == "call":
        return f"{rest[0]}({', '.join(map(text_of, rest[1:]))})"
    return f"({text_of(rest[0])} {name} {text_of(rest[1])})"


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else str(value)


def value_of(expr: Expr, row: Row) -> Any:
    """Return the value of *expr* for *row*."""
    name, *rest = expr
    if name == "field":
        return row.get(rest[0])
    if name == "literal":
        return rest[0]
    if name == "call":
        return _called(rest[0], [value_of(each, row) for each in rest[1:]])
    if name == "cast":
        return _cast(value_of(rest[0], row), rest[1])
    values = [value_of(each, row) for each in rest]
    if name in ("not", "minus"):
        wanted = bool if name == "not" else float
        if type_of(values[0]) is not wanted:
            return None
        return not values[0] if name == "not" else -values[0]
    if name in ("&&", "||"):
        return _logic(name, *values)
    return _compared(name, *values) if name in _COMPARED else _calculated(name, *values)


def _logic(name: str, left: Any, right: Any) -> Any:
    known = [side for side in (left, right) if isinstance(side, bool)]
    decides = name == "||"
    if decides in known:
        return decides
    return not decides if len(known) == 2 else None


_COMPARED = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _compared(sign: str, left: Any, right: Any) -> Any:
    if left is None or right is None:
        if sign not in ("==", "!="):
            return None
        return (left is right) is (sign == "==")
    return _COMPARED[sign](left, right) if type_of(left) is type_of(right) else None


def _calculated(sign: str, left: Any, right: Any) -> Any:
    if type_of(left) is not float or type_of(right) is not float:
        return None
    if sign in "/%" and right == 0:
        return None
    if sign == "%":
        return math.fmod(left, right)
    return {"+": left + right, "-": left - right, "*": left * right}.get(sign, left / (right or 1))


def _cast(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "number":
        if type_of(value) is not str:
            return int(value) if isinstance(value, bool) else value
        try:
            return float(value)
        except ValueError:
            return None
    if type_of(value) is float:
        return str(int(value)) if value == int(value) else str(value)
    return str(value).lower() if isinstance(value, bool) else value


def _called(name: str, values: list[Any]) -> Any:
    if name == "firstNonNull":
        return next((each for each in values if each is not None), None)
    if name == "if":
        return values[1] if values[0] is True else values[2]
    if name == "in":
        first, *others = values
        return None if first is None else any(_compared("==", first, one) is True for one in others)
    if name == "concat":
        values = [_cast(each, "string") for each in values]
    takes, apply = _FUNCTIONS[name]
    if [type_of(each) for each in values] != list(takes):
        return None
    return apply(*values)


_FUNCTIONS = {
    "toLowerCase": ((str,), lambda text: text.lower()),
    "toUpperCase": ((str,), lambda text: text.upper()),
    "trim": ((str,), lambda text: text.strip()),
    "length": ((str,), len),
    "contains": ((str, str), lambda text, part: part in text),
    "startsWith": ((str, str), lambda text, part: text[: len(part)] == part),
    "endsWith": ((str, str), lambda text, part: not part or text[-len(part) :] == part),
    "indexOf": ((str, str), lambda text, part: text.find(part)),
    "abs": ((float,), abs),
    "floor": ((float,), math.floor),
    "ceil": ((float,), math.ceil),
    "concat": ((str, str), lambda one, two: one + two),
}


def query_of(commands: Iterable[tuple[Any, ...]]) -> str:
    """Return the query of *commands*."""
    return " | ".join(["source logs", *map(_written, commands)])


def _written(command: tuple[Any, ...]) -> str:
    name, *rest = command
    if name in ("filter", "block"):
        return f"{name} {text_of(rest[0])}"
    if name == "create":
        return f"create {rest[0]} from {text_of(rest[1])}"
    if name == "choose":
        return "choose " + ", ".join(f"{text_of(one)} as {alias}" for alias, one in rest[0])
    if name == "limit":
        return f"limit {rest[0]}"
    if name == "orderby":
        keys = (f"{text_of(one)}{' desc' if down else ''}" for one, down in rest[0])
        return "orderby " + ", ".join(keys)
    keys = ", ".join(f"{text_of(one)} as {alias}" for alias, one in rest[0])
    found = ", ".join(
        f"{function}({', '.join(map(text_of, of))}) as {alias}" for alias, function, *of in rest[1]
    )
    return f"groupby {keys} aggregate {found}"


def rows_of(commands: Iterable[tuple[Any, ...]], rows: list[Row]) -> list[Row]:
    """Return *rows* after *commands*."""
    for name, *rest in commands:
        if name in ("filter", "block"):
            rows = [row for row in rows if (value_of(rest[0], row) is True) is (name == "filter")]
        elif name == "create":
            rows = [{**row, rest[0]: value_of(rest[1], row)} for row in rows]
        elif name == "choose":
            rows = [{alias: value_of(one, row) for alias, one in rest[0]} for row in rows]
        elif name == "limit":
            rows = rows[: rest[0]]
        elif name == "orderby":
            rows = _ordered(rows, rest[0])
        else:
            rows = _grouped(rows, *rest)
    return rows


def _ordered(rows: list[Row], keys: list[tuple[Expr, bool]]) -> list[Row]:
    # By the last key first: a stable sort keeps what a later one leaves equal.
    for written, declared in reversed(keys):
        # -x is how people write x desc, whatever the type of x.
        minus = written[0] == "minus"
        expr, down = (written[1], not declared) if minus else (written, declared)
        known = [row for row in rows if value_of(expr, row) is not None]
        nulls = [row for row in rows if value_of(expr, row) is None]

        def key(row: Row, expr: Expr = expr) -> Any:
            value = value_of(expr, row)
            return TYPES.index(type_of(value)), value

        rows = sorted(known, key=key, reverse=down) + nulls
    return rows


def _grouped(rows: list[Row], keys: Any, aggregates: Any) -> list[Row]:
    groups: dict[Any, tuple[Row, list[Row]]] = {}
    for row in rows:
        values = {alias: value_of(one, row) for alias, one in keys}
        name = tuple((type_of(value), value) for value in values.values())
        groups.setdefault(name, (values, []))[1].append(row)
    return [
        {
            **values,
            **{alias: _aggregated(function, of, held) for alias, function, *of in aggregates},
        }
        for values, held in groups.values()
    ]


def _aggregated(function: str, of: list[Expr], rows: list[Row]) -> Any:
    if function == "count_if":
        return sum(value_of(of[0], row) is True for row in rows)
    if not of:
        return len(rows)
    values = [value for row in rows if (value := value_of(of[0], row)) is not None]
    if function == "count":
        return len(values)
    if function == "distinct_count":
        return len({(type_of(value), value) for value in values})
    if function in ("sum", "avg"):
        numbers = [value for value in values if type_of(value) is float]
        total = sum(numbers)
        return None if not numbers else total / len(numbers) if function == "avg" else total
    # Values of another type than the first one have no order with it.
    alike = [value for value in values if type_of(value) is type_of(values[0])]
    return None if not alike else max(alike) if function == "max" else min(alike)
