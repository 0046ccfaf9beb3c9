"""Threads that compute, as they run beside log calls in a busy process."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

STEPS = 1_000
"""Of one piece of work, about 50 µs; a thread checks after each whether to end."""


@contextlib.contextmanager
def computing(threads: int) -> Iterator[Callable[[], float]]:
    """
    Let *threads* threads compute in pure Python, until the block ends.

    They never give the interpreter's lock away by themselves: who wants it waits
    for the switch interval, as beside any code that computes.

    Yields:
        What returns the CPU seconds that they took; without the piece of work
        that each has under way.
    """
    spent, ended = [0.0] * threads, threading.Event()
    running = [
        threading.Thread(target=_compute, args=(spent, at, ended), daemon=True)
        for at in range(threads)
    ]
    for each in running:
        each.start()
    try:
        yield lambda: sum(spent)
    finally:
        ended.set()
        for each in running:
            each.join()


def _compute(spent: list[float], at: int, ended: threading.Event) -> None:
    while not ended.is_set():
        total = 0
        for number in range(STEPS):
            total += number * number % 7
        spent[at] = time.thread_time()
