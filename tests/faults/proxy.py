"""
What networks do, on demand: a small TCP proxy with real sockets.

`FaultProxy` stands between a sender and a backend. Its `trouble` befalls every
connection opened from then on; connections that are open keep what they got.
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
    What befalls a connection. What is not set does not happen.

    Attributes:
        latency: Seconds that each piece waits, either way.
        bandwidth: Bytes a second, either way.
        trickle: Seconds between the single bytes of the answer.
        reset: ``"at once"``, ``"body"``: when the head of a request has come and nothing of it
            was passed on, or ``"answer"``: when the backend has answered, and none of it passes.
        half_close: Say goodbye when a request has come whole, pass nothing on, and go on reading.
        truncate: Bytes of the answer that pass before the connection is closed.
        blackhole: Take the connection, and be silent.
        answer: Pieces that are sent instead of the backend's answer, one after the other.
        keep_open: After *answer*, do not close.
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
    A listener that passes bytes on to a backend, as `trouble` allows.

    Args:
        upstream: The backend's port on this machine; 0 where nothing is passed on.
        tls: Senders speak TLS with the proxy then, and the proxy plainly with the backend.

    Attributes:
        trouble: What befalls the next connections.
        connections: How many were accepted.
        requests: How many requests came whole.
    """

    def __init__(self, upstream: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.upstream = upstream
        self.trouble = NONE
        self.connections = 0
        self.requests = 0
        self._tls = tls
        self._open: set[socket.socket] = set()
        # Held for as long as the proxy lives: nobody else takes the port while it is refused.
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
        """Refuse connections, and cut those that are open."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.cut()

    def cut(self) -> None:
        """Reset what is open."""
        while self._open:
            reset(self._open.pop())

    def holds(self, client: socket.socket) -> bool:
        """Return whether *client* is open, and was not cut."""
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
            _Passage(self, client, self.trouble).run()
        except (OSError, ValueError):
            pass  # what the sender makes of it is the subject
        finally:
            self._open.discard(client)
            client.close()


class _Passage:
    """One connection's way through the proxy."""

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
            self._speak_alone()
        else:
            self._pass_on()

    def _requests(self) -> Iterator[bytes]:
        while request := read_request(self._client):
            self._proxy.requests += 1
            yield request

    def _speak_alone(self) -> None:
        for _ in self._requests():
            if self._trouble.half_close:
                self._client.shutdown(socket.SHUT_WR)
                continue
            for piece in self._trouble.answer:
                self._client.sendall(piece)
            if not self._trouble.keep_open:
                return

    def _pass_on(self) -> None:
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
