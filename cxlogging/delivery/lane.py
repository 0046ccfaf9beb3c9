"""
The mutable state of a delivery, all of it, and who writes which part.

| part | written by |
|---|---|
| ``queue`` | ``queue/``, ``journal/`` |
| ``in_flight`` | ``worker/in_flight.py`` |
| ``pace`` | ``worker/pacing.py`` |
| ``encoding`` | ``http/compression.py`` |
| ``ledger`` | ``ledger.py`` |
| ``volume`` | ``volume.py`` |
| ``drops`` | ``drops.py`` |
| ``diagnostics`` | ``diagnostics.py`` |
| everything else | this module |

An attribute is assigned by the module of its class and by no other: whoever uses a part calls
its methods. Everything is read and written under ``lock``, except what log calls do: they put
items, count with `Counter`, `Tally` and `Cell`, and leave notes.
"""

from __future__ import annotations

import _thread
import contextlib
import enum
import math
from collections import Counter
from collections.abc import Callable

from ..wire.destination import Destination
from ..wire.masking import Masker
from .chores import Chore, EventSource
from .clock import Clocks
from .diagnostics import Diagnostics
from .drops import Drops
from .http.compression import Encoding
from .http.interface import ItemTransport, Transport
from .ledger import DeliveryState, Ledger, Stats
from .options import Options
from .queue.factory import QueueMaker
from .volume import Volume
from .worker.in_flight import InFlight
from .worker.pacing import Health, Pace

PAUSE_SECONDS = 0.5
"""Between two requests of leftovers, at most, while the vendor takes some of each."""

CHORE_SECONDS = 0.25
"""How long the end of a delivery waits for a worker that is at the chores."""

TransportMaker = Callable[[], "Transport | ItemTransport"]

Watch = Callable[[float, int], tuple["str | None", float]]
"""Takes the time and how many items were put; gives a message or None, and when to call again."""


class Lifecycle(enum.Enum):
    """What is still expected of a delivery."""

    OPEN = "open"
    CLOSING = "closing"
    """Workers leave once nothing waits; the next record opens it again."""
    GIVEN_UP = "given up"
    """The process ends, and the exit budget is spent: nothing is waited for."""


class Lane:
    """
    The state of one delivery.

    Args:
        destination: The vendor's rules.
        options: How records wait and travel.
        clock: The clocks.
        make_transport: Makes a transport.
        make_queue: Makes an empty queue.
        mask: Hides secrets in a text.
    """

    def __init__(
        self,
        destination: Destination,
        options: Options,
        clock: Clocks,
        make_transport: TransportMaker,
        make_queue: QueueMaker,
        mask: Masker,
    ) -> None:
        self.destination = destination
        self.options = options
        self.clock = clock
        self.mask = mask
        self.encoding = Encoding(options.compression, destination.limits)
        self.diagnostics = Diagnostics(
            destination.name, options.on_error, mask=mask, monotonic=clock.monotonic
        )
        self._make_transport = make_transport
        self.transport: Transport | ItemTransport | None = None
        self._make_queue = make_queue
        self._watch: Watch | None = None
        self.watch_at = math.inf
        self.chores: list[Chore] = []
        self._event_sources: tuple[EventSource, ...] = ()
        self.volume = Volume()
        self.reset()

    def reset(self) -> None:
        """Start afresh with an empty queue, as a fork's child does: the parent sends its own."""
        self.disconnect()  # of the parent's connections only this process' descriptors
        self.lock = _thread.RLock()
        self.encoding.restart()
        self.ledger = Ledger(to_stream=self.options.stream is not None)
        self.volume.reset()
        self.pace = Pace(self.options, self.destination.limits)
        self.in_flight = InFlight()
        self.drops = Drops(self.ledger.dropped, self.options, self.clock)
        self.event_sources: tuple[EventSource, ...] = (self.drops, *self._event_sources)
        self.queue = self._make_queue(self.clock, self.drops.add, self.lock)
        self._full_bound = self.queue.bound  # what others hold of a spool lowers it later
        self.lifecycle = Lifecycle.OPEN
        self.late_seconds = 0.0
        self.acknowledged_at = 0.0
        self.waiters: list[_thread.LockType] = []
        self.transport = None if self.destination.missing else self._make_transport()
        self._at_chores = _thread.allocate_lock()
        for chore in self.chores:
            chore.reset_after_fork()

    def replace(
        self,
        clock: Clocks | None = None,
        make_transport: TransportMaker | None = None,
        make_queue: QueueMaker | None = None,
    ) -> None:
        """Use another clock, transport or queue from the next `reset` on; for tests."""
        self.clock = clock or self.clock
        self._make_transport = make_transport or self._make_transport
        self._make_queue = make_queue or self._make_queue

    # What is expected of it.

    @property
    def is_open(self) -> bool:
        """Whether workers stay where nothing waits."""
        return self.lifecycle is Lifecycle.OPEN

    @property
    def is_watched(self) -> bool:
        """Whether to look for what other processes leave behind, also while nothing is logged."""
        return self.options.directory is not None and self.is_open and not self.destination.missing

    def open(self) -> None:
        """Note that a record has come, perhaps after `close`."""
        if self.lifecycle is Lifecycle.CLOSING:
            self.lifecycle = Lifecycle.OPEN

    def close(self) -> None:
        """Have workers leave once nothing waits."""
        if self.lifecycle is Lifecycle.OPEN:
            self.lifecycle = Lifecycle.CLOSING

    def give_up(self) -> None:
        """Note that nothing is waited for any more."""
        self.lifecycle = Lifecycle.GIVEN_UP

    def spend(self, seconds: float) -> None:
        """Count seconds that log calls have waited after the exit; give up when they are over."""
        self.late_seconds += seconds
        if self.late_seconds > self.options.close_maximum:
            self.give_up()

    # How far it is.

    @property
    def outstanding(self) -> int:
        """How many accepted records have no outcome yet."""
        with self.lock:
            return len(self.queue) + self.in_flight.count

    @property
    def busy(self) -> bool:
        """Whether anything is left to send, of this process or of one that has ended."""
        return self.queue.backlog or bool(self.outstanding)

    @property
    def position(self) -> int:
        """How many items have left the queue."""
        return self.in_flight.taken + self.queue.evicted

    def end_position(self) -> int:
        """Return the position of all that was accepted by now."""
        with self.lock:
            return self.position + len(self.queue)

    def has_passed(self, position: int) -> bool:
        """Return whether all that was accepted before *position* has its outcome."""
        with self.lock:
            first = self.in_flight.first
            return min(self.position, self.position if first is None else first) >= position

    def is_done(self, position: int, *, adopted: bool) -> bool:
        """
        Return whether all that was accepted before *position* has its outcome.

        Args:
            position: As `end_position` returned it.
            adopted: So must have what another process left, and this one found.
        """
        if not self.has_passed(position):
            return False
        with self.lock:
            return not (adopted and (self.in_flight.has_adopted or self.queue.backlog))

    def count_before(self, position: int) -> int:
        """Return how many that were accepted before *position* lack their outcome."""
        with self.lock:
            taken = self.in_flight.count_before(position)
            return taken + min(max(position - self.position, 0), len(self.queue))

    def stats(self) -> Stats:
        """Return the statistics at this instant."""
        # Without the lock, a record that becomes accepted just now may be counted twice.
        return self.ledger.between_looks(self._stats)

    def _stats(self) -> Stats:
        with self.lock:
            in_flight = self.in_flight.count
            spooled = self.queue.spooled
            if self.lifecycle is Lifecycle.GIVEN_UP:
                spooled += self.in_flight.durable_count
            return self.ledger.stats(
                self.in_flight.taken, len(self.queue), in_flight, spooled, self._state(in_flight)
            )

    def _state(self, in_flight: int) -> DeliveryState:
        if self.destination.missing:
            return DeliveryState.OFF
        if self.pace.health is Health.HEALTHY:
            return DeliveryState.DELIVERING if in_flight else DeliveryState.IDLE
        retries = self.pace.health is Health.RETRYING
        return DeliveryState.RETRYING if retries else DeliveryState.HOLDING

    # Those who wait for it.

    def acknowledge(self, now: float) -> None:
        """Note that the vendor gave some records their outcome; wake those who wait for that."""
        self.acknowledged_at = now
        for waiter in tuple(self.waiters):
            with contextlib.suppress(RuntimeError):
                waiter.release()

    def end_pauses(self) -> bool:
        """Make all that waits due and end pauses of our own; return whether there is anything."""
        with self.lock:
            now = self.clock.monotonic()
            self.pace.flush(now, len(self.queue), self.in_flight.taken)
            self.pace.end_pause(now)
            self.in_flight.leftovers.end_pause(now)
            return bool(self.queue) or bool(self.in_flight.count)

    def leftover_pause(self) -> float:
        """Return the seconds between requests of leftovers: fewer where closing has no time."""
        pause = min(self.options.retry_initial, PAUSE_SECONDS)
        return min(pause, self.options.close_timeout / 4) if self.waiters else pause

    def abandon(self) -> Counter[int]:
        """Give what would not outlive the process the outcome *abandoned*; return their levels."""
        with self.lock:
            waiting = self.queue.drop_volatile()
            lost = [*waiting, *self.in_flight.abandon(len(waiting))]
            levels = Counter(level for level, _, _ in lost)
            self.ledger.abandon(levels)
            self.queue.settle(lost)
            return levels

    # What the operator should know.

    def drop(self, level: int, size: int) -> None:
        """Count an item that has no room."""
        is_large = not self.queue.bytes_held and self.queue.bound >= self._full_bound
        self.drops.add(level, size if is_large else 0)

    def watch(self, watch: Watch) -> None:
        """Call *watch* from time to time, on workers and at the exit."""
        self._watch = watch

    def report(self, now: float) -> None:
        """Write what the operator should know; called by a worker, and at the exit."""
        if self.drops.has_unreported:
            self.drops.report(self.diagnostics, self.queue.bound, self.queue.full)
        self.report_notices()
        self.diagnostics.catch_up()
        self.look(now)

    def report_notices(self, *, in_log_call: bool = False) -> None:
        """Write the notices of the queue."""
        with contextlib.suppress(IndexError):  # other threads do this too
            while True:
                kind, topic, sentence = self.queue.notices.popleft()
                if topic:
                    self.diagnostics.say(kind, topic, sentence, in_log_call=in_log_call)
                else:
                    self.diagnostics.passed(kind, sentence, in_log_call=in_log_call)

    def look(self, now: float) -> None:
        """Write what the watch has found; *now* is infinite at the exit."""
        if self._watch is not None:
            sentence, self.watch_at = self._watch(now, self.queue.items_in)
            if sentence:
                self.diagnostics.say("watch", sentence, sentence)

    # What its handler has workers do.

    def add_chore(self, chore: Chore) -> None:
        """Have workers do *chore* when it is due."""
        self.chores.append(chore)

    def add_event_source(self, source: EventSource) -> None:
        """Have workers send the events of *source*."""
        self._event_sources += (source,)
        self.event_sources += (source,)

    @property
    def chores_due_at(self) -> float:
        """When the next chore is due."""
        return min((chore.due_at for chore in self.chores), default=math.inf)

    def do_chores(self, *, all_of_them: bool = False) -> None:
        """Do the chores that are due, one worker at a time, or *all_of_them*: an end is near."""
        if not self.chores or not self._at_chores.acquire(timeout=CHORE_SECONDS * all_of_them):
            return
        try:
            for chore in self.chores:
                now = self.clock.monotonic()
                if all_of_them or chore.due_at <= now:
                    chore.work(now)
        finally:
            self._at_chores.release()

    # What is open.

    def disconnect(self) -> None:
        """Close the connections that are kept for a next request."""
        if self.transport is not None:
            self.transport.close()

    def release(self) -> None:
        """Close files in which nothing waits."""
        with self.lock:
            self.queue.release()
