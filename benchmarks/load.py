"""
The load of the mode ``web``: ``python -m benchmarks.load PORT PATH REQUESTS``, a process.

Each of a few connections, that stay open, has one request under way, until all
have been answered; one thread serves all of them. It prints a JSON object.
"""

from __future__ import annotations

import contextlib
import json
import re
import selectors
import socket
import sys
import time
from array import array
from collections.abc import Iterator
from typing import Any

from .child import calls

CONNECTIONS = 8
"""One per thread of gunicorn."""

CHUNK = 1 << 16
SILENCE = 60.0
"""Seconds without an answer after which the run fails."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Connection:
    """One connection, and the answer that it is waiting for."""

    def __init__(self, port: int, path: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._line = f"GET /{path}/%d HTTP/1.1\r\nHost: benchmarks\r\n\r\n".encode()
        self._answer = b""
        self._asked = 0

    def ask(self, number: int) -> None:
        """Send request *number*."""
        self._answer, self._asked = b"", time.perf_counter_ns()
        self.socket.sendall(self._line % number)

    def receive(self) -> int | None:
        """
        Read what came; return the nanoseconds that the answer took, None while it is incomplete.

        Raises:
            ConnectionError: The answer was no success, or was none.
        """
        chunk = self.socket.recv(CHUNK)
        self._answer += chunk
        head, end, body = self._answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if not chunk or (end and not (length and head.startswith(b"HTTP/1.1 200 "))):
            raise ConnectionError(f"the application answered {self._answer[:80]!r}")
        if not length or not end or len(body) < int(length[1]):
            return None
        return time.perf_counter_ns() - self._asked


def load(port: int, path: str, requests: int) -> dict[str, Any]:
    """
    Return the figures of *requests* requests to *port*, for ``/PATH/0`` and so on.

    Raises:
        OSError: The server could not be reached, or failed, or was silent for `SILENCE` seconds.
    """
    with contextlib.ExitStack() as stack:
        connections = [Connection(port, path) for _ in range(CONNECTIONS)]
        for each in connections:
            stack.enter_context(each.socket)
        selector = stack.enter_context(selectors.DefaultSelector())
        started_ns = time.monotonic_ns()
        times = array("q", _answers(connections, selector, iter(range(requests))))
        ended_ns = time.monotonic_ns()
    return {
        **calls(times),
        "served": len(times) / (ended_ns - started_ns) * 1e9,
        "started_ns": started_ns,
        "logged_ns": ended_ns,
    }


def _answers(
    connections: list[Connection], selector: selectors.BaseSelector, numbers: Iterator[int]
) -> Iterator[int]:
    """Yield the time of each answer, until all of *numbers* are answered."""
    for connection, number in zip(connections, numbers, strict=False):
        connection.ask(number)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    while selector.get_map():
        ready = selector.select(SILENCE)
        if not ready:
            raise TimeoutError(f"the application answered nothing in {SILENCE:.0f} seconds")
        for key, _ in ready:
            took = key.data.receive()
            if took is None:
                continue
            yield took
            number = next(numbers, -1)
            if number < 0:
                selector.unregister(key.fileobj)
            else:
                key.data.ask(number)


def main() -> None:
    try:
        figures = load(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    except OSError as error:
        figures = {"failed": f"{type(error).__name__}: {error}"}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
