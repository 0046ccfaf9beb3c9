"""Flattens nested fields to dotted names, for vendors that store columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..codec import dumps
from .truncation import within


def flatten(fields: dict[str, Any], text_bytes: int, limit: int) -> dict[str, Any]:
    """
    Return *fields* with nested names dotted, and lists as their JSON text.

    Args:
        fields: Sanitized fields.
        text_bytes: The longest text value in bytes of UTF-8; longer ones are cut.
        limit: The number of names that are kept; one more name then says that others were cut.
    """
    if len(fields) <= limit and _are_flat(fields.values(), text_bytes // 4):
        return fields
    result: dict[str, Any] = {}
    for name, value in _leaves("", fields, text_bytes):
        if len(result) == limit:
            result["cx_more_fields"] = f"<cut: {limit} fields are kept>"
            break
        free = name
        while free in result:
            free += "_"
        result[free] = value
    return result


def _are_flat(values: Iterable[Any], characters: int) -> bool:
    """Return True if no value is nested, and no text has more than *characters*."""
    for value in values:
        kind = type(value)
        if kind is dict or kind is list or (kind is str and len(value) > characters):
            return False
    return True


def _leaves(prefix: str, fields: dict[str, Any], text_bytes: int) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        dotted = f"{prefix}{name}"
        if type(value) is dict and value:
            yield from _leaves(f"{dotted}.", value, text_bytes)
        elif type(value) is dict or type(value) is list:
            yield dotted, within(dumps(value), text_bytes)
        else:
            yield dotted, within(value, text_bytes) if type(value) is str else value
