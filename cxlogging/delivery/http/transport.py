"""
The only socket of a delivery: one request, one answer, one deadline.

A socket's own timeout is no deadline (a byte a second keeps it alive for ever),
so the time that is left is set before every read and write. Nothing is followed.
"""

from __future__ import annotations

import http.client
import io
import os
import platform
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from urllib3.util.wait import wait_for_read

from ... import __version__
from ...wire.http import Request, Response
from ...wire.system_clock import monotonic
from ..clock import Clocks
from .connect import Connector
from .failures import transport_error
from .interface import TransportError

try:
    import fcntl
    from termios import TIOCOUTQ
except ImportError:  # Windows
    TIOCOUTQ = 0  # type: ignore[misc]  # declared final where it is there

ANSWER_BYTES = 256 * 1024
"""Most bytes of an answer that are read: a status and a reason for each of some 1,000 records."""
READ_BYTES = 72 * 1024
"""Bytes of an answer that are read at once, if they are there."""
WRITE_BYTES = 2 * 2**20
"""Bytes of a body written at once: each call waits several times for the GIL."""
HEAD_BYTES = 64 * 1024
"""Bytes of a body written together with the head: that copies them, so not too many."""

IDLE_SECONDS = 25.0
CLOSE_SECONDS = 0.25
"""How long a server that said it would close is given to do so."""
ACKNOWLEDGE_SECONDS = 0.05
"""How long acknowledgements of the last bytes of a request may come after the answer to it."""
AGE_SECONDS = 300.0
USER_AGENT = (("User-Agent", f"cxlogging/{__version__} python/{platform.python_version()}"),)


class PooledConnection:
    """A connection that is kept for a next request."""

    def __init__(self, connection: Any, now: float) -> None:
        self.connection = connection
        self.sock = connection.sock
        self.opened = now
        self.used = now
        self._identity = _identity(self.sock)

    def close(self) -> None:
        """Close the connection, but not a file that has got its descriptor's number meanwhile."""
        if _identity(self.sock) != self._identity:
            self.sock.detach()
        self.connection.close()

    def touch(self, now: float) -> None:
        """Note that it was used at monotonic *now*."""
        self.used = now

    def is_usable(self, now: float) -> bool:
        if now - self.used > IDLE_SECONDS or now - self.opened > AGE_SECONDS:
            return False
        if _identity(self.sock) != self._identity:
            return False  # somebody closed all descriptors, and the number may be another file's
        # An idle connection with bytes to read was closed by the other side (FIN).
        try:
            return not wait_for_read(self.sock, 0)
        except (OSError, ValueError):
            return False


class HttpTransport:
    """
    HTTP/1.1 with keep-alive, for one endpoint; used by several workers at once.

    Args:
        connector: Opens connections.
        headers: Sent with every request; ``User-Agent`` replaces our own.
        clock: Monotonic time.
    """

    def __init__(
        self,
        connector: Connector,
        headers: Sequence[tuple[str, str]] = (),
        clock: Clocks | None = None,
    ) -> None:
        self._connector = connector
        own = () if any(name.lower() == "user-agent" for name, _ in headers) else USER_AGENT
        self._headers = (*own, *headers)
        self._clock = clock or Clocks()
        self._idle: deque[PooledConnection] = deque()
        self._busy: set[PooledConnection] = set()
        self._pid = os.getpid()

    def send(self, request: Request, encoding: str | None, seconds: float) -> Response:
        deadline = self._clock.monotonic() + seconds
        encoded = (("Content-Encoding", encoding),) if encoding else ()
        head = request.head((*self._headers, *encoded))
        if (connection := self._reusable()) is not None:
            try:
                return self._exchange(connection, head, request.body, deadline)
            except _StaleError:
                pass  # closed while idle: nothing was read, so it is tried on a new one
            except Exception as error:
                raise self._trouble(error, request) from None
        try:
            now = self._clock.monotonic()
            connection = PooledConnection(self._connector.open(max(deadline - now, 0.01)), now)
        except Exception as error:
            trouble = self._trouble(error, request)
            # A smaller request would open no connection either.
            raise TransportError(str(trouble), trouble.cure) from None
        try:
            return self._exchange(connection, head, request.body, deadline)
        except Exception as error:
            raise self._trouble(error, request) from None

    def _trouble(self, error: Exception, request: Request) -> TransportError:
        return transport_error(error, request.endpoint, self._connector.dialled_proxy)

    def close(self) -> None:
        while (connection := self._pop()) is not None:
            connection.close()
        if os.getpid() != self._pid:  # a fork's child: its parent has these requests under way
            while self._busy:
                self._busy.pop().close()

    def _reusable(self) -> PooledConnection | None:
        while (connection := self._pop()) is not None:
            if connection.is_usable(self._clock.monotonic()):
                return connection
            connection.close()
        return None

    def _pop(self) -> PooledConnection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _exchange(
        self, connection: PooledConnection, head: bytes, body: bytes, deadline: float
    ) -> Response:
        """Write and read on *connection*, and keep it where it can serve again."""
        fresh, kept = connection.used == connection.opened, False
        self._busy.add(connection)
        reader = _DeadlineReader(connection.sock, deadline, self._clock)
        answer = http.client.HTTPResponse(_Readable(reader), method="POST")  # type: ignore[arg-type]
        try:
            broken = self._write(connection, head, body, deadline)
            try:
                readable = _begin(answer)
                if reader.ended:
                    raise ConnectionError("the answer ended within its head")  # noqa: TRY301
            except (http.client.RemoteDisconnected, ConnectionError) as error:
                if not fresh and not reader.got:
                    raise _StaleError from None
                raise broken or error from None
            if not readable:
                return Response(answer.status, complete=False)
            response, whole = _read(answer)
            taken = 200 <= response.status < 300
            if taken and (broken or not _was_sent_whole(connection.sock, closing=not whole)):
                raise ConnectionError("the server answered before it had read the request")
            kept = whole and broken is None and response.status >= 200
            return response
        finally:
            answer.close()  # now: left to the collector, it complains on 3.13
            connection.touch(self._clock.monotonic())
            self._busy.discard(connection)
            if kept:
                self._idle.append(connection)
            else:
                connection.close()

    def _write(
        self, connection: PooledConnection, head: bytes, body: bytes, deadline: float
    ) -> OSError | None:
        """Write the request; return the error of a reader that stopped listening early."""
        data = memoryview(body)
        rest = range(HEAD_BYTES, len(data), WRITE_BYTES)
        pieces = (head + data[:HEAD_BYTES], *(data[at : at + WRITE_BYTES] for at in rest))
        try:
            for piece in pieces:
                _limit(connection.sock, deadline, self._clock)
                connection.sock.sendall(piece)
        except ConnectionError as error:
            return error  # an answer such as 413 may still be there to be read
        return None


class _StaleError(Exception):
    """A connection kept from an earlier request had been closed meanwhile."""


class _DeadlineReader(io.RawIOBase):
    def __init__(self, sock: Any, deadline: float, clock: Clocks) -> None:
        self._sock = sock
        self._deadline = deadline
        self._clock = clock
        self.got, self.ended = 0, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        _limit(self._sock, self._deadline, self._clock)
        size: int = self._sock.recv_into(buffer)
        self.got += size
        self.ended = not size
        return size


class _Readable:
    """What `http.client.HTTPResponse` takes for a socket."""

    def __init__(self, reader: _DeadlineReader) -> None:
        self._reader = reader

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002
        return io.BufferedReader(self._reader, READ_BYTES)


def _identity(sock: Any) -> tuple[int, int] | None:
    """Return what tells the socket of *sock* from any other file; None where nothing does."""
    try:
        status = os.fstat(sock.fileno())
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _was_sent_whole(sock: Any, *, closing: bool) -> bool:
    """
    Return False where the server cannot have read the whole request that it has answered.

    A server that closes with bytes unread resets the connection, and one that has
    stopped reading leaves bytes that its system never acknowledges.
    """
    try:
        if closing:
            wait_for_read(sock, CLOSE_SECONDS)
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return False
        end = monotonic() + ACKNOWLEDGE_SECONDS
        while _unacknowledged(sock):
            if monotonic() > end:
                return False
            time.sleep(ACKNOWLEDGE_SECONDS / 10)
    except (AttributeError, OSError, ValueError):
        pass  # closed in good order, or neither this system nor TLS inside of TLS can tell which
    return True


def _unacknowledged(sock: Any) -> int:
    """Return how many bytes the other side's system has not acknowledged; 0 where unknown."""
    if not TIOCOUTQ:
        return 0
    count = fcntl.ioctl(sock.fileno(), TIOCOUTQ, bytes(4))
    return int.from_bytes(count, sys.byteorder)


def _limit(sock: Any, deadline: float, clock: Clocks) -> None:
    """Give the next operation on *sock* the time until *deadline*, to within a fiftieth of it."""
    left = deadline - clock.monotonic()
    if left <= 0:
        raise TimeoutError("the time of a request was over")
    given = sock.gettimeout()
    # Setting it is a call of the system's, and waits for the interpreter's lock.
    if given is None or not left * 0.98 <= given <= left * 1.02:
        sock.settimeout(left)


def _begin(answer: http.client.HTTPResponse) -> bool:
    """
    Read the head of *answer*; return False where it has a status and cannot be read any further.

    Raises:
        Exception: There is no status, so nothing is known of the request.
    """
    try:
        answer.begin()
    except (http.client.HTTPException, ValueError):
        if type(answer.status) is not int or answer.status < 200:
            raise
        return False
    return True


def _read(answer: http.client.HTTPResponse) -> tuple[Response, bool]:
    """Return the answer, and whether the connection can serve again."""
    body = b""
    try:
        body = answer.read(ANSWER_BYTES + 1)
        whole = len(body) <= ANSWER_BYTES and answer.isclosed() and not answer.length
    except (OSError, http.client.HTTPException):
        # The status line is enough for the outcome; the rest did not arrive.
        whole = False
    headers = {name.lower(): value for name, value in answer.getheaders()}
    response = Response(answer.status, headers, body[:ANSWER_BYTES], complete=whole)
    return response, whole and not answer.will_close
