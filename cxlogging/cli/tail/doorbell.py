"""The local server's stream: it rings when something has arrived."""

from __future__ import annotations

import contextlib
import threading

import requests

PATH = "/api/stream"
SILENCE = 30.0
"""Seconds; the server says something every ten."""


class Doorbell:
    """
    Waits for the local server to say that something has arrived.

    Args:
        url: Of the local server.
        interval: Seconds that a wait takes where the server has no stream.
        longest: Seconds that a wait takes at most where it has.
    """

    def __init__(self, url: str, interval: float, longest: float = 5.0) -> None:
        self._url = f"{url.rstrip('/')}{PATH}"
        self._interval, self._longest = interval, longest
        self._rung = threading.Event()
        self._listening = False
        self._over = threading.Event()
        threading.Thread(target=self._listen, name="cxlogging-doorbell", daemon=True).start()

    def wait(self) -> None:
        """Return when something has arrived, or after a while."""
        self._rung.wait(self._longest if self._listening else self._interval)
        self._rung.clear()

    def close(self) -> None:
        """Listen no more; do not wait for it."""
        self._over.set()

    def _listen(self) -> None:
        with requests.Session() as session:
            session.trust_env = False  # a proxy does not lead to this machine
            while not self._over.wait(self._interval):
                with contextlib.suppress(requests.RequestException):
                    self._hear(session)
                # It is away, or has no stream: there are intervals.
                self._listening = False

    def _hear(self, session: requests.Session) -> None:
        with session.get(self._url, stream=True, timeout=(2.0, SILENCE)) as answer:
            kind = answer.headers.get("content-type", "")
            self._listening = answer.ok and kind.startswith("text/event-stream")
            if self._listening:
                for line in answer.iter_lines(chunk_size=1):
                    if self._over.is_set():
                        return
                    if line.startswith(b"data:"):
                        self._rung.set()
