"""Connections to the servers of a stream: opened when they are used, and again when lost."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from typing import Any

import nats.errors
from nats.aio.client import Client

from ... import __version__
from ..http import tls
from .address import Address, Login
from .failures import StreamError, connection_error, permission_error
from .loop import CLOSE_SECONDS

CONNECT_SECONDS = 2.0
"""For one server; then the next one is tried."""

PING_SECONDS = 2.0
"""Between two pings. Two without an answer, and the connection is given up."""

PENDING_BYTES = 4 * 2**20


class _StreamClient(Client):
    """A client that can demand TLS: otherwise the server, or whoever answers for it, decides."""

    def __init__(self, *, demands_tls: bool) -> None:
        super().__init__()
        self._demands_tls = demands_tls

    def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> Any:
        if self._demands_tls:
            if not (info.get("tls_required") or info.get("tls_available")):
                raise nats.errors.SecureConnWantedError
            info["tls_required"] = True  # before anything is sent
        return super()._process_info(info, initial_connection)  # a coroutine in newer versions


class StreamConnection:
    """
    A connection to the servers of a stream: opened when it is first used, and again when lost.

    Its coroutines run on one event loop: that of `LOOP`, or any other.

    Args:
        address: The servers.
        login: What it shows to them.
        ping_seconds: Between two pings.
        name: Shown by the servers' monitoring.

    Attributes:
        refusal: What the servers have said that this login may not do.
    """

    def __init__(
        self,
        address: Address,
        login: Login,
        *,
        ping_seconds: float = PING_SECONDS,
        name: str = f"cxlogging/{__version__}",
    ) -> None:
        self.address = address
        self._login = login
        self._ping_seconds = ping_seconds
        self._name = name
        self._client: Client | None = None
        self._opening: asyncio.Lock | None = None
        self._servers = random.sample(address.servers, len(address.servers))
        self._context: ssl.SSLContext | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.refusal: StreamError | None = None

    async def client(self) -> Client:
        """
        Return the client, which is connected now.

        Raises:
            StreamError: No server can be used; the error is the last one's.
        """
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._opening is None:  # nothing of another loop can be used
            self._loop, self._opening, self._client = loop, asyncio.Lock(), None
        async with self._opening:
            if self._client is not None and self._client.is_connected:
                return self._client
            await self.close()
            self._client = await self._connect_to_any()
            return self._client

    async def _connect_to_any(self) -> Client:
        errors: list[StreamError] = []
        for server in tuple(self._servers):
            try:
                client = await self._connect(server)
            except StreamError as error:
                errors.append(error)
                self._servers.remove(server)  # the others first, the next time
                self._servers.append(server)
            else:
                known = {_host_port(each) for each in self._servers}
                scheme = server.partition("://")[0]
                for found in client.discovered_servers:
                    if (place := found.netloc) not in known:
                        self._servers.append(f"{scheme}://{place}")
                return client
        # What a person must fix counts more than a server that is down.
        raise next((each for each in errors if each.needs_fix), errors[-1])

    async def _connect(self, server: str) -> Client:
        client = _StreamClient(demands_tls=self.address.is_tls)
        opened = False

        async def on_error(error: Exception) -> None:
            if not opened:  # else the client tries the same server again, for ever
                raise StreamError("") from error
            self.refusal = permission_error(error) or self.refusal

        options = self._options()
        self.refusal = None
        try:
            await asyncio.wait_for(
                client.connect([server], error_cb=on_error, **options), CONNECT_SECONDS
            )
        except Exception as error:
            await _abort(client)
            cause = error.__cause__ if isinstance(error, StreamError) else error
            raise connection_error(server, _exception(cause or error)) from None
        opened = True
        return client

    def _options(self) -> dict[str, Any]:
        login = self._login
        options: dict[str, Any] = {
            "name": self._name,
            "allow_reconnect": False,  # done here, to another server
            "connect_timeout": CONNECT_SECONDS,
            "ping_interval": self._ping_seconds,
            "max_outstanding_pings": 2,
            "pending_size": PENDING_BYTES,
            "user": login.user or None,
            "password": login.password.reveal() if login.password else None,
            "token": login.token.reveal() if login.token else None,
            "user_credentials": login.credentials or None,
            "nkeys_seed": login.nkey or None,
        }
        if self.address.is_tls or login.ca_file or login.certificate:
            self._context = self._context or tls_context(login)
            options["tls"] = self._context
        return {name: value for name, value in options.items() if value is not None}

    async def lose(self) -> None:
        """Give the client up, as it does not answer; prefer another server the next time."""
        client, self._client = self._client, None
        if client is None:
            return
        url = client.connected_url
        for server in tuple(self._servers):
            if url is not None and _host_port(server) == url.netloc:
                self._servers.remove(server)
                self._servers.append(server)
        await _abort(client)

    async def close(self) -> None:
        """Close it; what was published is sent before."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(client.close(), CLOSE_SECONDS)
            await _abort(client)


def tls_context(login: Login) -> ssl.SSLContext:
    """Return the context of connections by TLS."""
    context = tls.trusting(login.ca_file or None)
    if login.certificate is not None:
        tls.load(context, login.certificate if login.certificate[1] else login.certificate[0])
    return context


def _host_port(server: str) -> str:
    return server.partition("://")[2]


def _exception(error: BaseException) -> Exception:
    return error if isinstance(error, Exception) else RuntimeError(str(error))


async def _abort(client: Client) -> None:
    """Let go of a client at once, also where its server does not read."""
    writer = getattr(client._transport, "_io_writer", None)  # noqa: SLF001 - close() waits for ever
    if writer is not None:
        writer.transport.abort()
    with contextlib.suppress(Exception):
        await asyncio.wait_for(client.close(), CLOSE_SECONDS)
