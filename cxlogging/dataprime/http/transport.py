"""The one door to the network: a POST, retried within a budget, its answer streamed."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
import urllib3

from ...delivery.http.tls import check_bundle
from ...delivery.worker.backoff import backoff
from ...wire.http import Endpoint, Secret
from ...wire.masking import Masker
from ...wire.settings import is_loopback
from ..errors import PartialResult, QueryError, QueryTimeout, RateLimited, ServerError, Unreachable
from .connecting import no_connection
from .refusals import refusal

CHUNK_BYTES = 65_536
ERROR_BYTES = 65_536
DOCUMENT_BYTES = 16 * 1024 * 1024
CONNECT_SECONDS = 10.0
PASSING = frozenset({502, 503, 504})
"""Statuses after which a question may be asked again."""


@dataclass(frozen=True)
class Clock:
    """
    Time as the client sees it; a test gives its own.

    Attributes:
        now: Nanoseconds since 1970.
        monotonic: Seconds that only grow.
        sleep: Waits so many seconds.
        random: A number from 0 to 1.
    """

    now: Callable[[], int] = time.time_ns
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


class Patience:
    """How often one call is tried again: at most *budget* seconds of waiting, and no *deadline*."""

    def __init__(self, clock: Clock, budget: float, deadline: float | None) -> None:
        self.clock = clock
        self.deadline = deadline
        self._left = budget
        self._failures = 0

    def after(self, error: QueryError) -> None:
        """Wait before the next try, or raise *error* where there is to be none."""
        self._failures += 1
        asked = error.retry_after if isinstance(error, RateLimited) else None
        wait = backoff(self._failures, 1.0, 30.0, self.clock.random()) if asked is None else asked
        late = self.deadline is not None and self.clock.monotonic() + wait >= self.deadline
        if wait > self._left or late:
            raise error
        # A wait of nothing costs a little too, or a server could keep us for ever.
        self._left -= max(wait, 0.5)
        self.clock.sleep(wait)


class Bearer(requests.auth.AuthBase):
    """The key on a request: as ``auth``, or a ``.netrc`` would replace it."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        return request


class Reply:
    """An answer that succeeded, its body not read yet."""

    def __init__(
        self, response: requests.Response, clock: Clock, silence: float, deadline: float | None
    ) -> None:
        self._response = response
        self._clock = clock
        self._silence = silence
        self._deadline = deadline

    def chunks(self) -> Iterator[bytes]:
        """Yield the body, decompressed, as it arrives."""
        raw = self._response.raw
        if raw.chunked or not hasattr(raw, "read1"):
            pieces = raw.stream(CHUNK_BYTES, decode_content=True)
        else:
            pieces = iter(lambda: raw.read1(CHUNK_BYTES, decode_content=True), b"")
        while True:
            piece = self._next(pieces)
            if not piece:
                return
            yield piece

    def _next(self, pieces: Iterator[bytes]) -> bytes:
        self._limit_silence()
        try:
            return next(pieces, b"")
        except urllib3.exceptions.TimeoutError:
            trouble: QueryError = QueryTimeout("nothing more arrived in time.")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            trouble = PartialResult(f"the connection broke in mid-answer: {type(error).__name__}.")
        raise trouble

    def _limit_silence(self) -> None:
        if self._deadline is None:
            return
        left = self._deadline - self._clock.monotonic()
        if left <= 0:
            raise QueryTimeout("the answer did not end within the timeout.")
        sock = getattr(getattr(self._response.raw, "connection", None), "sock", None)
        if sock is not None:
            sock.settimeout(min(left, self._silence))

    def text(self, maximum: int = DOCUMENT_BYTES) -> str:
        """Return the body's first *maximum* bytes as text, and close."""
        held = bytearray()
        try:
            for piece in self.chunks():
                held += piece
                if len(held) >= maximum:
                    break
        finally:
            self.close()
        return held[:maximum].decode("utf-8", "replace")

    def close(self) -> None:
        """Give the connection back, or close it where the body was not read to its end."""
        self._response.close()


class Door:
    """Where a client's requests leave from."""

    def __init__(
        self,
        address: Endpoint,
        key: Secret,
        session: requests.Session | None,
        *,
        clock: Clock,
        silence: float,
        budget: float,
    ) -> None:
        self.address = address
        self.base = f"{address.scheme}://{address.authority}"
        self.clock = clock
        self.budget = budget
        self._key = key
        self._mask = Masker([key.reveal()])
        self._silence = silence
        self._own = session is None
        self._session = requests.Session() if session is None else session
        if self._own and is_loopback(address.host):
            self._session.trust_env = False  # a proxy does not lead to this machine
        if self._own and address.scheme == "https":
            self._session.verify = check_bundle() or True

    def mount(self, adapter: requests.adapters.BaseAdapter) -> None:
        """Have *adapter* open the connections."""
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)

    def masked(self, text: str) -> str:
        """Return *text* without the key, should a server have repeated it."""
        return self._mask(text)

    def patience(self, timeout: float | None) -> Patience:
        """Return the patience of one call."""
        deadline = None if timeout is None else self.clock.monotonic() + timeout
        return Patience(self.clock, self.budget, deadline)

    def post(
        self, path: str, document: Mapping[str, Any], patience: Patience, *, safe: bool = True
    ) -> Reply:
        """Return the answer to *document*; what is not *safe* is not sent twice."""
        while True:
            try:
                return self._once(path, document, patience.deadline)
            except RateLimited as error:
                patience.after(error)
            except Unreachable as error:
                # A kept connection may be closed by the other side just as it is used again.
                if not (safe and error.dropped):
                    raise
                patience.after(error)
            except ServerError as error:
                if not safe or error.status not in PASSING:
                    raise
                patience.after(error)

    def _once(self, path: str, document: Mapping[str, Any], deadline: float | None) -> Reply:
        response = self._sent(path, json.dumps(document).encode(), deadline)
        reply = Reply(response, self.clock, self._silence, deadline)
        if 200 <= response.status_code < 300:
            return reply
        headers = {name.lower(): value for name, value in response.headers.items()}
        try:
            body = reply.text(ERROR_BYTES)
        except QueryError:
            body = ""  # the status says enough
        raise refusal(
            response.status_code,
            headers,
            body,
            mask=self.masked,
            query=str(document.get("query", "")),
            now=self.clock.now() / 1e9,
        )

    def _sent(self, path: str, body: bytes, deadline: float | None) -> requests.Response:
        silence = self._silence
        if deadline is not None:
            silence = min(silence, max(deadline - self.clock.monotonic(), 0.001))
        try:
            return self._session.post(
                f"{self.base}{path}",
                data=body,
                headers={"Content-Type": "application/json"},
                auth=Bearer(self._key),
                stream=True,
                verify=self._session.verify if self._own else None,  # None: as the session says
                timeout=(min(CONNECT_SECONDS, silence), silence),
                allow_redirects=False,
            )
        except requests.ReadTimeout:
            trouble: QueryError = QueryTimeout(f"{self.base} did not answer in time.")
        except OSError as error:  # as are those of requests, and what it finds no certificates by
            trouble = Unreachable(no_connection(self.address, error))
            cause = error.args[0] if error.args else None
            trouble.dropped = isinstance(cause, urllib3.exceptions.ProtocolError)
        # Raised out here, the error does not carry the request, whose headers hold the key.
        raise trouble

    def close(self) -> None:
        """Close the connections, unless the session is the caller's."""
        if self._own:
            self._session.close()
