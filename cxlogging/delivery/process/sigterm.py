"""
Delivering on SIGTERM, for programs that ask for it: signals belong to the application.

Servers such as uvicorn install their own handler, and in the end restore the default one and
raise the signal again, which ends the process without any exit hook. So once this is installed,
``signal.signal(SIGTERM, SIG_DFL)`` sets a handler that delivers and then does what the default
one does; every other call of ``signal.signal`` is unchanged.
"""

from __future__ import annotations

import _thread
import contextlib
import functools
import os
import signal
import time
from types import FrameType
from typing import Any

from ...wire.threads import start_thread
from ..diagnostics import Diagnostics
from ..ledger import Counter
from ..overview import flush_all
from .exit import at_exit, release_held
from .registry import registered
from .state import MOVING_THREADS, OWN_THREADS

AGAIN_SECONDS = 0.01
"""Until the handler is called again, where it interrupted code that holds our lock."""

ELSEWHERE = (
    "SIGTERM can only be handled from the main thread: make the handler there,"
    " or call cxlogging.install_sigterm() there"
)
NOT_PYTHON = (
    "SIGTERM is handled by code that is not Python's, and is left to it:"
    " call cxlogging.flush_all() where the program is asked to end"
)

CALLS = Counter()
"""How often the handler of SIGTERM was called."""

_set_handler: Any = signal.signal


class _State:
    """What is true of the whole process."""

    installed = False
    delivering: int | None = None


class DeliverFirst:
    """
    A handler of SIGTERM: delivers what waits, then does what *previous* does.

    Args:
        previous: A callable, ``SIG_IGN`` or ``SIG_DFL``.
    """

    def __init__(self, previous: Any) -> None:
        self._previous = previous

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal; a second one during the delivery does not wait again."""
        CALLS.add()
        if _interrupted_us() and _raise_later(number):
            return
        first = _State.delivering != os.getpid()
        ends = not callable(self._previous) and self._previous != signal.SIG_IGN
        if first:
            _State.delivering = os.getpid()
            try:
                if ends:
                    at_exit()
                else:
                    release_held()
                    flush_all()
            finally:
                _State.delivering = None
        if callable(self._previous):
            self._previous(number, frame)
        elif ends and first:
            _set_handler(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


def install_sigterm() -> None:
    """
    Deliver what waits when SIGTERM arrives, then do what would have been done without us.

    Delivering takes at most the exit budget (``close_timeout``, ``close_maximum``); then the
    handler that was there before is called, or, if there was none, the signal ends the process
    as it would have. A server or an application that installs its own handler later and in the
    end restores the default one (``signal.signal(SIGTERM, SIG_DFL)``) restores this.

    Raises:
        ValueError: It is not called in the main thread, or SIGTERM is handled by code that is
            not Python's.
    """
    previous = signal.getsignal(signal.SIGTERM)
    if isinstance(previous, DeliverFirst):
        return
    if previous is None:
        raise ValueError(f"{NOT_PYTHON}.")
    try:
        _set_handler(signal.SIGTERM, DeliverFirst(previous))
    except ValueError:
        if _State.installed:  # what the application has installed since stays
            return
        raise ValueError(f"{ELSEWHERE}.") from None
    if not _State.installed:
        _State.installed = True
        signal.signal = _signal


def install_for(diagnostics: Diagnostics) -> None:
    """Call `install_sigterm` for a handler that asks for it; report what prevents it."""
    try:
        install_sigterm()
    except ValueError as error:
        diagnostics.say("sigterm", "sigterm", str(error).rstrip("."))


@functools.wraps(_set_handler)
def _signal(signalnum: int, handler: Any) -> Any:
    is_default = not callable(handler) and handler == signal.SIG_DFL
    if signalnum == signal.SIGTERM and is_default:
        handler = DeliverFirst(signal.SIG_DFL)
    return _set_handler(signalnum, handler)


def _interrupted_us() -> bool:
    """Return whether this thread holds what a delivery needs in order to go on."""
    if _thread.get_ident() in OWN_THREADS | MOVING_THREADS:
        return True
    locks: list[Any] = [each.lane.lock for each in registered()]
    return any(lock._is_owned() for lock in locks)  # noqa: SLF001 - there is no public way


def _raise_later(number: int) -> bool:
    """Have the signal raised again in a moment, by another thread; False where none can start."""

    def raise_again() -> None:
        time.sleep(AGAIN_SECONDS)
        if hasattr(signal, "pthread_sigmask"):
            os.kill(os.getpid(), number)  # to the process: this thread has all signals blocked
        else:
            signal.raise_signal(number)

    with contextlib.suppress(RuntimeError):
        start_thread(raise_again)
        return True
    return False
