"""Errors from outside are recognized while the repr of a value is computed."""

from __future__ import annotations

import ctypes
import functools
import operator
import signal
import sys
import threading
import types

import pytest

from cxlogging.wire.external_errors import is_external
from cxlogging.wire.sanitizing.sanitizer import Sanitizer


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


def compiled_handler():
    """Return a handler in C that leaves a line in the traceback, as Cython and mypyc do."""
    new_code, new_frame, raise_it = (
        ctypes.pythonapi["PyCode_NewEmpty"],
        ctypes.pythonapi["PyFrame_New"],
        ctypes.pythonapi["PyErr_SetObject"],
    )
    new_code.restype = new_frame.restype = ctypes.py_object
    code = new_code(b"handlers.pyx", b"handlers.PyErr_SetObject", 1)
    ctypes.pythonapi.PyThreadState_Get.restype = ctypes.c_void_p
    state = ctypes.c_void_p(ctypes.pythonapi.PyThreadState_Get())
    frame = new_frame(state, *map(ctypes.py_object, (code, {})), None)
    raise_it.restype = None
    raise_it.argtypes = [ctypes.py_object, ctypes.py_object, ctypes.c_int, ctypes.py_object]
    error = TimeoutError("too long").with_traceback(types.TracebackType(None, frame, 0, 1))
    return functools.partial(raise_it, TimeoutError, error)


HANDLERS = {
    "function": stop,
    "method": Called().stop,
    "object": Called(),
    "partial": functools.partial(stop_with_more, 1),
    "partial in C": functools.partial(sys.exit, 0),
    "method in C": [].append,
    "object in C": operator.methodcaller("stop"),
    "other arguments in C": getattr,
    "class in C": int,
    "compiled": compiled_handler(),
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
    """An exception of any kind of signal handler passes, also in the middle of a repr."""
    with pytest.raises((SystemExit, LimitError, TimeoutError, ValueError, KeyError, TypeError)):
        Sanitizer().fields({"a": [Interrupted()]})


class InterruptedInC:
    """A value during whose repr or truth test, called by a C function, a signal arrives."""

    __repr__ = __bool__ = staticmethod(functools.partial(signal.raise_signal, signal.SIGTERM))


@pytest.mark.parametrize("show", [lambda inner: f"{inner!r}", lambda inner: "a" if inner else "b"])
@pytest.mark.parametrize("handled", ["partial in C", "function"], indirect=True)
@pytest.mark.usefixtures("handled")
def test_what_a_signal_handler_raises_between_calls_passes(show):
    """It passes at instructions that are not calls: an f-string, and a truth test."""
    value = type("Shown", (), {"__repr__": lambda _: show(InterruptedInC())})()

    with pytest.raises((SystemExit, TypeError), match=r"143|exit expected"):
        Sanitizer().fields({"a": value})


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
        Sanitizer().fields({"a": [Limited(kind)]})


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
    import contextlib
    import sqlite3

    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        return str(database.execute("nonsense"))


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
@pytest.mark.parametrize("handled", ["function", "partial in C", "compiled"], indirect=True)
@pytest.mark.usefixtures("handled")
def test_what_a_value_raises_does_not_pass(fail):
    """An exception of a value's own code becomes a marked text, whatever handlers are installed."""
    value = type("Widget", (), {"__repr__": fail})()

    assert Sanitizer().fields({"a": [value]}) == {"a": ["<unrepresentable Widget>"]}


def test_a_value_s_own_exit_is_not_external():
    """A SystemExit that is raised by plain code is not external."""
    with pytest.raises(SystemExit) as caught:
        raise SystemExit(143)

    assert not is_external(caught.value)


def test_control_c_passes():
    """A KeyboardInterrupt during sanitizing passes, wherever it comes from."""

    class Pressed:
        def __repr__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Sanitizer().fields({"a": Pressed()})
