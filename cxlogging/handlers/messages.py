"""Messages that are more than text: mappings, and the JSON of a formatter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..wire.values.guard import is_external
from ..wire.values.sanitize import HIDDEN, Cleaner

OPENING = ("{", "[")
MOST_CHARACTERS = 256 * 1024
"""Of a document that is read: a log call may not take long."""

MESSAGE_KEYS = ("message", "event", "msg")


def structured(message: Mapping[Any, Any]) -> tuple[str, Mapping[Any, Any]]:
    """Return a mapping's own message text, and its other members."""
    fields = dict(message)
    for key in MESSAGE_KEYS:
        if isinstance(fields.get(key), str):
            text: str = fields.pop(key)
            return str.__str__(text), fields
    return "", fields


def formatted(text: str) -> tuple[str, Mapping[Any, Any]]:
    """Return a formatter's text; where it is a JSON object, its message and members."""
    if text[:1] == "{" and text.rstrip()[-1:] == "}":
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            if is_external(error):
                raise
            return text, {}
        return structured(value)
    return text, {}


def without_secrets(text: str, cleaner: Cleaner) -> str:
    """Return *text*; where it is a JSON document, without the values of sensitive names."""
    if cleaner.is_sensitive is None or text[:1] not in OPENING or len(text) > MOST_CHARACTERS:
        return text
    try:
        value = cleaner.value(json.loads(text))
    except (ValueError, RecursionError) as error:
        if is_external(error):
            raise
        return text
    clean = json.dumps(value, ensure_ascii=False)
    return clean if HIDDEN in clean else text
