"""
The delivery of one destination, as a handler uses it: put, flush, close, stats.

Rule 1: `Delivery.put` takes no lock and waits for nothing.
Rule 2: decide under the lock, act outside it.
Rule 3: what was taken from the queue is in `InFlight` until the ledger has its outcome.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..wire.destination import Destination
from ..wire.masking import Masker
from ..wire.settings import REPORT_VARIABLE, held
from .clock import Clocks
from .http.interface import Transport
from .http.setup import masker, transport_maker
from .lane import Lane, Lifecycle, TransportMaker, Watch
from .ledger import Ledger, Stats
from .options import Options
from .process import exit as ending
from .process import sigterm
from .process.draining import drain
from .process.registry import LEFT_OPEN, WATCHER, register
from .process.state import PROCESS, Phase, own_thread
from .process.threadless import not_watched
from .queue.factory import QueueMaker, queue_maker, shared_count
from .worker.in_flight import UNNUMBERED, Batch
from .worker.sending import attempt, send
from .worker.settling import Outcome
from .worker.threads import Workers

if TYPE_CHECKING:
    from .queue.shared_count import SharedCount


class Delivery:
    """
    Carries items to one destination.

    Args:
        destination: The vendor's rules.
        options: How records wait and travel.
        transport: Makes what replaces the real network.
        clock: Replaces the real clocks.
        queue: Makes what replaces the queue that the options ask for.

    Attributes:
        lane: Its state.
        workers: Its threads.

    Raises:
        ConfigurationError: The options do not fit the destination.
    """

    def __init__(
        self,
        destination: Destination,
        options: Options,
        *,
        transport: Callable[[], Transport] | None = None,
        clock: Clocks | None = None,
        queue: QueueMaker | None = None,
    ) -> None:
        options.check(destination)
        clock = clock or Clocks()
        destination, make_transport, mask = _way(destination, options, clock)
        self.destination = destination
        self.options = options
        self.clock = clock
        self.lane = Lane(
            destination,
            options,
            clock,
            transport or make_transport,
            queue or queue_maker(destination, options),
            mask,
        )
        for sentence in destination.warnings:
            self.lane.diagnostics.say(f"settings {sentence}", "", sentence)
        self.workers = Workers(self.lane, ending.before_thread, WATCHER)
        PROCESS.once(ending.install)
        register(self.workers)
        if options.sigterm:
            sigterm.install_for(self.lane.diagnostics)
        self._start_watching()
        if held(REPORT_VARIABLE):
            self._report_stats()

    def _report_stats(self) -> None:
        # Imported here as hardly any process does this.
        from .reporting import report_as_configured

        report_as_configured(self.lane.diagnostics)

    def _start_watching(self) -> None:
        """Send what processes before this one left behind, and what others will leave."""
        self.workers.look_for_backlog()
        if self.lane.is_watched and not WATCHER.start() and WATCHER.trouble:
            sentence = not_watched(WATCHER.trouble)
            self.lane.diagnostics.say("watcher", "watcher", sentence, in_log_call=True)

    def put(self, level: int, data: bytes) -> None:
        """Accept one item, from any thread, at any moment; `stats` has what becomes of it."""
        queue, workers = self.lane.queue, self.workers
        if not queue.put((level, data, 0)):
            self._drop(level, len(data))
        elif queue.bytes_in >= workers.wake_bytes or queue.items_in >= workers.wake_items:
            if self.lane.lifecycle is Lifecycle.CLOSING:
                self.lane.open()
            if not sys.is_finalizing():
                workers.wake()
            if PROCESS.phase is Phase.EXITED:
                ending.deliver_late(workers)

    def _drop(self, level: int, size: int) -> None:
        """Count an item that has no room, and have a worker report it: nothing may wait here."""
        was_reported = not self.lane.drops.has_unreported
        self.lane.drop(level, size)
        if was_reported or not len(self.workers):
            self.workers.wake()

    def refuse(self, level: int) -> None:
        """Count one record that cannot be sent at all, as something must be set first."""
        self.lane.ledger.dropped.add(level)
        missing = self.destination.missing
        sentence = f"records are dropped until you set {missing}"
        if self.lane.diagnostics.say("missing", missing, sentence, in_log_call=True):
            self.workers.wake()  # for `on_error`, which is not called here

    def note(self, topic: str, sentence: str) -> None:
        """Have a worker write *sentence* for the operator, once; do no I/O for it here."""
        self.lane.diagnostics.note(topic, sentence)

    def wake(self) -> None:
        """Have a worker look at once what is to be done. For log calls."""
        if PROCESS.phase is Phase.RUNNING:
            self.workers.wake()

    def probe(self, level: int, data: bytes, encoding: str | None = None) -> Outcome:
        """
        Send one item on the calling thread, past the queue, and return what came of it.

        Args:
            level: The record's level.
            data: The item.
            encoding: Of the request; None leaves it to what is known of the vendor.
        """
        started = self.clock.monotonic()
        batch, seconds = Batch(UNNUMBERED, [(level, data, 0)]), self.options.timeout
        with own_thread():
            if encoding is None:
                outcome = send(self.lane, batch, seconds)
            else:
                outcome = attempt(self.lane, batch, encoding, seconds)
        return outcome._replace(seconds=self.clock.monotonic() - started)

    def shared_count(self) -> SharedCount | None:
        """Return what counts a day of all processes of the destination; None without a spool."""
        return shared_count(self.destination, self.options)

    @property
    def ledger(self) -> Ledger:
        """What log calls count in."""
        return self.lane.ledger

    @property
    def outstanding(self) -> int:
        """How many accepted records have no outcome yet."""
        return self.lane.outstanding

    @property
    def busy(self) -> bool:
        """Whether anything is left to send, of this process or of one that has ended."""
        return self.lane.busy

    def flush_now(self) -> None:
        """Make all that waits due, and wake a worker; do not wait."""
        self.workers.flush_now()

    def flush(self, timeout: float | None = None) -> bool:
        """
        Wait for all that was accepted before the call; True when it has its outcome.

        Args:
            timeout: Seconds; None waits as `close` does.
        """
        if PROCESS.phase is Phase.EXITED:  # each log call waits for its own record by now
            return not self.outstanding
        done = drain([self.workers], timeout)
        if self.lane.drops.has_unreported:
            self.lane.report(self.clock.monotonic())
        return done

    def close(self) -> None:
        """Deliver what waits, within the exit budget; the next record opens it again."""
        position, began = self.lane.end_position(), self.clock.monotonic()
        # Once the exit functions have run, each log call waits for its own record.
        drained = PROCESS.phase is Phase.EXITED or drain([self.workers], adopted=True)
        self.workers.close_soon()
        if not drained and PROCESS.is_ending:
            ending.give_up(self.workers, position, began)

    def close_soon(self) -> None:
        """Let the workers leave once nothing waits; do not wait for it."""
        self.workers.close_soon()

    def leave_open(self) -> None:
        """Let the workers leave, as the handler is gone; the exit says that nobody closed it."""
        LEFT_OPEN.append(self.lane)
        self.workers.close_soon()

    def watch(self, watch: Watch) -> None:
        """Call *watch* from time to time, on workers and at the exit."""
        self.lane.watch(watch)

    def stats(self) -> Stats:
        """Return the statistics at this instant."""
        return self.lane.stats()


def _way(
    destination: Destination, options: Options, clock: Clocks
) -> tuple[Destination, TransportMaker, Masker]:
    """Return the destination to use, what makes a transport to it, and what hides its secrets."""
    if options.stream is None:
        return (
            destination,
            transport_maker(destination, options, clock),
            masker(destination, options),
        )
    # Imported only here: most applications have no stream.
    from .nats.setup import through_stream

    return through_stream(destination, options.stream)
