"""
The query door: `/api/v1/dataprime/query` and `/api/v1/dataprime/background-query`.

Follows https://coralogix.com/docs/dataprime/API/. Its choices where that is silent: a key that is
missing is 403, a window that ends before it begins has no rows and a warning, a query without dates
is about everything that is kept.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import Any

from ...vendors.emulation.bodies import MalformedError, TooLargeError, UnknownEncodingError, inflate
from ...vendors.emulation.types import (
    QUERIES,
    ApiAnswer,
    ApiRequest,
    ApiResult,
    Keys,
    Refusal,
    bearer,
    json_answer,
    key_fault,
)
from ..engine.answer import line, statistics
from .background import Job, Jobs
from .fields import Asked, FieldError, body, direct, query_id, submission
from .processes import MEMORY, BusyError, QueryPool, Run, Task
from .worker import BACKGROUND, CHECK, DIRECT

ROOT = "/api/v1/dataprime/"
BODY_LIMIT = 1_000_000
NDJSON = {"content-type": "application/x-ndjson"}
TIMEOUT = 30.0
"""Seconds of work that a direct query may take."""

BACKGROUND_SHARE = 10
"""How many times as long a background query may take."""

BUSY = "too many queries run and wait here: ask again when others have ended"
KEY_SENTENCE = "Authorization must be: Bearer <a personal or team key that may query>"


class QueryEmulator:
    """
    Answers queries over one store.

    Args:
        path: The store's database file.
        clock: Nanoseconds since 1970.
        timeout: Seconds of work after which a direct query is ended.
        memory: Bytes that a query may take.
    """

    vendor = QUERIES
    wire_limit = BODY_LIMIT
    slow = True

    def __init__(
        self,
        path: Path,
        clock: Callable[[], int] = time.time_ns,
        *,
        timeout: float = TIMEOUT,
        memory: int = MEMORY,
    ) -> None:
        self._clock, self._timeout = clock, timeout
        self._processes = QueryPool(path, memory)
        self._jobs = Jobs(self._processes)

    def claims(self, method: str, path: str) -> bool:
        """True below `/api/v1/dataprime/`."""
        del method
        return path.startswith(ROOT)

    def answer(self, request: ApiRequest, keys: Keys) -> ApiResult:
        """The rows as a stream, or what is wrong as a JSON `message`."""
        try:
            serve = self._served(request)
            if not keys.accepts(self.vendor, bearer(request)):
                raise _refusal(403, key_fault(bearer(request), KEY_SENTENCE))
            raw = _raw(request)
            reply = serve(body(raw), request.disconnected)
        except Refusal as refusal:
            return ApiResult(refusal.answer, error=refusal.reason)
        except FieldError as error:
            return ApiResult(_failure(400, str(error)), error=str(error))
        return ApiResult(reply.answer, (), reply.error, len(raw), reply.stream)

    def _served(self, request: ApiRequest) -> Callable[[Any, Future[None] | None], ApiResult]:
        serve = {
            "query": self._direct,
            "background-query": self._submit,
            "background-query/status": self._status,
            "background-query/data": self._data,
            "background-query/cancel": self._cancel,
        }.get(request.path.removeprefix(ROOT))
        if serve is None:
            raise _refusal(404, f"no such path: POST {ROOT}query or {ROOT}background-query")
        if request.method != "POST":
            answer = json_answer(405, {"message": "use POST"}, allow="POST")
            raise Refusal(answer, f"{request.method} where POST is due")
        return serve

    def failure(self, status: int) -> ApiAnswer:
        """A JSON `message` for failures, nothing for success."""
        return _failure(status) if status >= 400 else ApiAnswer(status)

    def too_large(self) -> ApiAnswer:
        """413."""
        return _failure(413)

    def close(self) -> None:
        """End what runs."""
        self._processes.close()
        self._jobs.close()

    def _direct(self, value: Any, left: Future[None] | None) -> ApiResult:
        task = Task(DIRECT, self._dated(direct(value)), self._timeout, str(uuid.uuid4()))
        return ApiResult(ApiAnswer(200, NDJSON), stream=Lines(self._begun(task, left)))

    def _submit(self, value: Any, left: Future[None] | None) -> ApiResult:
        asked = self._dated(submission(value))
        self._begun(Task(CHECK, asked, self._timeout), left).drain()
        job = self._jobs.submit(Task(BACKGROUND, asked, self._timeout * BACKGROUND_SHARE))
        return ApiResult(json_answer(200, {"queryId": job.query_id, "warnings": []}))

    def _dated(self, asked: Asked) -> Asked:
        return asked if asked.now is not None else replace(asked, now=self._clock())

    def _begun(self, task: Task, left: Future[None] | None) -> Run:
        try:
            run = self._processes.run(task, left)
        except BusyError:
            raise _refusal(429, BUSY) from None
        except OSError as error:
            raise _refusal(500, f"no process can be started for the query: {error}") from None
        if run.started():
            return run
        if run.refused is None:
            raise _refusal(400, run.reason)
        sentence, caret = run.refused
        raise Refusal(json_answer(400, {"message": sentence, "caret": caret}), sentence)

    def _status(self, value: Any, left: Future[None] | None) -> ApiResult:
        del left
        return ApiResult(json_answer(200, self._job(value).status()))

    def _cancel(self, value: Any, left: Future[None] | None) -> ApiResult:
        del left
        self._job(value).cancel()
        return ApiResult(json_answer(200, {}))

    def _data(self, value: Any, left: Future[None] | None) -> ApiResult:
        del left
        job = self._job(value)
        if not job.succeeded:
            state = "has not succeeded" if job.ended.is_set() else "is still running"
            raise _refusal(409, f"the query {state}: its rows cannot be read")
        return ApiResult(ApiAnswer(200, NDJSON), stream=job.data())

    def _job(self, value: Any) -> Job:
        name = query_id(value)
        job = self._jobs.get(name)
        if job is None:
            raise _refusal(404, f"query not found: {name[:100]}")
        return job


class Lines(Iterator[bytes]):
    """The lines of an answer, with an error at its end where the query was cut."""

    def __init__(self, run: Run) -> None:
        self._run, self._began = run, time.perf_counter()
        self._lines = chain(run, self._last())

    def __next__(self) -> bytes:
        return next(self._lines)

    def _last(self) -> Iterator[bytes]:
        if not self._run.cut:
            return
        seconds = time.perf_counter() - self._began
        last = statistics("FAILED", self._run.rows, self._run.bytes_read, seconds)
        yield line({"error": {"message": self._run.reason}})
        yield line(last)

    def close(self) -> None:
        """Nobody wants the rest."""
        self._run.close()


def _failure(status: int, message: str = "") -> ApiAnswer:
    if not message:
        message = HTTPStatus(status).phrase if status in set(HTTPStatus) else "failed"
    return json_answer(status, {"message": message})


def _refusal(status: int, message: str) -> Refusal:
    return Refusal(_failure(status, message), message)


def _raw(request: ApiRequest) -> bytes:
    encoding = request.headers.get("content-encoding", "")
    try:
        return inflate(request.body, encoding, allowed=("gzip",), limit=BODY_LIMIT)
    except TooLargeError:
        raise _refusal(413, f"the body is above {BODY_LIMIT} bytes") from None
    except UnknownEncodingError:
        raise _refusal(415, f"Content-Encoding {encoding!r} is not taken; gzip is") from None
    except MalformedError as error:
        raise _refusal(400, str(error)) from None
