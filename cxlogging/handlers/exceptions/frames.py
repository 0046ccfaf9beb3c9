"""
The text of a stack, as `traceback` prints it, from the texts of its frames.

What a frame looks like (its source line, and the marks below it) depends on
the code and the instruction alone: the standard library is asked for it once,
and the answer is kept until the source changes or the code is gone. There is
no lock: threads that ask for the same frame at the same time both draw it.
"""

from __future__ import annotations

import itertools
import linecache
import math
import sys
import traceback
import weakref
from types import CodeType, SimpleNamespace, TracebackType
from typing import Any

MOST_FRAMES = 2_048
MOST_CHARACTERS = 2_048
"""Of a text that is kept: a line of generated code may be huge."""

CHECKED_EVERY = 1.0
RENEWED_EVERY = 600.0
"""Seconds; bounds the life of a text that was drawn in want of memory, and lacks its marks."""

CALLS_NEEDED = 200
"""With room for fewer, the standard library may leave out the marks and say nothing."""

SHOWN_OF_REPEATED = 3


class UnsureError(Exception):
    """The standard library might print something else."""


class Source:
    """
    A source file as `linecache` held it when texts of its frames were drawn.

    Args:
        filename: As the code tells it.
        lines: The entry of `linecache`; None where it found nothing.
        now: Seconds of a monotonic clock.

    Attributes:
        checked_until: So long the file itself is not looked at again.
    """

    __slots__ = ("__weakref__", "_drawn", "checked_until", "filename", "lines")

    def __init__(self, filename: str, lines: object, now: float) -> None:
        self.lines = lines
        self.filename = filename
        self._drawn = now
        is_nowhere = filename.startswith("<") and filename.endswith(">")
        self.checked_until = math.inf if is_nowhere and lines is None else now + CHECKED_EVERY

    def holds(self, now: float) -> bool:
        """Return True where the same texts would be drawn *now*."""
        if linecache.cache.get(self.filename) is self.lines and self._is_checked(now):
            return True
        self.lines = self  # which it never is: so it stays wrong, and keeps no file in memory
        return False

    def _is_checked(self, now: float) -> bool:
        if now < self.checked_until:
            return True
        if self.lines is None or now > self._drawn + RENEWED_EVERY:
            return False
        linecache.checkcache(self.filename)
        self.checked_until = now + CHECKED_EVERY
        return linecache.cache.get(self.filename) is self.lines


class Frame:
    """
    The text of one place in the code.

    Args:
        code: The code, which is not kept alive.
        text: Its lines.
        place: Line, function and file; successive frames that share it are repetitions.
        line: The line, where it is the traceback that decides it; else None.
        source: What the text was drawn from.
        lasting: Whether it is kept, and stands for its code and instruction (before
            Python 3.11, and its line) alone.
    """

    __slots__ = ("code", "lasting", "line", "place", "source", "text")

    def __init__(
        self,
        code: weakref.ref[CodeType],
        text: str,
        place: tuple[int, str, str],
        line: int | None,
        source: Source,
    ) -> None:
        self.code = code
        self.text = text
        self.place = place
        self.line = line
        self.source = source
        self.lasting = False


class Frames:
    """The texts of frames whose code still lives, at most `MOST_FRAMES` of them."""

    def __init__(self) -> None:
        # By the code's address plus the instruction's: two codes that share a
        # key are told apart by the code, which every frame is asked for.
        self._frames: dict[int, Frame] = {}
        self._sources: weakref.WeakValueDictionary[str, Source] = weakref.WeakValueDictionary()

    def stack(self, trace: TracebackType | None, now: float) -> tuple[str, list[Frame]]:
        """
        Return what `traceback.format_tb` joins to for *trace*, and its frames.

        Args:
            trace: The traceback.
            now: Seconds of a monotonic clock.

        Raises:
            UnsureError: The standard library has to be asked for the whole.
        """
        texts: list[str] = []
        found: list[Frame] = []
        frames, place, repeated, drawn, source = self._frames, None, 0, False, None
        while trace is not None:
            code = trace.tb_frame.f_code
            frame = frames.get(id(code) + trace.tb_lasti)
            if (
                frame is None
                or frame.code() is not code
                or (frame.source is not source and not frame.source.holds(now))
                or (frame.line is not None and frame.line != trace.tb_lineno)
            ):
                if not drawn:
                    load_sources(trace)
                    drawn = True
                frame = self._draw(trace, now)
            source = frame.source
            found.append(frame)
            if frame.place != place:
                if repeated > SHOWN_OF_REPEATED:
                    texts.append(_repetition(repeated))
                place, repeated = frame.place, 0
            repeated += 1
            if repeated <= SHOWN_OF_REPEATED:
                texts.append(frame.text)
            trace = trace.tb_next
        if repeated > SHOWN_OF_REPEATED:
            texts.append(_repetition(repeated))
        return "".join(texts), found

    def _draw(self, trace: TracebackType, now: float) -> Frame:
        """Return the frame at the top of *trace* as the standard library draws it, and keep it."""
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
        source = self._sources.get(filename)
        if source is None or source.lines is not lines:
            self._sources[filename] = source = Source(filename, lines, now)
        place = (summary[0].lineno, code.co_name, filename)
        frames, key = self._frames, id(code) + trace.tb_lasti
        forgetting = weakref.ref(code, lambda _: frames.pop(key, None))
        frame = Frame(forgetting, text, place, _line_of_traceback(trace), source)
        if len(text) <= MOST_CHARACTERS and not _is_deep():
            if len(frames) >= MOST_FRAMES:
                frames.clear()
            frames[key] = frame
            frame.lasting = frame.line is None or sys.version_info < (3, 11)
        return frame


def load_sources(trace: TracebackType | None) -> None:
    """
    Tell `linecache` each module's loader: a frame may know that of another's file.

    Where it would warn, since Python 3.15, that a module's ``__spec__`` has no
    loader, it is given what it would go on with, and does not look again.
    """
    without: list[str] = []
    while trace is not None:
        filename, names = trace.tb_frame.f_code.co_filename, trace.tb_frame.f_globals
        if sys.version_info < (3, 15) or not _is_warned_of(names):
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


def _is_warned_of(names: dict[str, Any]) -> bool:
    """Return True for a module whose ``__spec__`` lacks its loader, or has another."""
    loader, spec = names.get("__loader__"), names.get("__spec__")
    if spec is None and names.get("__name__") == "__main__":
        return False
    spec_loader = getattr(spec, "loader", None)
    if spec_loader is None:
        return loader is not None or "__spec__" in names
    return loader is not None and loader != spec_loader


def _line_of_traceback(trace: TracebackType) -> int | None:
    """Return the line at the top of *trace*, or None where the code itself decides it."""
    if sys.version_info >= (3, 11) and trace.tb_lasti >= 0:
        positions = trace.tb_frame.f_code.co_positions()
        here = next(itertools.islice(positions, trace.tb_lasti // 2, None), (None,))
        if here[0] is not None:
            return None
    return trace.tb_lineno


def _is_deep() -> bool:
    """Return True where few calls are left."""
    try:
        sys._getframe(max(0, sys.getrecursionlimit() - CALLS_NEEDED))  # noqa: SLF001 - it is documented
    except ValueError:
        return False
    return True


def _repetition(times: int) -> str:
    more = times - SHOWN_OF_REPEATED
    return f"  [Previous line repeated {more} more time{'s' if more > 1 else ''}]\n"
