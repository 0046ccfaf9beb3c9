"""Places that cannot be connected to: a port that does not answer, a name that does not resolve."""

from __future__ import annotations

import socket
import threading

from .sockets import bound


class FullBacklog:
    """A port whose connections are neither accepted nor refused: a connect there hangs."""

    def __init__(self) -> None:
        self._listener = bound(0)
        self._listener.listen(0)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._fillers: list[socket.socket] = []

    def __enter__(self) -> FullBacklog:  # noqa: PYI034 - typing.Self came with 3.11
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)
        return self

    def __exit__(self, *_: object) -> None:
        for one in (*self._fillers, self._listener):
            one.close()


class Names:
    """
    A scripted resolver.

    Attributes:
        answer: An address, or an error to raise.
        asked: Number of look-ups.
        hang: While it is locked, look-ups wait.
    """

    def __init__(self, answer: str | OSError) -> None:
        self.answer = answer
        self.asked = 0
        self.hang = threading.Lock()

    def __call__(self, host: str, port: int, *_: object, **__: object) -> list[tuple]:
        self.asked += 1
        with self.hang:
            if isinstance(self.answer, OSError):
                raise self.answer
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (self.answer, port))]
