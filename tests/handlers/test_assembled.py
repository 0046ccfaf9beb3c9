from __future__ import annotations

import os
import signal
import sys
import traceback
from types import TracebackType

import pytest

from cxlogging.handlers.exceptions import tracebacks
from cxlogging.handlers.exceptions.fields import failure
from cxlogging.handlers.exceptions.frame_cache import UnsureError
from cxlogging.handlers.exceptions.tracebacks import MAX_DELEGATED, Tracebacks
from cxlogging.wire.sanitizing.sanitizer import Sanitizer

from .programs import CALLING, RAISING, function, raised_by, raised_in, unpatched

pytestmark = unpatched

DELEGATED = ["raise Falsy('x')", "raise Silent('x')"]
"""Exceptions whose whole text the standard library formats."""


def standard(error: BaseException) -> str:
    """Return the text as the standard library formats it."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def assembled(error: BaseException) -> str:
    """Return the text, assembled from cached frames."""
    return Tracebacks().assemble(error, error.__traceback__)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


@pytest.mark.parametrize("body", [each for each in RAISING if each not in DELEGATED])
def test_whatever_is_raised_is_assembled(body, folder):
    """No ordinary exception needs the standard library for its whole text."""
    error = raised_by(([("file", CALLING[0])], ("file", body), 0), folder)

    assert assembled(error) == standard(error)


@pytest.mark.parametrize("body", [each for each in CALLING if "Group" not in each])
def test_chained_and_repeated_calls_are_assembled(body, folder):
    """Nor do chains, notes and repeated frames."""
    error = raised_by(([("file", body), ("string", body)], ("file", RAISING[0]), 12), folder)

    assert assembled(error) == standard(error)


def test_a_chain_of_3000_is_assembled():
    """The cost of a long chain does not grow faster than its length."""
    error: BaseException = ValueError("0")
    for number in range(1, 3_000):
        following = ValueError(str(number))
        following.__cause__ = error
        error = following

    assert assembled(error) == standard(error)


@pytest.mark.parametrize("number", [MAX_DELEGATED, MAX_DELEGATED + 1])
def test_a_few_exceptions_of_a_chain_are_delegated(number):
    """If many exceptions of a chain need the standard library, it formats the whole chain."""
    error: BaseException = SyntaxError("0")
    for _ in range(1, number):
        following = SyntaxError("x")
        following.__context__ = error
        error = following

    if number > MAX_DELEGATED:
        with pytest.raises(UnsureError):
            assembled(error)
    else:
        assert assembled(error) == standard(error)


def ping(depth: int) -> int:
    return pong(depth + 1)


def pong(depth: int) -> int:
    return ping(depth + 1)


def echo(depth: int) -> int:
    return echo(depth + 1)


@pytest.mark.parametrize("function", [ping, echo])
def test_recursion_is_printed_alike(function):
    """A stack of a thousand frames is assembled, and its repetitions are counted."""
    error = raised_in(lambda: function(0))

    assert isinstance(error, RecursionError)
    assert assembled(error) == standard(error)


@pytest.mark.parametrize("calls", range(1, 8))
def test_repetitions_are_counted_as_the_standard_library_does(calls, folder):
    """Three repetitions are shown, and one more is "time", not "times"."""
    again = function("file", "again", "return again(x - 1) if x else 1 / 0", {}, folder)
    error = raised_in(lambda: again(calls))

    assert assembled(error) == standard(error)


def test_a_traceback_made_by_hand_is_assembled():
    """The line number of a traceback counts if the code has none for the instruction."""
    frame = raised_in(lambda: 1 / 0).__traceback__.tb_frame
    by = Tracebacks()
    for line in (5, 7):
        trace = TracebackType(None, frame, -1, line)
        expected = "".join(traceback.format_exception(ValueError, ValueError("x"), trace))

        assert by.assemble(ValueError("x"), trace) == expected


def test_the_standard_library_is_unpatched():
    """On every Python version that was compared, texts are assembled."""
    assert tracebacks.WAS_ORIGINAL is (sys.version_info < (3, 16))


def test_an_interrupt_passes():
    """A KeyboardInterrupt while an exception is formatted is not swallowed."""

    class StoppedError(Exception):
        def __str__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Tracebacks().format(StoppedError(), None)


def test_a_signal_passes():
    """A SystemExit of a signal handler is not swallowed while an exception is formatted."""

    class StoppedError(Exception):
        def __str__(self) -> str:
            os.kill(os.getpid(), signal.SIGTERM)
            return "late"

    def stop(*_):
        sys.exit(15)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(SystemExit):
            Tracebacks().format(StoppedError(), None)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_frames_of_a_record_s_exception_are_cached(folder):
    """The stack trace of an exception's fields comes from the cache."""
    made = function("file", "made", "return 1 / 0", {}, folder)
    error = raised_in(lambda: made(0))

    text = failure(error, error.__traceback__, Sanitizer())["stacktrace"]

    kept = tracebacks.format_exception.__self__.cache.frames.values()
    (frame,) = [each for each in kept if each.code() is made.__code__]
    assert frame.text in text
