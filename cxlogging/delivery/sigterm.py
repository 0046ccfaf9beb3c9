"""Delivering on SIGTERM, for programs that ask for it: signals belong to the application."""

from __future__ import annotations

import os
import signal
from types import FrameType

from . import lifecycle


def install_sigterm() -> None:
    """
    Deliver what waits when SIGTERM arrives, then do what would have been done without us.

    Call it in the main thread, after the application has installed its own
    handler. Delivering takes at most the exit budget (``close_timeout``,
    ``close_maximum``); then the handler that was there before is called, or, if
    there was none, the signal ends the process as it would have.

    Raises:
        ValueError: It is not called in the main thread.
    """
    previous = signal.getsignal(signal.SIGTERM)

    def deliver(number: int, frame: FrameType | None) -> None:
        lifecycle.at_exit()
        if callable(previous):
            lifecycle.carry_on()
            previous(number, frame)
        elif previous == signal.SIG_IGN:
            lifecycle.carry_on()
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, deliver)
