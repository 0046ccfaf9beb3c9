"""Starting threads that leave all signals to the application's own threads."""

from __future__ import annotations

import _thread
import signal
from collections import deque
from collections.abc import Callable

_SYNCHRONOUS = "SIGABRT SIGBUS SIGFPE SIGILL SIGSEGV SIGSYS SIGTRAP".split()
"""What a thread's own fault raises: blocked, it would end the process without `faulthandler`."""

_BLOCKED = signal.valid_signals() - {getattr(signal, name, None) for name in _SYNCHRONOUS}


def start_thread(main: Callable[[], None]) -> None:
    """
    Run *main* on a new thread, in which signals are blocked from its first instruction.

    A signal that the application has blocked everywhere, to wait for it with
    ``sigwait``, would otherwise be taken by a thread of ours.

    Raises:
        RuntimeError: No thread can start.
    """
    if not hasattr(signal, "pthread_sigmask"):
        _thread.start_new_thread(main, ())
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
        _thread.start_new_thread(main, ())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def block_signals() -> None:
    """Leave all signals to other threads; for a thread that was started otherwise."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)


def take(permit: deque[None]) -> bool:
    """Return True for the first who asks: popping is indivisible."""
    try:
        permit.pop()
    except IndexError:
        return False
    return True
