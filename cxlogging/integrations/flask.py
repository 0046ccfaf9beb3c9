"""Flask: ``init_app(app)``, and each record knows its request and route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .web import KEY, REQUEST_ID_HEADER
from .wsgi import ContextMiddleware

if TYPE_CHECKING:
    from flask import Flask


def init_app(
    app: Flask,
    *,
    header: str = REQUEST_ID_HEADER,
    access_log: str | bool | None = None,
    hold: bool | Mapping[str, Any] = False,
) -> None:
    """
    Bind ``request_id``, method, path and route to every record that is logged during a request.

    Args:
        app: The application.
        header: The request id is taken from this header, or made, and is returned in it.
        access_log: True, or the name of a logger: one record at the end of each request.
        hold: True, or arguments of `cxlogging.hold`: the request's records below WARNING are
            sent if it fails: by an exception, a record at ERROR or above, or a status from 500.

    Raises:
        TypeError: ``access_log`` is neither a name nor a bool.
        ConfigurationError: ``hold`` is no bool and no mapping of arguments.
    """
    from flask import request

    def bind_route() -> None:
        context, rule = request.environ.get(KEY), request.url_rule
        if context is not None and rule is not None:
            context.found(rule.rule)

    app.wsgi_app = ContextMiddleware(  # type: ignore[method-assign]  # as Flask's documentation does
        app.wsgi_app, header=header, access_log=access_log, hold=hold
    )
    app.before_request_funcs.setdefault(None, []).insert(0, bind_route)
