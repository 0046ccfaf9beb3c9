"""The stream that a handler publishes to: its servers, its settings, and the relays behind it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ...delivery.http.interface import TransportError
from ...delivery.nats.address import (
    CREDENTIALS_VARIABLE,
    NKEY_VARIABLE,
    TOKEN_VARIABLE,
    USER_VARIABLE,
    Address,
    Login,
    parse_address,
    read_login,
)
from ...errors import CxLoggingError
from ...handlers.handler import ShippingHandler
from .findings import Finding, fail, ok, skip, warn

if TYPE_CHECKING:
    from ...relay.link import Link
    from ...relay.status import StreamStatus

CLIENT_NAME = "cxlogging-doctor"
"""Shown by the servers' monitoring."""

REQUIRED = ("retention", "discard", "storage")
"""Settings of the stream without which records are lost."""

NO_CONSUMER = 10014
"""JetStream's number for it."""


def stream_of(handler: ShippingHandler) -> Address | None:
    """Return the address of the stream that *handler* publishes to; None if it does not."""
    spool = handler.delivery.options.stream
    return None if spool is None else parse_address("spool", spool)


def vendor_of(handler: ShippingHandler) -> str:
    """Return the name of the vendor to which a relay delivers what *handler* publishes."""
    return handler.delivery.destination.identity["vendor"]


def stream(about: str, address: Address, vendor: str, limit: float) -> Iterator[Finding]:
    """
    Yield the findings about the servers, the stream and its relays.

    Args:
        about: The handler.
        address: The stream.
        vendor: Whose items the handler publishes.
        limit: Seconds that each step takes at most.
    """
    login = read_login()
    yield _login(about, address, login)
    found = [_server(about, address, server, login, limit) for server in address.servers]
    some_answer = any(each.detail for each in found)
    for each in found:
        is_fatal = each.detail or not some_answer  # the client goes on to the next server
        yield each if is_fatal else warn(each.name, each.cause, each.cure, about=about)
    if some_answer:
        yield from _stream(about, address, vendor, login, limit)


def _login(about: str, address: Address, login: Login) -> Finding:
    ways = {
        USER_VARIABLE: f"user {login.user}" if login.user else "",
        TOKEN_VARIABLE: "a token" if login.token else "",
        CREDENTIALS_VARIABLE: login.credentials,
        NKEY_VARIABLE: login.nkey and f"the key in {login.nkey}",
    }
    way = next((f"{text}  ({name})" for name, text in ways.items() if text), "without one")
    secret = "password" if login.password else "token" if login.token else ""
    if secret and not address.is_tls and not address.is_local:
        return warn(
            "login",
            f"the {secret} may travel without encryption",
            "Use tls:// in place of nats:// in the address.",
            detail=way,
            about=about,
        )
    return ok("login", way, about)


def _server(about: str, address: Address, server: str, login: Login, limit: float) -> Finding:
    """Return whether *server* answers, and with which version."""
    from ...delivery.nats.connection import StreamConnection
    from ...delivery.nats.loop import run_here
    from ...relay.setup import require_version, server_version

    connection = StreamConnection(address._replace(servers=(server,)), login)

    async def look() -> str:
        try:
            return server_version(await connection.client())
        finally:
            await connection.close()

    place = server.partition("://")[2]
    started = time.monotonic()
    try:
        version = run_here(look, limit)
    except TransportError as error:
        cure = error.cure or "Check the address, the network and the firewall."
        refused = "refused the login" in str(error)
        failed = fail("server", _sentence(error), cure, about=about)
        return replace(failed, refused=refused)
    took = f"{(time.monotonic() - started) * 1e3:.0f} ms"
    detail = f"{place}, nats-server {version}, {took}"
    try:
        require_version(version, place)
    except CxLoggingError as error:
        cause, _, cure = str(error).partition(". ")
        return fail("server", cause, cure, detail=detail, about=about)
    return ok("server", detail, about)


def _sentence(error: Exception) -> str:
    return str(error).rstrip(".")


def _stream(
    about: str, address: Address, vendor: str, login: Login, limit: float
) -> Iterator[Finding]:
    from ...delivery.nats.loop import run_here
    from ...relay.link import Link

    async def look() -> list[Finding]:
        async with Link(address, login, CLIENT_NAME) as link:
            return await _examine(about, link, vendor)

    try:
        yield from run_here(look, 4 * limit)  # some ten requests, one after the other
    except TransportError as error:
        yield refusal_or_failure("stream", about, error)


def refusal_or_failure(name: str, about: str, error: TransportError) -> Finding:
    """Return the finding that the stream could not be looked at; an application need not."""
    if "may not do" in str(error):
        return skip(name, f"not examined, as {_sentence(error)}", about)
    cure = error.cure or "Check the servers of the stream, and the network."
    return fail(name, _sentence(error), cure, about=about)


async def _examine(about: str, link: Link, vendor: str) -> list[Finding]:
    """Return the findings about the stream, its relays and its dead letters."""
    from ...relay.status import read_status, stream_alarms

    address = link.address
    status = await read_status(link)
    found = [await _configuration(about, link, status)]
    look = f"`cxlogging relay status --nats {address}` shows more."
    found += [warn("stream", alarm, look, about=about) for alarm in stream_alarms(status)]
    found.append(await _consumer(about, link, vendor, status))
    found.append(_relays(about, status))
    for name, reason in troubles(status, vendor):
        found.append(warn("relays", f"{name}: {reason}", "The relay's log has more.", about=about))
    if status.rejected:
        cause = f"{status.rejected:,} messages were rejected by a vendor or by relays"
        cure = f"See them: `cxlogging relay rejected --nats {address}`."
        found.append(warn("dead letters", cause, cure, about=about))
    else:
        found.append(ok("dead letters", "none", about))
    return found


def troubles(status: StreamStatus, vendor: str) -> list[tuple[str, str]]:
    """Return what keeps relays from delivering to *vendor*, as they report it: where, and why."""
    return [
        (f"{relay.get('host', relay['relay'])}, {name}", reason)
        for relay in status.relays
        for name, reason in relay.get("trouble", {}).items()
        if name.partition(" ")[0] == vendor
    ]


async def _consumer(about: str, link: Link, vendor: str, status: StreamStatus) -> Finding:
    """Return whether relays get what is published for *vendor*."""
    from ...delivery.nats.failures import StreamError
    from ...relay.setup import consumer_name

    stream, name = link.address.stream, consumer_name(vendor)
    cure = f"`cxlogging relay init --nats {link.address}` corrects it."
    try:
        config = (await link.call(lambda js: js.consumer_info(stream, name))).config
    except StreamError as error:
        if error.code != NO_CONSUMER:
            raise
        return warn("consumer", f"there is no consumer {name}", cure, about=about)
    if (config.max_deliver or -1) != -1:
        cause = f"after {config.max_deliver} deliveries, a message stays in the stream for ever"
        return fail("consumer", cause, cure, about=about)
    counts = next((each for each in status.vendors if each.vendor == vendor), None)
    detail = f"{counts.waiting:,} messages wait, {counts.held:,} are held" if counts else ""
    return ok("consumer", f"{name}: {detail}", about)


async def _configuration(about: str, link: Link, status: StreamStatus) -> Finding:
    """Return whether the stream is as relays need it."""
    from ...relay.setup import DEFAULTS, differences, stream_configs

    address = link.address
    config = (await link.call(lambda js: js.stream_info(address.stream))).config
    wrong = differences(REQUIRED, config, next(stream_configs(address, 0.0, DEFAULTS)))
    bound = f" of {status.max_bytes:,}" if status.max_bytes > 0 else ""
    detail = f"{address.stream}: {status.messages:,} messages, {status.size:,}{bound} bytes"
    if wrong:
        return fail(
            "stream",
            f"relays need other settings of the stream: {'; '.join(wrong.values())}",
            f"`cxlogging relay init --nats {address}` changes what can be changed.",
            detail=detail,
            about=about,
        )
    if status.replicas == 1 and not address.is_local:
        return warn(
            "stream",
            "it is on one server alone: with that server's disk, it is lost",
            f"On a cluster: `cxlogging relay init --replicas 3 --nats {address}`.",
            detail=detail,
            about=about,
        )
    return ok("stream", detail, about)


def _relays(about: str, status: StreamStatus) -> Finding:
    if not status.relays:
        return no_relay("relays", about, status)
    hosts = ", ".join(f"{each.get('host')} (pid {each.get('pid')})" for each in status.relays)
    return ok("relays", f"{len(status.relays):,}: {hosts}; {status.rate:,.0f} records/s", about)


def no_relay(name: str, about: str, status: StreamStatus) -> Finding:
    """Return the finding that nobody takes the records out of the stream."""
    return fail(
        name,
        "no relay runs: records wait in the stream",
        f"Start one where the vendors' keys are: `cxlogging relay --nats {status.stream}`.",
        about=about,
    )
