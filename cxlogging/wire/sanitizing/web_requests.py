"""
Requests and answers of web frameworks, as fields: method, path, route, status, client address.

Never headers, cookies, bodies or the query string: these hold secrets. Only what the object
itself holds is read: an attribute of a request may read its body.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _held(value: Any) -> dict[str, Any]:
    held: dict[str, Any] = object.__getattribute__(value, "__dict__")
    return held


def _slot(value: Any, name: str) -> Any:
    """Return what *value* holds under *name*, in a slot or its dict, or None."""
    try:
        return object.__getattribute__(value, name)
    except AttributeError:
        return None


def _known(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _django_request(value: Any) -> dict[str, Any]:
    held = _held(value)
    return _known(
        method=held.get("method"),
        path=held.get("path"),
        route=getattr(held.get("resolver_match"), "route", None),
        client=held.get("META", {}).get("REMOTE_ADDR"),
    )


def _asgi_connection(value: Any) -> dict[str, Any]:
    """Return a request of Starlette or Litestar."""
    scope = _held(value)["scope"]
    client = scope.get("client")
    return _known(
        method=scope.get("method"),
        path=scope.get("path"),
        route=getattr(scope.get("route"), "path", None) or scope.get("path_template"),
        client=client[0] if client else None,
    )


def _werkzeug_request(value: Any) -> dict[str, Any]:
    held = _held(value)
    return _known(
        method=held.get("method"),
        path=held.get("path"),
        route=getattr(held.get("url_rule"), "rule", None),
        client=held.get("remote_addr"),
    )


def _aiohttp_request(value: Any) -> dict[str, Any]:
    resource = getattr(getattr(_slot(value, "_match_info"), "route", None), "resource", None)
    address = _slot(value, "_transport_peername")
    return _known(
        method=_slot(value, "_method"),
        path=_slot(value, "_rel_url").path,
        route=getattr(resource, "canonical", None),
        client=address[0] if isinstance(address, (list, tuple)) and address else None,
    )


def _answer(name: str) -> Callable[[Any], dict[str, Any]]:
    """Return the form of an answer that holds its status under *name*."""

    def form(value: Any) -> dict[str, Any]:
        return {"status": _slot(value, name)}

    return form


REQUESTS: tuple[tuple[str, str, Callable[[Any], dict[str, Any]]], ...] = (
    ("django.http.request", "HttpRequest", _django_request),
    ("django.http.response", "HttpResponseBase", _answer("status_code")),
    ("starlette.requests", "HTTPConnection", _asgi_connection),
    ("starlette.responses", "Response", _answer("status_code")),
    ("litestar.connection", "ASGIConnection", _asgi_connection),
    ("werkzeug.sansio.request", "Request", _werkzeug_request),
    ("werkzeug.sansio.response", "Response", _answer("_status_code")),
    ("aiohttp.web_request", "BaseRequest", _aiohttp_request),
    ("aiohttp.web_response", "StreamResponse", _answer("_status")),
)
"""Module, class and form; a class counts where its module is loaded."""
