"""
The threads that empty a line.

They follow each other: one waits for the line to be due; others join it, up to
``concurrency``, while there is a batch to send beside those in flight or while
the vendor is slow, and leave when there is not. The record that needs the first one
starts it, with the interpreter's own primitive: `threading.Thread.start` waits
for the new thread under a lock that a signal handler's log call could already
be inside of.
"""

from __future__ import annotations

import _thread
import contextlib
import math
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING

from ...wire.external_errors import is_external
from ...wire.http import Action
from ...wire.threads import start_thread, take
from ..process import lifecycle
from ..process.state import PROCESS, own_thread
from ..process.threadless import STARTED, no_thread, not_started
from ..queue.batch import Batch
from .demand import Demand
from .pacing import NEVER, State
from .picking import pick
from .sending import send
from .settling import settle

if TYPE_CHECKING:
    from ..delivery import Delivery

RETIRE = -1.0
SHORTEST_WAIT = 0.001
ABSENT_WAIT = 0.05
"""Until the next look for items that are counted, and not there: a log call is at them."""

AGAIN_SECONDS = 0.25
"""Until a log call tries again to start a thread, after that failed."""

REPORT_TIMEOUT = 5.0
"""Seconds that a report of drops takes at most: records wait behind it."""

LONG_SECONDS = 0.25
"""A request without an answer for so long may stay without one."""


class Workers:
    """
    The workers of one delivery.

    Args:
        delivery: Whose line they empty.
    """

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        # Appending and popping are indivisible: producers and workers both count here.
        self._crew: deque[None] = deque()
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._parked = False
        self._again_at = 0.0
        self._most = delivery.options.concurrency
        self._demand = Demand(delivery)

    def __len__(self) -> int:
        return len(self._crew)

    def wake(self) -> None:
        """Wake a worker, or start the first one; wait for nothing."""
        delivery = self._delivery
        try:
            delivery.wake_at(NEVER, NEVER)
            if not self._crew:
                self._spawn()
            elif len(delivery.unsettled.flying) < len(self._crew):
                self.look()
            else:
                self._keep()
        except BaseException:  # from a signal handler: the next record wakes one instead
            delivery.wake_bytes = delivery.wake_count = 0
            raise

    def _keep(self) -> None:
        """Have one more, as all wait for answers: to send a batch, or after long to fold."""
        delivery, demand = self._delivery, self._demand
        may_send = len(self._crew) < self._most and demand.is_open()
        if may_send and demand.is_crowded():
            self._spawn()
            return
        delivery.wake_at(delivery.buffer.bytes_in + delivery.buffer.fold_bytes, NEVER)
        if may_send:
            demand.mark()
        flying = delivery.unsettled.flying[:1]
        long_ago = delivery.clock.monotonic() - LONG_SECONDS
        if flying and flying[0].departed < long_ago and len(self._crew) <= self._most:
            self._spawn()

    def look(self) -> None:
        """Let a worker that waits look again, if there is one."""
        with contextlib.suppress(RuntimeError):  # it was told already
            self._wake.release()

    def park(self) -> None:
        """Have workers leave where nothing waits: Python warns of a fork beside other threads."""
        self._parked = not self._delivery.outstanding
        if self._parked:
            for _ in range(len(self._crew)):
                self.look()

    def unpark(self) -> None:
        """Be as before `park`: the next record starts a worker, and so does one that came since."""
        self._parked = False
        if self._delivery.outstanding and not self._crew:
            self.wake()

    @property
    def is_parking(self) -> bool:
        """Whether workers are about to leave."""
        return self._is_parked and bool(self._crew)

    @property
    def _is_parked(self) -> bool:
        return self._parked and PROCESS.is_forking

    def _spawn(self) -> None:
        delivery = self._delivery
        if reason := no_thread():
            delivery.diagnostics.say("thread", "thread", reason, in_log_call=True)
            return
        if delivery.clock.monotonic() < self._again_at:
            self._look_later()
            return
        permit: deque[None] = deque([None])  # whoever takes it decides whether the thread works
        try:
            self._crew.append(None)
            lifecycle.before_worker()
            start_thread(lambda: self._main(permit))
        except BaseException as error:
            if take(permit):
                self._crew.pop()
            self._look_later()
            if isinstance(error, (RuntimeError, MemoryError)):
                self._again_at = delivery.clock.monotonic() + AGAIN_SECONDS
            if not isinstance(error, RuntimeError) or is_external(error):
                raise
            # As the interpreter ends nothing is wrong: the exit delivers.
            if not self._crew and "shutdown" not in str(error):
                delivery.diagnostics.say("start", "start", not_started(error), in_log_call=True)

    def _look_later(self) -> None:
        """Have each log call try again where there is no worker, or a later one."""
        if self._crew:
            self._delivery.wake_count = self._delivery.buffer.items_in + 1_000
        else:
            self._delivery.wake_at(0, 0)

    def _main(self, permit: deque[None]) -> None:
        if not take(permit):
            return
        sys.settrace(threading.gettrace())  # as threading does, for debuggers and coverage
        with own_thread():
            try:
                self._delivery.diagnostics.passed("start", STARTED)
                while (wait := self._step(self._delivery.options.timeout)) != RETIRE:
                    if wait > 0:
                        self._wake.acquire(timeout=min(wait, _thread.TIMEOUT_MAX))
            except BaseException as error:
                self._crew.pop()
                self._rescue(error)

    def _rescue(self, error: BaseException) -> None:
        """Keep the items of a worker that ended by a fault of ours."""
        delivery = self._delivery
        with delivery.lock:
            stranded, delivery.unsettled.flying = delivery.unsettled.flying, []
            delivery.unsettled.add(*stranded)
            delivery.wake_bytes = delivery.wake_count = 0
        sentence = f"a worker ended by {type(error).__name__}: {error}; the next record starts one"
        delivery.diagnostics.say("worker", type(error).__name__, sentence)

    def work_inline(self, seconds: float) -> float:
        """
        Send what is due on the calling thread, one batch: where no thread can start.

        Args:
            seconds: The request takes at most so long.

        Returns:
            The seconds until the next look.
        """
        self._crew.append(None)
        wait = 0.0
        try:
            with own_thread():
                wait = self._step(min(seconds, self._delivery.options.timeout))
        finally:
            if wait != RETIRE:
                self._crew.pop()
        return max(wait, 0.0)

    def _step(self, seconds: float) -> float:
        """Send one batch if one is due; return how long to wait before the next look."""
        delivery = self._delivery
        with delivery.lock:
            maintain_at = delivery.buffer.maintain(delivery.clock.monotonic())
        if delivery.is_watched and lifecycle.WATCHER.start():
            maintain_at = math.inf  # one thread wakes for it, whatever the number of handlers
        delivery.tell()
        with delivery.lock:
            now = delivery.clock.monotonic()
            batch, wait = self._next(now)
            self._demand.note()
            crowded = batch is not None and self._want_help()
        if batch is None:
            self._report_drops()
            report_at = delivery.drops.report_at if self._may_report() else NEVER
            look_at = min(maintain_at, delivery.watch_at, report_at)
            return wait if wait == RETIRE else min(wait, max(look_at - now, SHORTEST_WAIT))
        if crowded:
            self._spawn()
        started = delivery.clock.monotonic()
        outcome = send(delivery, batch, seconds)
        now = delivery.clock.monotonic()
        with delivery.lock:
            news = settle(delivery, batch, outcome._replace(seconds=now - started), now)
        news.tell(delivery.diagnostics, delivery.options.on_drop)
        self._report_drops()
        return 0.0

    def _next(self, now: float) -> tuple[Batch | None, float]:
        """Return the batch to send now, or how long to wait, or `RETIRE`. Under the lock."""
        delivery = self._delivery
        # Marks first, then the look: a record that comes in between wakes us.
        delivery.wake_bytes = delivery.wake_count = 0
        pace, buffer, unsettled = delivery.pace, delivery.buffer, delivery.unsettled
        waiting, waiting_bytes = len(buffer), buffer.bytes_in - buffer.bytes_out
        if self._is_parked:
            return None, self._retire()
        due = pace.due(now, waiting, waiting_bytes)
        pause = pace.resume_at - now
        probing = pace.state is not State.SOUND and bool(unsettled.flying)
        full = not self._demand.has_room()
        if pause <= 0 and not probing and not full:
            batch = unsettled.pop() or self._leftovers(now) or pick(delivery, is_due=due <= 0)
            if batch is not None:
                unsettled.fly(batch, now)
                return batch, 0.0
        nothing = not waiting and not unsettled.count and not buffer.backlog
        folds = probing or full
        spare = len(self._crew) > 1 and (nothing or not (folds or pace.slow))
        if spare or (nothing and delivery.closing):
            return None, self._retire()
        if nothing:
            return None, NEVER
        if pause > 0 or folds:
            more = buffer.fold() or unsettled.fold()
            delivery.wake_at(buffer.bytes_in + buffer.fold_bytes, NEVER)
            wait = NEVER if folds else max(pause, SHORTEST_WAIT)
            return None, 0.0 if more else wait
        wait = due if due > 0 else ABSENT_WAIT
        if unsettled.leftovers:
            wait = min(wait, unsettled.leftovers.wait(now))
        if waiting:
            full_bytes = buffer.bytes_in - waiting_bytes + pace.batch_bytes
            delivery.wake_at(full_bytes, buffer.items_in - waiting + pace.most)
        return None, max(wait, SHORTEST_WAIT)

    def _leftovers(self, now: float) -> Batch | None:
        delivery = self._delivery
        pace, leftovers = delivery.pace, delivery.unsettled.leftovers
        return leftovers.take(now, delivery.leftover_pause(), pace.most, pace.batch_bytes)

    def _retire(self) -> float:
        self._crew.pop()
        late = len(self._delivery.buffer) and not self._is_parked
        if not self._crew and late:  # a record that came after the look
            self._crew.append(None)
            return 0.0
        if self._crew:
            self.look()  # the next one may be spare too
        else:
            self._delivery.disconnect()
            if not self._is_parked:
                self._delivery.buffer.release()
        return RETIRE

    def _want_help(self) -> bool:
        if len(self._crew) >= self._most or not self._demand.is_open():
            return False
        return self._delivery.pace.slow or self._demand.is_crowded()

    def _may_report(self) -> bool:
        """Whether there is room again, so that the destination can be told what was lost."""
        room = self._delivery.buffer.bytes_held < self._delivery.buffer.bound // 2
        return room and self._delivery.pace.state is State.SOUND

    def _report_drops(self) -> None:
        """Tell the destination what was lost, beside the line: the event is no record."""
        delivery = self._delivery
        with delivery.lock:
            now = delivery.clock.monotonic()
            event = delivery.drops.report(now) if self._may_report() else None
        if event is None:
            return
        delivery.diagnostics.passed("dropping")
        batch = Batch(0, [(event.level, delivery.destination.encode(event), 0)])
        outcome = send(delivery, batch, min(delivery.options.timeout, REPORT_TIMEOUT))
        one = outcome.verdict.items.get(0, (outcome.verdict.action, ""))[0]
        done = outcome.verdict.action is one is Action.DELIVERED
        with delivery.lock:
            delivery.ledger.requests += outcome.requests
            delivery.ledger.reports += done
            delivery.drops.reported(done=done)
