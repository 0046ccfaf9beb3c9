"""The parameters and bodies of requests to the API; what is wrong with them is answered 400."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ...vendors.registry import VENDORS

BODY_LIMIT = 64 * 1024
MAX_ID = 2**63 - 1
"""The largest id of an event or a request."""


def number(request: Request, name: str, default: int | None, maximum: int) -> Any:
    """Return a whole number from 1, at most *maximum*; *default* where it is not given."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) > 0):
        raise HTTPException(400, f"{name} must be a whole number from 1")
    return min(int(text), maximum)


def vendor(request: Request, known: tuple[str, ...] = tuple(VENDORS)) -> str | None:
    """Return the name of a vendor; None where none is given."""
    given = request.query_params.get("vendor", "")
    if given and given not in known:
        raise HTTPException(400, f"vendor must be one of {', '.join(known)}")
    return given or None


async def json_body(request: Request, limit: int = BODY_LIMIT) -> Mapping[str, Any]:
    """Return the JSON object of a request, of at most *limit* bytes."""
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > limit:
            raise HTTPException(413, f"the body is larger than {limit} bytes")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return value
