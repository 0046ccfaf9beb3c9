"""Items on their way together, and the ones that must go again."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence

from .buffer import ITEM_OVERHEAD, Item


class Batch:
    """
    Items that travel in one request.

    Attributes:
        first: How many items were taken from the line before its first one.
        items: At least one.
        size: Bytes that the items hold in memory.
        abandoned: Its items already have their outcome: an answer changes nothing.
    """

    __slots__ = ("abandoned", "first", "items", "size")

    def __init__(self, first: int, items: Sequence[Item]) -> None:
        self.first = first
        self.items = items
        self.size = sum(len(data) for _, data in items) + ITEM_OVERHEAD * len(items)
        self.abandoned = False

    def __len__(self) -> int:
        return len(self.items)

    @property
    def data_bytes(self) -> int:
        """Bytes of the items themselves."""
        return self.size - ITEM_OVERHEAD * len(self.items)

    def __lt__(self, other: Batch) -> bool:
        return self.first < other.first

    def halves(self) -> tuple[Batch, Batch]:
        """Return two batches of half the items each."""
        middle = len(self.items) // 2
        return (
            Batch(self.first, self.items[:middle]),
            Batch(self.first + middle, self.items[middle:]),
        )


class Unsettled:
    """The batches that were taken from the line and have no outcome: flying, or to go again."""

    def __init__(self) -> None:
        self.flying: list[Batch] = []
        self._again: list[Batch] = []

    def fly(self, batch: Batch) -> None:
        """Note that *batch* is on its way."""
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

    def clear(self) -> list[Batch]:
        """Forget and return all batches."""
        batches = [*self.flying, *self._again]
        self.flying, self._again = [], []
        return batches

    def __iter__(self) -> Iterator[Batch]:
        yield from self.flying
        yield from self._again

    @property
    def count(self) -> int:
        """How many items are in all batches."""
        return sum(map(len, self))

    @property
    def size(self) -> int:
        """Bytes that all items hold in memory."""
        return sum(batch.size for batch in self)

    @property
    def first(self) -> int | None:
        """The number of the oldest item, or None where there is none."""
        return min((batch.first for batch in self), default=None)
