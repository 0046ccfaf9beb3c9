"""The parameters and bodies of requests to the API; what is wrong with them is answered 400."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ...vendors.registry import VENDORS
from ..events.filters import EventFilter, FieldValue, UnknownFieldError
from ..events.search_text import excess

BODY_LIMIT = 64 * 1024
MAX_VALUES = 50
SEVERITIES = ("1", "2", "3", "4", "5", "6")
_NANOSECONDS = re.compile(r"-?[0-9]{1,20}")
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


def event_filter(request: Request) -> EventFilter:
    """Return the filter that the parameters of a request describe."""
    given = request.query_params
    wanted, unwanted = (tuple(map(_pair, given.getlist(name))) for name in ("is", "not"))
    if len(wanted) + len(unwanted) > MAX_VALUES:
        raise HTTPException(400, f"is and not: at most {MAX_VALUES} values")
    text = given.get("q", "")
    if sentence := excess(text):
        raise HTTPException(400, sentence)
    found = EventFilter(
        text=text,
        severities=frozenset(map(_severity, given.getlist("level"))),
        wanted=wanted,
        unwanted=unwanted,
        start=_moment(request, "from"),
        end=_moment(request, "to"),
        vendor=vendor(request),
    )
    try:
        found.conditions()
    except UnknownFieldError as error:
        raise HTTPException(400, str(error)) from None
    return found


def _pair(text: str) -> FieldValue:
    field, colon, value = text.partition(":")
    if not colon or not field:
        raise HTTPException(400, f"is and not must be field:value, not {text[:100]!r}")
    return FieldValue(unquote(field), value)


def _severity(text: str) -> int:
    if text not in SEVERITIES:
        raise HTTPException(400, f"level must be a number from 1 to 6, not {text[:100]!r}")
    return int(text)


def _moment(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    if not _NANOSECONDS.fullmatch(text):
        raise HTTPException(400, f"{name} must be nanoseconds since 1970, not {text[:100]!r}")
    return max(-(2**63), min(int(text), 2**63 - 1))


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
