"""Whose exception it is, tried with values in whose repr something is raised."""

from __future__ import annotations

import ctypes
import functools
import signal
import sys
import threading

import pytest

from cxlogging.wire.clean import Cleaner
from cxlogging.wire.guard import is_external


class LimitError(Exception):
    """A time limit, as task runners define them."""


class Called:
    def __call__(self, number, frame):
        raise SystemExit(143)

    def stop(self, number, frame):
        raise SystemExit(143)


def stop(number, frame):
    raise SystemExit(143)


def stop_with_more(extra, number, frame):
    raise SystemExit(143)


def reset_and_stop(number, frame):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise SystemExit(143)


def change_and_limit(number, frame):
    signal.signal(signal.SIGTERM, stop)
    raise LimitError("too long")


def limit(number, frame):
    raise LimitError("too long")


def time_out(number, frame):
    raise TimeoutError("too long")


def any_arguments(*args):
    raise ValueError(args)


def through_c(number, frame):
    sys.exit(143)


def fail_inside(number, frame):
    {}[number]


HANDLERS = {
    "function": stop,
    "method": Called().stop,
    "object": Called(),
    "partial": functools.partial(stop_with_more, 1),
    "partial in C": functools.partial(sys.exit, 0),
    "resets itself": reset_and_stop,
    "changes the handler": change_and_limit,
    "own exception": limit,
    "TimeoutError": time_out,
    "any arguments": any_arguments,
    "calls C": through_c,
    "fails itself": fail_inside,
    "lambda": lambda _, __: sys.exit(0),
}


class Interrupted:
    """A value in whose repr a signal arrives."""

    def __repr__(self) -> str:
        signal.raise_signal(signal.SIGTERM)
        return "not interrupted"


@pytest.fixture
def handled(request):
    before = signal.signal(signal.SIGTERM, HANDLERS[request.param])
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("handled", HANDLERS, indirect=True)
@pytest.mark.usefixtures("handled")
def test_what_a_signal_handler_raises_passes():
    """What a signal handler of any kind raises passes, in the middle of a value's repr too."""
    with pytest.raises((SystemExit, LimitError, TimeoutError, ValueError, KeyError, TypeError)):
        Cleaner().fields({"a": [Interrupted()]})


class Limited:
    """A value in whose repr another thread sets an exception."""

    def __init__(self, kind):
        self.kind = kind

    def __repr__(self) -> str:
        thread = threading.Thread(target=self.interrupt, args=(threading.get_ident(),))
        thread.start()
        thread.join()
        return "".join(str(number) for number in range(10))

    def interrupt(self, ident):
        setter = ctypes.pythonapi.PyThreadState_SetAsyncExc
        setter(ctypes.c_ulong(ident), ctypes.py_object(self.kind))


class OwnTextError(Exception):
    def __init__(self, text="too long"):
        super().__init__(text)


class LimitExit(BaseException):
    pass


@pytest.mark.parametrize("kind", [LimitError, OwnTextError, LimitExit, TimeoutError, SystemExit])
def test_what_another_thread_sets_passes(kind):
    """An exception that another thread sets passes, whatever its class."""
    with pytest.raises(kind):
        Cleaner().fields({"a": [Limited(kind)]})


def raised(error):
    def fail(self):
        raise error

    return fail


def fails_in_c(self):
    return sys.exit(1)


def fails_at_a_key(self):
    return {}["name"]


def fails_at_an_attribute(self):
    return self.missing


def fails_at_a_number(self):
    return int("x")


def fails_at_the_database(self):
    import sqlite3

    return str(sqlite3.connect(":memory:").execute("nonsense"))


def fails_at_json(self):
    import json

    return json.loads("{")


def goes_too_deep(self):
    return repr(self)


def ends_an_iterator(self):
    return next(iter(()))


FAILURES = {
    "ValueError": raised(ValueError("x")),
    "own exception": raised(LimitError()),
    "exit": raised(SystemExit(1)),
    "no Exception": raised(LimitExit()),
    "sys.exit": fails_in_c,
    "key": fails_at_a_key,
    "attribute": fails_at_an_attribute,
    "number": fails_at_a_number,
    "database": fails_at_the_database,
    "json": fails_at_json,
    "recursion": goes_too_deep,
    "iterator": ends_an_iterator,
}


@pytest.mark.parametrize("fail", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("handled", ["function", "partial in C"], indirect=True)
@pytest.mark.usefixtures("handled")
def test_what_a_value_raises_does_not_pass(fail):
    """What a value's own code raises becomes a marked text, whatever handlers there are."""
    value = type("Widget", (), {"__repr__": fail})()

    assert Cleaner().fields({"a": [value]}) == {"a": ["<unrepresentable Widget>"]}


def test_a_value_s_own_exit_is_not_external():
    """SystemExit that is raised in plain code did not come from a signal."""
    with pytest.raises(SystemExit) as caught:
        raise SystemExit(143)

    assert not is_external(caught.value)


def test_control_c_passes():
    """KeyboardInterrupt leaves the cleaning of a value, wherever it comes from."""

    class Pressed:
        def __repr__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Cleaner().fields({"a": Pressed()})
