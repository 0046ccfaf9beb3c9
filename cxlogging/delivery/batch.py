"""Items on their way together, and the ones that must go again."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence

from .buffer import Item, data_bytes
from .fold import Folded

LATER = 2**62
"""The number of items that came from elsewhere: no mark of this line waits for them."""


class Batch:
    """
    Items that travel in one request.

    Args:
        first: How many items were taken from the line before its first one.
        items: At least one.

    Attributes:
        departed: Monotonic time at which it was last sent.
        data_bytes: Bytes of the items themselves.
        durable: The items outlive the process.
        abandoned: Its items already have their outcome: an answer changes nothing.
        unread: So many answers said success, and could not be read any further.
    """

    __slots__ = (
        "_count",
        "_folded",
        "_items",
        "abandoned",
        "data_bytes",
        "departed",
        "durable",
        "first",
        "unread",
    )

    def __init__(self, first: int, items: Sequence[Item]) -> None:
        self.first = first
        self._items: Sequence[Item] | None = items
        self._folded: Folded | None = None
        self._count = len(items)
        self.data_bytes = data_bytes(items)
        self.durable = items[0][2] != 0
        self.abandoned = False
        self.unread = 0
        self.departed = 0.0

    def __len__(self) -> int:
        return self._count

    @property
    def items(self) -> Sequence[Item]:
        """The items, unfolded."""
        if self._items is None and self._folded is not None:
            self._items, self._folded = self._folded.items(), None
        return self._items or ()

    def fold(self) -> bool:
        """Take less memory until the items are needed; False where it does already."""
        if self._items is None:
            return False
        self._folded, self._items = Folded(self._items), None
        return True

    def __lt__(self, other: Batch) -> bool:
        return self.first < other.first

    def halves(self) -> tuple[Batch, Batch]:
        """Return two batches of half the items each."""
        items = self.items
        middle = len(items) // 2
        return (
            Batch(self.first, items[:middle]),
            Batch(self.first + middle, items[middle:]),
        )


class Unsettled:
    """The batches that were taken from the line and have no outcome: flying, or to go again."""

    def __init__(self) -> None:
        self.flying: list[Batch] = []
        self._again: list[Batch] = []

    def fly(self, batch: Batch, now: float) -> None:
        """Note that *batch* is on its way from monotonic *now* on."""
        batch.departed = now
        self.flying.append(batch)

    def landed(self, batch: Batch) -> None:
        """Note that *batch* is no longer on its way."""
        self.flying.remove(batch)

    def add(self, *batches: Batch) -> None:
        """Put *batches* back: they go before whatever still waits, oldest first."""
        for batch in batches:
            bisect.insort(self._again, batch)

    def pop(self) -> Batch | None:
        """Return the oldest batch that must go again, or None."""
        return self._again.pop(0) if self._again else None

    def fold(self) -> bool:
        """Fold one batch that must go again; False where none is left to fold."""
        return any(batch.fold() for batch in self._again)

    def discard(self, which: Callable[[Batch], bool]) -> list[Batch]:
        """Forget and return the batches for which *which* is true."""
        batches = [batch for batch in self if which(batch)]
        self.flying = [batch for batch in self.flying if not which(batch)]
        self._again = [batch for batch in self._again if not which(batch)]
        return batches

    def __iter__(self) -> Iterator[Batch]:
        yield from self.flying
        yield from self._again

    @property
    def count(self) -> int:
        """How many items are in all batches."""
        return sum(map(len, self))

    @property
    def first(self) -> int | None:
        """The number of the oldest item, or None where there is none."""
        return min((batch.first for batch in self), default=None)
