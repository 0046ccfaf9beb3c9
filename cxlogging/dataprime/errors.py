"""
Every error and warning of the query client.

::

    CxLoggingError
    ├── ConfigurationError          impossible arguments, before anything is sent
    └── QueryError                  everything else
        ├── AuthenticationError     the key is refused
        ├── RequestRefused          the service refuses the request
        │   ├── QuerySyntaxError    the query does not compile: line, column, caret
        │   └── UnknownQuery        no background query has this id
        ├── RateLimited             too many requests, and the retry budget is spent
        ├── ServerError             5xx, a redirect, or a response that is not HTTP as expected
        ├── Unreachable             no connection
        └── QueryFailed             the query started, and did not complete
            ├── PartialResult       the answer is incomplete
            └── QueryTimeout        the service's or the caller's timeout passed

No error contains the key, neither in its text nor in its causes.
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
_COMPILE_ERROR = re.compile(
    r"compil|syntax error|keypath does not exist|parse error", re.IGNORECASE
)


class CxQueryWarning(UserWarning):
    """A warning of the service: of missing rows, unknown fields, or of what is deprecated."""


class QueryError(CxLoggingError):
    """
    A query that has no complete answer.

    Attributes:
        query_id: The service's id of the query, where it gave one.
        request_id: The service's id of the request, for its support.
        result: The rows that `DataPrimeClient.query` had read before the error, or None.
    """

    def __init__(self, message: str, *, query_id: str = "", request_id: str = "") -> None:
        super().__init__(message)
        self.query_id = query_id
        self.request_id = request_id
        self.result: QueryResult | None = None


class AuthenticationError(QueryError):
    """The key is missing, wrong, of another region or of the wrong kind."""


class RequestRefused(QueryError):  # noqa: N818
    """The service refuses the request."""


class UnknownQuery(RequestRefused):
    """The service has no background query with this id."""


class QuerySyntaxError(RequestRefused):
    """
    The query does not compile.

    Attributes:
        line: Line of the mistake, counted from 0 as the service does; None where it names none.
        column: Column of the mistake, counted from 0.
        caret: The line of the query with a caret below it; empty where no position is known.
    """

    def __init__(self, message: str, query: str = "", *, request_id: str = "") -> None:
        found = _POSITION.search(message)
        self.line = int(found[1]) if found else None
        self.column = int(found[2]) if found else None
        self.caret = _indented_caret(query, self.line, self.column)
        text = f"{message}\n{self.caret}" if self.caret else message
        super().__init__(text, request_id=request_id)


class RateLimited(QueryError):  # noqa: N818
    """
    Too many requests: the service allows 30 direct queries a minute.

    Attributes:
        retry_after: Seconds that the service asks the client to wait, ten minutes at most, or
            None.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, request_id: str = ""
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.retry_after = retry_after


class ServerError(QueryError):
    """The service failed; *status* is the HTTP status."""

    def __init__(self, message: str, *, status: int, request_id: str = "") -> None:
        super().__init__(message, request_id=request_id)
        self.status = status


class Unreachable(QueryError):  # noqa: N818
    """
    No connection to the service.

    Attributes:
        dropped: True where there was a connection that was closed without an answer.
    """

    dropped = False


class QueryFailed(QueryError):  # noqa: N818
    """The query started, and the service says that it did not complete."""

    def __init__(self, message: str, *, status: str = "", query_id: str = "") -> None:
        super().__init__(message, query_id=query_id)
        self.status = status


class PartialResult(QueryFailed):
    """The answer is incomplete: there may be rows that were not read."""


class QueryTimeout(QueryFailed):
    """The service gave up on the query, or the caller's timeout passed."""


def is_compile_error(message: str) -> bool:
    """Return True for a message about a mistake in the query's text."""
    return bool(_COMPILE_ERROR.search(message))


def caret(query: str, line: int, column: int) -> str:
    """Return a line of *query* with a caret below one of its columns, both counted from 0."""
    text = query.split("\n")[line]
    # Tabs stay tabs, so that the caret is below its character.
    indent = "".join("\t" if each == "\t" else " " for each in text[:column])
    return f"{text}\n{indent}^"


def _indented_caret(query: str, line: int | None, column: int | None) -> str:
    lines = query.split("\n")
    if line is None or column is None or line >= len(lines) or column > len(lines[line]):
        return ""
    return "\n".join(f"  {each}" for each in caret(query, line, column).split("\n"))


def message_of(document: Any) -> str:
    """Return the message in an error document, in whichever member the service put it."""
    if isinstance(document, str):
        return document
    if not isinstance(document, Mapping):
        return ""
    for name in ("message", "error", "detail"):
        found = message_of(document.get(name))
        if found:
            return found
    return ""
