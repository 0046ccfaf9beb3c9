"""A POST that is retried within a budget, and its answer, streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import requests
import urllib3

from ...delivery.http.tls import check_bundle
from ...wire.http import Endpoint, Secret
from ...wire.masking import Masker
from ...wire.settings import is_loopback
from ..errors import PartialResult, QueryError, QueryTimeout, RateLimited, ServerError, Unreachable
from .connection_errors import connection_error
from .rate_limit import RateLimiter, shared_limiter
from .retry_budget import Clock, RetryBudget
from .status_errors import status_error

CHUNK_BYTES = 65_536
ERROR_BYTES = 65_536
DOCUMENT_BYTES = 16 * 1024 * 1024
CONNECT_SECONDS = 10.0
TRANSIENT = frozenset({502, 503, 504})
"""Statuses after which a request may be sent again."""


class Bearer(requests.auth.AuthBase):
    """Sets the key on a request: as ``auth``, because a ``.netrc`` would replace a header."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        return request


class StreamedResponse:
    """A response whose body is read as it arrives."""

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
            failure: QueryError = QueryTimeout("nothing more arrived in time.")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            failure = PartialResult(
                f"the connection broke in the middle of the answer: {type(error).__name__}."
            )
        raise failure

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
        """Return the first *maximum* bytes of the body as text, and close the response."""
        body = bytearray()
        try:
            for piece in self.chunks():
                body += piece
                if len(body) >= maximum:
                    break
        finally:
            self.close()
        return body[:maximum].decode("utf-8", "replace")

    def close(self) -> None:
        """Return the connection to its pool, or close it where the body was not read to its end."""
        self._response.close()


class HttpClient:
    """
    Sends the requests of a `DataPrimeClient`.

    Args:
        address: Where they go.
        key: Goes along with each.
        session: The caller's own, or None.
        clock: Time and sleeping.
        silence: Seconds that the service may say nothing.
        limiter: Spaces direct queries; None for the one that clients share, which this machine
            does not need.
        budget: Seconds of waiting for retries, for one call.
    """

    def __init__(
        self,
        address: Endpoint,
        key: Secret,
        session: requests.Session | None,
        *,
        clock: Clock,
        silence: float,
        budget: float,
        limiter: RateLimiter | None = None,
    ) -> None:
        self.address = address
        self.base = f"{address.scheme}://{address.authority}"
        self.clock = clock
        self.budget = budget
        self._key = key
        self._mask = Masker([key.reveal()])
        self._silence = silence
        if limiter is None and not is_loopback(address.host):
            limiter = shared_limiter(self.base, key.reveal())
        self.limiter = limiter
        self._closed = False
        self._owns_session = session is None
        self._session = requests.Session() if session is None else session
        if self._owns_session and is_loopback(address.host):
            self._session.trust_env = False  # no proxy leads to this machine
        if self._owns_session and address.scheme == "https":
            self._session.verify = check_bundle() or True

    def mount(self, adapter: requests.adapters.BaseAdapter) -> None:
        """Have *adapter* open the connections."""
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)

    def masked(self, text: str) -> str:
        """Return *text* without the key, in case a server has repeated it."""
        return self._mask(text)

    def retry_budget(self, timeout: float | None) -> RetryBudget:
        """Return the retry budget of one call."""
        deadline = None if timeout is None else self.clock.monotonic() + timeout
        return RetryBudget(self.clock, self.budget, deadline)

    def post(
        self,
        path: str,
        document: Mapping[str, Any],
        retries: RetryBudget,
        *,
        idempotent: bool = True,
        limiter: RateLimiter | None = None,
    ) -> StreamedResponse:
        """Return the response to *document*; what is not *idempotent* is sent once."""
        while True:
            if self._closed:
                raise QueryError("the client is closed: make another one, or keep its with open.")
            if limiter is not None:
                limiter.wait(retries)
            try:
                return self._once(path, document, retries.deadline)
            except RateLimited as error:
                retries.wait_after(error)
            except Unreachable as error:
                # The server may close an idle connection at the moment it is used again.
                if not (idempotent and error.dropped):
                    raise
                retries.wait_after(error)
            except ServerError as error:
                if not idempotent or error.status not in TRANSIENT:
                    raise
                retries.wait_after(error)

    def _once(
        self, path: str, document: Mapping[str, Any], deadline: float | None
    ) -> StreamedResponse:
        response = self._sent(path, json.dumps(document).encode(), deadline)
        streamed = StreamedResponse(response, self.clock, self._silence, deadline)
        if 200 <= response.status_code < 300:
            return streamed
        headers = {name.lower(): value for name, value in response.headers.items()}
        try:
            body = streamed.text(ERROR_BYTES)
        except QueryError:
            body = ""  # the status is reported without it
        raise status_error(
            response.status_code,
            headers,
            body,
            mask=self.masked,
            query=str(document.get("query", "")),
            is_job="queryId" in document,
            address=self.base,
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
                verify=self._session.verify
                if self._owns_session
                else None,  # None: the session decides
                timeout=(min(CONNECT_SECONDS, silence), silence),
                allow_redirects=False,
            )
        except requests.ReadTimeout:
            failure: QueryError = QueryTimeout(f"{self.base} did not answer in time.")
        except OSError as error:  # the base of all errors of requests, and of a missing CA bundle
            failure = Unreachable(connection_error(self.address, error))
            cause = error.args[0] if error.args else None
            failure.dropped = isinstance(cause, urllib3.exceptions.ProtocolError)
        # Raised outside of the except clause, the error has no context, which would hold the key.
        raise failure

    def close(self) -> None:
        """Send nothing more, and close the connections, unless the session is the caller's."""
        self._closed = True
        if self._owns_session:
            self._session.close()
