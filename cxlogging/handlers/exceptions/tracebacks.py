"""
The text of an exception, byte for byte as `traceback.format_exception` returns it, but cheaper.

Nearly all of the cost is the text of the frames, which `frame_cache` keeps. The
rest is assembled here: headers, chained exceptions, the last line. `SyntaxError`,
notes and suggestions are left to the standard library. It formats the whole text
wherever the result might differ: exception groups, exceptions that are falsy,
`sys.tracebacklimit`, a patched `traceback`, a version of Python that this module
was not compared with.

There is one difference: the standard library checks each source file for changes
at each exception, this module once a second. A file that changes under a running
program is noticed up to a second later, unless anything else has made `linecache`
reload it.
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

from ...wire.external_errors import is_external
from ...wire.system_clock import monotonic
from .frame_cache import FrameCache, UnsureError, load_sources

HEADER = "Traceback (most recent call last):\n"
CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"

MAX_DELEGATED = 4
"""Last lines of one chain that the standard library formats: for each it visits the whole chain."""

IS_COMPARED_VERSION = sys.version_info < (3, 16)
GROUP: Any = getattr(builtins, "BaseExceptionGroup", ())
SPECIAL_TYPES: tuple[type[BaseException], ...] = (SyntaxError,)
"""Types for which the standard library prints more than the type and the message."""

if sys.version_info >= (3, 12):
    SPECIAL_TYPES = (SyntaxError, ImportError, NameError, AttributeError)

_FORMAT_EXCEPTION: Any = traceback.format_exception
_EXTRACT_TB: Any = traceback.extract_tb
_INIT: Any = traceback.TracebackException.__init__
_FORMAT: Any = traceback.TracebackException.format
_FORMAT_ONLY: Any = traceback.TracebackException.format_exception_only
_FORMAT_STACK: Any = traceback.StackSummary.format
_FORMAT_FRAME: Any = getattr(traceback.StackSummary, "format_frame_summary", None)
FUNCTIONS = [_FORMAT_EXCEPTION, _EXTRACT_TB, _INIT, _FORMAT, _FORMAT_ONLY, _FORMAT_STACK]
"""Functions of `traceback` that decide what a text looks like."""

if _FORMAT_FRAME is not None:
    FUNCTIONS.append(_FORMAT_FRAME)
_GET_LINES: Any = linecache.getlines
_SYS = vars(sys)


def _is_original(function: Any, module: object) -> bool:
    return getattr(function, "__globals__", None) is vars(module)


WAS_ORIGINAL = (
    IS_COMPARED_VERSION
    and _is_original(_GET_LINES, linecache)
    and all(_is_original(each, traceback) for each in FUNCTIONS)
)
"""Whether nobody had patched the standard library when this module was imported."""


@functools.cache
def preload() -> None:
    """Make `traceback` import what it needs now, so that no log call imports anything."""
    for wrong in ("None.name", "fro shop import cart"):
        try:
            eval(wrong)  # noqa: S307 - a text of our own
        except Exception as error:
            # Without a traceback, for which it would read this file.
            with contextlib.suppress(Exception):
                traceback.format_exception(type(error), error, None)


class Tracebacks:
    """
    Formats exceptions.

    Args:
        clock: Returns seconds of a monotonic clock.

    Attributes:
        cache: The texts of frames.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self.cache = FrameCache()

    def format(self, error: BaseException, trace: TracebackType | None) -> str:
        """
        Return what `traceback.format_exception` joins to for *error* and *trace*.

        Raises:
            Exception: Raised by the standard library for an exception that it cannot format.
        """
        try:
            return self.assemble(error, trace)
        except BaseException as problem:
            if is_external(problem):
                raise
        try:
            return "".join(traceback.format_exception(type(error), error, trace))
        except Warning:  # of `linecache`; an exception because of -W error
            _load_all_sources(error)
            return "".join(traceback.format_exception(type(error), error, trace))

    def assemble(self, error: BaseException, trace: TracebackType | None) -> str:
        """
        Return the text, assembled from cached frames.

        Raises:
            UnsureError: The standard library has to format the exception.
            BaseException: Raised by the exception's own code.
        """
        if not _is_unpatched():
            raise UnsureError("the standard library was patched, or is a later version")
        now = self._clock()
        last_line = _last_line(error)
        if last_line is None or _is_chained(error):
            return self._assemble_chain(error, trace, now)
        return last_line if trace is None else f"{HEADER}{self.cache.format(trace, now)}{last_line}"

    def _assemble_chain(self, error: BaseException, trace: TracebackType | None, now: float) -> str:
        texts: list[str] = []
        seen: set[int] = set()
        delegated = 0
        while True:
            seen.add(id(error))
            last_line = _last_line(error)
            if last_line is None:
                delegated += 1
                if delegated > MAX_DELEGATED:
                    raise UnsureError("the standard library is faster for the whole chain")
                last_line = _delegate(error, trace)
            texts.append(last_line)
            if trace is not None:
                texts += (self.cache.format(trace, now), HEADER)
            following, link = _next_in_chain(error, seen)
            if following is None:
                return "".join(reversed(texts))
            texts.append(link)
            error, trace = following, following.__traceback__


def _is_unpatched() -> bool:
    whole, stack = traceback.TracebackException, traceback.StackSummary
    return (
        WAS_ORIGINAL
        and traceback.format_exception is _FORMAT_EXCEPTION
        and traceback.extract_tb is _EXTRACT_TB
        and whole.__init__ is _INIT
        and whole.format is _FORMAT
        and whole.format_exception_only is _FORMAT_ONLY
        and stack.format is _FORMAT_STACK
        and getattr(stack, "format_frame_summary", None) is _FORMAT_FRAME
        and linecache.getlines is _GET_LINES
        and "tracebacklimit" not in _SYS
    )


def _load_all_sources(error: BaseException) -> None:
    """Register the sources of *error*, and of all that is printed with it, with `linecache`."""
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
    """Return True if another exception may be printed above *error*."""
    if error.__cause__ is not None:
        return True
    return error.__context__ is not None and not error.__suppress_context__


def _last_line(error: BaseException) -> str | None:
    """Return the last line of *error*, or None if the standard library may print more."""
    kind = type(error)
    if isinstance(error, GROUP) or not error:
        raise UnsureError("a group, or falsy: its chain is printed in another way")
    if issubclass(kind, SPECIAL_TYPES) or getattr(error, "__notes__", None) is not None:
        return None
    message, name, module = str(error), kind.__qualname__, kind.__module__
    if not type(message) is type(name) is type(module) is str:
        raise UnsureError("the message or the name is an instance of a subclass of str")
    if module not in {"__main__", "builtins"}:
        name = f"{module}.{name}"
    return f"{name}: {message}\n" if message else f"{name}\n"


def _delegate(error: BaseException, trace: TracebackType | None) -> str:
    """Let the standard library format *error* without its frames and its chain."""
    return "".join(traceback.format_exception(type(error), error, trace, limit=0, chain=False))


def _next_in_chain(error: BaseException, seen: set[int]) -> tuple[BaseException | None, str]:
    """Return the exception that is printed above *error*, and the sentence between them."""
    cause = error.__cause__
    if cause is not None and id(cause) not in seen:
        return cause, CAUSE
    context = error.__context__
    if context is None or error.__suppress_context__ or id(context) in seen:
        return None, ""
    return context, CONTEXT


format_exception = Tracebacks().format
