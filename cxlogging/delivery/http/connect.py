"""
Opening a connection: TLS that verifies, proxies, certificates.

urllib3's connection classes are used rather than its pool: the pool logs each
request, follows redirects and retries, and none of that may happen here.

What a request needs is imported with this module, by the thread that configures the
handler: a fork in the middle of an import leaves a half-initialized module in the child
for ever, and during interpreter shutdown nothing can be imported.
"""

from __future__ import annotations

import _socket
import codecs
import email.utils  # noqa: F401 - for `retry_after`
import socket
import ssl
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.poolmanager import ProxyConfig  # type: ignore[attr-defined]
from urllib3.util import make_headers, parse_url

from ...wire.http import Endpoint
from ...wire.system_clock import monotonic
from ..options import Options
from . import tls

CONNECT_SECONDS = 5.0
codecs.lookup("idna")  # for names of hosts: it is imported at its first use

Resolve = Callable[..., Iterable[Any]]
"""As `socket.getaddrinfo`: addresses for a host and a port."""


def resolved(host: str, port: int, family: int, kind: int) -> Iterable[Any]:
    """
    Return the addresses that the system's resolver finds.

    gevent's resolver needs a thread, and none can start during interpreter shutdown
    (Python 3.12): the one that it wraps needs none.
    """
    try:
        return socket.getaddrinfo(host, port, family, kind)
    except RuntimeError:
        return _socket.getaddrinfo(host, port, family, kind)


class Connector:
    """
    Opens connections to one endpoint.

    Args:
        endpoint: Where to.
        options: ``ssl_context``, ``ca_file``, ``client_cert`` and ``proxy``.
        resolve: Replaces the system's resolver.
    """

    def __init__(
        self, endpoint: Endpoint, options: Options, resolve: Resolve | None = None
    ) -> None:
        self._endpoint = endpoint
        self._options = options
        self._resolve = resolve
        self._context: ssl.SSLContext | None = None
        self.dialled_proxy: SplitResult | None = None
        """The proxy of the last connection, for messages about it."""

    def open(self, seconds: float) -> Any:
        """Return a connected urllib3 connection, within about *seconds*."""
        if sys.is_finalizing():
            sys.modules["time"] = time  # which date.today() imports, and urllib3 calls that
        is_tls = self._endpoint.scheme == "https"
        self.dialled_proxy = proxy = self.proxy() if is_tls else None
        timeout = min(seconds, CONNECT_SECONDS)
        connection = self._https(proxy, timeout) if is_tls else self._http(timeout)
        # urllib3 would give each address of a name all of the time.
        connection._new_conn = lambda: self._dial(connection.host, connection.port, timeout)  # noqa: SLF001
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        return connection

    def _http(self, timeout: float) -> Any:
        return HTTPConnection(self._endpoint.host, self._endpoint.port, timeout=timeout)

    def _https(self, proxy: SplitResult | None, timeout: float) -> Any:
        if self._context is None:
            self._context = self._options.ssl_context or _context(self._options)
        common: dict[str, Any] = {"timeout": timeout, "ssl_context": self._context}
        if proxy is None or proxy.hostname is None:
            return HTTPSConnection(self._endpoint.host, self._endpoint.port, **common)
        tls = proxy.scheme == "https"
        connection = HTTPSConnection(
            proxy.hostname,
            proxy.port or (443 if tls else 8080),
            proxy=parse_url(proxy._replace(netloc=proxy.netloc.rpartition("@")[2]).geturl()),
            proxy_config=ProxyConfig(self._context if tls else None, False, None, None),
            **common,
        )
        user = None
        if proxy.username is not None:
            user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        connection.set_tunnel(
            self._endpoint.host,
            self._endpoint.port,
            headers=make_headers(proxy_basic_auth=user) if user else {},
            scheme=proxy.scheme,
        )
        return connection

    def _dial(self, host: str, port: int, seconds: float) -> socket.socket:
        """Return a socket connected to the first address that answers; all share the time."""
        end = monotonic() + seconds
        resolve = self._resolve or resolved
        addresses = list(resolve(host, port, 0, socket.SOCK_STREAM))
        last = OSError(f"{host} has no address")
        for number, (family, kind, protocol, _, address) in enumerate(addresses):
            left = end - monotonic()
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(max(left / (len(addresses) - number), 0.01))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                sock.close()
                last = error
            else:
                return sock
        raise last

    def proxy(self) -> SplitResult | None:
        """Return the proxy to use: the option's, else the environment's, else none."""
        if self._options.proxy is not None:
            return urlsplit(self._options.proxy)
        # Only the environment is read: reading a platform's own settings is not safe after a fork.
        address = urllib.request.getproxies_environment().get(self._endpoint.scheme)
        authority = f"{self._endpoint.host}:{self._endpoint.port}"
        bypassed = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]
        if not address or bypassed(authority):
            return None
        address = address if "://" in address else f"http://{address}"
        return tls.split_proxy(f"{self._endpoint.scheme}_proxy".upper(), address)


def _context(options: Options) -> ssl.SSLContext:
    context = tls.trusting(options.ca_file)
    if options.client_cert is not None:
        tls.load(context, options.client_cert)
    return context
