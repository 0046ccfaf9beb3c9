"""Telling a record's own misbehaviour from a signal that arrived meanwhile."""

from __future__ import annotations

import signal
from types import TracebackType


def is_signal(error: BaseException) -> bool:
    """
    Return True when a signal handler raised *error* in the middle of our work.

    A ``SystemExit`` from a record's own ``__repr__`` must not end the
    application; the same exception from its SIGTERM handler must.
    """
    if isinstance(error, Exception):
        return False
    codes = set()
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        codes.add(getattr(handler, "__code__", None))
        codes.add(getattr(getattr(handler, "__func__", None), "__code__", None))
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in codes:
            return True
        trace = trace.tb_next
    return False
