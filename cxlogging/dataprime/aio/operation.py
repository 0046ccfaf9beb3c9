"""
A blocking call on a thread of its own, which can be ended from outside at any moment.

Shutting down a socket wakes the thread that waits for it; so the connections of an
asynchronous client register with the operation that uses them, until they go back to
the pool: from then on they are another operation's to use.
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

MAX_IDLE = 100
"""Connections that are kept open for the next calls."""

_current = threading.local()


class OperationEnded(Exception):  # noqa: N818 - a signal, not an error
    """The operation of this thread was ended."""


class Operation:
    """A blocking call on a thread of its own."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._connection: Any = None
        self._thread: threading.Thread | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Run *work* on a new thread."""
        self._thread = threading.Thread(target=self._run, args=(work,), name="cxlogging-query")
        self._thread.daemon = True
        self._thread.start()

    def _run(self, work: Callable[[], None]) -> None:
        block_signals()
        _current.operation = self
        work()

    @property
    def ended(self) -> bool:
        """True once `end` was called."""
        return self._ended.is_set()

    @property
    def alive(self) -> bool:
        """True while the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def end(self) -> None:
        """Wake the thread wherever it waits, and have it stop; do not wait for it."""
        self._ended.set()
        with self._lock:
            sock = getattr(self._connection, "sock", None)
            if sock is not None:
                with contextlib.suppress(OSError):
                    # Shut down below TLS, whose state the thread may be using.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def check(self) -> None:
        """Raise `OperationEnded` once `end` was called."""
        if self.ended:
            raise OperationEnded

    def use(self, connection: Any) -> None:
        """Register the connection that the thread is about to wait for."""
        with self._lock:
            self._connection = connection
        connection.operation = self
        self.check()

    def release(self, connection: Any) -> None:
        """Leave *connection* alone from now on: it goes back to its pool."""
        with self._lock:
            if self._connection is connection:
                self._connection = None

    def sleep(self, seconds: float) -> None:
        """Wait, or raise once the operation is ended."""
        self._ended.wait(seconds)
        self.check()


def sleep(seconds: float) -> None:
    """Wait so many seconds, or until this thread's operation is ended."""
    _current.operation.sleep(seconds)


class _Interruptible:
    """Registers a connection with the operation that uses it."""

    operation: Operation | None = None

    def connect(self) -> None:
        operation = getattr(_current, "operation", None)
        if operation is None:
            super().connect()  # type: ignore[misc]
            return
        operation.use(self)
        super().connect()  # type: ignore[misc]
        # While there was no socket, `end` could not wake this thread.
        operation.check()

    def request(self, *arguments: Any, **named: Any) -> None:
        operation = getattr(_current, "operation", None)
        if operation is not None:
            operation.use(self)
        super().request(*arguments, **named)  # type: ignore[misc]


class _HttpConnection(_Interruptible, HTTPConnection):
    pass


class _HttpsConnection(_Interruptible, HTTPSConnection):
    pass


class _Releasing:
    """Takes a connection from its operation before another one can get it from the pool."""

    def _put_conn(self, connection: Any) -> None:
        if connection is not None and connection.operation is not None:
            connection.operation.release(connection)
            connection.operation = None
        super()._put_conn(connection)  # type: ignore[misc]


class _HttpConnectionPool(_Releasing, HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsConnectionPool(_Releasing, HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


class InterruptibleAdapter(requests.adapters.HTTPAdapter):
    """Opens connections that an `Operation` can end, and keeps up to `MAX_IDLE` of them."""

    def __init__(self) -> None:
        super().__init__(pool_maxsize=MAX_IDLE)

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _HttpConnectionPool,
            "https": _HttpsConnectionPool,
        }

    def proxy_manager_for(self, *arguments: Any, **named: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **named)
        manager.pool_classes_by_scheme = {
            "http": _HttpConnectionPool,
            "https": _HttpsConnectionPool,
        }
        return manager
