"""What the middleware for web frameworks shares: a request's fields, its id, its closing record."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from ..handlers.context import carry, current, rebind

REQUEST_ID_HEADER = "X-Request-ID"
MAX_ID_LENGTH = 128
KEY = "cxlogging.request"
"""Under this key the innermost application finds the `RequestContext` in its scope or environ."""

CLIENT_CLOSED = 499
"""The status in a closing record where the client left before there was an answer."""


def request_id(given: str) -> str:
    """Return the id that the client has sent, if it can be one, else a new one."""
    can_be_one = given.isascii() and given.isprintable() and " " not in given
    return given if can_be_one and 0 < len(given) <= MAX_ID_LENGTH else os.urandom(16).hex()


_of_thread: ContextVar[RequestContext | None] = ContextVar("cxlogging_request", default=None)
"""The request of this thread; also an earlier one whose answer the server never closed."""


class RequestContext:
    """
    The fields of one request, bound from `open` until `close`.

    Args:
        method: ``"GET"``.
        path: Without the query string.
        given_id: Of the request's header, or ``""``.
        client: The client's address, if it is known.
        access_logger: Gets the closing record; None for no such record.

    Attributes:
        id: The request's id.
        route: The pattern of the route, when the framework has found one.
        status: Of the answer, when it has begun.
        size: Bytes of its body so far.
        user: The id of the user, where the application has loaded one.
        is_complete: Whether the whole body has been sent.
        disconnected: Whether the client left before that.
        before: What was bound before the request.
    """

    def __init__(
        self,
        method: str,
        path: str,
        given_id: str,
        client: str | None,
        access_logger: logging.Logger | None,
    ) -> None:
        self.id = request_id(given_id)
        self.route: str | None = None
        self.status: int | None = None
        self.size = 0
        self.user: Any = None
        self.is_complete = self.disconnected = False
        self._method, self._path, self._client = method, path, client
        self._logger = access_logger
        self._began = time.perf_counter()
        self.before: Mapping[str, Any] = {}

    def open(self, before: Mapping[str, Any] | None = None) -> None:
        """
        Bind the request's fields in this thread or task.

        Args:
            before: What was bound outside of requests; None for what is bound now.
        """
        self.before = current() if before is None else before
        rebind(self._fields())

    def _fields(self) -> dict[str, Any]:
        http: dict[str, Any] = {"request": {"method": self._method}}
        if self.route is not None:
            http["route"] = self.route
        return {
            **self.before,
            "request_id": self.id,
            "http": http,
            "url": {"path": self._path},
        }

    def open_in_thread(self) -> None:
        """Bind the request's fields in a thread that serves requests one after another."""
        earlier = _of_thread.get()
        self.open(earlier.before if earlier is not None else None)
        _of_thread.set(self)

    def close_in_thread(self, error: BaseException | None = None) -> None:
        """End the request, and what it has bound, where that is still this thread's."""
        if _of_thread.get() is self:
            _of_thread.set(None)
            self.close(error)
            return
        elsewhere = current()  # of another request, or of a thread that closes answers
        rebind(self._fields())
        try:
            self.log(error)
        finally:
            rebind(elsewhere)

    def found(self, route: str) -> None:
        """Bind the pattern of the route."""
        self.route = route
        rebind({**current(), "http": self._fields()["http"]})

    def close(self, error: BaseException | None = None) -> None:
        """Write the closing record, where one is wanted, and take the request's fields away."""
        try:
            self.log(error)
        finally:
            rebind(self.before)

    def log(self, error: BaseException | None) -> None:
        """
        Write the closing record, where one is wanted.

        The server logs *error* when the request is over: it carries the request's fields.
        """
        if error is not None:
            carry(error, self._fields())
        if self._logger is None:
            return
        if type(error).__name__ == "CancelledError":  # servers of ASGI cancel what nobody awaits
            self.disconnected, error = True, None
        status = self.status
        if status is None:
            status = CLIENT_CLOSED if self.disconnected else 500
        level = logging.ERROR if status >= 500 or error is not None else logging.INFO
        if self._logger.isEnabledFor(level):
            extra = self._closing_fields(status, error)
            self._logger.log(level, "%s %s %d", self._method, self._path, status, extra=extra)

    def _closing_fields(self, status: int, error: BaseException | None) -> dict[str, Any]:
        http: dict[str, Any] = {
            "request": {"method": self._method},
            "response": {"status_code": status, "body": {"size": self.size}},
        }
        if self.route is not None:
            http["route"] = self.route
        extra: dict[str, Any] = {
            "http": http,
            "duration": round(time.perf_counter() - self._began, 6),
        }
        if self._client:
            extra["client"] = {"address": self._client}
        if self.user is not None:
            extra["user"] = {"id": self.user}
        if self.disconnected:
            extra["disconnected"] = True
        if error is not None:
            extra["error"] = {"type": type(error).__qualname__}
        return extra


def access_logger(name: str | bool | None) -> logging.Logger | None:
    """
    Return the logger for closing records.

    Args:
        name: Of the logger; True for ``"cxlogging.access"``; None or False for none.

    Raises:
        TypeError: *name* is none of these.
    """
    if name is None or name is False:
        return None
    if name is True:
        return logging.getLogger("cxlogging.access")
    if not isinstance(name, str):
        raise TypeError(f"access_log takes the name of a logger or True, not {name!r}")
    return logging.getLogger(name)
