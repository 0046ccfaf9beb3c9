"""
AWS Lambda: ``@flush_logs`` on the function's handler.

A function is frozen when it returns: a background thread does not go on before the next call.
https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, overload

from ..delivery.overview import flush_all
from ..handlers.context import FixedMapping, bound
from ..handlers.holding.decorator import Holding, hold_option
from .web import SERVER_ERROR

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
    *, reserve: float = RESERVE_SECONDS, hold: bool | Mapping[str, Any] = False
) -> Callable[[FlushedHandler], FlushedHandler]: ...
def flush_logs(
    function: Any = None,
    *,
    reserve: float = RESERVE_SECONDS,
    hold: bool | Mapping[str, Any] = False,
) -> Any:
    """
    Deliver what a call has logged before its result is returned.

    Each record of the call has ``faas.invocation_id``, ``faas.name`` and ``faas.coldstart``. The
    wait for the vendor takes at most the time that the call has left, less *reserve*, and at
    most ten seconds; what is not delivered by then goes with the next call.

    Args:
        function: ``handler(event, context)``, or a coroutine function.
        reserve: Seconds.
        hold: True, or arguments of `cxlogging.hold`: the call's records below WARNING are sent
            if it fails: by an exception, a record at ERROR or above, or an answer whose
            ``statusCode`` is 500 or above. A call that runs out of time is ended without notice,
            and what it has held is lost.

    Raises:
        ConfigurationError: ``hold`` is no bool and no mapping of arguments.
    """
    holding = hold_option(hold)
    if function is None:
        return functools.partial(flush_logs, reserve=reserve, hold=hold)
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_async(event: Any, context: Any) -> Any:
            with _invocation(context, reserve, holding) as answered:
                return answered(await function(event, context))

        return call_async

    @functools.wraps(function)
    def call(event: Any, context: Any) -> Any:
        with _invocation(context, reserve, holding) as answered:
            return answered(function(event, context))

    return call


@contextlib.contextmanager
def _invocation(
    context: Any, reserve: float, holding: Holding | None
) -> Iterator[Callable[[Any], Any]]:
    """Bind a call's fields, hold its records, and flush; yield what is to see its answer."""

    def answered(answer: Any) -> Any:
        if held is not None and _status(answer) >= SERVER_ERROR:
            held.release()
        return answer

    with contextlib.ExitStack() as stack:
        stack.callback(lambda: flush_all(_seconds_left(context, reserve)))
        stack.enter_context(bound(faas=FixedMapping(_fields(context))))
        held = holding.begin() if holding is not None else None
        if held is not None:
            stack.push(lambda _, error, __: held.close(error))
        yield answered


def _status(answer: Any) -> int:
    """Return the HTTP status of an answer, if it has one."""
    status = answer.get("statusCode") if isinstance(answer, Mapping) else None
    return status if isinstance(status, int) else 0


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
