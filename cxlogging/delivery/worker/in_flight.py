"""What was taken from the queue and has no outcome: sent, or to be sent again."""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ..queue.folding import Folded
from ..queue.queue import Item

ADOPTED = 2**62
"""The number of items that another process left behind: no position of this queue includes them."""

UNNUMBERED = -1
"""The number of an item that was never in a queue."""

QUIET_SECONDS = 60.0
"""Without leftovers for so long, the vendor takes whole batches again."""


class Batch:
    """
    Items that travel in one request.

    Args:
        first: How many items were taken from the queue before its first one.
        items: At least one.
        numbers: Those of the items, ascending, where they are not consecutive.
        fruitless: Answers in a row that took none of the items, and asked for all of them again.

    Attributes:
        items: The items; none while they are folded.
        sent_at: Monotonic time at which it was last sent.
        data_bytes: Bytes of the items themselves.
        durable: The items outlive the process.
        abandoned: Its items already have their outcome: an answer changes nothing.
        unread: How many answers said success but could not be read to the end.
    """

    __slots__ = (
        "_count",
        "_folded",
        "abandoned",
        "data_bytes",
        "durable",
        "first",
        "fruitless",
        "items",
        "numbers",
        "sent_at",
        "unread",
    )

    def __init__(
        self,
        first: int,
        items: Sequence[Item],
        numbers: Sequence[int] | None = None,
        fruitless: int = 0,
    ) -> None:
        self.first = first
        self.items = items
        self._folded: Folded | None = None
        self._count = len(items)
        self.numbers = numbers or range(first, first + len(items))
        self.fruitless = fruitless
        self.data_bytes = sum([len(data) for _, data, _ in items])
        self.durable = items[0][2] != 0
        self.abandoned = False
        self.unread = 0
        self.sent_at = 0.0

    def __len__(self) -> int:
        return self._count

    def __lt__(self, other: Batch) -> bool:
        return self.first < other.first

    def fold(self) -> bool:
        """Compress the items until they are needed; return False where they already are."""
        if self._folded is not None:
            return False
        self._folded, self.items = Folded(self.items), ()
        return True

    def unfold(self) -> Sequence[Item]:
        """Undo `fold`; return the items."""
        if self._folded is not None:
            self.items, self._folded = self._folded.items(), None
        return self.items

    @property
    def is_leftover(self) -> bool:
        """Whether it is what was left of other batches."""
        return not isinstance(self.numbers, range)

    @property
    def kind(self) -> tuple[bool, bool]:
        """What the items of one request have in common."""
        return self.durable, self.first >= ADOPTED

    def send(self, now: float) -> None:
        """Note that it is sent at monotonic *now*."""
        self.unfold()
        self.sent_at = now

    def abandon(self) -> None:
        """Note that its items have their outcome without an answer."""
        self.abandoned = True

    def count_unread(self) -> int:
        """Count an answer that said success but could not be read; return how many there were."""
        self.unread += 1
        return self.unread

    def halves(self) -> tuple[Batch, Batch]:
        """Return two batches of half the items each."""
        items, numbers = self.items, self.numbers
        middle = len(items) // 2
        return (
            Batch(numbers[0], items[:middle], numbers[:middle]),
            Batch(numbers[middle], items[middle:], numbers[middle:]),
        )

    def singles(self) -> list[Batch]:
        """Return a batch for each item."""
        pairs = zip(self.numbers, self.items, strict=True)
        return [Batch(number, [item]) for number, item in pairs]

    def part(self, indexes: Sequence[int], fruitless: int = 0) -> Batch:
        """Return a batch of the items at *indexes*, of which there is at least one."""
        items, numbers = self.items, self.numbers
        mine = [numbers[index] for index in indexes]
        return Batch(mine[0], [items[index] for index in indexes], array("q", mine), fruitless)


class _Waiting(NamedTuple):
    due_at: float
    by_request: bool
    """The vendor asked for the wait: nothing cuts it short."""
    batch: Batch


class Leftovers:
    """
    The items that the vendor left out of batches that it took, until they are sent again.

    Those that are due travel together, beside new items: they do not become many tiny requests.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._resume_at = self._added_at = 0.0

    def add(self, batch: Batch, now: float, pause: float, *, by_request: bool) -> None:
        """Keep *batch* for *pause* seconds from monotonic *now* on."""
        self._added_at = now
        self._waiting.append(_Waiting(now + pause, by_request, batch))

    def have_ended(self, now: float) -> bool:
        """Return whether there were none for a while: the vendor takes whole batches again."""
        return not self._waiting and now - self._added_at > QUIET_SECONDS

    def wait(self, now: float) -> float:
        """Return the seconds until some are due; there must be some."""
        first = min(each.due_at for each in self._waiting)
        return max(first, self._resume_at) - now

    def take(self, now: float, pause: float, count: int, size: int) -> Batch | None:
        """
        Return those that are due as one batch, or None.

        Args:
            now: Monotonic time.
            pause: Seconds until the next ones may be taken.
            count: At most so many items, but one batch at least.
            size: At most so many bytes, but one batch at least.
        """
        if not self._waiting or self.wait(now) > 0:
            return None
        due = [each for each in self._waiting if each.due_at <= now]
        kind = min(due).batch.kind
        chosen: list[_Waiting] = []
        for each in sorted(due, key=lambda each: each.batch):
            if each.batch.kind != kind:
                continue
            count -= len(each.batch)
            size -= each.batch.data_bytes + len(each.batch)
            if chosen and (count < 0 or size < 0):
                break
            chosen.append(each)
        self._waiting = [each for each in self._waiting if each not in chosen]
        self._resume_at = now + pause
        return _joined([each.batch for each in chosen])

    def end_pause(self, now: float) -> None:
        """Make those due that wait for our own pause."""
        self._resume_at = min(self._resume_at, now)
        self._waiting = [
            each if each.by_request else each._replace(due_at=min(each.due_at, now))
            for each in self._waiting
        ]

    def discard(self, which: Callable[[Batch], bool]) -> None:
        """Forget the batches for which *which* is true."""
        self._waiting = [each for each in self._waiting if not which(each.batch)]

    def __iter__(self) -> Iterator[Batch]:
        return (each.batch for each in self._waiting)

    def __len__(self) -> int:
        return len(self._waiting)


def _joined(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    numbered: list[tuple[int, Item]] = []
    for batch in batches:
        numbered += zip(batch.numbers, batch.unfold(), strict=True)
    numbered.sort(key=lambda each: (each[0], each[1][2]))
    numbers = array("q", [number for number, _ in numbered])
    return Batch(numbers[0], [item for _, item in numbered], numbers)


class InFlight:
    """
    The batches that were taken from the queue and have no outcome.

    Attributes:
        taken: How many items were ever taken from the queue.
        requests: The batches whose request is under way.
        leftovers: What the vendor left out of batches that it took.
    """

    def __init__(self) -> None:
        self.taken = 0
        self.requests: list[Batch] = []
        self._again: list[Batch] = []
        self.leftovers = Leftovers()

    def take(self, items: Sequence[Item], evicted: int, now: float) -> Batch:
        """Start a batch of *items*, just taken from a queue that has evicted so many others."""
        position = self.taken + evicted
        self.taken += len(items)
        return self.start(Batch(position, items), now)

    def start(self, batch: Batch, now: float) -> Batch:
        """Note that the request of *batch* is under way from monotonic *now* on."""
        batch.send(now)
        self.requests.append(batch)
        return batch

    def finish(self, batch: Batch) -> Sequence[Item]:
        """Note that the request of *batch* is over; return its items."""
        self.requests.remove(batch)
        return batch.items

    def put_back(self, *batches: Batch) -> None:
        """Have *batches* sent again before anything that still waits, oldest first."""
        for batch in batches:
            bisect.insort(self._again, batch)

    def strand(self) -> None:
        """Put all requests back, as the worker that sent them has crashed."""
        stranded, self.requests = self.requests, []
        self.put_back(*stranded)

    def next(self, now: float, pause: Callable[[], float], count: int, size: int) -> Batch | None:
        """
        Start and return the batch to send again now: the oldest one, or leftovers; or None.

        Args:
            now: Monotonic time.
            pause: Returns the seconds until the next leftovers may be taken.
            count: At most so many leftover items.
            size: At most so many bytes of them.
        """
        batch = self._again.pop(0) if self._again else None
        if batch is None and self.leftovers:
            batch = self.leftovers.take(now, pause(), count, size)
        return None if batch is None else self.start(batch, now)

    def fold(self) -> bool:
        """Compress one batch that waits; return False where none is left to compress."""
        return any(batch.fold() for batch in (*self._again, *self.leftovers))

    def abandon(self, waiting: int) -> list[Item]:
        """
        Abandon the batches that do not outlive the process, and return their items.

        Args:
            waiting: So many items that were still in the queue are abandoned, too.
        """
        self.taken += waiting
        batches = [batch for batch in self if not batch.durable]
        for batch in batches:
            batch.abandon()
        self.requests = [batch for batch in self.requests if batch.durable]
        self._again = [batch for batch in self._again if batch.durable]
        self.leftovers.discard(lambda batch: not batch.durable)
        return [item for batch in batches for item in batch.unfold()]

    def count_before(self, position: int) -> int:
        """Return how many items were taken before *position*, or are adopted."""
        numbers = (number for batch in self for number in batch.numbers)
        return sum(number < position or number >= ADOPTED for number in numbers)

    def __iter__(self) -> Iterator[Batch]:
        yield from self.requests
        yield from self._again
        yield from self.leftovers

    @property
    def count(self) -> int:
        """How many items are in all batches."""
        return sum(map(len, self))

    @property
    def durable_count(self) -> int:
        """How many of them outlive the process."""
        return sum(len(batch) for batch in self if batch.durable)

    @property
    def has_adopted(self) -> bool:
        """Whether some of them were left behind by another process."""
        return any(batch.first >= ADOPTED for batch in self)

    @property
    def first(self) -> int | None:
        """The number of the oldest item, or None where there is none."""
        return min((batch.first for batch in self), default=None)
