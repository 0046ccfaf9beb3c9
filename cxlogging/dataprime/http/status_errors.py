"""The errors for HTTP statuses other than success."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from ...delivery.worker.backoff import retry_after
from ..errors import (
    KEY_HINT,
    AuthenticationError,
    QueryError,
    QuerySyntaxError,
    RateLimited,
    RequestRefused,
    ServerError,
    UnknownQuery,
    is_compile_error,
    message_of,
)

REQUEST_ID_HEADERS = (
    "x-request-id",
    "x-coralogix-request-id",
    "x-amzn-requestid",
    "x-amzn-trace-id",
)
MESSAGE_LENGTH = 2_000
_TAG = re.compile(r"<(style|script).*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def status_error(
    status: int,
    headers: Mapping[str, str],
    body: str,
    *,
    mask: Callable[[str], str],
    query: str = "",
    is_job: bool = True,
    address: str = "the address",
    now: float,
) -> QueryError:
    """
    Return the error for a response.

    Args:
        status: The HTTP status.
        headers: Names in lower case.
        body: The beginning of the body.
        mask: Hides the key in the message.
        query: The text of the query, for a caret below it.
        is_job: True for a request about a background query, which the service may not know.
        address: Where the request went.
        now: Seconds since 1970, for a ``Retry-After`` that is a date.
    """
    request_id = mask(next((headers[name] for name in REQUEST_ID_HEADERS if headers.get(name)), ""))
    words = _message(body)
    message = mask(words)[:MESSAGE_LENGTH].strip()
    shown = f"HTTP {status}: {message}" if message else f"HTTP {status}"
    shown += f" (request {request_id})" if request_id else ""
    if status in {401, 403}:
        return AuthenticationError(f"{shown}. {KEY_HINT}", request_id=request_id)
    if status == 429:
        wait = retry_after(headers, now)
        pause = "" if wait is None else f", and asks for a pause of {wait:g} seconds"
        shown += f". The service allows 30 direct queries a minute{pause}."
        return RateLimited(shown, retry_after=wait, request_id=request_id)
    if status == 404 and not is_job:
        shown += f". {address} has no query API: check domain or url"
        return RequestRefused(f"{shown}.", request_id=request_id)
    if status == 404:
        return UnknownQuery(shown, request_id=request_id)
    if status == 400 and is_compile_error(words):
        return QuerySyntaxError(message, query, request_id=request_id)
    if 400 <= status < 500 and status not in {408, 425}:
        return RequestRefused(shown, request_id=request_id)
    if 300 <= status < 400:
        shown += ": redirects are not followed, check domain or url"
    return ServerError(shown, status=status, request_id=request_id)


def _message(body: str) -> str:
    """Return the message in the body of an error, which is JSON, HTML or text."""
    try:
        message = message_of(json.loads(body))
    except (ValueError, RecursionError):
        message = _TAG.sub(" ", body)
    return " ".join((message or body).split(" ")).strip()
