"""
The text of a stack, as `traceback` formats it, assembled from cached texts of its frames.

The text of a frame (its source line, and the carets below it) depends only on
the code and the instruction: the standard library formats it once, and the
text is cached until the source changes or the code is garbage collected. There
is no lock: threads that miss the same frame at the same time both format it.
"""

from __future__ import annotations

import itertools
import linecache
import math
import sys
import traceback
import weakref
from types import CodeType, SimpleNamespace, TracebackType
from typing import Any, NamedTuple

MAX_FRAMES = 2_048
MAX_CHARACTERS = 2_048
"""Longest text that is cached: a line of generated code may be huge."""

CHECK_INTERVAL = 1.0
"""Seconds between two checks of a source file for changes."""

MAX_AGE = 600.0
"""Seconds; a text that was formatted while memory was short, and lacks its carets, expires."""

CALLS_NEEDED = 200
"""With less room on the stack, the standard library may silently omit the carets."""

MAX_REPEATED = 3
"""Repetitions of a frame that are printed; the others are counted."""


class UnsureError(Exception):
    """The standard library might format this exception differently."""


class SourceFile:
    """
    A source file as `linecache` held it when frames were formatted from it.

    Args:
        filename: The file name of the code.
        lines: The entry of `linecache`; None if it found nothing.
        now: Seconds of a monotonic clock.
    """

    __slots__ = ("__weakref__", "_checked_until", "_created", "filename", "lines")

    def __init__(self, filename: str, lines: object, now: float) -> None:
        self.lines = lines
        self.filename = filename
        self._created = now
        has_no_file = filename.startswith("<") and filename.endswith(">")
        is_permanent = has_no_file and lines is None
        self._checked_until = math.inf if is_permanent else now + CHECK_INTERVAL

    def is_current(self, now: float) -> bool:
        """Return True if frames formatted *now* would have the same text."""
        if linecache.cache.get(self.filename) is self.lines and self._is_unchanged(now):
            return True
        self.lines = self  # never equal to an entry: stays outdated, and releases the file's lines
        return False

    def _is_unchanged(self, now: float) -> bool:
        if now < self._checked_until:
            return True
        if self.lines is None or now > self._created + MAX_AGE:
            return False
        linecache.checkcache(self.filename)
        self._checked_until = now + CHECK_INTERVAL
        return linecache.cache.get(self.filename) is self.lines


class FrameText(NamedTuple):
    """
    The text of one instruction of a code object.

    Attributes:
        code: The code, which is not kept alive.
        text: The lines.
        place: Line, function and file; successive frames with the same place are repetitions.
        line: The line number, if the traceback determines it instead of the code; else None.
        source: The file that the text was formatted from.
    """

    code: weakref.ref[CodeType]
    text: str
    place: tuple[int, str, str]
    line: int | None
    source: SourceFile


class FrameCache:
    """
    The texts of at most `MAX_FRAMES` frames whose code is still alive.

    Attributes:
        frames: The texts, by the address of the code plus the offset of the instruction.
            Two codes can share a key: a hit counts only if its ``code`` is the frame's own.
        sources: The files that texts were formatted from, by name.
    """

    def __init__(self) -> None:
        self.frames: dict[int, FrameText] = {}
        self.sources: weakref.WeakValueDictionary[str, SourceFile] = weakref.WeakValueDictionary()

    def format(self, trace: TracebackType | None, now: float) -> str:
        """
        Return what `traceback.format_tb` joins to for *trace*.

        Args:
            trace: The traceback.
            now: Seconds of a monotonic clock.

        Raises:
            UnsureError: The standard library has to format the exception.
        """
        texts: list[str] = []
        frames, place, repeated, loaded, source = self.frames, None, 0, False, None
        while trace is not None:
            code = trace.tb_frame.f_code
            frame = frames.get(id(code) + trace.tb_lasti)
            if (
                frame is None
                or frame.code() is not code
                or (frame.source is not source and not frame.source.is_current(now))
                or (frame.line is not None and frame.line != trace.tb_lineno)
            ):
                if not loaded:
                    load_sources(trace)
                    loaded = True
                frame = self._add(trace, now)
            source = frame.source
            if frame.place != place:
                if repeated > MAX_REPEATED:
                    texts.append(_repetition(repeated))
                place, repeated = frame.place, 0
            repeated += 1
            if repeated <= MAX_REPEATED:
                texts.append(frame.text)
            trace = trace.tb_next
        if repeated > MAX_REPEATED:
            texts.append(_repetition(repeated))
        return "".join(texts)

    def _add(self, trace: TracebackType, now: float) -> FrameText:
        """Let the standard library format the first frame of *trace*, and cache the text."""
        code = trace.tb_frame.f_code
        filename = code.co_filename
        for _ in range(3):
            lines = linecache.cache.get(filename)
            summary = traceback.extract_tb(trace, limit=1)
            text = "".join(summary.format())
            if linecache.cache.get(filename) is lines:
                break
        else:
            raise UnsureError("the source changes while it is read")
        if summary[0].lineno is None:
            raise UnsureError("the frame has no line")
        source = self.sources.get(filename)
        if source is None or source.lines is not lines:
            self.sources[filename] = source = SourceFile(filename, lines, now)
        place = (summary[0].lineno, code.co_name, filename)
        frames, key = self.frames, id(code) + trace.tb_lasti
        reference = weakref.ref(code, lambda _: frames.pop(key, None))
        frame = FrameText(reference, text, place, _line_of_traceback(trace), source)
        if len(text) <= MAX_CHARACTERS and not _is_deep():
            if len(frames) >= MAX_FRAMES:
                frames.clear()
            frames[key] = frame
        return frame


def load_sources(trace: TracebackType | None) -> None:
    """
    Register the loader of each module in *trace* with `linecache`, before a frame is formatted.

    Since Python 3.15 `linecache` warns if the ``__spec__`` of a module lacks its
    loader. Such a module is registered with the loader that `linecache` would
    fall back to, so that no warning is issued.
    """
    without: list[str] = []
    while trace is not None:
        filename, names = trace.tb_frame.f_code.co_filename, trace.tb_frame.f_globals
        if sys.version_info < (3, 15) or not _causes_warning(names):
            linecache.lazycache(filename, names)
        elif names.get("__loader__") is not None:
            spec = SimpleNamespace(name=names.get("__name__"), loader=names["__loader__"])
            linecache.lazycache(filename, {"__name__": spec.name, "__spec__": spec})
        else:
            without.append(filename)
        trace = trace.tb_next
    for filename in without:
        if filename not in linecache.cache:
            linecache.getlines(filename)


def _causes_warning(names: dict[str, Any]) -> bool:
    """Return True if the ``__spec__`` of a module lacks its loader, or has a different one."""
    loader, spec = names.get("__loader__"), names.get("__spec__")
    if spec is None and names.get("__name__") == "__main__":
        return False
    spec_loader = getattr(spec, "loader", None)
    if spec_loader is None:
        return loader is not None or "__spec__" in names
    return loader is not None and loader != spec_loader


def _line_of_traceback(trace: TracebackType) -> int | None:
    """Return the first line number of *trace*, or None if the code itself determines it."""
    if sys.version_info >= (3, 11) and trace.tb_lasti >= 0:
        positions = trace.tb_frame.f_code.co_positions()
        here = next(itertools.islice(positions, trace.tb_lasti // 2, None), (None,))
        if here[0] is not None:
            return None
    return trace.tb_lineno


def _is_deep() -> bool:
    """Return True if the recursion limit is close."""
    try:
        sys._getframe(max(0, sys.getrecursionlimit() - CALLS_NEEDED))  # noqa: SLF001 - it is documented
    except ValueError:
        return False
    return True


def _repetition(times: int) -> str:
    more = times - MAX_REPEATED
    return f"  [Previous line repeated {more} more time{'s' if more > 1 else ''}]\n"
