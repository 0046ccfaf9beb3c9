"""
Converts requests and responses of web frameworks: method, path, route, client address, status.

Headers, cookies, bodies and the query string are never shipped, as they may hold secrets.
Only the object's own ``__dict__`` and slots are read: an attribute may read the body.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _held(value: Any) -> dict[str, Any]:
    held: dict[str, Any] = object.__getattribute__(value, "__dict__")
    return held


def _slot(value: Any, name: str) -> Any:
    """Return the attribute *name* of *value*, from a slot or its ``__dict__``, or None."""
    try:
        return object.__getattribute__(value, name)
    except AttributeError:
        return None


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _django_request(value: Any) -> dict[str, Any]:
    held = _held(value)
    return _present(
        method=held.get("method"),
        path=held.get("path"),
        route=getattr(held.get("resolver_match"), "route", None),
        client=held.get("META", {}).get("REMOTE_ADDR"),
    )


def _asgi_connection(value: Any) -> dict[str, Any]:
    """Return a request of Starlette or Litestar."""
    scope = _slot(value, "scope") or {}
    client = scope.get("client")
    return _present(
        method=scope.get("method"),
        path=scope.get("path"),
        route=getattr(scope.get("route"), "path", None) or scope.get("path_template"),
        client=client[0] if client else None,
    )


def _werkzeug_request(value: Any) -> dict[str, Any]:
    held = _held(value)
    return _present(
        method=held.get("method"),
        path=held.get("path"),
        route=getattr(held.get("url_rule"), "rule", None),
        client=held.get("remote_addr"),
    )


def _aiohttp_request(value: Any) -> dict[str, Any]:
    resource = getattr(getattr(_slot(value, "_match_info"), "route", None), "resource", None)
    address = _slot(value, "_transport_peername")
    return _present(
        method=_slot(value, "_method"),
        path=_slot(value, "_rel_url").path,
        route=getattr(resource, "canonical", None),
        client=address[0] if isinstance(address, (list, tuple)) and address else None,
    )


def _response(name: str) -> Callable[[Any], dict[str, Any]]:
    """Return the form of a response whose status is in the attribute *name*."""

    def form(value: Any) -> dict[str, Any]:
        return {"status": _slot(value, name)}

    return form


REQUESTS: tuple[tuple[str, str, Callable[[Any], dict[str, Any]]], ...] = (
    ("django.http.request", "HttpRequest", _django_request),
    ("django.http.response", "HttpResponseBase", _response("status_code")),
    ("starlette.requests", "HTTPConnection", _asgi_connection),
    ("starlette.responses", "Response", _response("status_code")),
    ("litestar.connection", "ASGIConnection", _asgi_connection),
    ("werkzeug.sansio.request", "Request", _werkzeug_request),
    ("werkzeug.sansio.response", "Response", _response("_status_code")),
    ("aiohttp.web_request", "BaseRequest", _aiohttp_request),
    ("aiohttp.web_response", "StreamResponse", _response("_status")),
)
"""Module, class and form; used only if the module is imported."""
