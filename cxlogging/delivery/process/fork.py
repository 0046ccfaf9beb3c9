"""
Forks: workers leave before one, and a child starts afresh.

One hook for the whole process, over the registry. A fork that calls no hook (uWSGI forks in C)
is noticed by the next log call: see `state.is_foreign`.
"""

from __future__ import annotations

import sys
import time

from ..clock import Clocks
from ..stderr import STDERR
from .registry import registered, watchers
from .state import AFTER_FORK, MOVING_THREADS, OWN_THREADS, PROCESS

PARKING_SECONDS = 0.05
"""How long a fork waits for workers to leave."""

COUNTS_LATE = sys.version_info[:2] == (3, 13)
"""This Python counts threads when the parent's hooks have run: it would warn of one they start."""


def before_fork() -> None:
    """Have idle workers leave, so that the fork happens without worker threads."""
    PROCESS.begin_fork()
    for workers in registered():
        workers.park()
    for watcher in watchers():
        watcher.check()
    clock = Clocks()
    end = clock.monotonic() + PARKING_SECONDS
    waited = False
    while _is_parking() and clock.monotonic() < end:
        waited = True
        time.sleep(PARKING_SECONDS / 100)
    if waited:
        time.sleep(PARKING_SECONDS / 50)  # until the system has removed the thread


def _is_parking() -> bool:
    is_watching = any(each.is_running for each in watchers())
    return is_watching or any(each.is_parking for each in registered())


def after_in_parent() -> None:
    """Go on in the parent of a fork."""
    PROCESS.end_fork()  # first, as a signal's exception may end this function
    for workers in registered():
        workers.unpark()
    if not COUNTS_LATE:  # else a later log call or handler brings the thread back
        for watcher in watchers():
            watcher.start()


def after_fork() -> None:
    """Start afresh in a fork's child. Nothing may raise, log or wait here."""
    PROCESS.begin()
    OWN_THREADS.clear()
    MOVING_THREADS.clear()
    STDERR.reset_after_fork()
    for watcher in watchers():
        watcher.reset_after_fork()
    for workers in registered():
        workers.reset()
    for each in AFTER_FORK:
        each()
    for watcher in watchers():
        watcher.start()
