"""
The query API: `/api/v1/dataprime/query` and `/api/v1/dataprime/background-query`.

Follows https://coralogix.com/docs/dataprime/API/. Where that does not say: a missing key is
answered 403, a window that ends before it begins has no rows and a warning, and a query without
dates covers everything in the store.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from ...vendors.emulation.bodies import MalformedError, TooLargeError, UnknownEncodingError, inflate
from ...vendors.emulation.types import (
    QUERIES,
    AcceptedKeys,
    ApiAnswer,
    ApiRequest,
    ApiResult,
    Refusal,
    bearer,
    failure_answer,
    json_answer,
    key_fault,
    refusal,
)
from ..engine.answer import line, statistics
from . import rules
from .background import BackgroundQueries, BackgroundQuery
from .pool import MAX_MEMORY, BusyError, QueryPool
from .request_body import (
    FieldError,
    QueryRequest,
    background_request,
    direct_request,
    json_object,
    query_id,
)
from .run import QueryRun, QueryTask
from .worker import BACKGROUND, CHECK, DIRECT

ROOT = "/api/v1/dataprime/"
BODY_LIMIT = 1_000_000
NDJSON = {"content-type": "application/x-ndjson"}
TIMEOUT = 30.0
"""Seconds of work that a direct query may take."""

BACKGROUND_FACTOR = 10
"""How many times as long a background query may take."""

BUSY = "too many queries run and wait here: try again when others have ended"
KEY_MESSAGE = "Authorization must be: Bearer <a personal or team key that may query>"


class QueryEmulator:
    """
    Answers queries over one store.

    Args:
        path: The database file of the store.
        clock: Returns nanoseconds since 1970.
        timeout: Seconds of work after which a direct query is ended.
        memory: Bytes that a query may take.

    Attributes:
        pool: The processes in which the queries run.
    """

    vendor = QUERIES
    wire_limit = BODY_LIMIT
    slow = True
    size_rule = rules.SIZE
    key_headers: tuple[str, ...] = ("authorization",)

    def __init__(
        self,
        path: Path,
        clock: Callable[[], int] = time.time_ns,
        *,
        timeout: float = TIMEOUT,
        memory: int = MAX_MEMORY,
    ) -> None:
        self._clock, self._timeout = clock, timeout
        self.pool = QueryPool(path, memory)
        self._background = BackgroundQueries(self.pool)

    def claims(self, method: str, path: str) -> bool:
        """True below `/api/v1/dataprime/`."""
        del method
        return path.startswith(ROOT)

    def answer(self, request: ApiRequest, keys: AcceptedKeys) -> ApiResult:
        """Return the rows as a stream, or an error as a JSON `message`."""
        try:
            serve = self._handler(request)
            if not keys.accepts(self.vendor, bearer(request)):
                raise refusal(403, key_fault(bearer(request), KEY_MESSAGE), rules.KEY)
            raw = _raw(request)
            reply = serve(json_object(raw), request.disconnected)
        except Refusal as refused:
            return refused.result()
        except FieldError as error:
            return refusal(400, str(error), rules.FIELDS).result()
        return ApiResult(reply.answer, (), reply.error, len(raw), reply.stream)

    def _handler(self, request: ApiRequest) -> Callable[[Any, Future[None] | None], ApiResult]:
        serve = {
            "query": self._direct,
            "background-query": self._submit,
            "background-query/status": self._status,
            "background-query/data": self._data,
            "background-query/cancel": self._cancel,
        }.get(request.path.removeprefix(ROOT))
        if serve is None:
            message = f"no such path: POST {ROOT}query or {ROOT}background-query"
            raise refusal(404, message, rules.ENDPOINTS)
        if request.method != "POST":
            answer = json_answer(405, {"message": "use POST"}, allow="POST")
            raise Refusal(answer, f"{request.method} instead of POST", rules.ENDPOINTS)
        return serve

    def failure(self, status: int) -> ApiAnswer:
        """Return a JSON `message` for failures, and no body for success."""
        return failure_answer(status) if status >= 400 else ApiAnswer(status)

    def too_large(self) -> ApiAnswer:
        """413."""
        return failure_answer(413)

    def close(self) -> None:
        """Kill all queries."""
        self.pool.close()
        self._background.close()

    def _direct(self, value: Any, left: Future[None] | None) -> ApiResult:
        request = self._with_now(direct_request(value))
        task = QueryTask(DIRECT, request, self._timeout, str(uuid.uuid4()))
        return ApiResult(ApiAnswer(200, NDJSON), stream=AnswerLines(self._start(task, left)))

    def _submit(self, value: Any, left: Future[None] | None) -> ApiResult:
        request = self._with_now(background_request(value))
        self._start(QueryTask(CHECK, request, self._timeout), left).drain()
        task = QueryTask(BACKGROUND, request, self._timeout * BACKGROUND_FACTOR)
        query = self._background.submit(task)
        return ApiResult(json_answer(200, {"queryId": query.query_id, "warnings": []}))

    def _with_now(self, request: QueryRequest) -> QueryRequest:
        return request if request.now is not None else replace(request, now=self._clock())

    def _start(self, task: QueryTask, left: Future[None] | None) -> QueryRun:
        try:
            run = self.pool.run(task, left)
        except BusyError:
            raise refusal(429, BUSY, rules.BUSY) from None
        except OSError as error:
            message = f"the process of the query cannot be started: {error}"
            raise refusal(500, message, rules.PROCESS) from None
        if run.wait_compiled():
            return run
        if run.compile_error is None:
            raise refusal(400, run.reason, rules.LANGUAGE)
        message, caret = run.compile_error.message, run.compile_error.caret
        answer = json_answer(400, {"message": message, "caret": caret})
        raise Refusal(answer, message, rules.LANGUAGE, caret)

    def _status(self, value: Any, left: Future[None] | None) -> ApiResult:
        del left
        return ApiResult(json_answer(200, self._find(value).status()))

    def _cancel(self, value: Any, left: Future[None] | None) -> ApiResult:
        del left
        self._find(value).cancel()
        return ApiResult(json_answer(200, {}))

    def _data(self, value: Any, left: Future[None] | None) -> ApiResult:
        del left
        query = self._find(value)
        if not query.succeeded:
            state = "has not succeeded" if query.ended.is_set() else "is still running"
            raise refusal(409, f"the query {state}: its rows cannot be read", rules.SUCCEEDED)
        return ApiResult(ApiAnswer(200, NDJSON), stream=query.data())

    def _find(self, value: Any) -> BackgroundQuery:
        name = query_id(value)
        query = self._background.get(name)
        if query is None:
            raise refusal(404, f"query not found: {name[:100]}", rules.KNOWN)
        return query


class AnswerLines(Iterator[bytes]):
    """The lines of an answer, with an error at the end where the query was interrupted."""

    def __init__(self, run: QueryRun) -> None:
        self._run, self._started = run, time.perf_counter()
        self._lines = chain(run, self._last())

    def __next__(self) -> bytes:
        return next(self._lines)

    def _last(self) -> Iterator[bytes]:
        if not self._run.interrupted:
            return
        seconds = time.perf_counter() - self._started
        last = statistics("FAILED", self._run.rows, self._run.bytes_read, seconds)
        yield line({"error": {"message": self._run.reason}})
        yield line(last)

    def close(self) -> None:
        """Kill the query, whose answer nobody reads any more."""
        self._run.close()


def _raw(request: ApiRequest) -> bytes:
    encoding = request.headers.get("content-encoding", "")
    try:
        return inflate(request.body, encoding, allowed=("gzip",), limit=BODY_LIMIT)
    except TooLargeError:
        raise refusal(413, f"the body is above {BODY_LIMIT} bytes", rules.SIZE) from None
    except UnknownEncodingError:
        message = f"Content-Encoding {encoding!r} is not supported; use gzip"
        raise refusal(415, message, rules.ENCODING) from None
    except MalformedError as error:
        raise refusal(400, str(error), rules.FIELDS) from None
