"""Messages about requests without an answer: the address, the reason and, if known, the fix."""

from __future__ import annotations

import http.client
import socket
import ssl
from urllib.parse import SplitResult

from ...wire.http import Endpoint
from ...wire.settings import is_loopback, nothing_listens
from . import tls
from .interface import TransportError


def transport_error(
    error: Exception, endpoint: Endpoint, proxy: SplitResult | None = None
) -> TransportError:
    """
    Return *error* as a `TransportError` that names the address and the reason.

    Args:
        error: What was raised; its cause is examined too.
        endpoint: The address of the request.
        proxy: The proxy in between, if any.
    """
    root: BaseException = error
    while (cause := root.__cause__ or root.__context__) is not None and cause is not root:
        root = cause  # urllib3 wraps what the system said in several layers
    timed_out = isinstance(root, TimeoutError) or isinstance(error, TimeoutError)
    if isinstance(root, ssl.SSLError):
        place = f"{endpoint.host}:{endpoint.port}"
        if proxy is not None and proxy.scheme == "https":
            place = f"{place} (or of the proxy {proxy.hostname})"
        reason, cure = tls.explained(place, root)
        return TransportError(f"{type(root).__name__} ({root.reason}): {reason}", cure)
    return TransportError(_sentence(root, endpoint, proxy), timed_out=timed_out)


def _sentence(root: BaseException, endpoint: Endpoint, proxy: SplitResult | None) -> str:
    name = type(root).__name__
    said = " ".join(str(root).split())
    place, source = f"{endpoint.host}:{endpoint.port}", endpoint.source
    if proxy is not None:
        place = f"the proxy {proxy.hostname}:{proxy.port or 8080}"
        source = "proxy or HTTPS_PROXY"
    if isinstance(root, socket.gaierror):
        named = f" ({source})" if source else ""
        host = endpoint.host if proxy is None else proxy.hostname
        return f"{name}: the name {host}{named} has no address: {root.strerror or said}"
    if isinstance(root, ConnectionRefusedError):
        if proxy is None and is_loopback(endpoint.host):
            return f"{name}: {nothing_listens(place)}"
        return f"{name}: connection refused by {place}"
    if isinstance(root, (OSError, http.client.HTTPException)):
        return f"{name}: {said or 'no answer'} ({place})"
    return f"{name}: {said}" if said else name
