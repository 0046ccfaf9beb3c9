"""The queue of a delivery: what every kind of it offers, its bound, and what happens near it."""

from __future__ import annotations

import _thread
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ...wire.threads import HAS_GIL
from ..clock import Clocks
from ..options import Options

EVICTION_SECONDS = 0.01
"""How long a log call that evicts waits for the delivery's lock."""

PUT_SECONDS = 1.0
"""Without the GIL: how long a log call waits for that of another thread."""

Item = tuple[int, bytes, int]
"""A record's level number, the record as the vendor's item, and its place on disk; 0 is none."""


class ItemOrigin(NamedTuple):
    """
    Where an item comes from: the same for ever, and no other item's.

    Attributes:
        run: Random, of the process run or of the journal.
        number: The item's, in that run.
        spacing: 0: numbers count items. Else the next number is as many bytes further as the
            item has, and so many more.
    """

    run: str
    number: int
    spacing: int = 0

    def following(self, size: int) -> ItemOrigin:
        """Return the origin of the item that follows one of *size* bytes."""
        step = self.spacing + size if self.spacing else 1
        return ItemOrigin(self.run, self.number + step, self.spacing)  # _replace is slower


Notice = tuple[str, str, str]
"""
Something that the operator should know: kind, topic and sentence, as `Diagnostics.say` takes
them. Without a topic, trouble of this kind is over.
"""

Report = Callable[[str, str, str], None]
"""Called with the parts of a `Notice`."""


def data_bytes(items: Sequence[Item]) -> int:
    """Return the bytes of *items* themselves."""
    return sum([len(data) for _, data, _ in items])


def shares(bound: int) -> tuple[int, int, int]:
    """Return how full the queue may be for DEBUG, INFO and WARNING; ERROR may fill all of it."""
    return bound * 70 // 100, bound * 85 // 100, bound * 95 // 100


def _nothing() -> None: ...


def _one_at_a_time(put: Callable[[Any, Item], bool]) -> Callable[[Any, Item], bool]:
    """
    Return *put* for a build without the GIL: one thread at a time.

    A signal handler or a finalizer may call it again in the same thread. At the exit, a
    frozen thread may keep the lock for ever: then the call goes on without it.
    """

    def locked_put(queue: Any, item: Item) -> bool:
        is_held = queue.put_lock.acquire(timeout=PUT_SECONDS)
        try:
            return put(queue, item)
        finally:
            if is_held:
                queue.put_lock.release()

    return locked_put


class Queue(ABC):
    """
    A queue of items, bounded in bytes.

    `put` is called by any thread, by signal handlers and by finalizers, at any moment: it must
    not wait for a lock. Everything else is called under the delivery's lock.

    An addition to an attribute in a line of code that calls nothing is atomic under the GIL: the
    interpreter switches threads and runs signal handlers only at calls and loops. Without the
    GIL, each `put` holds a lock of the queue instead: see "Thread safety" in CONTRIBUTING.md.

    Args:
        options: ``overflow`` and ``block_timeout``.
        bound: Bytes.
        clock: For ``overflow="block"``.
        evicted: Called with the level of each item that is evicted for newer ones.
        lock: The delivery's lock.

    Attributes:
        items_in: How many items were ever put.
        bytes_in: Bytes of all items that were ever put.
        bytes_out: Bytes of those that left the queue again: taken or evicted.
        evicted: How many items left it without being taken, as for newer ones.
        bound: The most that ``bytes_held`` may be.
        fold_bytes: So many bytes are worth a `fold`.
        item_overhead: Bytes that each item takes in the queue beyond its own.
        maintain_at: Monotonic time at which `maintain` is due.
        needs_care: `maintain` is to be called in each turn of a worker, due or not.
        notices: What the operator should know.
        on_notice: What `listen` set.
        put_lock: Held during `put` on a build without the GIL.
    """

    fold_bytes: int
    item_overhead: int

    def __init_subclass__(cls) -> None:
        if not HAS_GIL and "put" in vars(cls):
            cls.put = _one_at_a_time(cls.put)  # type: ignore[assignment] # mypy: "self" is Any

    def __init__(
        self,
        options: Options,
        bound: int,
        clock: Clocks,
        evicted: Callable[[int], None],
        lock: _thread.RLock,
    ) -> None:
        self.items_in = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.evicted = 0
        self.maintain_at = 0.0
        self.needs_care = True
        self.notices: deque[Notice] = deque()
        self.on_notice: Callable[[], None] = _nothing
        self._settled = 0
        self._refuse = {
            "shed": self._shed,
            "drop_newest": self._drop_newest,
            "drop_oldest": self._drop_oldest,
            "block": self._block,
        }[options.overflow]
        self._sheds = options.overflow == "shed"
        self._block_timeout = options.block_timeout
        self._clock = clock
        self._on_evicted = evicted
        self._lock = lock
        self._room = _thread.allocate_lock()
        self.put_lock = _thread.RLock()
        self._resize(bound)

    @abstractmethod
    def put(self, item: Item) -> bool:
        """Add *item*; return False where the overflow policy drops it."""

    @abstractmethod
    def take(self, count: int, size: int) -> list[Item]:
        """Remove and return the oldest items: at most *count* of them and *size* bytes."""

    @abstractmethod
    def adopt(self, count: int, size: int) -> list[Item]:
        """Return as many items that a process left behind when it ended."""

    @abstractmethod
    def settle(self, items: Sequence[Item]) -> None:
        """Forget *items* that were taken: they have their outcome."""

    @abstractmethod
    def reject(self, item: Item, reason: str) -> None:
        """Keep a copy of *item*, which the vendor refused, where such are kept."""

    @abstractmethod
    def fold(self) -> bool:
        """Compress what waits, a piece at a time; return False where there is nothing to do."""

    @abstractmethod
    def maintain(self, now: float, *, at_once: bool = False) -> None:
        """
        Do what is due from time to time, and note when it is due again.

        Args:
            now: Monotonic seconds.
            at_once: Do it also where it is not due yet.
        """

    @abstractmethod
    def drop_volatile(self) -> list[Item]:
        """Remove and return the waiting items that would not outlive the process."""

    @abstractmethod
    def release(self) -> None:
        """Close files in which nothing waits; the next item opens new ones."""

    @abstractmethod
    def reset_after_fork(self) -> None:
        """Close everything that belongs to the parent, in a fork's child."""

    @abstractmethod
    def __len__(self) -> int:
        """Return how many items wait."""

    @property
    @abstractmethod
    def spooled(self) -> int:
        """How many of the waiting items are on disk."""

    @property
    @abstractmethod
    def backlog(self) -> bool:
        """Whether items of a process that has ended are there to be adopted."""

    @property
    @abstractmethod
    def full(self) -> str:
        """A sentence that says that there is no room, and where."""

    def origin(self, place: int) -> ItemOrigin | None:  # noqa: ARG002 - nothing in memory has a place
        """Return where the item at *place* on disk comes from; None where it was never there."""
        return None

    @property
    def bytes_held(self) -> int:
        """Bytes of all items that have no outcome yet, waiting or taken."""
        return self.bytes_in - self._settled

    @property
    def data_in(self) -> int:
        """The items' own bytes, of all that were ever put."""
        return self.bytes_in - self.items_in * self.item_overhead

    def listen(self, on_notice: Callable[[], None]) -> None:
        """Have *on_notice* called in a log call that adds a notice of trouble with the disk."""
        self.on_notice = on_notice

    def _resize(self, bound: int) -> None:
        self.bound = bound
        self._debug, self._info, self._warning = shares(bound)
        self._fast_limit = self._debug if self._sheds else bound

    @abstractmethod
    def _evict(self, size: int) -> None:
        """Evict the oldest items, at least *size* bytes if there is so much. Under the lock."""

    def _count_evicted(self, items: Sequence[Item]) -> None:
        """Count *items*, which were evicted."""
        for level, _, _ in items:
            self._on_evicted(level)
        self.evicted += len(items)

    def _make_room(self) -> None:
        """Wake a log call that waits for room."""
        if self._room.locked():
            self._room.release()

    def _shed(self, level: int, size: int) -> bool:
        if level <= 10:
            share = self._debug
        elif level <= 20:
            share = self._info
        else:
            share = self._warning if level <= 30 else self.bound
        return self.bytes_held + size > share

    def _drop_newest(self, level: int, size: int) -> bool:  # noqa: ARG002 - all levels are equal
        return self.bytes_held + size > self.bound

    def _drop_oldest(self, level: int, size: int) -> bool:  # noqa: ARG002 - all levels are equal
        if size > self.bound:
            return True  # evicting all the others would make no room for it
        # Eviction must not run beside the worker's `take`; a wait without limit could deadlock
        # with another thread's lock, so the newest item is dropped where the lock is busy.
        if not self._lock.acquire(timeout=EVICTION_SECONDS):
            return True
        try:
            missing = self.bytes_held + size - self.bound
            if missing > 0:
                self._evict(missing)
        finally:
            self._lock.release()
        return self.bytes_held + size > self.bound

    def _block(self, level: int, size: int) -> bool:  # noqa: ARG002 - all levels are equal
        end = self._clock.monotonic() + self._block_timeout
        while self.bytes_held + size > self.bound:
            remaining = end - self._clock.monotonic()
            if remaining <= 0:
                return True
            self._room.acquire(timeout=min(remaining, 0.05))
        return False
