"""Threads: what the interpreter guarantees, and starting threads that take no signals."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")

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


def run_locked(lock: Any, seconds: float, work: Callable[[], Result]) -> Result | None:
    """
    Return what *work* returns, called while this thread holds the re-entrant *lock*.

    What a signal handler raises, at whatever instruction, leaves the lock free: it is raised
    after a call, and releasing is the first one here.

    Args:
        lock: An `_thread.RLock`.
        seconds: How long to wait for it.
        work: Is not called where another thread keeps the lock, nor in a signal handler that
            has interrupted this thread while it holds the lock.

    Returns:
        None where *work* was not called.
    """
    if lock._is_owned():  # noqa: SLF001 - there is no public way
        return None
    try:
        return work() if acquire_within(lock, seconds) else None
    finally:
        try:  # noqa: SIM105 - a call would come between
            lock.release()
        except RuntimeError:  # it was not acquired
            pass
