"""A query that finds an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....vendors.emulation.event_fields import MESSAGE_FIELDS

MAX_LITERAL = 200
"""Characters of a message in a query; a longer one is compared by its start."""


def query(event: Mapping[str, Any]) -> str:
    """Return a DataPrime query that finds *event*: by its time, application and message."""
    data, message = event["data"], event["message"]
    conditions = [f"$m.timestampMicros == {event['time_ns'] // 1000}"]
    if event["application"]:
        conditions.append(f"$l.applicationname == {_literal(event['application'])}")
    field = next((name for name in MESSAGE_FIELDS if data.get(name) == message), None)
    if field and message:
        conditions.append(_compared(field, message))
    return "source logs\n| filter " + "\n    && ".join(conditions)


def _compared(field: str, message: str) -> str:
    if len(message) <= MAX_LITERAL:
        return f"$d.{field} == {_literal(message)}"
    return f"startsWith($d.{field}, {_literal(message[:MAX_LITERAL])})"


def _literal(text: str) -> str:
    """Return *text* as a string of the language."""
    return f"'{''.join(map(_escaped, text))}'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    # The language has no escape for characters beyond U+FFFF.
    if character.isprintable() or ord(character) > 0xFFFF:
        return character
    return f"\\u{ord(character):04x}"
