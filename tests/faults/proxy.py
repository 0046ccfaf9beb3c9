"""
Network faults on demand: a small TCP proxy with real sockets.

`FaultProxy` is between a sender and a backend. Its `trouble` applies to every
connection that is opened afterwards; open connections keep theirs.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from .sockets import CHUNK, bound, read_request, reset

NEVER = 2**62


@dataclass(frozen=True)
class Trouble:
    """
    What happens to a connection. By default, nothing does.

    Attributes:
        latency: Seconds by which each piece is delayed, in both directions.
        bandwidth: Bytes per second, in both directions.
        trickle: Seconds between the single bytes of the answer.
        reset: ``"at once"``; ``"body"``: after the head of a request, before anything is
            forwarded; or ``"answer"``: instead of the answer of the backend.
        half_close: Send FIN after a complete request, forward nothing, and keep reading.
        truncate: Bytes of the answer that are forwarded before the connection is closed.
        blackhole: Accept the connection and never answer.
        answer: Pieces that are sent instead of the backend's answer.
        keep_open: Do not close after *answer*.
    """

    latency: float = 0.0
    bandwidth: int = 0
    trickle: float = 0.0
    reset: str = ""
    half_close: bool = False
    truncate: int = NEVER
    blackhole: bool = False
    answer: tuple[bytes, ...] = ()
    keep_open: bool = False


NONE = Trouble()


class FaultProxy:
    """
    A listener that forwards bytes to a backend, as `trouble` allows.

    Args:
        upstream: The backend's port on this machine; 0 where nothing is forwarded.
        tls: With it, senders use TLS to the proxy, and the proxy plain http to the backend.

    Attributes:
        trouble: What happens to the next connections.
        connections: Number of accepted connections.
        requests: Number of complete requests.
    """

    def __init__(self, upstream: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.upstream = upstream
        self.trouble = NONE
        self.connections = 0
        self.requests = 0
        self._tls = tls
        self._open: set[socket.socket] = set()
        # Reserved as long as the proxy lives: nobody else gets the port while it refuses.
        self._place = bound(0)
        self.port: int = self._place.getsockname()[1]
        self._listener: socket.socket | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def is_listening(self) -> bool:
        return self._listener is not None

    def __enter__(self) -> FaultProxy:  # noqa: PYI034 - typing.Self came with 3.11
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self._place.close()

    def listen(self) -> None:
        """Accept connections."""
        self._listener = bound(self.port)
        self._listener.listen(256)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """Refuse new connections, and reset open ones."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.cut()

    def cut(self) -> None:
        """Reset all open connections."""
        while self._open:
            reset(self._open.pop())

    def holds(self, client: socket.socket) -> bool:
        """Return whether *client* is open and was not reset."""
        return client in self._open

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._open.add(client)
        try:
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
                self._open.add(client)
            _ProxiedConnection(self, client, self.trouble).run()
        except (OSError, ValueError):
            pass  # the sender's reaction is what is tested
        finally:
            self._open.discard(client)
            client.close()


class _ProxiedConnection:
    """One connection through the proxy."""

    def __init__(self, proxy: FaultProxy, client: socket.socket, trouble: Trouble) -> None:
        self._proxy = proxy
        self._client = client
        self._trouble = trouble

    def run(self) -> None:
        if self._trouble.reset in {"at once", "body"}:
            self._client.recv(self._trouble.reset == "body")
            reset(self._client)
        elif self._trouble.blackhole:
            while self._client.recv(CHUNK):
                pass
        elif self._trouble.half_close or self._trouble.answer:
            self._answer_itself()
        else:
            self._forward()

    def _requests(self) -> Iterator[bytes]:
        while request := read_request(self._client):
            self._proxy.requests += 1
            yield request

    def _answer_itself(self) -> None:
        for _ in self._requests():
            if self._trouble.half_close:
                self._client.shutdown(socket.SHUT_WR)
                continue
            for piece in self._trouble.answer:
                self._client.sendall(piece)
            if not self._trouble.keep_open:
                return

    def _forward(self) -> None:
        with socket.create_connection(("127.0.0.1", self._proxy.upstream)) as backend:
            back = threading.Thread(target=self._answers, args=(backend,), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                for data in self._paced(self._requests()):
                    backend.sendall(data)
            with contextlib.suppress(OSError):
                backend.shutdown(socket.SHUT_WR)
            back.join()

    def _answers(self, backend: socket.socket) -> None:
        left = self._trouble.truncate
        with contextlib.suppress(OSError):
            for data in self._paced(iter(lambda: backend.recv(CHUNK), b"")):
                if self._trouble.reset == "answer":
                    reset(self._client)
                    return
                for piece in self._pieces(data[:left]):
                    self._client.sendall(piece)
                left -= len(data)
                if left <= 0:
                    break
        if self._proxy.holds(self._client):
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        if not self._trouble.trickle:
            yield data
            return
        for number in range(len(data)):
            time.sleep(self._trouble.trickle)
            yield data[number : number + 1]

    def _paced(self, data: Iterator[bytes]) -> Iterator[bytes]:
        bandwidth = self._trouble.bandwidth
        for piece in data:
            if self._trouble.latency:
                time.sleep(self._trouble.latency)
            step = max(bandwidth // 20, 1) if bandwidth else len(piece)
            for start in range(0, len(piece), step):
                part = piece[start : start + step]
                if bandwidth:
                    time.sleep(len(part) / bandwidth)
                yield part
