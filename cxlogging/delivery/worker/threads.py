"""
The worker threads of a delivery.

One of them waits for a flush to be due; others join it, up to ``concurrency``, while a full
batch waits beside the requests in flight or while the vendor is slow, and leave again. The
record that needs the first worker starts it, with the interpreter's own primitive:
`threading.Thread.start` waits for the new thread under a lock that a signal handler's log call
could already be inside of.
"""

from __future__ import annotations

import _thread
import contextlib
import math
from collections import Counter, deque
from collections.abc import Callable

from ...wire.external_errors import is_external
from ...wire.http import Action
from ...wire.threads import start_thread, take
from ..chores import EventSource
from ..lane import Lane
from ..process.state import PROCESS, Phase, own_thread
from ..process.threadless import STARTED, no_thread, not_started
from ..process.watcher import Watcher
from .in_flight import UNNUMBERED, Batch
from .pacing import NEVER
from .picking import (
    ASLEEP,
    AT_ONCE,
    SHORTEST_WAIT,
    Decision,
    Marks,
    decide,
    has_full_batch,
    may_send,
)
from .sending import send
from .settling import settle

RETIRE = -1.0

AGAIN_SECONDS = 0.25
"""Until a log call tries again to start a thread, after that failed."""

REPORT_TIMEOUT = 5.0
"""Seconds that an event past the queue takes at most: records wait behind it."""

LONG_SECONDS = 0.25
"""A request without an answer for so long may stay without one."""


class Workers:
    """
    The worker threads of one delivery, which send what is in its queue.

    Args:
        lane: The delivery's state.
        before_thread: Called before a thread is started.
        watcher: The thread that looks for what other processes leave behind.

    Attributes:
        wake_items: The log call that raises ``queue.items_in`` to this wakes a worker.
        wake_bytes: The same, for ``queue.bytes_in``.
    """

    def __init__(self, lane: Lane, before_thread: Callable[[], None], watcher: Watcher) -> None:
        self.lane = lane
        self._before_thread = before_thread
        self._watcher = watcher
        self._max_threads = lane.options.concurrency
        self._begin()

    def _begin(self) -> None:
        # Appending and popping are indivisible: log calls and workers both count here.
        self._threads: deque[None] = deque()
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._is_parking = False
        self._again_at = 0.0
        self._full_count: float = NEVER
        self._set_marks(AT_ONCE)
        self.lane.queue.listen(self._report_at_once)

    def reset(self) -> None:
        """Start afresh with the lane, as a fork's child does."""
        self.lane.queue.reset_after_fork()
        self.lane.reset()
        self._begin()

    def __len__(self) -> int:
        return len(self._threads)

    def _set_marks(self, marks: Marks) -> None:
        # Once the exit functions have run, each log call delivers for itself.
        self.wake_items, self.wake_bytes = AT_ONCE if PROCESS.phase is Phase.EXITED else marks

    def wake_at_once(self) -> None:
        """Have each log call wake a worker."""
        self._set_marks(AT_ONCE)

    def wake(self) -> None:
        """Wake a worker, or start the first one; wait for nothing."""
        try:
            self._set_marks(ASLEEP)
            if not self._threads:
                self._start()
            elif len(self.lane.in_flight.requests) < len(self._threads):
                self.notify()
            else:
                self._scale_up()
        except BaseException:  # from a signal handler: the next record wakes one instead
            self.wake_at_once()
            raise

    def _scale_up(self) -> None:
        """Start one more, as all wait for answers: to send a batch, or after long to fold."""
        lane = self.lane
        is_useful = len(self._threads) < self._max_threads and may_send(lane)
        if is_useful and has_full_batch(lane, self._full_count):
            self._start()
            return
        self._set_marks(Marks(NEVER, lane.queue.bytes_in + lane.queue.fold_bytes))
        if is_useful:  # the log call that fills a batch wakes a worker
            full = lane.queue.bytes_out + lane.pace.batch_bytes
            self._set_marks(Marks(self._full_count, min(self.wake_bytes, full)))
        requests = lane.in_flight.requests[:1]
        long_ago = lane.clock.monotonic() - LONG_SECONDS
        if requests and requests[0].sent_at < long_ago and len(self._threads) <= self._max_threads:
            self._start()

    def notify(self) -> None:
        """Let a worker that waits look again, if there is one."""
        with contextlib.suppress(RuntimeError):  # it was notified already
            self._wake.release()

    def flush_now(self) -> None:
        """Make all that waits due, end pauses of our own, and wake a worker; do not wait."""
        if self.lane.end_pauses():
            self.wake()

    def close_soon(self) -> None:
        """Let the workers leave once nothing waits; do not wait for it."""
        self.lane.close()
        self._watcher.check()
        self.flush_now()
        if self._threads:
            self.notify()
        else:
            self.lane.disconnect()
            self.lane.release()

    def abandon(self) -> Counter[int]:
        """Abandon what would not outlive the process, as `Lane.abandon` does."""
        levels = self.lane.abandon()
        self.wake_at_once()
        return levels

    def look_for_backlog(self) -> None:
        """Send what another process left behind, also where this one logs nothing."""
        lane = self.lane
        with lane.lock:
            if not lane.is_open:
                return
            lane.queue.maintain(lane.clock.monotonic(), at_once=True)
            is_wanted = lane.queue.backlog or bool(lane.queue.notices)
        if is_wanted:
            self.wake()

    def _report_at_once(self) -> None:
        self.lane.report_notices(in_log_call=True)
        self.wake()  # for `on_error`, and for what is to be done about it

    def park(self) -> None:
        """Have workers leave where nothing waits: Python warns of a fork beside other threads."""
        self._is_parking = not self.lane.outstanding
        if self._is_parking:
            for _ in range(len(self._threads)):
                self.notify()

    def unpark(self) -> None:
        """Undo `park`: the next record starts a worker, and so does one that came meanwhile."""
        self._is_parking = False
        if self.lane.outstanding and not self._threads:
            self.wake()

    @property
    def is_parking(self) -> bool:
        """Whether workers are about to leave."""
        return self._is_parked and bool(self._threads)

    @property
    def _is_parked(self) -> bool:
        return self._is_parking and PROCESS.is_forking

    def _start(self) -> None:
        lane = self.lane
        if reason := no_thread():
            lane.diagnostics.say("thread", "thread", reason, in_log_call=True)
            return
        if lane.clock.monotonic() < self._again_at:
            self._start_later()
            return
        permit: deque[None] = deque([None])  # whoever takes it decides whether the thread works
        try:
            self._threads.append(None)
            self._before_thread()
            start_thread(lambda: self._main(permit))
        except BaseException as error:
            if take(permit):
                self._threads.pop()
            self._start_later()
            if isinstance(error, (RuntimeError, MemoryError)):
                self._again_at = lane.clock.monotonic() + AGAIN_SECONDS
            if not isinstance(error, RuntimeError) or is_external(error):
                raise
            # As the interpreter ends nothing is wrong: the exit delivers.
            if not self._threads and "shutdown" not in str(error):
                lane.diagnostics.say("start", "start", not_started(error), in_log_call=True)

    def _start_later(self) -> None:
        """Have each log call try again where there is no worker, or a later one."""
        if self._threads:
            self._set_marks(Marks(self.lane.queue.items_in + 1_000, self.wake_bytes))
        else:
            self.wake_at_once()

    def _main(self, permit: deque[None]) -> None:
        if not take(permit):
            return
        with own_thread():
            try:
                self.lane.diagnostics.passed("start", STARTED)
                while (wait := self._step(self.lane.options.timeout)) != RETIRE:
                    if wait > 0:
                        self._wake.acquire(timeout=min(wait, _thread.TIMEOUT_MAX))
            except BaseException as error:
                self._threads.pop()
                self._rescue(error)

    def _rescue(self, error: BaseException) -> None:
        """Keep the items of a worker that crashed by a bug of this package."""
        with self.lane.lock:
            self.lane.in_flight.strand()
            self.wake_at_once()
        name = type(error).__name__
        sentence = f"worker crashed: {name}: {error}; the next record starts one"
        self.lane.diagnostics.say("worker", name, sentence)

    def work_inline(self, seconds: float) -> float:
        """
        Send one batch that is due on the calling thread: where no thread can start.

        Args:
            seconds: The request takes at most so long.

        Returns:
            The seconds until the next look.
        """
        self._threads.append(None)
        wait = 0.0
        try:
            with own_thread():
                wait = self._step(min(seconds, self.lane.options.timeout))
        finally:
            if wait != RETIRE:
                self._threads.pop()
        return max(wait, 0.0)

    def _step(self, seconds: float) -> float:
        """Send one batch if one is due; return how long to wait before the next look."""
        lane = self.lane
        clock = lane.clock.monotonic
        if lane.queue.needs_care or clock() >= lane.queue.maintain_at:
            with lane.lock:
                lane.queue.maintain(clock())
        if lane.chores:
            lane.do_chores()
        if lane.drops.has_unreported or lane.diagnostics.has_pending or lane.queue.notices:
            lane.report(clock())
        with lane.lock:
            now = clock()
            decision = self._decide(now)
        batch = decision.batch
        if batch is None:
            return self._idle(decision, now)
        if decision.wants_help:
            self._start()
        started = clock()
        outcome = send(lane, batch, seconds)
        now = clock()
        with lane.lock:
            report = settle(lane, batch, outcome._replace(seconds=now - started), now)
        report.write(lane.diagnostics, lane.options.on_drop)
        self._send_events()
        return 0.0

    def _decide(self, now: float) -> Decision:
        """Return what this worker does next. Under the lock."""
        # Marks first, then the look: a record that comes in between wakes us.
        self._set_marks(AT_ONCE)
        if self._is_parked:
            self._leave()
            return Decision(leaves=True)
        decision = decide(self.lane, now, len(self._threads))
        self._full_count = decision.full_count
        if decision.marks is not None:
            self._set_marks(decision.marks)
        if decision.leaves and not self._leave():
            return decision._replace(leaves=False)
        return decision

    def _leave(self) -> bool:
        """Let this worker leave; return False where a record needs it after all."""
        self._threads.pop()
        is_needed = len(self.lane.queue) and not self._is_parked
        if not self._threads and is_needed:  # a record that came after the look
            self._threads.append(None)
            return False
        if self._threads:
            self.notify()  # the next one may be spare too
        else:
            self.lane.disconnect()
            if not self._is_parked:
                self.lane.queue.release()
        return True

    def _idle(self, decision: Decision, now: float) -> float:
        """Return how long to wait, after a look that found nothing to send."""
        lane = self.lane
        if not decision.leaves:
            lane.look(now)
        self._send_events()
        if decision.leaves:
            if not lane.is_open:
                lane.do_chores(all_of_them=True)
            return RETIRE
        maintain_at = lane.queue.maintain_at
        if lane.is_watched and self._watcher.start():
            maintain_at = math.inf  # one thread wakes for it, whatever the number of handlers
        look_at = min(maintain_at, lane.watch_at)
        if lane.chores:
            look_at = min(look_at, lane.chores_due_at)
        if self._may_report():
            look_at = min(look_at, *(source.event_due_at for source in lane.event_sources))
        return min(decision.wait, max(look_at - now, SHORTEST_WAIT))

    def _may_report(self) -> bool:
        """Whether there is room again, so that the vendor can be told what was lost."""
        lane = self.lane
        has_room = lane.queue.bytes_held < lane.queue.bound // 2
        return has_room and lane.pace.is_healthy and not lane.destination.missing

    def _send_events(self) -> None:
        """Tell the vendor what was lost or held back, past the queue: no event is a record."""
        for source in self.lane.event_sources:
            if not self._send_event(source):
                return

    def _send_event(self, source: EventSource) -> bool:
        """Send the event of *source* that is due, if there is one; return False if that fails."""
        lane = self.lane
        with lane.lock:
            now = lane.clock.monotonic()
            event = source.take_event(now) if self._may_report() else None
        if event is None:
            return True
        lane.diagnostics.passed("dropping")  # there is room again
        batch = Batch(UNNUMBERED, [(event.level, lane.destination.encode(event), 0)])
        outcome = send(lane, batch, min(lane.options.timeout, REPORT_TIMEOUT))
        one = outcome.verdict.items.get(0, (outcome.verdict.action, ""))[0]
        done = outcome.verdict.action is one is Action.DELIVERED
        with lane.lock:
            lane.ledger.reported(outcome.requests, done=done)
            source.event_sent(done=done)
        return done
