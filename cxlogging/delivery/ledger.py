"""
The ledger: each accepted record ends in exactly one outcome.

Log calls never take a lock: what they count goes through `Counter`, one indivisible step;
everything else is counted by the worker under the delivery's lock.
"""

from __future__ import annotations

import _thread
import enum
import itertools
from collections import Counter as Multiset
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..wire.threads import Result, run_locked

MOVING_SECONDS = 0.25
"""How long a look at the ledger waits while held records become accepted, and they for a look."""

SPARE_LEVEL = 40
"""The level whose counter always exists."""

MOVED = "moved"
"""The outcome of what has left a scope otherwise: it was accepted, or an outer scope holds it."""

DISCARDED = ("clean", "explicit", "full", "unreachable")
"""Why records that were held back are not sent."""

NOTHING: Mapping[Any, Any] = MappingProxyType({})


class DeliveryState(str, enum.Enum):
    """What a handler does at an instant; each is a plain text."""

    IDLE = "idle"
    DELIVERING = "delivering"
    RETRYING = "retrying"
    HOLDING = "holding"
    OFF = "off"
    """A key or an address is missing."""

    __str__ = str.__str__
    __format__ = str.__format__  # type: ignore[assignment]  # as `enum.StrEnum` of Python 3.11


class Counter:
    """Counts up in one indivisible step, from any thread or signal handler."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = itertools.count()

    def add(self) -> None:
        """Count one."""
        next(self._count)

    @property
    def value(self) -> int:
        """The count so far."""
        return count_of(self._count)


def count_of(counter: Iterator[int]) -> int:
    """Return how far an `itertools.count` that began at 0 is, without a step."""
    return int(repr(counter)[6:-1])


class Tally:
    """Counts by level, like `Counter`."""

    __slots__ = ("_counters",)

    def __init__(self) -> None:
        self._counters = {SPARE_LEVEL: Counter()}

    def add(self, level: int) -> None:
        """Count one record of *level*."""
        counter = self._counters.get(level)
        if counter is None:
            counter = self._counters.setdefault(level, Counter())
        counter.add()

    def by_level(self) -> Multiset[int]:
        """Return the counts so far."""
        counts = {level: each.value for level, each in self._counters.copy().items()}
        return Multiset({level: count for level, count in counts.items() if count})

    @property
    def total(self) -> int:
        """The count over all levels."""
        return sum(each.value for each in self._counters.copy().values())


class Stats(NamedTuple):
    """
    What has become of the records, at one instant.

    ``accepted == delivered + rejected + dropped + abandoned + pending + spooled``

    Attributes:
        accepted: Records that the handler took, and those adopted from a spool.
        delivered: Acknowledged by the vendor.
        rejected: Refused by the vendor, one by one; `reasons` says why.
        dropped: Lost to overflow, by policy, or because no key was set.
        abandoned: Still waiting when the exit budget ended.
        pending: Waiting in memory or in flight.
        spooled: Waiting on disk, or acknowledged by a stream, for a relay.
        sampled: Left out by sampling; never accepted.
        limited: Left out by ``limit``; never accepted.
        over_budget: Left out because the ``budget`` was used up; never accepted.
        discarded: Held back by `cxlogging.hold` and not needed; never accepted.
        discarded_by_reason: The same by reason: ``"clean"``, ``"explicit"``, ``"full"`` or
            ``"unreachable"``.
        held: Held back now: not yet accepted, sent if something goes wrong.
        suppressed: Never accepted: created on a worker thread, by its traffic or by a
            finalizer that the collector ran there, or while ``CXLOGGING_DISABLED`` is set.
        lost_by_level: Outcome and level number to count, for every record lost.
        reasons: The vendor's reasons to count, for rejected records; the newest twenty.
        requests: Requests answered or failed.
        retries: Requests that failed for a passing reason.
        bytes_raw: Bytes of delivered bodies before compression.
        bytes_sent: Bytes of delivered bodies on the wire.
        state: ``"idle"``, ``"delivering"``, ``"retrying"``, ``"holding"`` or ``"off"``.
        last_error: The last trouble, in a sentence; empty when there was none.
        reports: Delivered events of our own that say what overflow has cost; they are not
            records, and are in none of the other counts.
    """

    accepted: int = 0
    delivered: int = 0
    rejected: int = 0
    dropped: int = 0
    abandoned: int = 0
    pending: int = 0
    spooled: int = 0
    sampled: int = 0
    limited: int = 0
    over_budget: int = 0
    discarded: int = 0
    discarded_by_reason: Mapping[str, int] = NOTHING
    held: int = 0
    suppressed: int = 0
    lost_by_level: Mapping[tuple[str, int], int] = NOTHING
    reasons: Mapping[str, int] = NOTHING
    requests: int = 0
    retries: int = 0
    bytes_raw: int = 0
    bytes_sent: int = 0
    state: DeliveryState = DeliveryState.IDLE
    last_error: str = ""
    reports: int = 0

    @property
    def offered(self) -> int:
        """Records that log calls have handed over, and those adopted from a spool."""
        left_out = self.sampled + self.limited + self.over_budget
        return self.accepted + left_out + self.discarded + self.held

    @property
    def balanced(self) -> bool:
        """Whether every accepted record has exactly one outcome."""
        outcomes = self.delivered + self.rejected + self.dropped + self.abandoned
        return self.accepted == outcomes + self.pending + self.spooled


class Ledger:
    """
    The counts of one delivery: `dropped` by log calls, the rest under the delivery's lock.

    Args:
        to_stream: What counts as delivered went to a stream, and waits there.
    """

    REASONS = 20

    def __init__(self, *, to_stream: bool = False) -> None:
        self._to_stream = to_stream
        self.adopted = 0
        self.delivered = 0
        self.requests = 0
        self.retries = 0
        self.reports = 0
        self.bytes_raw = 0
        self.bytes_sent = 0
        self.last_error = ""
        self.dropped = Tally()
        self.sampled = Tally()
        self.limited = Tally()
        self.over_budget = Tally()
        self._moving = _thread.RLock()
        self.held = 0
        self.outcomes: dict[str, dict[int, int]] = {outcome: {} for outcome in (MOVED, *DISCARDED)}
        self.suppressed = Counter()
        self.rejected: Multiset[int] = Multiset()
        self.abandoned: Multiset[int] = Multiset()
        self.reasons: dict[str, int] = {}

    def between_looks(self, work: Callable[[], Result]) -> Result:
        """
        Return what *work* returns: it moves held records, or looks at the counts.

        No other thread does either meanwhile, unless it takes longer than `MOVING_SECONDS`. Work
        that returns None is called twice.
        """
        done = run_locked(self._moving, MOVING_SECONDS, work)
        return work() if done is None else done

    def lose(self, level: int) -> None:
        """Count one record as dropped, also where no memory is left for a new count."""
        try:
            self.dropped.add(level)
        except MemoryError:
            self.dropped.add(SPARE_LEVEL)

    def adopt(self, count: int) -> None:
        """Count records that another process left behind, and this one sends."""
        self.adopted += count

    def deliver(self, count: int, raw: int = 0, sent: int = 0) -> None:
        """Count records that the vendor took, and the bytes of their request."""
        self.delivered += count
        self.bytes_raw += raw
        self.bytes_sent += sent

    def abandon(self, levels: Mapping[int, int]) -> None:
        """Count records that still waited when the exit budget ended, by level."""
        self.abandoned.update(levels)

    def answered(self, requests: int, error: str = "", *, retry: bool = False) -> None:
        """Count requests, the trouble with the last of them, and whether it is sent again."""
        self.requests += requests
        self.retries += retry
        self.last_error = error or self.last_error

    def reported(self, requests: int, *, done: bool) -> None:
        """Count the requests of a report of drops, and whether it was delivered."""
        self.requests += requests
        self.reports += done

    def reject(self, level: int, reason: str) -> None:
        """Count one record that the vendor refused."""
        self.rejected[level] += 1
        self.reasons[reason] = self.reasons.pop(reason, 0) + 1
        if len(self.reasons) > self.REASONS:
            del self.reasons[next(iter(self.reasons))]

    def stats(
        self, taken: int, waiting: int, in_flight: int, spooled: int, state: DeliveryState
    ) -> Stats:
        """
        Return the statistics at this instant.

        Args:
            taken: How many records were ever taken from the queue.
            waiting: How many wait in it.
            in_flight: How many are taken and have no outcome.
            spooled: How many of these and of the waiting ones are on disk.
            state: What the handler does.
        """
        dropped = self.dropped.by_level()
        discarded = {name: sum(counts.copy().values()) for name, counts in self.outcomes.items()}
        moved = discarded.pop(MOVED)
        lost = {
            (outcome, level): count
            for outcome, counts in (
                ("rejected", self.rejected),
                ("dropped", dropped),
                ("abandoned", self.abandoned),
            )
            for level, count in sorted(counts.items())
        }
        streamed = self.delivered if self._to_stream else 0
        return Stats(
            accepted=taken + self.adopted + dropped.total() + waiting,
            delivered=self.delivered - streamed,
            rejected=self.rejected.total(),
            dropped=dropped.total(),
            abandoned=self.abandoned.total(),
            pending=waiting + in_flight - spooled,
            spooled=spooled + streamed,
            sampled=self.sampled.total,
            limited=self.limited.total,
            over_budget=self.over_budget.total,
            discarded=sum(discarded.values()),
            discarded_by_reason={reason: count for reason, count in discarded.items() if count},
            held=self.held - moved - sum(discarded.values()),
            suppressed=self.suppressed.value,
            lost_by_level=lost,
            reasons=dict(self.reasons),
            requests=self.requests,
            retries=self.retries,
            bytes_raw=self.bytes_raw,
            bytes_sent=self.bytes_sent,
            state=state,
            last_error=self.last_error,
            reports=self.reports,
        )
