"""
Distinguishes errors of a log call itself from those raised by signal handlers and threads.

An exception that a signal handler or another thread raises during a log call must
reach the application. One that our code or the code of a value (its ``__repr__``, a
formatter, a filter) raises must not. Every ``except`` in the thread of a log call
that catches more than a specific class therefore calls `is_external`.
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
Instructions that raise nothing themselves, at which the interpreter delivers exceptions.

It also delivers them after calls and similar instructions, which may have raised themselves.
"""

LIKE_CALLS = ("CALL", "FORMAT", "CONVERT", "BOOL", "POP_JUMP", "YIELD")
"""Parts of the names of those similar instructions."""

EXHAUSTED = (MemoryError, RecursionError)
SYNCHRONOUS = (StopIteration, StopAsyncIteration, GeneratorExit)
"""Exceptions that C functions raise without arguments, and that never come from outside."""

FAKE_CODE = 6 if sys.version_info >= (3, 11) else 0
"""Bytes of the code object that a C extension creates for an entry in a traceback."""

VARARGS = 4
"""The flag of code with a parameter like ``*args``."""


class Contained:
    """
    A context manager that suppresses errors of the block itself.

    Args:
        kind: The class of errors that are suppressed.
    """

    def __init__(self, kind: type[BaseException] = BaseException) -> None:
        self._kind = kind

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        return isinstance(error, self._kind) and not is_external(error)


contained = Contained()
"""Like ``contextlib.suppress(BaseException)``, but lets pass what `is_external`."""

contained_io = Contained(OSError)
"""The same for `OSError`; the ``TimeoutError`` of a signal handler is one, and passes."""


def is_external(error: BaseException) -> bool:
    """
    Return True if a signal handler or another thread raised *error*.

    A signal handler is recognized in the traceback because it received the frame above
    its own as an argument. An error of another thread, or of a handler written in C, has
    no frame of its own, and begins at an instruction that raises no such error. If in
    doubt, an error is external unless it is an `Exception`. `KeyboardInterrupt` always is.
    """
    if isinstance(error, KeyboardInterrupt):
        return True
    trace = error.__traceback__
    if trace is None:
        return not isinstance(error, Exception)
    codes: set[CodeType | None] | None = None
    while trace.tb_next is not None:
        interrupted, trace = trace, trace.tb_next
        if trace.tb_frame is interrupted.tb_frame:  # re-raised
            continue
        if _was_given(trace.tb_frame, interrupted.tb_frame):
            return True
        if _instruction(interrupted) in CHECKPOINTS:  # an instruction that calls nothing itself
            return True
        codes = _handler_codes() if codes is None else codes
        if trace.tb_frame.f_code in codes or _is_compiled_handler(trace.tb_frame.f_code):
            return True
    if type(error) in EXHAUSTED:
        return False
    instruction = _instruction(trace)
    if instruction in RAISING:
        return False
    return instruction in CHECKPOINTS or _is_probably_external(error, trace, instruction)


def _was_given(frame: FrameType, interrupted: FrameType) -> bool:
    """Return True if *interrupted* is an argument of *frame*, as for every signal handler."""
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


def _handlers() -> list[Any]:
    """Return the functions that the currently installed signal handlers call."""
    found = (signal.getsignal(number) for number in range(1, signal.NSIG))
    return [_innermost(each) for each in found if callable(each)]


def _handler_codes() -> set[CodeType | None]:
    return {_code(handler) for handler in _handlers()} - {None}


def _native_handlers() -> set[str]:
    """Return the names of the signal handlers that are written in C."""
    natives = (each for each in _handlers() if _code(each) is None)
    names = (getattr(each, "__name__", type(each).__name__) for each in natives)
    return {name for name in names if type(name) is str} - {signal.default_int_handler.__name__}


def _is_compiled_handler(code: CodeType) -> bool:
    """Return True for the code that compilers (Cython, mypyc) create for a signal handler."""
    if len(code.co_code) > FAKE_CODE:
        return False
    return code.co_name.rpartition(".")[2] in _native_handlers()


def _is_of_native_handler(text: str) -> bool:
    """Return True if *text* says that a handler in C does not accept the arguments of a handler."""
    names = _native_handlers()
    return bool(names) and ("'frame'" in text or any(name in text for name in names))


def _innermost(handler: Any) -> Any:
    """Return the function behind *handler*, which may be a partial or a method."""
    for _ in range(8):
        if type(handler) is functools.partial:
            handler = handler.func
        elif type(handler) is MethodType:
            handler = handler.__func__
    return handler


def _code(function: Any) -> CodeType | None:
    if type(function) is not FunctionType:
        function = getattr(type(function), "__call__", None)  # noqa: B004 - its code is needed
    code = getattr(function, "__code__", None)
    return code if type(code) is CodeType else None


def _instruction(trace: TracebackType) -> str:
    """Return the name of the instruction at which *trace* ends; empty for a frame created by C."""
    code, at = trace.tb_frame.f_code.co_code, trace.tb_lasti
    if len(code) <= FAKE_CODE:
        return ""
    if at < 0:  # before Python 3.11: the frame has not started
        return "RESUME" if sys.version_info < (3, 11) else ""
    return opcode.opname[code[at]]


def _is_probably_external(error: BaseException, trace: TracebackType, instruction: str) -> bool:
    """Decide about an *error* without a traceback entry of its own, mostly raised by a call."""
    kind = type(error)
    if isinstance(error, SYNCHRONOUS) or kind.__module__ == "asyncio.exceptions":
        return False
    if isinstance(error, SystemExit):
        return "exit" not in trace.tb_frame.f_code.co_names
    if not isinstance(error, Exception):
        return True
    if kind is TypeError and _is_of_native_handler(str(error)):
        return True
    # Another thread raises a class without arguments. A C function that fails gives a reason.
    may_be_delivered = any(name in instruction for name in LIKE_CALLS)
    if error.args and not (may_be_delivered and isinstance(kind.__init__, FunctionType)):
        return False
    return kind.__module__ == "builtins" or not _is_of_one_package(kind, trace.tb_frame)


def _is_of_one_package(kind: type, frame: FrameType) -> bool:
    """Return True if *frame* belongs to the package that defines the exception *kind*."""
    package = kind.__module__.partition(".")[0]
    home = frame.f_globals.get("__name__")
    return package != "__main__" and type(home) is str and home.partition(".")[0] == package
