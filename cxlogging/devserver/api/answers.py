"""The answers of the API: JSON objects, with the headers that every answer has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..guard import SECURITY_HEADERS


def json_response(value: Mapping[str, Any], status: int = 200) -> Response:
    """Return an answer that carries compact JSON."""
    # ASCII, so that a lone surrogate in an event cannot break the answer.
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(body, status, SECURITY_HEADERS, "application/json")


async def error_response(request: Request, error: Exception) -> Response:
    """Return the answer to a request that raised an `HTTPException`."""
    del request
    if not isinstance(error, HTTPException):
        raise error
    answer = json_response({"error": error.detail}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer
