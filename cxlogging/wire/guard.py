"""
Whose exception is it: one of the log call's own, or one that came from outside meanwhile.

What a signal handler or another thread raises during a log call reaches the
application; what our code or a value's code (its ``__repr__``, a formatter, a
filter) raises does not. Every ``except`` on the thread of a log call that takes
more than one known class asks `is_foreign`.
"""

from __future__ import annotations

import functools
import opcode
import signal
import sys
from types import CodeType, FrameType, FunctionType, MethodType, TracebackType
from typing import Any

RAISING = frozenset({"RAISE_VARARGS", "RERAISE"})
CHECKPOINTS = frozenset({"RESUME", "JUMP_BACKWARD", "JUMP_ABSOLUTE"})
"""
Instructions that raise nothing themselves: the interpreter delivers exceptions there.

It also does so after calls, where a C function could have raised the same.
"""

EXHAUSTED = (MemoryError, RecursionError)
SYNCHRONOUS = (StopIteration, StopAsyncIteration, GeneratorExit)
"""Exceptions that C functions raise without arguments, and nobody sends from outside."""

FAKE_CODE = 6 if sys.version_info >= (3, 11) else 0
"""Bytes of the code that C extensions make up for a line in a traceback."""

VARARGS = 4
"""The flag of a code that takes any number of positional arguments."""

PACKAGE = __file__.rpartition("wire")[0]


class Contained:
    """A ``with`` block that ends quietly where its own code fails."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        return error is not None and not is_foreign(error)


contained = Contained()
"""Like ``contextlib.suppress(BaseException)``, but for what `is_foreign`."""


def is_foreign(error: BaseException) -> bool:
    """
    Return True when a signal handler or another thread raised *error*.

    In the traceback, the frame of a signal handler was given the frame above it as an
    argument. What another thread or a handler in C raised has no frame of its own, and
    begins where no instruction of that kind fails. What remains in doubt is foreign
    unless it is an `Exception`. `KeyboardInterrupt` always is.
    """
    if isinstance(error, KeyboardInterrupt):
        return True
    trace = error.__traceback__
    if trace is None:
        return not isinstance(error, Exception)
    codes: set[CodeType | None] | None = None
    while trace.tb_next is not None:
        interrupted, trace = trace.tb_frame, trace.tb_next
        if _was_given(trace.tb_frame, interrupted):
            return True
        codes = _handler_codes() if codes is None else codes
        if trace.tb_frame.f_code in codes:
            return True
    if type(error) in EXHAUSTED:
        return False
    instruction = _instruction(trace)
    if instruction in RAISING:
        return False
    return instruction in CHECKPOINTS or _is_probably_foreign(error, trace.tb_frame)


def _was_given(frame: FrameType, interrupted: FrameType) -> bool:
    """Return True where *interrupted* is an argument of *frame*, as of every signal handler."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    starred = bool(code.co_flags & VARARGS)
    if count + starred == 0:
        return False
    values = frame.f_locals
    for name in code.co_varnames[: count + starred]:
        value = values.get(name)
        if value is interrupted:
            return True
    rest = values.get(code.co_varnames[count]) if starred else None
    return type(rest) is tuple and any(each is interrupted for each in rest)


def _handler_codes() -> set[CodeType | None]:
    """Return the codes of the signal handlers that are installed now."""
    return {_code(_innermost(handler)) for handler in _handlers()}


def _handlers() -> list[Any]:
    found = (signal.getsignal(number) for number in range(1, signal.NSIG))
    return [handler for handler in found if callable(handler)]


def _innermost(handler: Any) -> Any:
    """Return what *handler* calls at once: the function of a partial or of a method."""
    for _ in range(8):
        if type(handler) is functools.partial:
            handler = handler.func
        elif type(handler) is MethodType:
            handler = handler.__func__
    return handler


def _code(function: Any) -> CodeType | None:
    if type(function) is not FunctionType:
        function = getattr(type(function), "__call__", None)
    code = getattr(function, "__code__", None)
    return code if type(code) is CodeType else None


def _instruction(trace: TracebackType) -> str:
    """Return the name of the instruction at which *trace* ends; nothing where C made the frame."""
    code, at = trace.tb_frame.f_code.co_code, trace.tb_lasti
    if len(code) <= FAKE_CODE:
        return ""
    if at < 0:  # before Python 3.11: a frame that has not begun
        return "RESUME" if sys.version_info < (3, 11) else ""
    return opcode.opname[code[at]]


def _is_probably_foreign(error: BaseException, frame: FrameType) -> bool:
    """Decide about *error*, which came out of a call in *frame* to something without a frame."""
    kind = type(error)
    if isinstance(error, SYNCHRONOUS) or kind.__module__ == "asyncio.exceptions":
        return False
    if isinstance(error, SystemExit):
        return "exit" not in frame.f_code.co_names
    if not isinstance(error, Exception):
        return True
    if kind.__module__ == "builtins":
        is_ours = frame.f_code.co_filename.startswith(PACKAGE)
        return is_ours and (not error.args or _has_native_handler())
    return _is_of_python(kind) and not _is_of_one_package(kind, frame)


def _is_of_python(kind: type) -> bool:
    """Return True for a class that Python code defines: functions in C seldom raise such."""
    if kind.__module__ == "__main__":
        return True
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return type(file) is str and file.endswith((".py", ".pyc"))


def _is_of_one_package(kind: type, frame: FrameType) -> bool:
    """Return True where *frame* belongs to the package whose exception *kind* is."""
    package = kind.__module__.partition(".")[0]
    home = frame.f_globals.get("__name__")
    return package != "__main__" and type(home) is str and home.partition(".")[0] == package


def _has_native_handler() -> bool:
    """Return True where a signal handler is a callable in C, whose exceptions have no frame."""
    native = (_innermost(each) for each in _handlers() if each is not signal.default_int_handler)
    return any(_code(each) is None for each in native)
