"""Why a connection failed, and what to do."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

from requests.exceptions import ProxyError, Timeout

from ...delivery.http.tls import explained
from ...wire.http import Endpoint
from ...wire.settings import is_loopback, nothing_listens


def connection_error(address: Endpoint, error: Exception) -> str:
    """Return why *address* could not be reached, and what to do where that is known."""
    place = f"{address.host}:{address.port}"
    causes = list(_causes(error))
    if isinstance(error, ProxyError):
        return f"the proxy for {place} does not work: {_reason(causes)}. Check HTTPS_PROXY."
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return ". ".join(explained(place, cause))
        if isinstance(cause, socket.gaierror):
            return f"the name {address.host} cannot be resolved: check the name and the network."
        if isinstance(cause, ConnectionRefusedError) or _errno(cause) == errno.ECONNREFUSED:
            return _refused(address, place)
    if any(isinstance(cause, TimeoutError) for cause in causes) or isinstance(error, Timeout):
        return f"{place} did not accept a connection in time: check the network and the firewall."
    return f"{place} cannot be reached: {_reason(causes)}."


def _refused(address: Endpoint, place: str) -> str:
    if is_loopback(address.host):
        return nothing_listens(place)
    return f"{place} refuses connections: check domain or url, and the firewall."


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield *error* and its causes, the nearest first, each once."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        inner = (*found.args, getattr(found, "reason", None), found.__cause__, found.__context__)
        waiting += [each for each in inner if isinstance(each, BaseException)]


def _errno(cause: BaseException) -> int | None:
    return cause.errno if isinstance(cause, OSError) else None


def _reason(causes: list[BaseException]) -> str:
    """Return the message of the operating system, else of the innermost error."""
    for cause in causes:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    last = causes[-1]
    return str(last) or type(last).__name__
