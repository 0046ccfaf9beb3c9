"""
The end of the process: what waits is delivered within the exit budget, the rest is reported.

`at_exit` runs once for the whole process, over the registry; `deliver_late` in each log call
after it.
"""

from __future__ import annotations

import _thread
import atexit
import math
import os
import sys

from ...wire.external_errors import contained
from ..drops import report_lost
from ..lane import Lane
from ..stderr import report_at_last
from ..worker.threads import Workers
from .draining import drain
from .fork import after_fork, after_in_parent, before_fork
from .registry import AT_LAST, LEFT_OPEN, REPORTERS, registered, watchers
from .state import BEFORE_END, OWN_THREADS, PROCESS, Phase

LATE_SECONDS = 0.25
"""For what is logged while the process is ending, once all that came before is delivered."""

LOCK_SECONDS = 0.05
"""How long a log call waits for a lock whose thread may stand still for ever."""


def install() -> None:
    """Install the hooks of forks and of the exit."""
    atexit.register(at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=before_fork, after_in_parent=after_in_parent, after_in_child=after_fork
        )


def before_thread() -> None:
    """
    Have multiprocessing and Celery call us when they end this process: no exit hook runs there.

    Only when the first thread starts: multiprocessing discards what was registered before a
    child's work began. Also bring back reporters that a fork has ended, see `COUNTS_LATE`.
    """
    for reporter in REPORTERS:
        reporter.start()
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


def at_exit(**_: object) -> None:
    """
    Deliver what waits, to all destinations side by side, then report what was left.

    What comes meanwhile is sent if there is time, and counted; a thread that goes on logging
    does not keep the process from ending.
    """
    PROCESS.enter(Phase.EXITING)
    release_held()
    for watcher in watchers():
        watcher.check()
    everyone = registered()
    began = {each: (each.lane.end_position(), each.lane.clock.monotonic()) for each in everyone}
    busy = [each for each in everyone if each.lane.busy]
    if busy and drain(busy, adopted=True):
        drain(everyone, LATE_SECONDS)
    PROCESS.enter(Phase.EXITED)  # from now on each record is delivered by the call that logs it
    for workers in everyone:
        lane = workers.lane
        give_up(workers, *began[workers])
        lane.look(math.inf)
        lane.do_chores(all_of_them=True)
        lane.report(lane.clock.monotonic())
        lane.disconnect()
        lane.release()
    for lane in tuple(LEFT_OPEN):
        lane.look(math.inf)
    for each in AT_LAST:
        with contained:
            each()


def release_held() -> None:
    """Accept what is held back: there is no later."""
    for each in BEFORE_END:
        with contained:
            each()


def deliver_late(workers: Workers) -> None:
    """
    Deliver a record that came after `at_exit` has run: nothing else will.

    All of them together take at most ``close_maximum``. It may be logged by a ``__del__``
    in the interpreter's last moments, where whatever fails must not hide the rest.
    """
    if _thread.get_ident() in OWN_THREADS:
        return
    lane = workers.lane
    if sys.is_finalizing():
        if not lane.lock.acquire(timeout=LOCK_SECONDS):
            report_at_last(lane.destination.name, 1)
            return
        lane.lock.release()
    position, began = lane.end_position(), lane.clock.monotonic()
    if not drain([workers]):
        give_up(workers, position, began)
    lane.spend(lane.clock.monotonic() - began)
    lane.disconnect()
    lane.release()


def give_up(workers: Workers, position: int, began: float) -> None:
    """
    Abandon what is left of a delivery, and report it.

    Args:
        workers: The delivery's workers.
        position: Of what was accepted before the process began to end.
        began: When that was.
    """
    lane = workers.lane
    early = lane.count_before(position)
    levels = workers.abandon()
    lost, kept = levels.total(), lane.outstanding
    count = lost + kept
    if not count:
        return
    if early:
        lane.give_up()
    report_lost(lane.options.on_drop, "abandoned", levels)
    if sys.is_finalizing():
        if lost:
            report_at_last(lane.destination.name, lost)
        return
    what = f"{_records(count)} not delivered when the process ended"
    if not early:
        sentence = f"{what}: logged while it was ending"
    elif count > early:
        sentence = f"{what}: {_why(lane, began)}; {count - early} logged while it was ending"
    else:
        sentence = f"{what}: {_why(lane, began)}"
    if kept:
        those = f"{kept} of them" if lost else "they" if kept > 1 else "it"
        waits = "waits" if those == "it" else "wait"
        sentence = f"{sentence} ({those} {waits} in the spool {lane.options.directory})"
    abandoned = lane.stats().abandoned
    lane.diagnostics.say("exit", f"{abandoned} {kept}", sentence)


def _records(count: int) -> str:
    return "1 record was" if count == 1 else f"{count} records were"


def _why(lane: Lane, began: float) -> str:
    """Return why records that were accepted before *began* are left."""
    last_error, options = lane.stats().last_error, lane.options
    if last_error and not (lane.pace.is_healthy and not lane.in_flight.leftovers):
        return last_error
    answered_at = lane.acknowledged_at
    if answered_at > began and lane.clock.monotonic() - answered_at < options.close_timeout:
        return f"close_maximum ({options.close_maximum:g} s) was not enough"
    return "no answer came"
