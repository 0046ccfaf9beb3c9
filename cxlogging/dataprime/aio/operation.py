"""
One blocking call on a thread of its own, which may be ended from outside at any moment.

A thread that waits for a socket is woken by shutting that socket down; so the
connections of an asynchronous client tell the operation that uses them.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

import requests
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from ...wire.threads import block_signals

_here = threading.local()


class Ended(Exception):  # noqa: N818 - it is no error: nobody waits for the outcome any more
    """The operation of this thread was ended."""


class Operation:
    """A call on a thread of its own."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._connection: Any = None
        self._thread: threading.Thread | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Have *work* done by a new thread."""
        self._thread = threading.Thread(target=self._run, args=(work,), name="cxlogging-query")
        self._thread.daemon = True
        self._thread.start()

    def _run(self, work: Callable[[], None]) -> None:
        block_signals()
        _here.operation = self
        work()

    @property
    def ended(self) -> bool:
        """True once `end` was called."""
        return self._ended.is_set()

    @property
    def alive(self) -> bool:
        """True while the thread works."""
        return self._thread is not None and self._thread.is_alive()

    def end(self) -> None:
        """Wake the thread wherever it waits, and let it go no further; do not wait for it."""
        self._ended.set()
        sock = getattr(self._connection, "sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                # The plain socket's own: TLS would take its state from under the thread.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def check(self) -> None:
        """Raise `Ended` once it is."""
        if self.ended:
            raise Ended

    def uses(self, connection: Any) -> None:
        """Note the connection that the thread is about to wait for."""
        self._connection = connection
        self.check()

    def sleep(self, seconds: float) -> None:
        """Wait, unless it ends."""
        self._ended.wait(seconds)
        self.check()


def sleep(seconds: float) -> None:
    """Wait so many seconds, or until this thread's operation is ended."""
    _here.operation.sleep(seconds)


class _Told:
    """What a connection does to be known to the operation that uses it."""

    def connect(self) -> None:
        operation = getattr(_here, "operation", None)
        if operation is None:
            super().connect()  # type: ignore[misc]
            return
        operation.uses(self)
        super().connect()  # type: ignore[misc]
        # Ended while there was no socket yet, nobody could wake us.
        operation.check()

    def request(self, *arguments: Any, **named: Any) -> None:
        operation = getattr(_here, "operation", None)
        if operation is not None:
            operation.uses(self)
        super().request(*arguments, **named)  # type: ignore[misc]


class _Http(_Told, HTTPConnection):
    pass


class _Https(_Told, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class Adapter(requests.adapters.HTTPAdapter):
    """Opens connections that an `Operation` can end."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def proxy_manager_for(self, *arguments: Any, **named: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **named)
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return manager
