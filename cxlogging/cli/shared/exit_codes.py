"""
How a command ends: its exit code, and its last message.

Ctrl-C and a closed pipe (``| head``) end it without a message.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TextIO

import click

from ...errors import ConfigurationError, CxLoggingError
from .screen import complain, prepare
from .wording import in_flags

OK = 0
FAILURE = 1
USAGE = 2
AUTHENTICATION = 3
EMPTY = 4
RETRYABLE = 5
PARTIAL = 6
INTERRUPTED = 130

_REFUSAL = re.compile(r"HTTP 40[13]\b")


def guarded(invoke: Callable[[], Any], called: Callable[[], click.Command | None]) -> Any:
    """
    Return what *invoke* returns; exit with the code of a cxlogging error that it raises.

    Args:
        invoke: Runs a command.
        called: Returns that command; the message names its options.
    """
    try:
        return invoke()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except CxLoggingError as error:
        complain(in_flags(str(error), called()))
        code = code_of(error)
    raise SystemExit(code)


def ended(run: Callable[[], Any]) -> NoReturn:
    """Call *run*, flush the output, and exit with the code of the outcome."""
    try:
        prepare(sys.stdout)
        prepare(sys.stderr)
        code = _code(run)
        sys.stdout.flush()
    except BrokenPipeError:
        code = OK
        _redirect_to_null(sys.stdout)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OSError as error:
        code = FAILURE
        _redirect_to_null(sys.stdout)
        reason = error.strerror or str(error)
        if error.filename is None:
            complain(f"cannot write the output: {reason}.")
        else:
            complain(f"cannot use {os.fsdecode(error.filename)!r}: {reason}.")
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        _redirect_to_null(sys.stderr)
    raise SystemExit(code)


def _code(run: Callable[[], Any]) -> int:
    stdout = sys.stdout
    try:
        result = run()
    except SystemExit as end:
        if sys.stdout is not stdout:  # click replaces it after a broken pipe
            sys.stdout = stdout
            raise BrokenPipeError from None
        if isinstance(end.code, str):
            complain(end.code)
            return FAILURE
        return end.code or OK
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
            sys.stderr.write(f"{error.format_message()}\n")
            return error.exit_code
        context = getattr(error, "ctx", None)
        if context is not None:
            _print_usage(context)
        complain(error.format_message())
        return error.exit_code
    return result if isinstance(result, int) else OK


def _print_usage(context: click.Context) -> None:
    with contextlib.suppress(OSError):
        path = context.command_path
        sys.stderr.write(f"{context.get_usage()}\nTry '{path} --help' for help.\n\n")


def code_of(error: CxLoggingError) -> int:
    """Return the exit code for *error*."""
    if isinstance(error, ConfigurationError):
        return USAGE
    from ... import dataprime

    table: tuple[tuple[type[Exception] | tuple[type[Exception], ...], int], ...] = (
        (dataprime.AuthenticationError, AUTHENTICATION),
        (dataprime.QuerySyntaxError, USAGE),
        (dataprime.PartialResult, PARTIAL),
        ((dataprime.RateLimited, dataprime.Unreachable, dataprime.QueryTimeout), RETRYABLE),
    )
    if isinstance(error, dataprime.ServerError):
        return RETRYABLE if error.status >= 500 else FAILURE
    return next((code for kinds, code in table if isinstance(error, kinds)), FAILURE)


def is_refusal(reason: str) -> bool:
    """Return True if a delivery's last error was that its key was refused."""
    return _REFUSAL.search(reason) is not None


def open_streams() -> None:
    """
    Open the standard streams that the process was started without.

    Otherwise the next file or socket would get the number of the stream, and the stream would be
    None. Using stdin or stdout fails then; what is written to stderr is discarded.
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # gets the lowest free number, which is this one
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def _redirect_to_null(stream: TextIO) -> None:
    """Connect *stream* to the null device, so that its last flush cannot fail again."""
    with contextlib.suppress(OSError, io.UnsupportedOperation):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
