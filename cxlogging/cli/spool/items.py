"""Spooled records in a readable form."""

from __future__ import annotations

import base64
import datetime
import json
import logging
from typing import TYPE_CHECKING, Any

from ..shared.screen import safe

if TYPE_CHECKING:
    from ...delivery.journal.rejected import DeadLetter

PREVIEW_CHARACTERS = 160


def readable(data: bytes) -> Any:
    """Return an encoded event as JSON values; as base64 if it is neither JSON nor MessagePack."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        pass
    import msgpack

    try:
        value = msgpack.unpackb(data, strict_map_key=False, timestamp=3)
        return json.loads(json.dumps(value, default=str))
    except Exception:  # damaged bytes can raise anything
        return {"base64": base64.b64encode(data).decode()}


def preview(letter: DeadLetter, vendor: str) -> str:
    """Return a rejected record as one line."""
    at = datetime.datetime.fromtimestamp(letter.at, datetime.timezone.utc)
    level = logging.getLevelName(letter.level)
    event = json.dumps(readable(letter.item), ensure_ascii=False)
    if len(event) > PREVIEW_CHARACTERS:
        event = event[: PREVIEW_CHARACTERS - 1] + "…"
    stamp = at.isoformat(timespec="seconds")
    return safe(f"{stamp}  {vendor}  {level}  {letter.reason}  {event}")
