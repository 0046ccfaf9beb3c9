"""What was taken from the line and has no outcome: on its way, or to go again."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator

from ..queue.batch import Batch
from .leftovers import Leftovers


class Unsettled:
    """The batches that were taken from the line and have no outcome: flying, or to go again."""

    def __init__(self) -> None:
        self.flying: list[Batch] = []
        self._again: list[Batch] = []
        self.leftovers = Leftovers()

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
        return any(batch.fold() for batch in (*self._again, *self.leftovers))

    def discard(self, which: Callable[[Batch], bool]) -> list[Batch]:
        """Forget and return the batches for which *which* is true."""
        batches = [batch for batch in self if which(batch)]
        self.flying = [batch for batch in self.flying if not which(batch)]
        self._again = [batch for batch in self._again if not which(batch)]
        self.leftovers.discard(which)
        return batches

    def __iter__(self) -> Iterator[Batch]:
        yield from self.flying
        yield from self._again
        yield from self.leftovers

    @property
    def count(self) -> int:
        """How many items are in all batches."""
        return sum(map(len, self))

    @property
    def first(self) -> int | None:
        """The number of the oldest item, or None where there is none."""
        return min((batch.first for batch in self), default=None)
