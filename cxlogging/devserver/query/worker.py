"""
The main program of a process in which queries run, one at a time.

Python cannot interrupt a regular expression, a sort or the building of a huge string, and no other
thread runs meanwhile. A query in a process of its own blocks nothing else, and can be killed.

The process reads one task per line from stdin, and writes frames to stdout: a `HEADER`, then its
content.
"""

from __future__ import annotations

import difflib
import json
import os
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any

from ..engine import Plan, QueryRefusedError, Settings, compile_query
from ..engine.answer import EngineAnswer, line
from ..engine.compile.scope import QueryState
from ..engine.json_paths import has_path, list_keypaths, read_path_or_flat_name
from ..engine.row import METADATA, Record
from ..engine.scan import Scan, ScanFilter
from ..engine.text_search import texts
from ..engine.values import Kind, kind_of
from .event_ids import EventsWanted, event_frames
from .labels import LABEL_CONDITIONS, LABEL_READERS, LABELS, LUCENE_FIELDS, labels
from .request_body import QueryRequest

try:
    import fcntl
    import resource

    POSIX = True
except ImportError:  # pragma: no cover - Windows
    POSIX = False

HEADER = struct.Struct(">cIQQ")
"""Kind, length of the content, rows in the answer and bytes read from the store so far."""

READY, REFUSED, STARTED, ROWS, OUTCOME, ENDED = b"A", b"R", b"S", b"D", b"O", b"E"
"""
Kinds of frames: the process has started; the query does not compile; it compiles; a part of its
answer; how a background query ended; the query has ended, and whether the process can be reused.
"""

OUT_OF_MEMORY = 77
"""The exit status of a process that reached its memory limit."""

CHECK, DIRECT, BACKGROUND, EVENTS = "check", "direct", "background", "events"
"""
The actions: only compile a query, answer it in the format of one of the two APIs, or yield the ids
of its events (`event_ids`).
"""

MAX_CHECKED = 5
"""Keypaths that are searched where a query found nothing."""

MAX_SEARCHED = 50_000
"""Events in the store above which a query that found something is not checked for its fields."""

SAMPLE = 200
"""Number of the newest events whose keypaths may be suggested."""

MAX_REUSABLE = 512 * 1024 * 1024
"""A process that grew larger than this is not reused."""


def main(path: str, memory: int) -> None:
    """Run tasks on the store at *path* until stdin ends."""
    out = os.fdopen(os.dup(1), "wb")
    with suppress(OSError):
        os.dup2(2, 1)
    _prepare(memory)
    try:
        _write(out, iter([(READY, b"")]), None)
        for task in sys.stdin.buffer:
            if not _serve(Path(path), json.loads(task), out):
                return
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BrokenPipeError:
        os._exit(1)


def _prepare(memory: int) -> None:
    if not POSIX:  # pragma: no cover - Windows
        return
    # Signal masks and ignored signals are inherited from the process that started the server.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGIO, signal.SIGPROF, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    with suppress(OSError):
        os.nice(5)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _end_with_parent(armed: bool, seconds: float = 0.0) -> None:
    """
    While a query runs, have the kernel end this process when its parent dies.

    Python code cannot check for that inside of a regular expression. Once the parent is gone,
    stdin raises SIGIO, which ends the process; where that signal does not work, a limit of CPU
    time ends it.
    """
    if not POSIX:  # pragma: no cover - Windows
        return
    flags = fcntl.fcntl(0, fcntl.F_GETFL)
    wanted = flags | os.O_ASYNC if armed else flags & ~os.O_ASYNC
    fcntl.fcntl(0, fcntl.F_SETFL, wanted)
    signal.setitimer(signal.ITIMER_PROF, seconds + 1.0 if armed else 0.0)


def _serve(path: Path, task: dict[str, Any], out: IO[bytes]) -> bool:
    """Run *task*; return True where this process can be reused."""
    _end_with_parent(armed=True, seconds=task["seconds"])
    request = QueryRequest(**{**task["request"], "window": tuple(task["request"]["window"])})
    try:
        answer = _compiled(request, path)
    except QueryRefusedError as error:
        message, caret = error.message(request.query), error.caret(request.query)
        refusal = [message, caret, error.reason, error.offset]
        frames: Iterator[tuple[bytes, bytes]] = iter([(REFUSED, _json(refusal))])
        _write(out, frames, None)
    else:
        _write(out, _frames(answer, task), answer)
    reusable = _is_reusable()
    _end_with_parent(armed=False)
    _write(out, iter([(ENDED, _json(reusable))]), None)
    return reusable


def _frames(answer: EngineAnswer, task: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    yield STARTED, b""
    if task["action"] == DIRECT:
        for part in answer.lines(task["query_id"]):
            yield ROWS, part
    elif task["action"] == BACKGROUND:
        for batch in answer.batches():
            yield ROWS, line({"response": {"results": {"results": batch}}})
        yield OUTCOME, _json([answer.reason, answer.final_warnings()])
    elif task["action"] == EVENTS:
        for part in event_frames(answer, EventsWanted.of(task["events"])):
            yield ROWS, _json(part)
        yield OUTCOME, _json([answer.reason, answer.final_warnings()])


def _write(
    out: IO[bytes], frames: Iterator[tuple[bytes, bytes]], answer: EngineAnswer | None
) -> None:
    for kind, content in frames:
        rows, read = (0, 0) if answer is None else (answer.count, answer.scan.bytes_read)
        out.write(HEADER.pack(kind, len(content), rows, read))
        out.write(content)
        out.flush()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _is_reusable() -> bool:
    if not POSIX:  # pragma: no cover - Windows
        return True
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit < MAX_REUSABLE


def _compiled(request: QueryRequest, path: Path) -> EngineAnswer:
    assert request.now is not None  # noqa: S101 - the server sets it
    fields = _FieldSearch(path)
    settings = Settings(
        request.now,
        request.start,
        request.end,
        LABELS,
        LABEL_READERS,
        fields.known if request.strict else None,
        LUCENE_FIELDS,
        request.max_rows,
        request.frequent,
    )
    plan: Plan = compile_query(
        request.query, settings, LABEL_CONDITIONS, lucene=request.lucene, dataset=request.dataset
    )
    scan = Scan(path, _labels_of)
    warnings = _time_warnings(request)
    return EngineAnswer(
        plan, scan, request.max_rows, not request.limit_is_explicit, warnings, fields.unknown
    )


class _FieldSearch:
    """Searches the events for fields of the data."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def known(self, steps: tuple[str | int, ...]) -> bool:
        """Return whether any event has the field."""
        flat = (".".join(map(str, steps)),)
        rows = self._holding(steps)
        return any(has_path(row.data, steps) or has_path(row.data, flat) for row in rows)

    def _holding(self, steps: tuple[str | int, ...]) -> Iterator[Any]:
        """Return an iterator over the newest events first that may have the field."""
        scan = Scan(self._path, _labels_of)
        # Names that JSON writes without escapes, so that SQLite can search for them.
        words = [
            one for one in steps if isinstance(one, str) and one.isascii() and one.isidentifier()
        ]
        likely = [("instr(data, ?)", (one,)) for one in words]
        return scan.rows(ScanFilter().where(*likely))

    def unknown(self, state: QueryState, found: bool) -> Iterator[str]:
        """
        Yield a message for each keypath that no event has, and suggest one that exists.

        Where the query *found* nothing, a keypath of another type than it is compared with is named
        too; where it did, a large store is not searched.
        """
        if found and self._is_large():
            return
        paths = islice(state.paths.values(), MAX_CHECKED)
        missing = [path for path in paths if not self.known(path.steps)]
        if not found and not missing:
            yield from self._of_other_types(state)
            yield from self._in_parts(state)
        names = self._names() if missing else {}
        for path in missing:
            written = ".".join(map(str, path.steps))
            close = difflib.get_close_matches(written, names, n=1) or [
                each for each in names if written.lower() == each.lower()
            ]
            hint = f" (did you mean {names[close[0]]!r}?)" if close else ""
            yield f"keypath does not exist {str(path)!r}{hint}"

    def _is_large(self) -> bool:
        older = ("id <= (SELECT max(id) FROM events) - ?", (MAX_SEARCHED,))
        rows = Scan(self._path, _labels_of).rows(ScanFilter(newest=None).where(older))
        return next(rows, None) is not None

    def _of_other_types(self, state: QueryState) -> Iterator[str]:
        for path, kind in islice(dict.fromkeys(state.compared), MAX_CHECKED):
            held = next(self._values(path.steps), None)
            if held is None or kind_of(held) is kind:
                continue
            if kind is Kind.NULL:
                if type(held) is dict:
                    yield f"{path} is an object: compared with null it is null; name a field of it"
                continue
            known = kind_of(held).value
            yield (
                f"{path} is a {known} in the data, and is compared with a {kind.value}: write the"
                f" {kind.value} as a {known}, or {path}:{kind.value}"
            )

    def _in_parts(self, state: QueryState) -> Iterator[str]:
        for path, is_loose, sentence in islice(state.looser, MAX_CHECKED):
            rows = islice(Scan(self._path, _labels_of).rows(ScanFilter()), MAX_SEARCHED)
            held = (
                row.labels.get(str(path.steps[0]))
                if path.root == "$l" and path.steps
                else read_path_or_flat_name(row.data, path.steps)
                for row in rows
            )
            if any(is_loose(text) for each in held for text in texts(each)):
                yield sentence

    def _values(self, steps: tuple[str | int, ...]) -> Iterator[Any]:
        for row in self._holding(steps):
            held = read_path_or_flat_name(row.data, steps)
            if held is not None:
                yield held

    def _names(self) -> dict[str, str]:
        """Return full keypaths by their names: of the newest events, labels and metadata."""
        names = {label: f"$l.{label}" for label in LABELS} | {
            each: f"$m.{each}" for each in METADATA
        }
        newest = Scan(self._path, _labels_of).rows(ScanFilter(newest=True))
        for row in islice(newest, SAMPLE):
            names |= {each: f"$d.{each}" for each in list_keypaths(row.data)}
        return names


def _labels_of(record: Record) -> dict[str, str]:
    return labels(*record[5:9])


def _time_warnings(request: QueryRequest) -> tuple[dict[str, Any], ...]:
    if request.start is None or request.end is None or request.start <= request.end:
        return ()
    start, end = request.window
    content = {
        "warningMessage": "the window ends before it begins: there are no rows in it",
        "startDate": start,
        "endDate": end,
    }
    return ({"timeRangeWarning": content},)
