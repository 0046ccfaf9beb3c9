"""
What outlives a handler: forks, the interpreter's exit, and waiting with a budget.

One hook each for the whole process, over weak references. Deliveries are told;
they tell nobody.
"""

from __future__ import annotations

import _thread
import atexit
import math
import os
import sys
import time
import weakref
from typing import TYPE_CHECKING

from ...wire.external_errors import contained
from ..clock import Clock
from ..drops import tell_lost
from ..stderr import STDERR, report_at_last
from .draining import drain
from .state import OWN_THREADS, PROCESS, Phase, own_thread
from .watcher import Watcher

if TYPE_CHECKING:
    from ..delivery import Delivery

PARKING_SECONDS = 0.05

COUNTS_LATE = sys.version_info[:2] == (3, 13)
"""This Python counts threads when the parent's hooks have run: it would warn of one they start."""

LATE_SECONDS = 0.25
"""For what is logged while the process is ending, once all that came before is delivered."""

_deliveries: set[weakref.ref[Delivery]] = set()
"""Copied in one indivisible step, which a `weakref.WeakSet` is not: other threads make handlers."""


def register(delivery: Delivery) -> None:
    """Count *delivery* among those that a fork resets and the exit drains."""
    PROCESS.once(_install)
    _deliveries.add(weakref.ref(delivery, _deliveries.discard))


def _install() -> None:
    atexit.register(at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=before_fork, after_in_parent=after_in_parent, after_in_child=after_fork
        )


def deliveries() -> list[Delivery]:
    """Return all deliveries of this process."""
    living = (reference() for reference in _deliveries.copy())
    return [delivery for delivery in living if delivery is not None]


def _is_watched() -> bool:
    if PROCESS.is_ending or PROCESS.is_forking:
        return False
    return any(each.is_watched for each in deliveries())


def _look() -> None:
    for delivery in deliveries():
        if delivery.is_watched:
            try:
                delivery.look_for_backlog()
            except Exception as error:  # a bug in one must not end the watch for all
                sentence = f"the look for what waits in the spool failed: {error!r}"
                delivery.diagnostics.say("look", type(error).__name__, sentence)


def before_fork() -> None:
    """Have idle workers leave, so that the fork happens without other threads of ours."""
    PROCESS.begin_fork()
    for delivery in deliveries():
        delivery.workers.park()
    WATCHER.check()
    clock = Clock()
    end = clock.monotonic() + PARKING_SECONDS
    parked = False
    while _is_parking() and clock.monotonic() < end:
        parked = True
        time.sleep(PARKING_SECONDS / 100)
    if parked:
        time.sleep(PARKING_SECONDS / 50)  # for the system to take the thread down


def _is_parking() -> bool:
    return WATCHER.is_running or any(each.workers.is_parking for each in deliveries())


def after_in_parent() -> None:
    """Go on in the parent of a fork."""
    PROCESS.end_fork()  # first, as a signal's exception may end this function
    for delivery in deliveries():
        delivery.workers.unpark()
    if not COUNTS_LATE:  # else a later log call or handler brings the thread back
        WATCHER.start()


def after_fork() -> None:
    """Begin anew in a fork's child. Nothing may raise, log or wait here."""
    PROCESS.begin()
    OWN_THREADS.clear()
    STDERR.reset_after_fork()
    WATCHER.reset_after_fork()
    for delivery in deliveries():
        delivery.buffer.reset_after_fork()
        delivery.reset()
    WATCHER.start()


def before_worker() -> None:
    """
    Have multiprocessing and Celery call us when they end this process: no exit hook runs there.

    Only now: multiprocessing forgets what was registered before a child's work began.
    """
    if PROCESS.has_finalizer:
        return
    for name in ("multiprocessing.util", "billiard.util"):
        if name in sys.modules:
            PROCESS.note_finalizer()
            with contained:
                sys.modules[name].Finalize(None, at_exit, exitpriority=-100)
    if "celery.signals" in sys.modules:
        with contained:
            ended = sys.modules["celery.signals"].worker_process_shutdown
            ended.connect(at_exit, weak=False, dispatch_uid="cxlogging")


WATCHER = Watcher(_is_watched, _look, own_thread)


def at_exit(**_: object) -> None:
    """
    Deliver what waits, all destinations side by side, then say what was left.

    What comes meanwhile is sent if there is time, and counted; who logs on does
    not keep the process from ending.
    """
    PROCESS.enter(Phase.EXITING)
    WATCHER.check()
    everyone = deliveries()
    began = {each: (each.mark(), each.clock.monotonic()) for each in everyone}
    busy = [each for each in everyone if each.busy]
    if busy and drain(busy, adopted=True):
        drain(everyone, LATE_SECONDS)
    PROCESS.enter(Phase.EXITED)  # from now on each record is delivered by the call that logs it
    for delivery in everyone:
        _give_up(delivery, *began[delivery])
        delivery.look(math.inf)
        delivery.tell()
        delivery.disconnect()
        with delivery.lock:
            delivery.buffer.release()


def after_exit(delivery: Delivery) -> None:
    """
    Deliver a record that came after `at_exit` has run: nobody comes after it.

    All of them together take at most ``close_maximum``. It may be logged by a ``__del__``
    in the interpreter's last moments, where whatever fails must not hide the rest.
    """
    if PROCESS.phase is not Phase.EXITED or _thread.get_ident() in OWN_THREADS:
        return
    if sys.is_finalizing():
        if not delivery.lock.acquire(timeout=PARKING_SECONDS):  # of a thread that stands still
            report_at_last(delivery.destination.name, 1)
            return
        delivery.lock.release()
    mark, began = delivery.mark(), delivery.clock.monotonic()
    if not drain([delivery]):
        _give_up(delivery, mark, began)
    delivery.late_seconds += delivery.clock.monotonic() - began
    if delivery.late_seconds > delivery.options.close_maximum:
        delivery.given_up = True
    delivery.disconnect()
    with delivery.lock:
        delivery.buffer.release()


def after_drain(delivery: Delivery, mark: int, began: float) -> None:
    """Account for what a *delivery* closed in vain still holds, where nobody comes after it."""
    if PROCESS.is_ending:
        _give_up(delivery, mark, began)


def _give_up(delivery: Delivery, mark: int, began: float) -> None:
    """
    Abandon what is left of *delivery*, and say so.

    Args:
        delivery: Whose records they are.
        mark: Of what was accepted before the process began to end.
        began: When that was.
    """
    early = delivery.count_before(mark)
    levels = delivery.abandon()
    lost, kept = levels.total(), delivery.outstanding
    count = lost + kept
    if not count:
        return
    delivery.given_up = delivery.given_up or early > 0
    tell_lost(delivery.options.on_drop, "abandoned", levels)
    if sys.is_finalizing():
        report_at_last(delivery.destination.name, lost)
        return
    what = f"{_records(count)} not delivered when the process ended"
    if not early:
        sentence = f"{what}: logged while it was ending"
    elif count > early:
        sentence = f"{what}: {_why(delivery, began)}; {count - early} logged while it was ending"
    else:
        sentence = f"{what}: {_why(delivery, began)}"
    if kept:
        those = f"{kept} of them" if lost else "they" if kept > 1 else "it"
        sentence = f"{sentence} ({those} wait in the spool {delivery.options.spool})"
    abandoned = delivery.ledger.abandoned.total
    delivery.diagnostics.say("exit", f"{abandoned} {kept}", sentence)


def _records(count: int) -> str:
    return "1 record was" if count == 1 else f"{count} records were"


def _why(delivery: Delivery, began: float) -> str:
    """Return why records that were accepted before *began* are left."""
    last_error, options = delivery.stats().last_error, delivery.options
    if last_error and not (delivery.pace.is_sound and not delivery.unsettled.leftovers):
        return last_error
    answered_at = delivery.acknowledged_at
    if answered_at > began and delivery.clock.monotonic() - answered_at < options.close_timeout:
        return f"close_maximum ({options.close_maximum:g} s) was not enough"
    return "no answer came"
