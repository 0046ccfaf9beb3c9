"""What a vendor left out of batches that it took: it goes again beside new records."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..queue.batch import Batch
from ..queue.queue import Item

PAUSE_SECONDS = 0.5
"""Between two requests of leftovers, at most, while the vendor takes some of each."""


QUIET_SECONDS = 60.0


class _Waiting(NamedTuple):
    due_at: float
    by_request: bool
    """The vendor asked for the wait: nobody cuts it short."""
    batch: Batch


class Leftovers:
    """
    The items of batches that were taken in part, until they are due again.

    Those that are due travel together: they do not become many tiny requests.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._resume_at = self._added_at = 0.0

    def add(self, batch: Batch, now: float, pause: float, *, by_request: bool) -> None:
        """Keep *batch* for *pause* seconds from monotonic *now* on."""
        self._added_at = now
        self._waiting.append(_Waiting(now + pause, by_request, batch))

    def have_passed(self, now: float) -> bool:
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
            size: Bytes, likewise.
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

    def hurry(self, now: float) -> None:
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
        numbered += zip(batch.numbers, batch.items, strict=True)
    numbered.sort(key=lambda each: (each[0], each[1][2]))
    numbers = array("q", [number for number, _ in numbered])
    return Batch(numbers[0], [item for _, item in numbered], numbers)
