"""The answers of the API: JSON objects, with the headers that every answer has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..events.selection import SelectionError
from ..guard import SECURITY_HEADERS


def json_response(value: Mapping[str, Any], status: int = 200) -> Response:
    """Return an answer that carries compact JSON."""
    # ASCII, so that a lone surrogate in an event cannot break the answer.
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(body, status, SECURITY_HEADERS, "application/json")


async def query_error_response(request: Request, error: Exception) -> Response:
    """Return the answer to a query that is wrong, or that failed."""
    del request
    if not isinstance(error, SelectionError):
        raise error
    value = {
        "error": str(error),
        "position": error.position,
        "caret": error.caret,
        "hint": error.hint,
    }
    return json_response(value, 400)


async def unavailable_response(request: Request, error: Exception) -> Response:
    """Return the answer to a question that takes too long, or comes when too many others run."""
    del request
    sentence = str(error) or "too many queries run: try again when others have ended"
    return json_response({"error": sentence}, 503)


async def error_response(request: Request, error: Exception) -> Response:
    """Return the answer to a request that raised an `HTTPException`."""
    del request
    if not isinstance(error, HTTPException):
        raise error
    answer = json_response({"error": error.detail}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer
