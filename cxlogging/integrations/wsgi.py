"""
Middleware for WSGI applications: Flask, Django, Pyramid, Bottle, any other.

The protocol: https://peps.python.org/pep-3333/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any

from ..handlers.holding.decorator import hold_option
from .web import KEY, REQUEST_ID_HEADER, RequestContext, access_logger

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


class ContextMiddleware:
    """
    Bind ``request_id``, method and path to every record that is logged during a request.

    Wrap the application: ``app = ContextMiddleware(app)``, in Flask
    ``app.wsgi_app = ContextMiddleware(app.wsgi_app)``. A request ends when its answer has been
    sent: what a generator logs while it streams has the same fields, and what a request binds
    with `cxlogging.bind` ends with it.

    Args:
        app: The application.
        header: The request id is taken from this header, or made, and is returned in it.
        access_log: True, or the name of a logger: one record at the end of each request, with
            method, route, path, status, bytes of the answer, seconds and the client's address.
        hold: True, or arguments of `cxlogging.hold`: the request's records below WARNING, its
            closing record too, are sent if it fails: by an exception, a record at ERROR or
            above, or a status from 500.

    Raises:
        TypeError: ``access_log`` is neither a name nor a bool.
        ConfigurationError: ``hold`` is no bool and no mapping of arguments.
    """

    def __init__(
        self,
        app: App,
        *,
        header: str = REQUEST_ID_HEADER,
        access_log: str | bool | None = None,
        hold: bool | Mapping[str, Any] = False,
    ) -> None:
        self.app = app
        self._header = header
        self._variable = f"HTTP_{header.upper().replace('-', '_')}"
        self._logger = access_logger(access_log)
        self._holding = hold_option(hold)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if KEY in environ:  # of a middleware around this one, which closes it
            environ[KEY].hold(self._holding)
            return self.app(environ, start_response)
        context = RequestContext(
            environ["REQUEST_METHOD"],
            environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""),
            environ.get(self._variable, ""),
            environ.get("REMOTE_ADDR"),
            self._logger,
            self._holding,
        )
        environ[KEY] = context
        context.open_in_thread()
        try:
            answer = self.app(environ, self._starting(context, start_response))
        except BaseException as error:
            context.close_in_thread(error)
            raise
        context.is_answered = True
        file_wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(file_wrapper, type) and isinstance(answer, file_wrapper):
            # The server hands the file to the system, and wants it as it is.
            context.close_in_thread()
            return answer
        return (SizedBody if isinstance(answer, Sized) else Body)(answer, context)

    def _starting(self, context: RequestContext, start_response: StartResponse) -> StartResponse:
        def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            context.status = int(status[:3])
            if not any(name.lower() == self._header.lower() for name, _ in headers):
                headers = [*headers, (self._header, context.id)]
            write = start_response(status, headers, *rest)

            def written(data: bytes) -> object:
                context.size += len(data)
                return write(data)

            return written

        return started


class Body:
    """The body of an answer; its end is the end of the request."""

    def __init__(self, body: Iterable[bytes], context: RequestContext) -> None:
        self._body = body
        self._parts: Iterator[bytes] | None = None
        self._context = context
        self._error: BaseException | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            if self._parts is None:
                self._parts = iter(self._body)
            part = next(self._parts)
        except StopIteration:
            self._context.is_complete = True
            raise
        except BaseException as error:
            self._error = error
            raise
        self._context.size += len(part)
        return part

    def close(self) -> None:
        """End the request: servers call this once, also where the client has left."""
        context = self._context
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            context.disconnected = not context.is_complete and self._error is None
            context.close_in_thread(self._error)


class SizedBody(Body):
    """One whose number of parts is known: from a single part servers learn its length."""

    def __len__(self) -> int:
        return len(self._body)  # type: ignore[arg-type]  # made of what has a length
