"""
The query door: `/api/v1/dataprime/query` and `/api/v1/dataprime/background-query`.

Follows https://coralogix.com/docs/dataprime/API/. Its choices where that is silent: a key that is
missing is 403, a window that ends before it begins has no rows and a warning, a query without dates
is about everything that is kept.
"""

from __future__ import annotations

import difflib
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any

from .background import Job, Jobs
from .doors import QUERIES, Answer, Keys, Reply, Request
from .doors.bodies import MalformedError, TooLargeError, UnknownEncodingError, inflate
from .doors.labels import LABELS, LUCENE_FIELDS, NARROWING, OF_COLUMNS, labels
from .doors.query_fields import Asked, FieldError, body, direct, query_id, submission
from .doors.values import Refusal, bearer, json_answer
from .engine import Plan, QueryRefusedError, Settings, compile_query, run
from .engine.keypaths import holds, keypaths
from .engine.narrowing import Narrowing
from .engine.nodes import KeyPath
from .engine.row import METADATA, Record
from .engine.scan import Scan

ROOT = "/api/v1/dataprime/"
BODY_LIMIT = 1_000_000
MOST_CHECKED = 5
"""Keypaths that are looked for where a query found nothing."""

SAMPLE = 200
"""The newest events, whose keypaths are the ones that may have been meant."""

NDJSON = {"content-type": "application/x-ndjson"}
KEY_SENTENCE = "Authorization must be: Bearer <a personal or team key that may query>"


class QueryDoor:
    """
    Answers queries over one store.

    Args:
        path: The store's database file.
        clock: Nanoseconds since 1970.
    """

    vendor = QUERIES
    wire_limit = BODY_LIMIT
    slow = True

    def __init__(self, path: Path, clock: Callable[[], int] = time.time_ns) -> None:
        self._path, self._clock = path, clock
        self._jobs = Jobs()
        self._closed = threading.Event()

    def claims(self, method: str, path: str) -> bool:
        """True below `/api/v1/dataprime/`."""
        del method
        return path.startswith(ROOT)

    def answer(self, request: Request, keys: Keys) -> Reply:
        """The rows as a stream, or what is wrong as a JSON `message`."""
        try:
            serve = self._served(request)
            if not keys.accepts(self.vendor, bearer(request)):
                raise _refusal(403, KEY_SENTENCE)
            raw = _raw(request)
            reply = serve(body(raw))
        except Refusal as refusal:
            return Reply(refusal.answer, error=refusal.reason)
        except FieldError as error:
            return Reply(_failure(400, str(error)), error=str(error))
        return Reply(reply.answer, (), reply.error, len(raw), reply.stream)

    def _served(self, request: Request) -> Callable[[Any], Reply]:
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

    def failure(self, status: int) -> Answer:
        """A JSON `message` for failures, nothing for success."""
        return _failure(status) if status >= 400 else Answer(status)

    def too_large(self) -> Answer:
        """413."""
        return _failure(413)

    def close(self) -> None:
        """End what runs."""
        self._closed.set()
        self._jobs.close()

    def _direct(self, value: Any) -> Reply:
        left = threading.Event()
        answer = self._prepared(direct(value), lambda: left.is_set() or self._closed.is_set())
        return Reply(Answer(200, NDJSON), stream=Lines(answer.lines(str(uuid.uuid4())), left))

    def _submit(self, value: Any) -> Reply:
        asked = submission(value)
        job = self._jobs.submit(lambda stopped: self._prepared(asked, stopped))
        return Reply(json_answer(200, {"queryId": job.query_id, "warnings": []}))

    def _status(self, value: Any) -> Reply:
        return Reply(json_answer(200, self._job(value).status()))

    def _cancel(self, value: Any) -> Reply:
        self._job(value).cancel()
        return Reply(json_answer(200, {}))

    def _data(self, value: Any) -> Reply:
        job = self._job(value)
        if not job.succeeded:
            state = "has not succeeded" if job.ended.is_set() else "is still running"
            raise _refusal(409, f"the query {state}: its rows cannot be read")
        return Reply(Answer(200, NDJSON), stream=job.data())

    def _job(self, value: Any) -> Job:
        name = query_id(value)
        job = self._jobs.get(name)
        if job is None:
            raise _refusal(404, f"query not found: {name[:100]}")
        return job

    def _prepared(self, asked: Asked, stopped: Callable[[], bool]) -> run.Answer:
        now = self._clock() if asked.now is None else asked.now
        fields = _Fields(self._path)
        settings = Settings(
            now,
            asked.start,
            asked.end,
            LABELS,
            OF_COLUMNS,
            fields.known if asked.strict else None,
            LUCENE_FIELDS,
            asked.most_rows,
        )
        plan = _compiled(asked, settings)
        scan = Scan(self._path, _labels_of, stopped)
        warnings = _time_warnings(asked)
        return run.Answer(plan, scan, asked.most_rows, not asked.chosen, warnings, fields.unknown)


def _compiled(asked: Asked, settings: Settings) -> Plan:
    try:
        return compile_query(
            asked.query, settings, NARROWING, lucene=asked.lucene, dataset=asked.dataset
        )
    except QueryRefusedError as error:
        sentence = error.described(asked.query)
        answer = json_answer(400, {"message": sentence, "caret": error.caret(asked.query)})
        raise Refusal(answer, sentence) from None


class Lines(Iterator[bytes]):
    """The lines of an answer; closing them ends the query, even amid a line."""

    def __init__(self, lines: Generator[bytes, None, None], left: threading.Event) -> None:
        self._lines, self._left = lines, left

    def __next__(self) -> bytes:
        return next(self._lines)

    def close(self) -> None:
        """Nobody wants the rest."""
        self._left.set()
        self._lines.close()


class _Fields:
    """Which fields of the data any event has."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def known(self, steps: tuple[str | int, ...]) -> bool:
        scan = Scan(self._path, _labels_of)
        # What JSON writes as it is.
        words = [
            one for one in steps if isinstance(one, str) and one.isascii() and one.isidentifier()
        ]
        likely = [("instr(data, ?)", (one,)) for one in words]
        rows: Iterator[Any] = scan.rows(Narrowing().where(*likely))
        flat = (".".join(map(str, steps)),)
        return any(holds(row.data, steps) or holds(row.data, flat) for row in rows)

    def unknown(self, paths: Iterable[KeyPath]) -> Iterator[str]:
        """Yield a sentence for each keypath that no event has, with the nearest that one has."""
        missing = [path for path in islice(paths, MOST_CHECKED) if not self.known(path.steps)]
        names = self._names() if missing else {}
        for path in missing:
            written = ".".join(map(str, path.steps))
            close = difflib.get_close_matches(written, names, n=1) or [
                each for each in names if written.lower() == each.lower()
            ]
            hint = f" (did you mean {names[close[0]]!r}?)" if close else ""
            yield f"keypath does not exist {str(path)!r}{hint}"

    def _names(self) -> dict[str, str]:
        """Keypaths of the newest events, of labels and of metadata, by what is written last."""
        names = {label: f"$l.{label}" for label in LABELS} | {
            each: f"$m.{each}" for each in METADATA
        }
        newest = Scan(self._path, _labels_of).rows(Narrowing(newest=True))
        for row in islice(newest, SAMPLE):
            names |= {each: f"$d.{each}" for each in keypaths(row.data)}
        return names


def _labels_of(record: Record) -> dict[str, str]:
    return labels(*record[5:9])


def _time_warnings(asked: Asked) -> tuple[dict[str, Any], ...]:
    if asked.start is None or asked.end is None or asked.start <= asked.end:
        return ()
    start, end = asked.dates
    content = {
        "warningMessage": "the window ends before it begins: there are no rows in it",
        "startDate": start,
        "endDate": end,
    }
    return ({"timeRangeWarning": content},)


def _failure(status: int, message: str = "") -> Answer:
    if not message:
        message = HTTPStatus(status).phrase if status in set(HTTPStatus) else "failed"
    return json_answer(status, {"message": message})


def _refusal(status: int, message: str) -> Refusal:
    return Refusal(_failure(status, message), message)


def _raw(request: Request) -> bytes:
    encoding = request.headers.get("content-encoding", "")
    try:
        return inflate(request.body, encoding, allowed=("gzip",), limit=BODY_LIMIT)
    except TooLargeError:
        raise _refusal(413, f"the body is above {BODY_LIMIT} bytes") from None
    except UnknownEncodingError:
        raise _refusal(415, f"Content-Encoding {encoding!r} is not taken; gzip is") from None
    except MalformedError as error:
        raise _refusal(400, str(error)) from None
