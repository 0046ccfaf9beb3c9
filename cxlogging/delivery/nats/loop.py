"""
The thread on which all connections of a process live.

It has an event loop of its own, and ends when the last connection is closed. In the child of a
fork nothing of it can be used: the next call makes a new loop, and the sockets are the parent's
alone.
"""

from __future__ import annotations

import _thread
import asyncio
import concurrent.futures
import contextlib
import errno
import os
import selectors
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from ...wire.system_clock import monotonic
from ...wire.threads import start_thread
from ..http.interface import TransportError
from ..process.registry import REPORTERS
from ..process.state import own_thread
from ..process.threadless import no_thread

Result = TypeVar("Result")

CLOSE_SECONDS = 1.0


class OpenConnection(Protocol):
    """What keeps the thread while it is open."""

    async def close(self) -> None:
        """Close it, on the loop."""
        ...


class PrivateLoop(asyncio.SelectorEventLoop):
    """
    An event loop that starts no threads, and shares nothing with the child of a fork.

    Its selector has no state in the system (epoll's would be shared), it asks for addresses
    itself (the default's threads are gone when exit functions run), and its clock is the real
    one in tests that replace `time`.
    """

    def __init__(self) -> None:
        self.descriptors = _Selector()
        super().__init__(self.descriptors)
        self.set_exception_handler(_on_exception)

    def time(self) -> float:
        return float(monotonic())

    async def getaddrinfo(self, *args: Any, **options: Any) -> Any:
        return socket.getaddrinfo(*args, **options)

    def __del__(self) -> None:  # the default warns of one left by a fork
        pass


class _Selector(getattr(selectors, "PollSelector", selectors.SelectSelector)):  # type: ignore[misc]
    """A selector that remembers which files its descriptors were registered for."""

    def __init__(self) -> None:
        super().__init__()
        self._files: dict[int, object] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key: selectors.SelectorKey = super().register(fileobj, events, data)
        self._files[key.fd] = _identity(key.fd)
        return key

    def detach(self) -> None:
        """Make the descriptors, in the child of a fork, lead nowhere: the sockets stay open."""
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
            for fd in tuple(self.get_map()):
                if _identity(fd) == self._files.get(fd) is not None:
                    os.dup2(nowhere, fd, inheritable=False)
            os.close(nowhere)


def _identity(fd: int) -> object:
    """Return what tells the file of *fd* from another one that gets the same number."""
    try:
        facts = os.fstat(fd)
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _on_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keep what nobody retrieved out of the log; stop where descriptors were closed by others."""
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno == errno.EBADF:
        loop.stop()


class LoopThread:
    """
    The thread with the event loop of this process's connections.

    It is also one of the threads that leave before a fork: see `process.fork`.
    """

    def __init__(self) -> None:
        self._abandoned: list[object] = []
        self.reset_after_fork()
        self._abandoned.clear()
        REPORTERS.append(self)

    def reset_after_fork(self) -> None:
        """Start afresh in a fork's child, whose sockets are the parent's."""
        if self.__dict__.get("_loop") is not None:
            self._loop.descriptors.detach()
            # Never collected: finalizers of the parent's objects would run in the child.
            self._abandoned.append((self._loop, self._open))
        self._pid = os.getpid()
        self._lock = _thread.RLock()
        self._loop: Any = None
        self._open: set[OpenConnection] = set()
        self._users = 0

    def start(self) -> bool:
        """Do nothing: whoever needs the thread starts it."""
        return False

    def check(self) -> None:
        """Do nothing: the thread ends with the last connection."""

    @property
    def is_running(self) -> bool:
        """Whether the thread is about to leave."""
        return self._loop is not None and not self._open and not self._users

    def run(self, function: Callable[[], Coroutine[Any, Any, Result]], seconds: float) -> Result:
        """
        Return what the coroutine of *function* returns, run on the loop.

        Where no thread can run, it runs on the calling one, in a loop of its own: then nothing
        that is bound to the other loop can be used, see `in_thread`.

        Args:
            function: Makes the coroutine.
            seconds: It is cancelled after so long.

        Raises:
            TransportError: It took too long.
            Exception: What it raises.
        """
        if not self.in_thread():
            return run_here(function, seconds)
        with self._lock:
            self._users += 1
            try:
                loop = self._loop if self._loop is not None else self._begin()
                future = asyncio.run_coroutine_threadsafe(function(), loop)
            except BaseException:
                self._leave()
                raise
        try:
            return future.result(seconds)
        except concurrent.futures.TimeoutError:
            if future.done():  # the coroutine's own
                raise
            raise TransportError(f"no answer came within {seconds:g} s") from None
        except concurrent.futures.CancelledError:
            raise TransportError("the event loop has ended") from None
        finally:
            future.cancel()
            with self._lock:
                self._leave()

    def in_thread(self) -> bool:
        """Return whether `run` uses the thread; False where none can run."""
        if self._pid != os.getpid():
            self.reset_after_fork()
        return not (sys.is_finalizing() or no_thread())

    def _begin(self) -> PrivateLoop:
        loop = PrivateLoop()
        start_thread(lambda: self._main(loop))
        self._loop = loop
        return loop

    def _main(self, loop: PrivateLoop) -> None:
        with own_thread():
            try:
                loop.run_forever()
            finally:
                with self._lock:
                    if self._loop is loop:
                        self._loop = None
                        self._open.clear()
                _end(loop)

    def _leave(self) -> None:
        """End the thread where nobody needs it. Under the lock."""
        self._users -= 1
        self._end_if_unused()

    def _end_if_unused(self) -> None:
        loop = self._loop
        if loop is not None and not self._users and not self._open:
            self._loop = None
            loop.call_soon_threadsafe(loop.stop)

    def opened(self, connection: OpenConnection) -> None:
        """Keep the thread while *connection* is open. On the loop, or where there is none."""
        with self._lock:
            self._open.add(connection)

    def close(self, connection: OpenConnection) -> None:
        """Close *connection*, if it is open in this process; do not wait for it."""
        if self._pid != os.getpid():
            self.reset_after_fork()
        with self._lock:
            loop = self._loop
            if loop is None or connection not in self._open:
                return
            self._users += 1

        async def close() -> None:
            try:
                await connection.close()
            finally:
                with self._lock:
                    self._open.discard(connection)
                    self._leave()

        asyncio.run_coroutine_threadsafe(close(), loop)


def run_here(function: Callable[[], Coroutine[Any, Any, Result]], seconds: float) -> Result:
    """Return what the coroutine of *function* returns, run on the calling thread."""
    loop = PrivateLoop()
    try:
        return loop.run_until_complete(asyncio.wait_for(function(), seconds))
    except asyncio.TimeoutError:
        raise TransportError(f"no answer came within {seconds:g} s") from None
    finally:
        _end(loop)


def _end(loop: PrivateLoop) -> None:
    """Cancel what still runs on *loop*, and close it."""
    with contextlib.suppress(Exception):
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks, timeout=CLOSE_SECONDS))
    with contextlib.suppress(Exception):
        loop.close()


LOOP = LoopThread()
