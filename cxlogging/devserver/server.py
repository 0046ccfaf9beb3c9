"""`DevServer`: start it, point the application at `url`, and read what arrived."""

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
from typing import Any

from uvicorn.server import ServerState

from ..vendors.registry import VENDORS
from ..wire.option_parsers import boolean
from .api.context import ApiContext
from .api.routes import build
from .app import DevApp
from .events.reader import EventReader
from .events.selection import EventQueries
from .faults import FaultPanel
from .guard import Guard
from .ingest import Ingest
from .keys import Keys
from .protocol import DevProtocol, config
from .query.endpoint import TIMEOUT, QueryEmulator
from .query.pool import MAX_MEMORY
from .reports import ReportBoard
from .schema import RequestRecord
from .store import MAX_BYTES, Store

LOOPBACK_OF_ALL = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read only
"""Hosts that stand for every address, and the address at which this machine reaches them."""


class DevServer:
    """
    All vendors' ingest APIs on one loopback address, and the query API over what arrived.

    Args:
        port: The port; 0 picks a free one.
        host: A loopback address, unless *allow_remote* is True.
        keys: The keys that are accepted; by default any key that is not empty.
        path: The database file, which is kept; None for a temporary one.
        max_bytes: Maximum size of the database; above it the oldest events are removed.
        allow_remote: True serves other machines, under any `Host`.
        on_request: Called with each request to a vendor's API or the query API, on the server's
            thread.
        query_timeout: Seconds of work after which a query is ended; background queries may take
            ten times as long.
        query_memory: Maximum bytes of memory of a query, where the system can enforce it.

    A context manager. A server can be started once; create another one for another run.
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
        query_memory: int = MAX_MEMORY,
    ) -> None:
        allow_remote = boolean("allow_remote", allow_remote)
        if not allow_remote and not _is_loopback(host):
            raise ValueError(
                f"{host} is not a loopback address: pass allow_remote=True to serve other machines"
            )
        keys = keys or Keys()
        self.host, self.port = host, port
        self.store = Store(path, max_bytes=max_bytes)
        self.faults = FaultPanel()
        self.reports = ReportBoard()
        self._ingest = Ingest(self.store, keys, self.faults, on_request)
        self._queries = QueryEmulator(self.store.path, timeout=query_timeout, memory=query_memory)
        self._query_timeout = query_timeout
        self._allow_remote = allow_remote
        self._thread: _ServerThread | None = None

    @property
    def url(self) -> str:
        """The address on this machine, such as `http://127.0.0.1:43210`."""
        host = LOOPBACK_OF_ALL.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def start(self) -> DevServer:
        """Listen, and serve on a thread; raise `OSError` where the port is in use."""
        if self._thread is not None:
            raise RuntimeError("a server can be started once: create another DevServer")
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.create_server((self.host, self.port), family=family, backlog=512)
        self.port = listener.getsockname()[1]
        guard = Guard.of(self.host, self.port, allow_remote=self._allow_remote)
        emulators = (*(vendor.emulator for vendor in VENDORS.values()), self._queries)
        context = ApiContext(
            self.store,
            self.faults,
            self.reports,
            guard.token,
            EventReader(self.store.path),
            EventQueries(self._queries.pool, self._query_timeout),
        )
        inner = build(context)
        app = DevApp(guard, self._ingest, emulators, inner)
        self._thread = _ServerThread(listener, app)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving, close all connections and the store; does nothing in a forked child."""
        if self._thread is not None and not self._thread.stop():
            return
        self._queries.close()
        self._ingest.offload.close()
        self.store.close()

    def __enter__(self) -> DevServer:  # noqa: PYI034 - typing.Self came with 3.11
        return self.start()

    def __exit__(self, *raised: object) -> None:
        self.stop()

    def events(self, vendor: str | None = None) -> list[dict[str, Any]]:
        """Return all events in the order of arrival, as dicts with the fields of `StoredEvent`."""
        return self.store.oldest(vendor)

    def count(self, vendor: str | None = None) -> int:
        """Return the number of events in the store."""
        counts = self.store.count()
        return sum(counts.values()) if vendor is None else counts.get(vendor, 0)

    def wait_for(self, vendor: str | None, n: int, timeout: float = 10.0) -> bool:
        """Return True once *n* events of *vendor* are stored, False after *timeout* seconds."""
        return self.store.wait(
            lambda counts: (sum(counts.values()) if vendor is None else counts[vendor]) >= n,
            timeout,
        )

    def requests(self, vendor: str | None = None) -> list[dict[str, Any]]:
        """
        Return the request log, oldest first, as dicts with fields of `RequestRecord`.

        `rule` is an object with `text`, `link` and `fix`, or None; `retries_seen` is the number
        of later requests with the same body; the body itself is left out.
        """
        return self.store.requests(-1, vendor=vendor)[::-1]

    def rejected(self, vendor: str | None = None) -> list[dict[str, Any]]:
        """
        Return the requests of which a rule refused something, oldest first, as `requests` does.

        `item` is what broke the rule, or None; `items` has each refused event of a batch: its
        `index`, the vendor's `error`, the `rule` and the `item`.
        """
        return self.store.rejected(-1, vendor=vendor)[::-1]

    def clear(self) -> None:
        """Remove all events, requests and faults."""
        self.store.clear()
        self.faults.clear()


class _ServerThread(threading.Thread):
    """Serves a listening socket, with an event loop of its own."""

    def __init__(self, listener: socket.socket, app: DevApp) -> None:
        super().__init__(name="cxlogging-devserver", daemon=True)
        self._listener, self._app = listener, app
        self._owner = os.getpid()
        self._ready = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._error: Exception | None = None
        self.state = ServerState()
        _THREADS.add(self)

    def start(self) -> None:
        super().start()
        self._ready.wait()
        if self._error is not None:
            raise self._error

    def stop(self) -> bool:
        """Stop the thread; return False in a forked child, where it does not run."""
        if os.getpid() != self._owner:
            return False
        if self.is_alive() and self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self.join()
        return True

    def run(self) -> None:
        self._loop = asyncio.SelectorEventLoop(self._selector)
        try:
            self._loop.run_until_complete(self._serve(self._loop))
        except Exception as error:
            self._error = error
        finally:
            _THREADS.discard(self)
            self._loop.close()
            self._listener.close()
            self._ready.set()

    async def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        self._stopping = asyncio.Event()
        settings = config(self._app)
        server = await loop.create_server(
            lambda: DevProtocol(config=settings, server_state=self.state, app_state={}),
            sock=self._listener,
        )
        self._ready.set()
        await self._stopping.wait()
        # server.close() comes later: asyncio would lose a connection that it is just accepting.
        loop.remove_reader(self._listener)
        await self._abort_connections()
        server.close()
        tasks = list(self.state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _abort_connections(self) -> None:
        # A transport closes its socket one iteration of the loop later, and a connection that was
        # just accepted appears a few iterations later: the loop must not end before.
        quiet = 0
        while quiet < 10:
            for connection in list(self.state.connections):
                connection.transport.abort()
            quiet = 0 if self.state.connections else quiet + 1
            await asyncio.sleep(0)

    def release_sockets(self) -> None:
        """
        In a forked child: release its copies of the sockets.

        While a child holds a copy, the peer of a closed connection never sees its end. Each
        descriptor is replaced by the null device rather than closed, so that its number is not
        reused for a file that an inherited object would close later.
        """
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in self._descriptors():
            if descriptor >= 0:
                os.dup2(null, descriptor, inheritable=False)
        os.close(null)

    def _descriptors(self) -> list[int]:
        transports = [one.transport for one in list(self.state.connections)]
        sockets = [one.get_extra_info("socket") for one in transports if one is not None]
        numbers = [one.fileno() for one in (self._listener, *sockets) if one is not None]
        selector = getattr(self._selector, "fileno", lambda: -1)()
        return [*numbers, selector]


_THREADS: weakref.WeakSet[_ServerThread] = weakref.WeakSet()


def _release_after_fork() -> None:
    for thread in list(_THREADS):
        with suppress(OSError, ValueError):
            thread.release_sockets()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_after_fork)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
