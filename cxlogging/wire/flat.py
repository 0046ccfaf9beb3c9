"""Flattening nested fields into dotted names, for vendors that have columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .codec import dumps
from .text import within


def flat(fields: dict[str, Any], text_bytes: int, most: int) -> dict[str, Any]:
    """
    Return *fields* with nested names dotted, and lists as their JSON text.

    Args:
        fields: Clean fields.
        text_bytes: Longest text value, in bytes of UTF-8; longer ones are cut.
        most: So many names are kept; one more then says that the rest was cut.
    """
    if len(fields) <= most and all(_is_flat(value, text_bytes) for value in fields.values()):
        return fields
    result: dict[str, Any] = {}
    for name, value in _leaves("", fields, text_bytes):
        if len(result) == most:
            result["cx_more_fields"] = f"<cut: {most} fields are kept>"
            break
        free = name
        while free in result:
            free += "_"
        result[free] = value
    return result


def _is_flat(value: Any, text_bytes: int) -> bool:
    kind = type(value)
    return not (kind is dict or kind is list or (kind is str and len(value) > text_bytes // 4))


def _leaves(prefix: str, fields: dict[str, Any], text_bytes: int) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        dotted = f"{prefix}{name}"
        if type(value) is dict and value:
            yield from _leaves(f"{dotted}.", value, text_bytes)
        elif type(value) is dict or type(value) is list:
            yield dotted, within(dumps(value), text_bytes)
        else:
            yield dotted, within(value, text_bytes) if type(value) is str else value
