"""The waiting line: what every kind of it offers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

Item = tuple[int, bytes, int]
"""A record's level number, the record as the vendor's item, and its place on disk; 0 is none."""


def data_bytes(items: Sequence[Item]) -> int:
    """Return the bytes of *items* themselves."""
    return sum([len(data) for _, data, _ in items])


News = tuple[str, str, str]


class Buffer(Protocol):
    """
    A waiting line of items, bounded in bytes.

    `put` is called by any thread, by signal handlers and by finalizers, at any
    moment: it must not wait for a lock. Everything else is called under the
    delivery's lock.

    Attributes:
        came: How many items ever came.
        arrived: Bytes of all items that ever came.
        left: Bytes of those that left the line again: taken, or given up for newer ones.
        held: Bytes of all items that have no outcome yet, waiting or taken.
        bound: What ``held`` may come to.
        full: Says that there is no room, and where.
        evicted: How many items have left the line for newer ones.
        spooled: How many of the items that wait do so on disk.
        backlog: Whether items of a process that has ended are there to be adopted.
        fold_bytes: So many bytes are worth a `fold`.
        news: What a person should hear: kind, topic and sentence, as `Diagnostics.say`
            takes them; without a topic, trouble of this kind has passed.
        on_news: Called in a log call that finds news of trouble with the disk.
    """

    came: int
    arrived: int
    left: int
    evicted: int
    on_news: Callable[[], None]

    @property
    def held(self) -> int: ...
    @property
    def bound(self) -> int: ...
    @property
    def full(self) -> str: ...
    @property
    def spooled(self) -> int: ...
    @property
    def backlog(self) -> bool: ...
    @property
    def fold_bytes(self) -> int: ...
    @property
    def news(self) -> deque[News]: ...

    def put(self, item: Item) -> bool:
        """Take *item* into the line; False where the overflow policy drops it."""
        ...

    def take(self, count: int, size: int) -> list[Item]:
        """Remove and return the front of the line: at most *count* items and *size* bytes."""
        ...

    def adopt(self, count: int, size: int) -> list[Item]:
        """Return as many items that a process left behind when it ended."""
        ...

    def settle(self, items: Sequence[Item]) -> None:
        """Forget *items* that were taken: they have their outcome."""
        ...

    def reject(self, item: Item, reason: str) -> None:
        """Keep a copy of *item*, which the vendor refused, where such are kept."""
        ...

    def fold(self) -> bool:
        """Make what waits smaller, a piece at a time; False where there is nothing to do."""
        ...

    def tend(self, now: float, *, at_once: bool = False) -> float:
        """
        Do what is due from time to time; return when to come again.

        Args:
            now: Monotonic seconds.
            at_once: Do it also where it is not due yet.
        """
        ...

    def perish(self) -> list[Item]:
        """Remove and return those that wait and would not outlive the process."""
        ...

    def release(self) -> None:
        """Let go of files that nothing waits in; the next item opens new ones."""
        ...

    def forget(self) -> None:
        """Let go of everything that belongs to the parent, in a fork's child."""
        ...

    def __len__(self) -> int:
        """Return how many items wait."""
        ...
