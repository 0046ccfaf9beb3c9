"""
An exception's text, byte for byte that of `traceback.format_exception`, at a fraction of its cost.

Nearly all of the cost is the text of the frames, which `frames` keeps, and
`stacks` for whole stacks that come again. What stands around them is put
together here: headers, chained exceptions, the last line. `SyntaxError`, notes
and suggestions are left to the standard library, and so is the whole text
where it might say something else: exception groups, exceptions that are false,
`sys.tracebacklimit`, a `traceback` that someone has patched, a version of
Python that this was not compared with.

There is one difference, in time: the standard library looks at each source
file again for each exception, this module once a second. What happens to a
file under a running program is seen up to a second later, unless anything
else has brought it to the notice of `linecache`.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import linecache
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

from ...wire.realtime import monotonic
from ...wire.values.guard import is_external
from .frames import UnsureError, load_sources
from .stacks import MOST_STACKS, Stacks

HEADER = "Traceback (most recent call last):\n"
CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"

MOST_ASKED = 4
"""Endings of one chain that are left to the standard library: each costs it the whole chain."""

COMPARED = sys.version_info < (3, 16)
GROUP: Any = getattr(builtins, "BaseExceptionGroup", ())
TOLD_MORE: tuple[type[BaseException], ...] = (SyntaxError,)
"""Kinds of which the standard library tells more than type and message."""

if sys.version_info >= (3, 12):
    TOLD_MORE = (SyntaxError, ImportError, NameError, AttributeError)

_FORMAT_EXCEPTION: Any = traceback.format_exception
_EXTRACT_TB: Any = traceback.extract_tb
_TOLD_INIT: Any = traceback.TracebackException.__init__
_TOLD_FORMAT: Any = traceback.TracebackException.format
_TOLD_FORMAT_ONLY: Any = traceback.TracebackException.format_exception_only
_STACK_FORMAT: Any = traceback.StackSummary.format
_STACK_FRAME: Any = getattr(traceback.StackSummary, "format_frame_summary", None)
MAKERS = [
    _FORMAT_EXCEPTION,
    _EXTRACT_TB,
    _TOLD_INIT,
    _TOLD_FORMAT,
    _TOLD_FORMAT_ONLY,
    _STACK_FORMAT,
]
if _STACK_FRAME is not None:
    MAKERS.append(_STACK_FRAME)
_LINES: Any = linecache.getlines
_SYSTEM = vars(sys)


def _is_original(function: Any, module: object) -> bool:
    return getattr(function, "__globals__", None) is vars(module)


KNOWN = COMPARED and _is_original(_LINES, linecache)
KNOWN = KNOWN and all(_is_original(each, traceback) for each in MAKERS)


@functools.cache
def use_once() -> None:
    """Let `traceback` import what it needs, so that no log call does."""
    for wrong in ("None.name", "fro shop import cart"):
        try:
            eval(wrong)  # noqa: S307 - a text of our own
        except Exception as error:
            # Without frames, for which it would read this file.
            with contextlib.suppress(Exception):
                traceback.format_exception(type(error), error, None)


class Tracebacks:
    """
    Prints exceptions.

    Args:
        clock: Gives seconds that never go back.
        most_stacks: So many whole stacks are kept.
    """

    def __init__(
        self, clock: Callable[[], float] = monotonic, most_stacks: int = MOST_STACKS
    ) -> None:
        self._clock = clock
        self.stacks = Stacks(most_stacks)

    def format(self, error: BaseException, trace: TracebackType | None) -> str:
        """
        Return what `traceback.format_exception` joins to for *error* and *trace*.

        Raises:
            Exception: What the standard library raises for an exception that it cannot print.
        """
        try:
            return self.assembled(error, trace)
        except BaseException as problem:
            if is_external(problem):
                raise
        try:
            return "".join(traceback.format_exception(type(error), error, trace))
        except Warning:  # of `linecache`, made an exception by -W error
            _load_sources(error)
            return "".join(traceback.format_exception(type(error), error, trace))

    def assembled(self, error: BaseException, trace: TracebackType | None) -> str:
        """
        Return the text, without the standard library where it can be done.

        Raises:
            UnsureError: The standard library has to be asked.
            BaseException: Whatever the exception's own code raises.
        """
        if not _is_as_known():
            raise UnsureError("the standard library is another")
        now = self._clock()
        ending = _ending(error)
        if ending is None or _is_chained(error):
            return self._chain(error, trace, now)
        return ending if trace is None else f"{HEADER}{self.stacks.text(trace, now)}{ending}"

    def _chain(self, error: BaseException, trace: TracebackType | None, now: float) -> str:
        texts: list[str] = []
        seen: set[int] = set()
        asked = 0
        while True:
            seen.add(id(error))
            ending = _ending(error)
            if ending is None:
                asked += 1
                ending = _asked(error, trace, asked)
            texts.append(ending)
            if trace is not None:
                texts += (self.stacks.text(trace, now), HEADER)
            following, link = _following(error, seen)
            if following is None:
                return "".join(reversed(texts))
            texts.append(link)
            error, trace = following, following.__traceback__


def _is_as_known() -> bool:
    told, stack = traceback.TracebackException, traceback.StackSummary
    return (
        KNOWN
        and traceback.format_exception is _FORMAT_EXCEPTION
        and traceback.extract_tb is _EXTRACT_TB
        and told.__init__ is _TOLD_INIT
        and told.format is _TOLD_FORMAT
        and told.format_exception_only is _TOLD_FORMAT_ONLY
        and stack.format is _STACK_FORMAT
        and getattr(stack, "format_frame_summary", None) is _STACK_FRAME
        and linecache.getlines is _LINES
        and "tracebacklimit" not in _SYSTEM
    )


def _load_sources(error: BaseException) -> None:
    """Give `linecache` the sources of all that is printed with *error*."""
    pending: list[Any] = [error]
    seen: set[int] = set()
    while pending:
        error = pending.pop()
        if isinstance(error, BaseException) and id(error) not in seen:
            seen.add(id(error))
            load_sources(error.__traceback__)
            pending += (error.__cause__, error.__context__)
            pending += error.exceptions if isinstance(error, GROUP) else ()


def _is_chained(error: BaseException) -> bool:
    """Return True where another exception may be printed above *error*."""
    if error.__cause__ is not None:
        return True
    return error.__context__ is not None and not error.__suppress_context__


def _ending(error: BaseException) -> str | None:
    """Return the last line of *error*, or None where there may be more to tell."""
    kind = type(error)
    if isinstance(error, GROUP) or not error:
        raise UnsureError("members, and the chain of what is false, are not for us")
    if issubclass(kind, TOLD_MORE) or getattr(error, "__notes__", None) is not None:
        return None
    message, name, module = str(error), kind.__qualname__, kind.__module__
    if not type(message) is type(name) is type(module) is str:
        raise UnsureError("texts that are no plain texts")
    if module not in {"__main__", "builtins"}:
        name = f"{module}.{name}"
    return f"{name}: {message}\n" if message else f"{name}\n"


def _asked(error: BaseException, trace: TracebackType | None, times: int) -> str:
    """Return what the standard library prints of *error* without its frames and its chain."""
    if times > MOST_ASKED:
        raise UnsureError("the standard library is faster at once")
    return "".join(traceback.format_exception(type(error), error, trace, limit=0, chain=False))


def _following(error: BaseException, seen: set[int]) -> tuple[BaseException | None, str]:
    """Return the exception that is printed above *error*, and what stands between them."""
    cause = error.__cause__
    if cause is not None and id(cause) not in seen:
        return cause, CAUSE
    context = error.__context__
    if context is None or error.__suppress_context__ or id(context) in seen:
        return None, ""
    return context, CONTEXT


format_exception = Tracebacks().format
