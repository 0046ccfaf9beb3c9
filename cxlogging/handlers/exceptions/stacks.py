"""
The text of a whole stack that came before: one look-up, whatever its depth.

A stack is told by the codes and the instructions of its frames. Codes are told
by their addresses, so a stack is forgotten with the first of its codes: what
is made at the same address later is another.
"""

from __future__ import annotations

import linecache
import sys
import weakref
from types import CodeType, TracebackType
from typing import Any, NamedTuple

from .frames import Frame, Frames, Source

MOST_STACKS = 256
MOST_CHARACTERS = 8_192
MOST_DEPTH = 100
"""Characters and frames of a stack that is kept; larger ones are put together from their frames."""

LINES_DIFFER = sys.version_info < (3, 11)
"""Whether the line is the traceback's to tell, rather than the code's and the instruction's."""

Place = tuple[int, ...]


class Stack(NamedTuple):
    """
    A stack's text.

    Attributes:
        text: Its lines.
        sources: What they were drawn from.
        codes: Tell when a code is gone.
    """

    text: str
    sources: tuple[Source, ...]
    codes: tuple[weakref.ref[CodeType], ...]


class Kept:
    """
    Stacks all of whose codes live.

    Attributes:
        stacks: By their places.
        gone: Is not empty once a code is gone: then nothing of this is used any more.
    """

    __slots__ = ("gone", "stacks")

    def __init__(self) -> None:
        self.stacks: dict[Place, Stack] = {}
        self.gone: list[Any] = []


class Stacks:
    """
    The texts of stacks, above those of their frames.

    Args:
        most: So many are kept.
    """

    def __init__(self, most: int = MOST_STACKS) -> None:
        self._most = most
        self.frames = Frames()
        self._kept = Kept()

    def __len__(self) -> int:
        """Return how many stacks are kept."""
        return len(self._kept.stacks)

    def text(self, trace: TracebackType, now: float) -> str:
        """
        Return what `traceback.format_tb` joins to for *trace*.

        Args:
            trace: The traceback.
            now: Seconds of a monotonic clock.

        Raises:
            UnsureError: The standard library has to be asked for the whole.
        """
        place = _place(trace)
        kept = self._kept
        # The codes of *trace* live. Whatever had one of their addresses before is in
        # `gone` already, or nothing of it is in these stacks: so this is looked at first.
        if kept.gone:
            self._kept = kept = Kept()
        stack = kept.stacks.get(place)
        if stack is not None:
            entries = linecache.cache
            for source in stack.sources:
                same = entries.get(source.filename) is source.lines
                # The usual case, without a call for each source.
                if not (same and now < source.checked_until) and not source.holds(now):
                    break
            else:
                return stack.text
        text, frames = self.frames.stack(trace, now)
        self._keep(kept, place, text, frames)
        return text

    def _keep(self, kept: Kept, place: Place, text: str, frames: list[Frame]) -> None:
        fits = len(text) <= MOST_CHARACTERS and len(frames) <= MOST_DEPTH
        if not (self._most and fits and all(frame.lasting for frame in frames)):
            return
        codes = {id(code): code for frame in frames if (code := frame.code()) is not None}
        # A method of a list, as a function of ours could be interrupted.
        told = tuple(weakref.ref(code, kept.gone.append) for code in codes.values())
        if len(kept.stacks) >= self._most:
            kept.stacks.clear()
        sources = {id(frame.source): frame.source for frame in frames}
        kept.stacks[place] = Stack(text, tuple(sources.values()), told)


def _place(trace: TracebackType | None) -> Place:
    """Return the addresses of the codes of *trace*, and the instructions in them."""
    place: list[int] = []
    add = place.append
    while trace is not None:
        add(id(trace.tb_frame.f_code))
        add(trace.tb_lasti)
        if LINES_DIFFER:
            add(trace.tb_lineno)
        trace = trace.tb_next
    return tuple(place)
