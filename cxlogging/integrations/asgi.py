"""
Middleware for ASGI applications: FastAPI, Starlette, Litestar, Quart, Django's ASGI, any other.

The protocol: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from ..handlers.holding.decorator import hold_option
from .web import KEY, REQUEST_ID_HEADER, RequestContext, access_logger

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class ContextMiddleware:
    """
    Bind ``request_id``, method and path to every record that is logged during a request.

    Wrap the application, ``app = ContextMiddleware(app)``, or add it as the outermost
    middleware, ``app.add_middleware(ContextMiddleware)``. What a request binds with
    `cxlogging.bind` ends with the request. Websockets and lifespan events pass untouched: hold
    the handling of each message of a websocket, with `cxlogging.hold`.

    Args:
        app: The application.
        header: The request id is taken from this header, or made, and is returned in it.
        access_log: True, or the name of a logger: one record at the end of each request, with
            method, route, path, status, bytes of the answer, seconds and the client's address.
        hold: True, or arguments of `cxlogging.hold`: the request's records below WARNING, its
            closing record and those of background tasks too, are sent if it fails: by an
            exception, a record at ERROR or above, or a status from 500.

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
        self._header = header.lower().encode("latin-1")
        self._sent_header = header.encode("latin-1")
        self._logger = access_logger(access_log)
        self._holding = hold_option(hold)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or KEY in scope:
            if KEY in scope:  # of a middleware around this one, which closes it
                scope[KEY].hold(self._holding)
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == self._header), b"")
        client = scope.get("client")
        context = RequestContext(
            scope["method"],
            scope["path"],
            given.decode("latin-1"),
            client[0] if client else None,
            self._logger,
            self._holding,
        )
        scope[KEY] = context
        context.open()
        try:
            await self.app(scope, self._receiving(context, receive), self._sending(context, send))
        except BaseException as error:
            _route(context, scope)
            context.close(error)
            raise
        _route(context, scope)
        context.close()

    def _receiving(self, context: RequestContext, receive: Receive) -> Receive:
        async def received() -> Message:
            message = await receive()
            # Servers also say so after the answer is complete: then nobody has left early.
            if message["type"] == "http.disconnect" and not context.is_complete:
                context.disconnected = True
            return message

        return received

    def _sending(self, context: RequestContext, send: Send) -> Send:
        async def sent(message: Message) -> None:
            kind = message["type"]
            if kind == "http.response.start":
                context.status = message["status"]
                headers = list(message.get("headers", ()))
                if not any(name.lower() == self._header for name, _ in headers):
                    headers.append((self._sent_header, context.id.encode("latin-1")))
                    message = {**message, "headers": headers}
            elif kind == "http.response.body":
                context.size += len(message.get("body", b""))
                context.is_complete = not message.get("more_body", False)
            elif kind == "http.response.pathsend":  # a file, sent by the server
                context.is_complete = True
            await send(message)

        return sent


def _route(context: RequestContext, scope: Scope) -> None:
    """Take the pattern of the route from where frameworks leave it in the scope."""
    if context.route is None:
        # FastAPI leaves its route, Litestar the pattern itself.
        context.route = getattr(scope.get("route"), "path", None) or scope.get("path_template")
