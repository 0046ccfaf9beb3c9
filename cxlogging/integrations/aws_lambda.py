"""
AWS Lambda: ``@flush_logs`` on the function's handler.

A function is frozen when it returns: a background thread does not go on before the next call.
https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, overload

from ..delivery.overview import flush_all
from ..handlers.context import bound

FlushedHandler = TypeVar("FlushedHandler", bound=Callable[..., Any])

RESERVE_SECONDS = 0.5
"""Of the time that is left: for the answer, and for what the runtime does after it."""

LONGEST_FLUSH = 10.0


class _Starts:
    """Whether this is the first call of the process."""

    cold = True


@overload
def flush_logs(function: FlushedHandler) -> FlushedHandler: ...
@overload
def flush_logs(
    *, reserve: float = RESERVE_SECONDS
) -> Callable[[FlushedHandler], FlushedHandler]: ...
def flush_logs(function: Any = None, *, reserve: float = RESERVE_SECONDS) -> Any:
    """
    Deliver what a call has logged before its result is returned.

    Each record of the call has ``faas.invocation_id``, ``faas.name`` and ``faas.coldstart``. The
    wait for the vendor takes at most the time that the call has left, less *reserve*, and at
    most ten seconds; what is not delivered by then goes with the next call.

    Args:
        function: ``handler(event, context)``, or a coroutine function.
        reserve: Seconds.
    """
    if function is None:
        return functools.partial(flush_logs, reserve=reserve)
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_async(event: Any, context: Any) -> Any:
            try:
                with bound(faas=_fields(context)):
                    return await function(event, context)
            finally:
                flush_all(_seconds_left(context, reserve))

        return call_async

    @functools.wraps(function)
    def call(event: Any, context: Any) -> Any:
        try:
            with bound(faas=_fields(context)):
                return function(event, context)
        finally:
            flush_all(_seconds_left(context, reserve))

    return call


def _fields(context: Any) -> dict[str, Any]:
    cold, _Starts.cold = _Starts.cold, False
    return {
        "invocation_id": getattr(context, "aws_request_id", None),
        "name": getattr(context, "function_name", None),
        "coldstart": cold,
    }


def _seconds_left(context: Any, reserve: float) -> float:
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    if remaining is None:
        return LONGEST_FLUSH
    left = float(remaining()) / 1000 - reserve
    return max(0.0, min(left, LONGEST_FLUSH))
