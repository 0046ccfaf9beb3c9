"""Threads: what the interpreter guarantees, and starting threads that take no signals."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable

HAS_GIL: bool = (
    sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()
)
"""Whether only one thread at a time runs Python code."""

_SYNCHRONOUS = "SIGABRT SIGBUS SIGFPE SIGILL SIGSEGV SIGSYS SIGTRAP".split()
"""Signals for a fault of the thread itself: if blocked, they end the process unreported."""

_BLOCKED = signal.valid_signals() - {getattr(signal, name, None) for name in _SYNCHRONOUS}


def start_thread(main: Callable[[], None]) -> None:
    """
    Run *main* on a new thread, in which signals are blocked from its first instruction.

    Otherwise our thread could take a signal that the application has blocked in all
    of its own threads to wait for it with ``sigwait``.

    Raises:
        RuntimeError: No thread can be started.
    """
    if not hasattr(signal, "pthread_sigmask"):
        _thread.start_new_thread(_run, (main,))
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
        _thread.start_new_thread(_run, (main,))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(main: Callable[[], None]) -> None:
    # As `threading` does, for debuggers, profilers and coverage.
    sys.settrace(threading.gettrace())
    sys.setprofile(threading.getprofile())
    main()


def block_signals() -> None:
    """Block signals in the current thread, if it was not started by `start_thread`."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)


def take(permit: deque[None]) -> bool:
    """Return True for the first caller: ``pop`` is atomic."""
    try:
        permit.pop()
    except IndexError:
        return False
    return True


def acquire_within(lock: _thread.LockType | _thread.RLock, seconds: float) -> bool:
    """
    Acquire *lock*, waiting as long as that at most; return whether it was acquired.

    At the end of the interpreter it is not waited for: Python 3.14 refuses, and its thread may
    stand still for ever.
    """
    if lock.acquire(blocking=False):
        return True
    return not sys.is_finalizing() and lock.acquire(timeout=seconds)
