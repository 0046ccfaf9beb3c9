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
        self._descriptors = _Selector()
        super().__init__(self._descriptors)
        self.set_exception_handler(_ignore)
        waker = self._csock.fileno()  # type: ignore[attr-defined] # the base class's
        self._descriptors.note(waker)

    def time(self) -> float:
        return float(monotonic())

    async def getaddrinfo(self, *args: Any, **options: Any) -> Any:
        return socket.getaddrinfo(*args, **options)

    @property
    def is_intact(self) -> bool:
        """Whether its descriptors are still its own: something may have closed all there were."""
        return self._descriptors.is_intact

    def _write_to_self(self) -> None:
        if self.is_intact:  # else it would write to a file of the application's
            super()._write_to_self()  # type: ignore[misc] # the base class's

    def detach(self) -> None:
        """Make the descriptors, in the child of a fork, lead nowhere; the sockets are not used."""
        self._descriptors.detach()

    def __del__(self) -> None:  # the default warns of one left by a fork
        pass


class _Selector(getattr(selectors, "PollSelector", selectors.SelectSelector)):  # type: ignore[misc]
    """A selector that remembers which files its descriptors were registered for."""

    def __init__(self) -> None:
        super().__init__()
        self._files: dict[int, object] = {}

    def note(self, fd: int) -> None:
        """Remember the file of *fd*."""
        self._files[fd] = _identity(fd)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key: selectors.SelectorKey = super().register(fileobj, events, data)
        self.note(key.fd)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key: selectors.SelectorKey = super().unregister(fileobj)
        self._files.pop(key.fd, None)
        return key

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(timeout)
        if not self.is_intact:
            raise OSError(errno.EBADF, "something has closed descriptors that it did not open")
        return ready

    @property
    def is_intact(self) -> bool:
        """Whether all descriptors are still open for the same files; any thread may ask."""
        # The second look: the loop may have closed one itself, after it was unregistered.
        files = tuple(self._files.items())
        return all(_identity(fd) == file or self._files.get(fd) != file for fd, file in files)

    def detach(self) -> None:
        """Have what is open lead nowhere."""
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
            for fd, file in tuple(self._files.items()):
                if _identity(fd) == file:
                    os.dup2(nowhere, fd, inheritable=False)
            os.close(nowhere)


def _identity(fd: int) -> object:
    """Return what tells the file of *fd* from another one that gets the same number."""
    try:
        facts = os.fstat(fd)
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _ignore(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keep what nobody retrieved out of the log."""


class LoopThread:
    """
    The thread with the event loop of this process's connections.

    It is also one of the threads that leave before a fork: see `process.fork`.
    """

    def __init__(self) -> None:
        self._abandoned: list[object] = []
        self._loop: PrivateLoop | None = None
        self._begin_process()
        REPORTERS.append(self)

    def _begin_process(self) -> None:
        self._pid = os.getpid()
        self._lock = _thread.RLock()
        self._loop = None
        self._open: set[OpenConnection] = set()
        self._waiting: set[concurrent.futures.Future[Any]] = set()
        self._users = self._closing = self._threads = 0

    def reset_after_fork(self) -> None:
        """Start afresh in a fork's child, whose sockets are the parent's."""
        if self._loop is not None:
            self._loop.detach()
            self._abandon(self._loop)
        self._begin_process()

    def _abandon(self, loop: PrivateLoop) -> None:
        """Keep for ever what must not be finalized: its numbers may be another file's by now."""
        self._abandoned.append((loop, self._open))

    def start(self) -> bool:
        """Do nothing: whoever needs the thread starts it."""
        return False

    def check(self) -> None:
        """Do nothing: the thread ends with the last connection."""

    @property
    def is_running(self) -> bool:
        """Whether the thread is about to leave."""
        return self._threads > 0 and not self._open and self._users == self._closing

    def is_usable(self) -> bool:
        """Return whether `run` can be used; False where no thread can run."""
        self._check()
        if sys.is_finalizing() or no_thread():
            return False
        with self._lock:
            try:
                self._loop = self._loop or self._begin()
            except RuntimeError:  # no thread can be started
                return False
        return True

    def _check(self) -> None:
        """Give up what cannot be used: a parent's loop, or one whose descriptors are closed."""
        if self._pid != os.getpid():
            self.reset_after_fork()
        with self._lock:
            if self._loop is not None and not self._loop.is_intact:
                self._lose(self._loop)

    def _lose(self, loop: PrivateLoop) -> None:
        """Go on without *loop*, whose descriptors are closed. Under the lock."""
        self._abandon(loop)
        self._loop, self._open = None, set()
        for future in tuple(self._waiting):
            future.cancel()

    def run(self, function: Callable[[], Coroutine[Any, Any, Result]], seconds: float) -> Result:
        """
        Return what the coroutine of *function* returns, run on the loop.

        Args:
            function: Makes the coroutine.
            seconds: It is cancelled after so long.

        Raises:
            TransportError: It took too long.
            RuntimeError: No thread can be started.
            Exception: What it raises.
        """
        self._check()
        with self._lock:
            loop = self._loop = self._loop or self._begin()
            self._users += 1
            future = asyncio.run_coroutine_threadsafe(function(), loop)
            self._waiting.add(future)
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
                self._waiting.discard(future)
                self._leave()

    def _begin(self) -> PrivateLoop:
        loop = PrivateLoop()
        try:
            self._threads += 1
            start_thread(lambda: self._main(loop))
        except BaseException:
            self._threads -= 1
            loop.close()
            raise
        return loop

    def _main(self, loop: PrivateLoop) -> None:
        with own_thread():
            try:
                with contextlib.suppress(OSError):  # see `_Selector.select`
                    loop.run_forever()
            finally:
                with self._lock:
                    if self._loop is loop:
                        self._lose(loop)
                if loop.is_intact:
                    _end(loop)
                with self._lock:
                    self._threads -= 1

    def _leave(self) -> None:
        """End the thread where nobody needs it. Under the lock."""
        self._users -= 1
        loop = self._loop
        if loop is not None and not self._users and not self._open:
            self._loop = None
            loop.call_soon_threadsafe(loop.stop)

    def opened(self, connection: OpenConnection) -> None:
        """Keep the thread while *connection* is open."""
        with self._lock:
            self._open.add(connection)

    def close(self, connection: OpenConnection) -> None:
        """Close *connection*, if it is open in this process; do not wait for it."""
        self._check()
        with self._lock:
            loop = self._loop
            if loop is None or connection not in self._open:
                return
            self._open.discard(connection)
            self._users += 1
            self._closing += 1

        async def close() -> None:
            try:
                await connection.close()
            finally:
                with self._lock:
                    self._closing -= 1
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
