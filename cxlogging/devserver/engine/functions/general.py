"""Functions of values of any type."""

from __future__ import annotations

from typing import Any

from ...schema import to_json
from ..values import Kind, equals, json_value
from .function import Function

ANY = Kind.ANY


def _first(*values: Any) -> Any:
    return next((one for one in values if one is not None and type(one) is not dict), None)


def _if(condition: Any, then: Any, otherwise: Any = None) -> Any:
    return then if condition is True else otherwise


def _in(value: Any, *candidates: Any) -> bool | None:
    if value is None:
        return None
    return any(equals(value, one) for one in candidates)


def _size(value: Any) -> int:
    return len(to_json(json_value(value)).encode())


FUNCTIONS = {
    "firstNonNull": Function(_first, (ANY, ANY), ANY, minimum=1, many=True, nulls=True),
    "if": Function(
        _if, (Kind.BOOL, ANY, ANY), ANY, minimum=2, nulls=True, names=("condition", "then", "else")
    ),
    "in": Function(_in, (ANY, ANY), Kind.BOOL, many=True, nulls=True),
    "objectSize": Function(
        _size, (Kind.OBJECT,), Kind.NUMBER, minimum=0, implied="$d", archive=True
    ),
}
