"""
One destination's delivery: the line, its workers, and the account of every record.

Rule 1: `Delivery.put` takes no lock and waits for nothing.
Rule 2: decide under the lock, act outside it.
Rule 3: what was taken from the line is in `Unsettled` until the ledger has its outcome.
"""

from __future__ import annotations

import _thread
import contextlib
import math
import sys
from collections import Counter
from collections.abc import Callable

from ..wire.destination import Destination
from .clock import Clock
from .diagnostics import Diagnostics
from .drops import Drops
from .http.compression import Encoding
from .http.interface import Transport
from .ledger import Ledger, Stats
from .options import Options
from .process import lifecycle, sigterm
from .process.draining import drain
from .process.state import PROCESS, Phase, own_thread
from .process.threadless import not_watched
from .queue.batch import ADOPTED, Batch
from .queue.factory import QueueMaker, queue_maker
from .worker.in_flight import Unsettled
from .worker.leftovers import PAUSE_SECONDS
from .worker.pacing import Pace, State
from .worker.sending import attempt, http, masker, send
from .worker.settling import Outcome
from .worker.threads import Workers

MOST_NOTES = 50


class Delivery:
    """
    Carries items to one destination.

    Args:
        destination: The vendor's rules.
        options: How records wait and travel.
        transport: Makes what replaces the real network.
        clock: Replaces the real clocks.
        line: Makes what replaces the line that the options ask for.

    Raises:
        ConfigurationError: The options do not fit the destination.
    """

    def __init__(
        self,
        destination: Destination,
        options: Options,
        *,
        transport: Callable[[], Transport] | None = None,
        clock: Clock | None = None,
        line: QueueMaker | None = None,
    ) -> None:
        options.check(destination)
        self.destination = destination
        self.options = options
        self.clock = clock or Clock()
        self.encoding = Encoding(options.compression, destination.limits)
        self.mask = masker(destination, options)
        self.diagnostics = Diagnostics(
            destination.name,
            options.on_error,
            mask=self.mask,
            monotonic=self.clock.monotonic,
        )
        for sentence in destination.warnings:
            self.diagnostics.say(f"settings {sentence}", "", sentence)
        self._make_transport = transport or http(destination, options, self.clock)
        self.notes: dict[str, str] = {}
        self.watch: Callable[[float, int], tuple[str | None, float]] | None = None
        self.watch_at = math.inf
        self._make_queue = line or queue_maker(destination, options)
        self.reset()
        lifecycle.register(self)
        if options.sigterm:
            sigterm.install_for(self.diagnostics)
        self._watch()

    def reset(self) -> None:
        """Begin anew with an empty line, as a fork's child does: the parent sends its own."""
        self.lock = _thread.RLock()
        self.encoding.restart()
        self.ledger = Ledger()
        self.pace = Pace(self.options, self.destination.limits)
        self.unsettled = Unsettled()
        self.drops = Drops(self.ledger.dropped, self.options, self.clock)
        self.buffer = self._make_queue(self.clock, self.drops.add, self.lock)
        self._bound = self.buffer.bound  # what others hold of a spool lowers it later
        self.buffer.on_notice = self._say_at_once
        self.closing = False
        self.given_up = False
        self.late_seconds = 0.0
        self.acknowledged_at = 0.0
        self.waiters: list[_thread.LockType] = []
        self.wake_bytes = self.wake_count = 0
        self.transport = None if self.destination.missing else self._make_transport()
        self.workers = Workers(self)

    @property
    def is_watched(self) -> bool:
        """Whether to look for what other processes leave behind, also while nothing is logged."""
        return self.options.spool is not None and not (self.closing or self.destination.missing)

    def _watch(self) -> None:
        """Send what processes before this one left behind, and what others will leave."""
        self.look_for_backlog()
        if self.is_watched and not lifecycle.WATCHER.start() and lifecycle.WATCHER.trouble:
            sentence = not_watched(lifecycle.WATCHER.trouble)
            self.diagnostics.say("watcher", "watcher", sentence, in_log_call=True)

    def look_for_backlog(self) -> None:
        """Send what another process left behind, also where this one logs nothing."""
        with self.lock:
            if self.closing:
                return
            self.buffer.maintain(self.clock.monotonic(), at_once=True)
            wanted = self.buffer.backlog or bool(self.buffer.notices)
        if wanted:
            self.workers.wake()

    def disconnect(self) -> None:
        """Close the connections that are kept for a next request."""
        if self.transport is not None:
            self.transport.close()

    def put(self, level: int, data: bytes) -> None:
        """Accept one item, from any thread, at any moment; `stats` has what becomes of it."""
        buffer = self.buffer
        if not buffer.put((level, data, 0)):
            self._drop(level, len(data))
        elif buffer.bytes_in >= self.wake_bytes or buffer.items_in >= self.wake_count:
            self.closing = False
            if not sys.is_finalizing():
                self.workers.wake()
            lifecycle.after_exit(self)

    def _drop(self, level: int, size: int) -> None:
        """Count an item that has no room, and have a worker say so: nothing may wait here."""
        told = not self.drops.untold
        is_large = not self.buffer.bytes_held and self.buffer.bound >= self._bound
        self.drops.add(level, size if is_large else 0)
        if told or not len(self.workers):
            self.workers.wake()

    def wake_at(self, size: int, count: int) -> None:
        """
        Have the log call wake a worker with which so many bytes, or items, have ever come.

        Once the exit functions have run, each log call delivers for itself.
        """
        at_once = PROCESS.phase is Phase.EXITED
        self.wake_bytes = 0 if at_once else size
        self.wake_count = 0 if at_once else count

    def note(self, topic: str, sentence: str) -> None:
        """Have a worker say *sentence*, once; the calling thread does no I/O for it."""
        if topic not in self.notes and len(self.notes) < MOST_NOTES:
            self.notes[topic] = sentence

    def tell(self) -> None:
        """Say what was noted, and what overflow costs; called by a worker, and at exit."""
        self.drops.tell(self.diagnostics, self.buffer.bound, self.buffer.full)
        self._say_news()
        for topic, sentence in tuple(self.notes.items()):
            self.diagnostics.say(f"note {topic}", topic, sentence)
        self.diagnostics.call_back()
        self.look(self.clock.monotonic())

    def _say_news(self, *, in_log_call: bool = False) -> None:
        """Say what the buffer has to say."""
        with contextlib.suppress(IndexError):  # others say it too
            while True:
                kind, topic, sentence = self.buffer.notices.popleft()
                if topic:
                    self.diagnostics.say(kind, topic, sentence, in_log_call=in_log_call)
                else:
                    self.diagnostics.passed(kind, sentence, in_log_call=in_log_call)

    def _say_at_once(self) -> None:
        self._say_news(in_log_call=True)
        self.workers.wake()  # for `on_error`, and to see to it

    def look(self, now: float) -> None:
        """Say what `watch` has to say; *now* is infinite at the exit."""
        if self.watch is not None:
            sentence, self.watch_at = self.watch(now, self.buffer.items_in)
            if sentence:
                self.diagnostics.say("watch", sentence, sentence)

    def probe(self, level: int, data: bytes, encoding: str | None = None) -> Outcome:
        """
        Send one item on the calling thread, beside the line, and return what came of it.

        Args:
            level: The record's level.
            data: The item.
            encoding: Of the request; None leaves it to what is known of the vendor.
        """
        started = self.clock.monotonic()
        batch, seconds = Batch(0, [(level, data, 0)]), self.options.timeout
        with own_thread():
            if encoding is None:
                outcome = send(self, batch, seconds)
            else:
                outcome = attempt(self, batch, encoding, seconds)
        return outcome._replace(seconds=self.clock.monotonic() - started)

    def refuse(self, level: int) -> None:
        """Count one record that cannot be sent at all, as something must be set first."""
        self.ledger.dropped.add(level)
        missing = self.destination.missing
        sentence = f"records are dropped until you set {missing}"
        if self.diagnostics.say("missing", missing, sentence, in_log_call=True):
            self.workers.wake()  # for `on_error`, which is not called here

    @property
    def outstanding(self) -> int:
        """How many accepted records have no outcome yet."""
        with self.lock:
            return len(self.buffer) + self.unsettled.count

    @property
    def busy(self) -> bool:
        """Whether anything is left to send, of this process or of one that has ended."""
        return self.buffer.backlog or bool(self.outstanding)

    def mark(self) -> int:
        """Return a mark of all that was accepted by now."""
        with self.lock:
            return self.position + len(self.buffer)

    def has_passed(self, mark: int) -> bool:
        """Return True when all that was accepted before *mark* has its outcome."""
        with self.lock:
            first = self.unsettled.first
            return min(self.position, self.position if first is None else first) >= mark

    def owes(self, mark: int, *, adopted: bool) -> bool:
        """
        Return whether something that was accepted before *mark* lacks its outcome.

        Args:
            mark: As `mark` gave it.
            adopted: So does what another process left, and this one found.
        """
        if not self.has_passed(mark):
            return True
        with self.lock:
            left = adopted and any(batch.first >= ADOPTED for batch in self.unsettled)
            return left or (adopted and self.buffer.backlog)

    def count_before(self, mark: int) -> int:
        """Return how many that were accepted before *mark* lack their outcome."""
        with self.lock:
            numbers = (number for batch in self.unsettled for number in batch.numbers)
            taken = sum(number < mark or number >= ADOPTED for number in numbers)
            return taken + min(max(mark - self.position, 0), len(self.buffer))

    @property
    def position(self) -> int:
        """How many items have left the line."""
        return self.ledger.taken + self.buffer.evicted

    def hurry(self) -> None:
        """Make all that waits due, end a pause of our own, and wake a worker; do not wait."""
        with self.lock:
            now = self.clock.monotonic()
            self.pace.flush(now, len(self.buffer))
            self.pace.hurry(now)
            self.unsettled.leftovers.hurry(now)
            idle = not self.buffer and not self.unsettled.count
        if not idle:
            self.workers.wake()

    def leftover_pause(self) -> float:
        """Return the seconds between requests of leftovers: fewer where closing has no time."""
        pause = min(self.options.retry_initial, PAUSE_SECONDS)
        return min(pause, self.options.close_timeout / 4) if self.waiters else pause

    def flush(self, timeout: float | None = None) -> bool:
        """
        Wait for all that was accepted before the call; True when it has its outcome.

        Args:
            timeout: Seconds; None waits as `close` does.
        """
        done = drain([self], timeout)
        if self.drops.untold:
            self.tell()
        return done

    def close(self) -> None:
        """Deliver what waits, within the exit budget; the next record begins anew."""
        mark, began = self.mark(), self.clock.monotonic()
        # Once the exit functions have run, each log call waits for its own record.
        drained = PROCESS.phase is Phase.EXITED or drain([self], adopted=True)
        self.close_soon()
        if not drained:
            lifecycle.after_drain(self, mark, began)

    def close_soon(self) -> None:
        """Let the workers go once nothing waits; do not wait for it."""
        self.closing = True
        lifecycle.WATCHER.check()
        self.hurry()
        if len(self.workers):
            self.workers.look()
        else:
            self.disconnect()
            with self.lock:
                self.buffer.release()

    def acknowledge(self, now: float) -> None:
        """Note that the vendor gave some records their outcome; wake who waits for that."""
        self.acknowledged_at = now
        for waiter in tuple(self.waiters):
            with contextlib.suppress(RuntimeError):
                waiter.release()

    def abandon(self) -> Counter[int]:
        """Give what would not outlive the process the outcome *abandoned*; return their levels."""
        with self.lock:
            waiting = self.buffer.drop_volatile()
            self.ledger.taken += len(waiting)
            batches = self.unsettled.discard(lambda batch: not batch.durable)
            for batch in batches:
                batch.abandoned = True
            lost = [*waiting, *(item for batch in batches for item in batch.items)]
            levels = Counter(level for level, _, _ in lost)
            self.ledger.abandoned.update(levels)
            self.buffer.settle(lost)
            self.wake_bytes = self.wake_count = 0
            return levels

    def stats(self) -> Stats:
        """Return the account at this instant."""
        with self.lock:
            flying = self.unsettled.count
            state = self.pace.state.value
            if self.pace.state is State.SOUND:
                state = "delivering" if flying else "idle"
            if self.destination.missing:
                state = "off"
            spooled = self.buffer.spooled
            if self.given_up:
                spooled += sum(len(batch) for batch in self.unsettled if batch.durable)
            return self.ledger.stats(len(self.buffer), flying, spooled, state)
