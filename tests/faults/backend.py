"""
A vendor that remembers what it received and what it acknowledged.

Every record of the fault matrix has an id such as ``<a:17>`` in its message,
which is in the body in every format.
"""

from __future__ import annotations

import contextlib
import gzip
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from .sockets import read_request, reset

ID = re.compile(rb"<([\w.-]+:\d+)>")
SEQUENCE = re.compile(rb'"cx_seq": ?"([^"]+)"')


@dataclass
class Request:
    """
    One request as it was received.

    Attributes:
        number: From 1, over all connections.
        ids: The ids of its records, in order.
        at: Monotonic time at which it was complete.
    """

    number: int
    head: str
    body: bytes
    ids: list[str]
    at: float
    socket: socket.socket


Behaviour = Callable[[Request], "bytes | int | None"]


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Return the bytes of an answer."""
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Backend:
    """
    An HTTP server on a raw socket.

    Args:
        behaviour: Returns a status, the bytes of an answer, or None to close the connection.
        host: A loopback address.
        port: 0 for a free one.

    Attributes:
        requests: All requests, in order.
        accepted: How often each id was answered by a 2xx.
        order: The ids that were answered by a 2xx, in order.
        sequences: The sequence numbers with which each id arrived.
    """

    def __init__(
        self,
        behaviour: Behaviour = lambda request: 202,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.behaviour = behaviour
        self.requests: list[Request] = []
        self.accepted: Counter[str] = Counter()
        self.order: list[str] = []
        self.sequences: dict[str, set[str]] = {}
        self.connections = 0
        self._changed = threading.Condition()
        self._listener = socket.create_server((host, port), backlog=256)
        self._open: set[socket.socket] = set()
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://{host}:{self.port}"

    def __enter__(self) -> Backend:  # noqa: PYI034 - typing.Self came with 3.11
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Reset all open connections."""
        for one in tuple(self._open):
            reset(one)

    @property
    def seen(self) -> set[str]:
        """The ids of all records that arrived."""
        return {each for request in tuple(self.requests) for each in request.ids}

    def wait(self, condition: Callable[[Backend], bool], seconds: float = 20.0) -> bool:
        """Return True once *condition* holds, False after *seconds*."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self), seconds)

    def wait_accepted(self, count: int, seconds: float = 20.0) -> bool:
        """Return True once *count* different records were acknowledged."""
        return self.wait(lambda _: len(self.accepted) >= count, seconds)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while raw := read_request(client):
                request = self._note(raw, client)
                given = self.behaviour(request)
                if given is None:
                    break
                data = answer(given) if isinstance(given, int) else given
                if data[9:10] == b"2":
                    self.accept(request)
                client.sendall(data)
        self._open.discard(client)
        client.close()

    def _note(self, raw: bytes, client: socket.socket) -> Request:
        head, _, body = raw.partition(b"\r\n\r\n")
        if b"content-encoding: gzip" in head.lower():
            body = gzip.decompress(body)
        ids = [each.decode() for each in ID.findall(body)]
        with self._changed:
            number = len(self.requests) + 1
            request = Request(number, head.decode(), body, ids, time.monotonic(), client)
            self.requests.append(request)
            for line in body.splitlines():
                self._note_sequence(line)
            self._changed.notify_all()
        return request

    def _note_sequence(self, line: bytes) -> None:
        found, number = ID.search(line), SEQUENCE.search(line)
        if found and number:
            self.sequences.setdefault(found[1].decode(), set()).add(number[1].decode())

    def accept(self, request: Request) -> None:
        """Count the records of *request* as acknowledged."""
        with self._changed:
            self.accepted.update(request.ids)
            self.order += request.ids
            self._changed.notify_all()
