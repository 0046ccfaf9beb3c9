"""What an HTTP status other than success means, as an error."""

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
    is_compilation,
    message_of,
)

REQUEST_ID = ("x-request-id", "x-coralogix-request-id", "x-amzn-requestid", "x-amzn-trace-id")
SENTENCE_LENGTH = 2_000
_TAG = re.compile(r"<(style|script).*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def refusal(
    status: int,
    headers: Mapping[str, str],
    body: str,
    *,
    mask: Callable[[str], str],
    query: str = "",
    now: float,
) -> QueryError:
    """
    Return the error of an answer.

    Args:
        status: The HTTP status.
        headers: Names in lower case.
        body: Its beginning.
        mask: Hides the key in what is shown.
        query: The query's text, for a caret below it.
        now: Seconds since 1970, for a ``Retry-After`` that is a date.
    """
    identity = mask(next((headers[name] for name in REQUEST_ID if headers.get(name)), ""))
    said = mask(sentence(body))[:SENTENCE_LENGTH].strip()
    shown = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    shown += f" (request {identity})" if identity else ""
    if status in {401, 403}:
        return AuthenticationError(f"{shown}. {KEY_HINT}", request_id=identity)
    if status == 429:
        wait = retry_after(headers, now)
        return RateLimited(shown, retry_after=wait, request_id=identity)
    if status == 404:
        return UnknownQuery(shown, request_id=identity)
    if status == 400 and is_compilation(said):
        return QuerySyntaxError(said, query, request_id=identity)
    if 400 <= status < 500 and status not in {408, 425}:
        return RequestRefused(shown, request_id=identity)
    if 300 <= status < 400:
        shown += ": redirects are not followed, check domain or url"
    return ServerError(shown, status=status, request_id=identity)


def sentence(body: str) -> str:
    """Return what a person wants to read of an error's body: JSON, a page, or text."""
    try:
        said = message_of(json.loads(body))
    except (ValueError, RecursionError):
        said = _TAG.sub(" ", body)
    return " ".join((said or body).split(" ")).strip()
