"""Functions of arrays; those of sets keep the order of values."""

from __future__ import annotations

from typing import Any

from ..values import Kind, equals, group_key, sort_key_of, to_text
from .function import Function

A, N, B, S, ANY = Kind.ARRAY, Kind.NUMBER, Kind.BOOL, Kind.STRING, Kind.ANY


def contains(array: list[Any], value: Any) -> bool:
    """Return True where *value* is in *array*."""
    return any(equals(one, value) for one in array)


def _set(array: list[Any] | None) -> dict[Any, Any]:
    return {group_key(one): one for one in array or ()}


def _join(array: list[Any], mark: str) -> str | None:
    parts = [to_text(one) for one in array]
    return None if None in parts else mark.join(part or "" for part in parts)


def _sort(array: list[Any], *flags: bool) -> list[Any]:
    descending, nulls_first = (*flags, False, False)[:2]
    nulls = [one for one in array if one is None]
    rest = sorted((one for one in array if one is not None), key=sort_key_of, reverse=descending)
    return nulls + rest if nulls_first else rest + nulls


def _intersection(one: Any, two: Any) -> list[Any]:
    other = _set(two)
    return [value for key, value in _set(one).items() if key in other]


def _difference(one: Any, two: Any) -> list[Any]:
    other = _set(two)
    return [value for key, value in _set(one).items() if key not in other]


def _union(one: Any, two: Any) -> list[Any]:
    return list((_set(one) | _set(two)).values())


def _subset(one: Any, two: Any) -> bool:
    return _set(one).keys() <= _set(two).keys()


FUNCTIONS = {
    "arrayAppend": Function(lambda array, value: [*array, value], (A, ANY), A),
    "arrayConcat": Function(
        lambda *arrays: [one for array in arrays for one in array], (A, A), A, many=True
    ),
    "arrayContains": Function(contains, (A, ANY), B),
    "arrayJoin": Function(_join, (A, S), S),
    "arrayLength": Function(len, (A,), N),
    "arrayRemove": Function(
        lambda array, value: [one for one in array if not equals(one, value)], (A, ANY), A
    ),
    "arraySort": Function(_sort, (A, B, B), A, minimum=1),
    "cardinality": Function(lambda array: len(_set(array)), (A,), N),
    "inArray": Function(lambda value, array: contains(array, value), (ANY, A), B),
    "isEmpty": Function(lambda array: not array, (A,), B),
    "isSubset": Function(_subset, (A, A), B, nulls=True),
    "isSuperset": Function(lambda one, two: _subset(two, one), (A, A), B, nulls=True),
    "setDiff": Function(_difference, (A, A), A, nulls=True),
    "setEqualsTo": Function(
        lambda one, two: _set(one).keys() == _set(two).keys(), (A, A), B, nulls=True
    ),
    "setIntersection": Function(_intersection, (A, A), A, nulls=True),
    "setUnion": Function(_union, (A, A), A, nulls=True),
}
