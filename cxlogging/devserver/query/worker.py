"""
The process in which queries run, one at a time.

Nothing in Python can interrupt a regular expression, a sort or the making of a huge text, and no
other thread runs meanwhile. In a process of its own a query holds up nobody, and can be killed.

It reads one task a line from stdin, and writes frames to stdout: a `HEADER`, then so many bytes.
"""

from __future__ import annotations

import difflib
import json
import os
import signal
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any

from ..engine import Plan, QueryRefusedError, Settings, compile_query
from ..engine.answer import Answer, line
from ..engine.json_paths import has_path, list_keypaths
from ..engine.row import METADATA, Record
from ..engine.scan import Scan, ScanFilter
from ..engine.syntax.nodes import KeyPath
from .fields import Asked
from .labels import LABELS, LUCENE_FIELDS, NARROWING, OF_COLUMNS, labels

try:
    import fcntl
    import resource

    POSIX = True
except ImportError:  # pragma: no cover - Windows
    POSIX = False

HEADER = struct.Struct(">cIQQ")
"""Kind, length of what follows, rows and bytes of the store that were read so far."""

READY, REFUSED, STARTED, ROWS, OUTCOME, ENDED = b"A", b"R", b"S", b"D", b"O", b"E"
"""
Kinds of frames: the process has started; the query does not compile; it does; a part of its
answer; how it ended, where its answer does not say so; the end, and whether the process can take
another.
"""

OUT_OF_MEMORY = 77
"""The exit status of a process that reached its limit of memory."""

CHECK, DIRECT, BACKGROUND = "check", "direct", "background"
"""What is to be done with a query: compile it alone, or answer it in the one form or the other."""

MOST_CHECKED = 5
"""Keypaths that are looked for where a query found nothing."""

SAMPLE = 200
"""The newest events, whose keypaths are the ones that may have been meant."""

MOST_KEPT = 512 * 1024 * 1024
"""A process that was larger than this does not take another query."""


def main(path: str, memory: int) -> None:
    """Serve tasks about the store at *path* until stdin ends."""
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
    # Masks and ignored signals are inherited from whoever started the server.
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
    While a query runs, have the kernel end this process with its parent.

    No Python runs amid a regular expression. stdin of a parent that is gone makes SIGIO, which
    ends a process, at once; where that signal does nothing, a limit of processor time does.
    """
    if not POSIX:  # pragma: no cover - Windows
        return
    flags = fcntl.fcntl(0, fcntl.F_GETFL)
    wanted = flags | os.O_ASYNC if armed else flags & ~os.O_ASYNC
    fcntl.fcntl(0, fcntl.F_SETFL, wanted)
    signal.setitimer(signal.ITIMER_PROF, seconds + 1.0 if armed else 0.0)


def _serve(path: Path, task: dict[str, Any], out: IO[bytes]) -> bool:
    """Do *task*; True where this process can take another."""
    _end_with_parent(armed=True, seconds=task["seconds"])
    asked = Asked(**{**task["asked"], "dates": tuple(task["asked"]["dates"])})
    try:
        answer = _prepared(asked, path)
    except QueryRefusedError as error:
        sentence, caret = error.message(asked.query), error.caret(asked.query)
        frames: Iterator[tuple[bytes, bytes]] = iter([(REFUSED, _json([sentence, caret]))])
        _write(out, frames, None)
    else:
        _write(out, _frames(answer, task), answer)
    lasts = _can_go_on()
    _end_with_parent(armed=False)
    _write(out, iter([(ENDED, _json(lasts))]), None)
    return lasts


def _frames(answer: Answer, task: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    yield STARTED, b""
    if task["what"] == DIRECT:
        for part in answer.lines(task["query_id"]):
            yield ROWS, part
    elif task["what"] == BACKGROUND:
        for batch in answer.batches():
            yield ROWS, line({"response": {"results": {"results": batch}}})
        yield OUTCOME, _json([answer.reason, answer.final_warnings()])


def _write(out: IO[bytes], frames: Iterator[tuple[bytes, bytes]], answer: Answer | None) -> None:
    for kind, content in frames:
        rows, read = (0, 0) if answer is None else (answer.count, answer.scan.bytes_read)
        out.write(HEADER.pack(kind, len(content), rows, read))
        out.write(content)
        out.flush()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _can_go_on() -> bool:
    if not POSIX:  # pragma: no cover - Windows
        return True
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit < MOST_KEPT


def _prepared(asked: Asked, path: Path) -> Answer:
    assert asked.now is not None  # noqa: S101 - the server sets it
    fields = _Fields(path)
    settings = Settings(
        asked.now,
        asked.start,
        asked.end,
        LABELS,
        OF_COLUMNS,
        fields.known if asked.strict else None,
        LUCENE_FIELDS,
        asked.most_rows,
    )
    plan: Plan = compile_query(
        asked.query, settings, NARROWING, lucene=asked.lucene, dataset=asked.dataset
    )
    scan = Scan(path, _labels_of)
    warnings = _time_warnings(asked)
    return Answer(plan, scan, asked.most_rows, not asked.chosen, warnings, fields.unknown)


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
        rows: Iterator[Any] = scan.rows(ScanFilter().where(*likely))
        flat = (".".join(map(str, steps)),)
        return any(has_path(row.data, steps) or has_path(row.data, flat) for row in rows)

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
        newest = Scan(self._path, _labels_of).rows(ScanFilter(newest=True))
        for row in islice(newest, SAMPLE):
            names |= {each: f"$d.{each}" for each in list_keypaths(row.data)}
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
