"""
How a command ends: its exit code, and what it says on the way out.

An end by Ctrl-C, and a reader that has gone (``| head``), are no news: nothing is said.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import Any

from ..errors import ConfigurationError, CxLoggingError
from .screen import complain

OK = 0
FAILURE = 1
USAGE = 2
AUTHENTICATION = 3
EMPTY = 4
RETRYABLE = 5
PARTIAL = 6
INTERRUPTED = 130

_REFUSAL = re.compile(r"HTTP 40[13]\b")


def guarded(invoke: Callable[[], Any]) -> Any:
    """Return what *invoke* returns; end the process with the code of an error of ours."""
    try:
        result = invoke()
        sys.stdout.flush()
    except BrokenPipeError:
        _let_go()
        code = OK
    except KeyboardInterrupt:
        code = INTERRUPTED
    except CxLoggingError as error:
        complain(str(error))
        code = code_of(error)
    else:
        return result
    raise SystemExit(code)


def code_of(error: CxLoggingError) -> int:
    """Return the exit code that tells *error* from others."""
    if isinstance(error, ConfigurationError):
        return USAGE
    from .. import dataprime

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
    """Return whether a delivery's last trouble was its key."""
    return _REFUSAL.search(reason) is not None


def _let_go() -> None:
    """Give stdout to the null device, so that its last flush has a reader."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
