"""What a worker does next: send a batch, or wait, or leave."""

from __future__ import annotations

from typing import NamedTuple

from ..lane import Lane
from .in_flight import ADOPTED, Batch
from .pacing import NEVER

ADOPTION_TURN = 8
"""One request in so many is for what other processes left, where own items wait too."""

PAIR = 2
AHEAD_BYTES = 16 * 2**20
"""In flight, from which on no third request is begun: each takes memory, as items and as a body."""

SHORTEST_WAIT = 0.001
ABSENT_WAIT = 0.05
"""Until the next look for items that are counted but not there: log calls are adding them."""


class Marks(NamedTuple):
    """The log call with which so many items, or bytes, have ever come wakes a worker."""

    items: float
    size: float


AT_ONCE = Marks(0, 0)
ASLEEP = Marks(NEVER, NEVER)


class Decision(NamedTuple):
    """
    What a worker does next.

    Attributes:
        batch: What it sends now; None where it waits.
        wait: Seconds until it looks again.
        leaves: It is not needed any more.
        marks: What wakes it earlier; None leaves them at `AT_ONCE`.
        full_count: With so many items ever put, a full batch waits.
        wants_help: One more worker has something to do.
    """

    batch: Batch | None = None
    wait: float = 0.0
    leaves: bool = False
    marks: Marks | None = None
    full_count: float = NEVER
    wants_help: bool = False


def decide(lane: Lane, now: float, workers: int) -> Decision:
    """
    Return what one of so many *workers* does next. Under the delivery's lock.

    Log calls wake a worker `AT_ONCE` from before this call on: what comes during it is not missed.
    """
    queue, pace, in_flight = lane.queue, lane.pace, lane.in_flight
    waiting, waiting_bytes = len(queue), queue.bytes_in - queue.bytes_out
    full_count = queue.items_in - waiting + pace.max_items
    due = pace.due(now, waiting, waiting_bytes, in_flight.taken)
    pause = pace.resume_at - now
    probing = bool(in_flight.requests) and not pace.is_healthy
    crowded = not has_room(lane)
    if pause <= 0 and not probing and not crowded:
        taken = in_flight.taken
        batch = pick(lane, now, is_due=due <= 0)
        if batch is not None:
            full_count += in_flight.taken - taken
            helps = workers < lane.options.concurrency and would_help(lane, full_count)
            return Decision(batch, full_count=full_count, wants_help=helps)
    nothing = not waiting and not in_flight.count and not queue.backlog
    blocked = probing or crowded
    is_spare = workers > 1 and (nothing or not (blocked or pace.slow))
    if is_spare or (nothing and not lane.is_open):
        return Decision(leaves=True, full_count=full_count)
    if nothing:
        return Decision(wait=NEVER, full_count=full_count)
    if pause > 0 or blocked:
        more = queue.fold() or in_flight.fold()
        marks = Marks(NEVER, queue.bytes_in + queue.fold_bytes)
        wait = NEVER if blocked else max(pause, SHORTEST_WAIT)
        return Decision(wait=0.0 if more else wait, marks=marks, full_count=full_count)
    wait = due if due > 0 else ABSENT_WAIT
    if in_flight.leftovers:
        wait = min(wait, in_flight.leftovers.wait(now))
    full = Marks(full_count, queue.bytes_in - waiting_bytes + pace.batch_bytes)
    return Decision(None, max(wait, SHORTEST_WAIT), False, full if waiting else None, full_count)


def pick(lane: Lane, now: float, *, is_due: bool) -> Batch | None:
    """
    Start and return the batch to send now, if there is one: again, of the queue, or adopted.

    Args:
        lane: The delivery's state.
        now: Monotonic time.
        is_due: Items that wait in the queue are to be sent now.
    """
    queue, pace, in_flight = lane.queue, lane.pace, lane.in_flight
    again = in_flight.next(now, lane.leftover_pause, pace.max_items, pace.batch_bytes)
    if again is not None:
        return again
    is_turn = lane.ledger.requests % ADOPTION_TURN == 0
    if is_turn and (batch := _adopt(lane, now)) is not None:
        return batch
    if is_due and (items := queue.take(pace.max_items, pace.batch_bytes)):
        return in_flight.take(items, queue.evicted, now)
    return None if is_turn else _adopt(lane, now)


def _adopt(lane: Lane, now: float) -> Batch | None:
    if not lane.queue.backlog:
        return None
    items = lane.queue.adopt(lane.pace.max_items, lane.pace.batch_bytes)
    lane.ledger.adopt(len(items))
    return lane.in_flight.start(Batch(ADOPTED, items), now) if items else None


def has_room(lane: Lane) -> bool:
    """Return whether one more request may be begun. Without the lock, log calls ask too."""
    requests = tuple(lane.in_flight.requests)
    if len(requests) >= lane.options.concurrency:
        return False
    return len(requests) < PAIR or sum(batch.data_bytes for batch in requests) < AHEAD_BYTES


def may_send(lane: Lane) -> bool:
    """Return whether one more worker could send, if there was something to send."""
    return lane.pace.is_healthy and has_room(lane)


def has_full_batch(lane: Lane, full_count: float) -> bool:
    """
    Return whether a batch waits: a full one, or the rest that somebody flushes.

    Args:
        lane: The delivery's state; read without the lock.
        full_count: As the last `Decision` says.
    """
    queue, pace = lane.queue, lane.pace
    full = queue.items_in >= full_count or queue.bytes_in - queue.bytes_out >= pace.batch_bytes
    # Beside the first request of an idle queue, the few items that follow would overtake it.
    flushes = bool(lane.waiters) and lane.in_flight.taken < pace.flush_until
    return full or (flushes and not pace.awaits_first)


def would_help(lane: Lane, full_count: float) -> bool:
    """Return whether one more worker has something to do, beside one that has just begun."""
    return (lane.pace.slow or has_full_batch(lane, full_count)) and may_send(lane)
