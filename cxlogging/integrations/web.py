"""What the middleware for web frameworks shares: a request's fields, its id, its closing record."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any

from ..handlers.context import FixedMapping, carry, current, rebind

if TYPE_CHECKING:
    from ..handlers.holding.decorator import Holding
    from ..handlers.holding.scope import Hold

REQUEST_ID_HEADER = "X-Request-ID"
MAX_ID_LENGTH = 128
KEY = "cxlogging.request"
"""Under this key the innermost application finds the `RequestContext` in its scope or environ."""

CLIENT_CLOSED = 499
"""The status in a closing record where the client left before there was an answer."""

CLIENT_LEFT = ("CancelledError", "ClientDisconnect")
"""Servers of ASGI cancel what nobody awaits; Starlette raises the other where it reads or sends."""

SERVER_ERROR = 500
"""The least status of an answer that says that the server has failed."""


def request_id(given: str) -> str:
    """Return the id that the client has sent, if it can be one, else a new one."""
    can_be_one = given.isascii() and given.isprintable() and " " not in given
    return given if can_be_one and 0 < len(given) <= MAX_ID_LENGTH else os.urandom(16).hex()


_of_thread: ContextVar[RequestContext | None] = ContextVar("cxlogging_request", default=None)
"""
The request of this thread: perhaps one that calls another application, or an earlier one whose
answer the server never closed.
"""


class RequestContext:
    """
    The fields of one request, bound from `open` until `close`.

    Args:
        method: ``"GET"``.
        path: Without the query string.
        given_id: Of the request's header, or ``""``.
        client: The client's address, if it is known.
        access_logger: Gets the closing record; None for no such record.
        holding: Begins the request's hold; None for no hold.

    Attributes:
        id: The request's id.
        route: The pattern of the route, when the framework has found one.
        status: Of the answer, when it has begun.
        size: Bytes of its body so far.
        user: The id of the user, where the application has loaded one.
        is_complete: Whether the whole body has been sent.
        disconnected: Whether the client left before that.
        is_answered: Whether the application has returned: its body may still be under way.
        before: What was bound before the request.
    """

    def __init__(
        self,
        method: str,
        path: str,
        given_id: str,
        client: str | None,
        access_logger: logging.Logger | None,
        holding: Holding | None = None,
    ) -> None:
        self.id = request_id(given_id)
        self.route: str | None = None
        self.status: int | None = None
        self.size = 0
        self.user: Any = None
        self.is_complete = self.disconnected = self.is_answered = False
        self._method, self._path, self._client = method, path, client
        self._logger = access_logger
        self._began = time.perf_counter()
        self.before: Mapping[str, Any] = {}
        self._holding = holding
        self._hold: Hold | None = None
        self._outer: RequestContext | None = None
        self._context: Context | None = None

    def open(self, before: Mapping[str, Any] | None = None) -> None:
        """
        Bind the request's fields in this thread or task.

        Args:
            before: What was bound outside of requests; None for what is bound now.
        """
        self.before = current() if before is None else before
        rebind(self._fields())
        self.hold(self._holding)

    def hold(self, holding: Holding | None) -> None:
        """Hold the request's records from here on, unless that is done already."""
        if holding is not None and self._hold is None:
            self._hold = holding.begin()

    def _fields(self) -> dict[str, Any]:
        http: dict[str, Any] = {"request": {"method": self._method}}
        if self.route is not None:
            http["route"] = self.route
        return {
            **self.before,
            "request_id": self.id,
            "http": FixedMapping(http),
            "url": FixedMapping({"path": self._path}),
        }

    def open_in_thread(self) -> None:
        """Bind the request's fields in a thread that serves requests one after another."""
        outer, before = _of_thread.get(), None
        if outer is not None:
            _of_thread.set(None)  # the copy below keeps no earlier request alive
            if outer.is_answered:  # and was never closed
                outer.end_hold(None)
                before, outer = outer.before, None
        self._outer = outer
        self.open(before)
        self._context = copy_context()
        _of_thread.set(self)

    def close_in_thread(self, error: BaseException | None = None) -> None:
        """End the request, and what it has bound, where that is still this thread's."""
        if _of_thread.get() is self:
            _of_thread.set(self._outer)
            self.close(error)
        elif self._context is not None:  # of another request, or of a thread that closes answers
            self._context.run(self.close, error)

    def found(self, route: str) -> None:
        """Bind the pattern of the route."""
        self.route = route
        rebind({**current(), "http": self._fields()["http"]})

    def close(self, error: BaseException | None = None) -> None:
        """
        Write the closing record, where one is wanted, and end what the request began.

        The server logs *error* when the request is over: it carries the request's fields.
        """
        if error is not None:
            carry(error, self._fields())
            if type(error).__name__ in CLIENT_LEFT:
                self.disconnected, error = True, None
        try:
            self._log(error)
        finally:
            self.end_hold(error)
            rebind(self.before)

    def end_hold(self, error: BaseException | None) -> None:
        """Release the request's records if it has failed; discard them if not."""
        if self._hold is not None:
            # The hold may ignore an exception that has not become an answer yet.
            decides = error is None or self.status is not None
            self._hold.close(error, failed=decides and self._status() >= SERVER_ERROR)

    def _status(self) -> int:
        """Return the status of the answer, or what the server makes of there being none."""
        if self.status is not None:
            return self.status
        return CLIENT_CLOSED if self.disconnected else SERVER_ERROR

    def _log(self, error: BaseException | None) -> None:
        """Write the closing record, where one is wanted."""
        if self._logger is None:
            return
        status = self._status()
        failed = status >= SERVER_ERROR or error is not None
        level = logging.ERROR if failed else logging.INFO
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
