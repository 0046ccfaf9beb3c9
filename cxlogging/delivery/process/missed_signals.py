"""
Raises SIGTERM again where the main thread has not noticed it.

The interpreter calls a signal handler written in Python between two steps of the program. A signal
that comes after the last look and before a system call that waits, such as the one for the next
task of a pool, is handled only when that call ends: perhaps never. A pool that terminates its
workers waits for them without a limit.
"""

from __future__ import annotations

import os
import signal
import threading
import time

from ...wire.external_errors import contained
from ...wire.threads import start_thread
from .sigterm import CALLS, DeliverFirst

FIRST_SECONDS = 0.2
"""From a signal until it is raised again, unless its handler was called meanwhile."""

LONGEST_SECONDS = 5.0


def watch_for_missed_signals() -> None:
    """Have a thread raise SIGTERM again until its handler is called; for the main thread."""
    if not hasattr(signal, "pthread_kill") or not hasattr(os, "register_at_fork"):
        return
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    before = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    if before != -1:  # an event loop has one, and looks for signals itself
        signal.set_wakeup_fd(before)
        os.close(read_end)
        os.close(write_end)
        return
    os.register_at_fork(after_in_child=lambda: _forget(write_end))
    main_thread = threading.get_ident()
    start_thread(lambda: _watch(read_end, main_thread))


def _forget(write_end: int) -> None:
    """Leave the pipe to the parent, in a fork's child: its signals are not the parent's."""
    with contained:
        if (current := signal.set_wakeup_fd(-1)) != write_end:
            signal.set_wakeup_fd(current)


def _watch(read_end: int, main_thread: int) -> None:
    calls = CALLS.value
    while numbers := os.read(read_end, 512):
        if signal.SIGTERM not in numbers:
            continue
        seconds = FIRST_SECONDS
        time.sleep(seconds)
        # An application that has set a handler of its own since looks after it itself.
        while CALLS.value == calls and isinstance(signal.getsignal(signal.SIGTERM), DeliverFirst):
            signal.pthread_kill(main_thread, signal.SIGTERM)
            time.sleep(seconds)
            seconds = min(2 * seconds, LONGEST_SECONDS)
        calls = CALLS.value
        os.set_blocking(read_end, False)
        with contained:
            os.read(read_end, 512)  # of the signals raised here
        os.set_blocking(read_end, True)
