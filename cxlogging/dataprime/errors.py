"""
Every error and warning of the query client.

::

    CxLoggingError
    ├── ConfigurationError          impossible arguments, before anything is sent
    └── QueryError                  everything else
        ├── AuthenticationError     the key is refused
        ├── RequestRefused          the service does not take the request
        │   ├── QuerySyntaxError    the query does not compile: line, column, caret
        │   └── UnknownQuery        no background query has this id
        ├── RateLimited             too many requests, and the retry budget is spent
        ├── ServerError             5xx, a redirect, an answer that is none
        ├── Unreachable             no connection
        └── QueryFailed             the query began, and did not complete
            ├── PartialResult       the answer ended before its end
            └── QueryTimeout        the service's time is over, or ours

No error holds the key: neither its text, nor what it was raised from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import CxLoggingError

if TYPE_CHECKING:
    from .results import QueryResult

KEY_HINT = (
    "Queries take a personal or team key with the DataQuerying permission preset;"
    " a Send-Your-Data key, which handlers send with, cannot query."
)
_POSITION = re.compile(r"line\s+(\d+)\s*(?:,|:|at)?\s*col(?:umn)?\s+(\d+)", re.IGNORECASE)
_COMPILATION = re.compile(r"compil|syntax error|keypath does not exist|parse error", re.IGNORECASE)


class CxQueryWarning(UserWarning):
    """Rows may be missing: a limit was reached, or the query names fields that no log has."""


class QueryError(CxLoggingError):
    """
    A query that has no whole answer.

    Attributes:
        query_id: The service's name for the query, where it gave one.
        request_id: The service's name for the request, for its support.
        result: The rows that `DataPrimeClient.query` had read before, or None.
    """

    def __init__(self, message: str, *, query_id: str = "", request_id: str = "") -> None:
        super().__init__(message)
        self.query_id = query_id
        self.request_id = request_id
        self.result: QueryResult | None = None


class AuthenticationError(QueryError):
    """The key is missing, wrong, of another region or of the wrong kind."""


class RequestRefused(QueryError):  # noqa: N818
    """The service does not take the request."""


class UnknownQuery(RequestRefused):
    """The service knows no background query of this id."""


class QuerySyntaxError(RequestRefused):
    """
    The query does not compile.

    Attributes:
        line: Counted from 0, as the service does; None where it names none.
        column: Counted from 0.
        caret: The query's line, and below it a caret; empty where no position is known.
    """

    def __init__(self, message: str, query: str = "", *, request_id: str = "") -> None:
        found = _POSITION.search(message)
        self.line = int(found[1]) if found else None
        self.column = int(found[2]) if found else None
        self.caret = _caret(query, self.line, self.column)
        text = f"{message}\n{self.caret}" if self.caret else message
        super().__init__(text, request_id=request_id)


class RateLimited(QueryError):  # noqa: N818
    """
    Too many requests: the service allows 30 direct queries a minute.

    Attributes:
        retry_after: Seconds that the service asks to wait, or None.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, request_id: str = ""
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.retry_after = retry_after


class ServerError(QueryError):
    """The service has trouble of its own; *status* is the HTTP status."""

    def __init__(self, message: str, *, status: int, request_id: str = "") -> None:
        super().__init__(message, request_id=request_id)
        self.status = status


class Unreachable(QueryError):  # noqa: N818
    """
    No connection to the service.

    Attributes:
        dropped: True where there was one, and it was closed without an answer.
    """

    dropped = False


class QueryFailed(QueryError):  # noqa: N818
    """The query began, and the service says that it did not complete."""

    def __init__(self, message: str, *, status: str = "", query_id: str = "") -> None:
        super().__init__(message, query_id=query_id)
        self.status = status


class PartialResult(QueryFailed):
    """The answer ended before its end: what was read is not all."""


class QueryTimeout(QueryFailed):
    """The service gave up on the query, or the caller's time was over."""


def is_compilation(message: str) -> bool:
    """Return True where the service speaks of the query's text."""
    return bool(_COMPILATION.search(message))


def _caret(query: str, line: int | None, column: int | None) -> str:
    lines = query.split("\n")
    if line is None or column is None or line >= len(lines) or column > len(lines[line]):
        return ""
    # Tabs stay tabs, so that the caret stands below its character.
    indent = "".join("\t" if each == "\t" else " " for each in lines[line][:column])
    return f"  {lines[line]}\n  {indent}^"


def message_of(document: Any) -> str:
    """Return the sentence in an error document, wherever the service put it."""
    if isinstance(document, str):
        return document
    if not isinstance(document, Mapping):
        return ""
    for name in ("message", "error", "detail"):
        found = message_of(document.get(name))
        if found:
            return found
    return ""
