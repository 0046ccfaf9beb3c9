"""The event stream of the local server, which says when records have arrived."""

from __future__ import annotations

import contextlib
import threading

import requests

PATH = "/api/stream"
READ_TIMEOUT = 30.0
"""Seconds; the server sends something every ten."""


class LocalStream:
    """
    Waits until the local server says that records have arrived.

    Args:
        url: The address of the local server.
        interval: How many seconds `wait` takes while there is no connection to the stream.
        max_wait: How many seconds `wait` takes at most while there is one.
    """

    def __init__(self, url: str, interval: float, max_wait: float = 5.0) -> None:
        self._url = f"{url.rstrip('/')}{PATH}"
        self._interval, self._max_wait = interval, max_wait
        self._arrived = threading.Event()
        self._connected = False
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="cxlogging-tail", daemon=True).start()

    def wait(self) -> None:
        """Return when records have arrived, or after a while."""
        self._arrived.wait(self._max_wait if self._connected else self._interval)
        self._arrived.clear()

    def close(self) -> None:
        """Stop listening, without waiting for the thread."""
        self._closed.set()

    def _run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False  # the server is on this machine: no proxy
            while not self._closed.wait(self._interval):
                with contextlib.suppress(requests.RequestException):
                    self._listen(session)
                self._connected = False

    def _listen(self, session: requests.Session) -> None:
        with session.get(self._url, stream=True, timeout=(2.0, READ_TIMEOUT)) as response:
            content_type = response.headers.get("content-type", "")
            self._connected = response.ok and content_type.startswith("text/event-stream")
            if self._connected:
                for line in response.iter_lines(chunk_size=1):
                    if self._closed.is_set():
                        return
                    if line.startswith(b"data:"):
                        self._arrived.set()
