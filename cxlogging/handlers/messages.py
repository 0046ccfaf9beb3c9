"""Messages that are more than text: mappings, and JSON written by a formatter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..wire.external_errors import is_external
from ..wire.sanitizing.sanitizer import HIDDEN, Sanitizer

OPENING = ("{", "[")
"""The first character of a JSON document."""

MAX_CHARACTERS = 256 * 1024
"""Longest document that is parsed: a log call must not take long."""

MESSAGE_KEYS = ("message", "event", "msg")


def structured(message: Mapping[Any, Any]) -> tuple[str, Mapping[Any, Any]]:
    """Return the message text of a mapping, and its other members."""
    fields = dict(message)
    for key in MESSAGE_KEYS:
        if isinstance(fields.get(key), str):
            text: str = fields.pop(key)
            return str.__str__(text), fields
    return "", fields


def formatted(text: str) -> tuple[str, Mapping[Any, Any]]:
    """Return the output of a formatter; of a JSON object, its message and its other members."""
    if text[:1] == "{" and text.rstrip()[-1:] == "}":
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            if is_external(error):
                raise
            return text, {}
        return structured(value)
    return text, {}


def without_secrets(text: str, sanitizer: Sanitizer) -> str:
    """Return *text*; if it is a JSON document, with the values of sensitive names hidden."""
    if sanitizer.is_sensitive is None or text[:1] not in OPENING or len(text) > MAX_CHARACTERS:
        return text
    try:
        value = sanitizer.value(json.loads(text))
    except (ValueError, RecursionError) as error:
        if is_external(error):
            raise
        return text
    clean = json.dumps(value, ensure_ascii=False)
    return clean if HIDDEN in clean else text
