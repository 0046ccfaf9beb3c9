"""Functions of arrays; those of sets keep the order of values."""

from __future__ import annotations

import re
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


def _index(position: float, end: int) -> int:
    if position != int(position) or not 0 <= position < end:
        raise ValueError
    return int(position)


def _insert_at(array: list[Any], position: float, value: Any) -> list[Any]:
    at = _index(position, len(array) + 1)
    return [*array[:at], value, *array[at:]]


def _replace_at(array: list[Any], position: float, value: Any) -> list[Any]:
    at = _index(position, len(array))
    return [*array[:at], value, *array[at + 1 :]]


def _remove_at(array: list[Any], position: float) -> list[Any]:
    at = _index(position, len(array))
    return [*array[:at], *array[at + 1 :]]


def _split(text: str, mark: Any) -> list[Any]:
    if type(mark) not in (str, re.Pattern):
        raise ValueError
    parts: list[Any] = text.split(mark) if type(mark) is str else mark.split(text)
    return parts


def _difference_both(one: Any, two: Any) -> list[Any]:
    return [*_difference(one, two), *_difference(two, one)]


FUNCTIONS = {
    "arrayAppend": Function(lambda array, value: [*array, value], (A, ANY), A),
    "arrayConcat": Function(
        lambda *arrays: [one for array in arrays for one in array], (A, A), A, many=True
    ),
    "arrayContains": Function(contains, (A, ANY), B),
    "arrayInsertAt": Function(_insert_at, (A, N, ANY), A),
    "arrayJoin": Function(_join, (A, S), S),
    "arrayLength": Function(len, (A,), N),
    "arrayRemove": Function(
        lambda array, value: [one for one in array if not equals(one, value)], (A, ANY), A
    ),
    "arrayRemoveAt": Function(_remove_at, (A, N), A),
    "arrayReplaceAll": Function(
        lambda array, value, new: [new if equals(one, value) else one for one in array],
        (A, ANY, ANY),
        A,
    ),
    "arrayReplaceAt": Function(_replace_at, (A, N, ANY), A),
    "arraySort": Function(_sort, (A, B, B), A, minimum=1, names=("array", "desc", "nullsFirst")),
    "arraySplit": Function(_split, (S, ANY), A),
    "cardinality": Function(lambda array: len(_set(array)), (A,), N),
    "inArray": Function(lambda value, array: contains(array, value), (ANY, A), B),
    "isEmpty": Function(lambda array: not array, (A,), B),
    "isSubset": Function(_subset, (A, A), B, nulls=True),
    "isSuperset": Function(lambda one, two: _subset(two, one), (A, A), B, nulls=True),
    "setDiff": Function(_difference, (A, A), A, nulls=True),
    "setDiffSymmetric": Function(_difference_both, (A, A), A, nulls=True),
    "setEqualsTo": Function(
        lambda one, two: _set(one).keys() == _set(two).keys(), (A, A), B, nulls=True
    ),
    "setIntersection": Function(_intersection, (A, A), A, nulls=True),
    "setUnion": Function(_union, (A, A), A, nulls=True),
}
