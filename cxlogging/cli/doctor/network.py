"""The connection to a vendor, step by step: proxy, DNS, TCP and TLS, clock."""

from __future__ import annotations

import datetime
import email.utils
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, TypeVar
from urllib.parse import SplitResult

from ...delivery.http import tls
from ...delivery.http.connect import Connector
from ...handlers.handler import ShippingHandler
from ...wire.http import Endpoint
from ...wire.settings import is_loopback
from .findings import Finding, fail, ok, skip, warn
from .settings import without_password

T = TypeVar("T")
SKEW_WARN = 5.0
SKEW_FAIL = 300.0
EXPIRES_SOON = 14
"""Days of validity below which a certificate is worth a warning."""


def network(about: str, handler: ShippingHandler, limit: float) -> Iterator[Finding]:
    """Yield the findings about the connection to a destination, with *limit* seconds a step."""
    endpoint: Endpoint | None = getattr(handler.delivery.destination, "endpoint", None)
    if endpoint is None:
        yield skip("network", "the address is not known", about)
        return
    connector = Connector(endpoint, handler.delivery.options)
    proxy = connector.proxy() if endpoint.scheme == "https" else None
    yield _proxy(about, proxy)
    name = _name(about, endpoint.host if proxy is None else proxy.hostname or "", limit)
    yield name
    if name.cause:
        yield skip("connection", "the host name could not be resolved", about)
        return
    yield from _connection(about, endpoint, connector, limit)


def _proxy(about: str, proxy: SplitResult | None) -> Finding:
    if proxy is None:
        return ok("proxy", "none", about)
    return ok("proxy", without_password(proxy.geturl()), about)


def _name(about: str, host: str, limit: float) -> Finding:
    started = time.monotonic()
    try:
        found = within(limit, lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except TimeoutError:
        return fail(
            "DNS",
            f"no answer for {host} within {limit:g} seconds",
            "Check the name servers of this machine (/etc/resolv.conf).",
            about=about,
        )
    except OSError as error:
        return fail(
            "DNS",
            f"{host} has no address: {error.strerror or error}",
            "Check the spelling of the domain or host, and the name servers of this machine.",
            about=about,
        )
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    more = f" and {len(addresses) - 3} more" if len(addresses) > 3 else ""
    took = f"{(time.monotonic() - started) * 1e3:.0f} ms"
    return ok("DNS", f"{host} is {', '.join(addresses[:3])}{more}, {took}", about)


def _connection(
    about: str, endpoint: Endpoint, connector: Connector, limit: float
) -> Iterator[Finding]:
    started = time.monotonic()
    try:
        connection = within(limit, lambda: connector.open(limit))
    except Exception as error:
        cause, cure = explained(error, endpoint)
        yield fail("connection", cause, cure, about=about)
        return
    with closing(connection):
        took = f"{(time.monotonic() - started) * 1e3:.0f} ms"
        yield ok("connection", f"{endpoint.host}, port {endpoint.port}, {took}", about)
        if endpoint.scheme == "https":
            yield _tls(about, connection.sock)
        yield _clock(about, endpoint, connection, limit)


def _tls(about: str, sock: Any) -> Finding:
    held = sock.getpeercert() or {}
    detail = f"{sock.version()}"
    if "notAfter" not in held:
        return ok("TLS", detail, about)
    days = int((ssl.cert_time_to_seconds(held["notAfter"]) - time.time()) // 86_400)
    issuer = dict(pair[0] for pair in held.get("issuer", ())).get("organizationName", "")
    detail += f", certificate by {issuer or 'an unnamed issuer'}, valid for {days:,} days"
    if days >= EXPIRES_SOON:
        return ok("TLS", detail, about)
    return warn(
        "TLS",
        f"the certificate expires in {days} days",
        "If your own proxy issued it, renew it there.",
        detail=detail,
        about=about,
    )


def _clock(about: str, endpoint: Endpoint, connection: Any, limit: float) -> Finding:
    before = time.time()
    try:
        connection.request("HEAD", endpoint.path, headers={"Host": endpoint.authority})
        header = within(limit, connection.getresponse).headers.get("Date")
    except Exception as error:
        return skip("clock", f"no response: {type(error).__name__}", about)
    date = email.utils.parsedate_to_datetime(header) if header else None
    if date is None:
        return skip("clock", "the response has no Date", about)
    if date.tzinfo is None:
        date = date.replace(tzinfo=datetime.timezone.utc)
    # The header has whole seconds, so the middle of its second is compared.
    skew = (before + time.time()) / 2 - (date.timestamp() + 0.5)
    return skewed(about, skew)


def skewed(about: str, skew: float) -> Finding:
    """Return the finding for a clock that is *skew* seconds ahead of the vendor's."""
    size = abs(skew)
    if size <= SKEW_WARN:
        return ok("clock", f"within {max(round(size), 1)} s of the vendor's", about)
    shown = str(datetime.timedelta(seconds=round(size)))
    words = f"this machine's clock is {shown} {'ahead of' if skew > 0 else 'behind'} the vendor's"
    cure = "Synchronise it with NTP: records carry this machine's time, and queries use it."
    return (fail if size > SKEW_FAIL else warn)("clock", words, cure, about=about)


def explained(error: BaseException, endpoint: Endpoint) -> tuple[str, str]:
    """Return the cause and the cure of a failed connection."""
    chain = [error]
    while (inner := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(inner)
    where = f"{endpoint.host}, port {endpoint.port}"
    for each in chain:
        if isinstance(each, ssl.SSLError):
            return tls.explained(where, each)
    text = " ".join(str(each) for each in chain)
    if "407" in text or "Tunnel connection failed" in text:
        return (
            f"the proxy refuses the connection: {without_password(str(chain[0]))}",
            "Check HTTPS_PROXY or proxy=, its user and password, and NO_PROXY.",
        )
    if any(isinstance(each, ConnectionRefusedError) for each in chain):
        place = f"{endpoint.host}:{endpoint.port}"
        if is_loopback(endpoint.host):
            return f"Nothing listens at {place}.", "Is `cxlogging dev` running, at this port?"
        return f"{place} refuses connections", "Check the address, its port and the firewall."
    if any(isinstance(each, TimeoutError) for each in chain) or "timed out" in text:
        return (
            f"{where} did not answer in time",
            "A firewall may drop the packets: outgoing HTTPS must be allowed, or a proxy set.",
        )
    return f"{where} cannot be reached: {text[:200]}", "Check the network, proxy and firewall."


def within(limit: float, work: Callable[[], T]) -> T:
    """Return what *work* returns, or raise `TimeoutError` after *limit* seconds."""
    outcome: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((work(), None))
        except BaseException as error:
            outcome.put((None, error))

    threading.Thread(target=run, name="cxlogging-doctor", daemon=True).start()
    try:
        value, error = outcome.get(timeout=limit)
    except queue.Empty:
        raise TimeoutError(f"more than {limit:g} seconds") from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]
