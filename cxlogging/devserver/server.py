"""The local server as one object: start it, point the application at `url`, ask what arrived."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import selectors
import socket
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from uvicorn.server import ServerState

from ..vendors.emulation.types import QUERIES, Keys
from ..vendors.registry import VENDORS
from ..wire.option_parsers import boolean
from . import api
from .app import DevApp
from .faults import FaultPanel
from .guard import Guard
from .ingest import Ingest
from .protocol import DevProtocol, config
from .query.endpoint import TIMEOUT, QueryEmulator
from .query.processes import MEMORY
from .schema import RequestRecord
from .store import MAX_BYTES, Store

if TYPE_CHECKING:
    from types import TracebackType


class DevServer:
    """
    The three vendors on one loopback address, and a query door over what arrived.

    Args:
        port: 0 takes a free one.
        host: A loopback address, unless *allow_remote*.
        keys: Which keys the doors accept; by default any that is not empty.
        path: The database file, kept; None for a temporary one.
        max_bytes: Of the database; the oldest events go.
        allow_remote: Serve other machines, under any `Host`.
        on_request: Told of each request at a door, on the server's thread.
        query_timeout: Seconds of work after which a query is ended; one in the background may
            take ten times as long.
        query_memory: Bytes of memory that a query may take, where the system can bound it.

    A context manager. May be started once; make another for another run.
    """

    def __init__(
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        keys: Keys | None = None,
        path: str | os.PathLike[str] | None = None,
        max_bytes: int = MAX_BYTES,
        allow_remote: bool = False,
        on_request: Callable[[RequestRecord], None] = lambda _: None,
        query_timeout: float = TIMEOUT,
        query_memory: int = MEMORY,
    ) -> None:
        allow_remote = boolean("allow_remote", allow_remote)
        if not allow_remote and not _is_loopback(host):
            raise ValueError(
                f"{host} is not a loopback address: pass allow_remote=True to serve others"
            )
        keys = keys or Keys()
        if unknown := keys.names - {*VENDORS, QUERIES}:
            known = ", ".join((*VENDORS, QUERIES))
            raise ValueError(f"keys: unknown vendor {min(unknown)!r}; known: {known}")
        self.host, self.port = host, port
        self.store = Store(path, max_bytes=max_bytes)
        self.faults = FaultPanel()
        self._ingest = Ingest(self.store, keys, self.faults, on_request)
        self._queries = QueryEmulator(self.store.path, timeout=query_timeout, memory=query_memory)
        self._allow_remote = allow_remote
        self._line: _Line | None = None

    @property
    def url(self) -> str:
        """Such as `http://127.0.0.1:43210`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def start(self) -> DevServer:
        """Listen, and serve on a thread of its own. Raises `OSError` when the port is taken."""
        if self._line is not None:
            raise RuntimeError("this server was started before: make another")
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.create_server((self.host, self.port), family=family, backlog=512)
        self.port = listener.getsockname()[1]
        guard = Guard.of(self.host, self.port, allow_remote=self._allow_remote)
        emulators = (*(vendor.emulator for vendor in VENDORS.values()), self._queries)
        app = DevApp(guard, self._ingest, emulators, api.build(self.store, self.faults))
        self._line = _Line(listener, app)
        self._line.start()
        return self

    def stop(self) -> None:
        """Stop serving, cut what is open, close the store. Does nothing in a forked child."""
        if self._line is not None and not self._line.stop():
            return
        self._queries.close()
        self._ingest.beside.close()
        self.store.close()

    def __enter__(self) -> DevServer:  # noqa: PYI034 - typing.Self came with 3.11
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def events(self, vendor: str | None = None) -> list[dict[str, Any]]:
        """All events in the order of arrival, as dicts with the names of `StoredEvent`."""
        return self.store.oldest(vendor)

    def count(self, vendor: str | None = None) -> int:
        """How many events are kept."""
        counts = self.store.count()
        return sum(counts.values()) if vendor is None else counts.get(vendor, 0)

    def wait_for(self, vendor: str | None, n: int, timeout: float = 10.0) -> bool:
        """True once *n* events of *vendor* are kept, False after *timeout* seconds."""
        return self.store.wait(
            lambda counts: (sum(counts.values()) if vendor is None else counts[vendor]) >= n,
            timeout,
        )

    def requests(self, vendor: str | None = None) -> list[dict[str, Any]]:
        """The log of requests in the order of arrival, as dicts like `RequestRecord`."""
        return self.store.requests(-1, vendor=vendor)[::-1]

    def clear(self) -> None:
        """Forget events, requests and faults."""
        self.store.clear()
        self.faults.clear()


class _Line(threading.Thread):
    """The thread that serves a listening socket."""

    def __init__(self, listener: socket.socket, app: DevApp) -> None:
        super().__init__(name="cxlogging-devserver", daemon=True)
        self._listener, self._app = listener, app
        self._owner = os.getpid()
        self._ready = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._error: Exception | None = None
        self.state = ServerState()
        _LINES.add(self)

    def start(self) -> None:
        super().start()
        self._ready.wait()
        if self._error is not None:
            raise self._error

    def stop(self) -> bool:
        """True when it is over, False in a forked child, where it never was."""
        if os.getpid() != self._owner:
            return False
        if self.is_alive() and self._loop is not None and self._over is not None:
            self._loop.call_soon_threadsafe(self._over.set)
            self.join()
        return True

    def run(self) -> None:
        self._loop = asyncio.SelectorEventLoop(self._selector)
        try:
            self._loop.run_until_complete(self._serve(self._loop))
        except Exception as error:
            self._error = error
        finally:
            _LINES.discard(self)
            self._loop.close()
            self._listener.close()
            self._ready.set()

    async def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        self._over = asyncio.Event()
        settings = config(self._app)
        server = await loop.create_server(
            lambda: DevProtocol(config=settings, server_state=self.state, app_state={}),
            sock=self._listener,
        )
        self._ready.set()
        await self._over.wait()
        # Not yet server.close(): asyncio would lose what it is just accepting.
        loop.remove_reader(self._listener)
        await self._cut()
        server.close()
        tasks = list(self.state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _cut(self) -> None:
        # A transport closes its socket one turn of the loop later, and a connection that was
        # just accepted appears a few turns later: the loop must not end before.
        quiet = 0
        while quiet < 10:
            for connection in list(self.state.connections):
                connection.transport.abort()
            quiet = 0 if self.state.connections else quiet + 1
            await asyncio.sleep(0)

    def let_go(self) -> None:
        """
        In a forked child: give up the copies of our sockets.

        While a child holds a copy, the peer of a closed connection never sees it end. Each is
        replaced by the null device rather than closed, so that its number is not given to
        something else that a forgotten object would close later.
        """
        null = os.open(os.devnull, os.O_RDWR)
        for number in self._numbers():
            if number >= 0:
                os.dup2(null, number, inheritable=False)
        os.close(null)

    def _numbers(self) -> list[int]:
        transports = [one.transport for one in list(self.state.connections)]
        sockets = [one.get_extra_info("socket") for one in transports if one is not None]
        numbers = [one.fileno() for one in (self._listener, *sockets) if one is not None]
        selector = getattr(self._selector, "fileno", lambda: -1)()
        return [*numbers, selector]


_LINES: weakref.WeakSet[_Line] = weakref.WeakSet()


def _let_go() -> None:
    for line in list(_LINES):
        with suppress(OSError, ValueError):
            line.let_go()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
