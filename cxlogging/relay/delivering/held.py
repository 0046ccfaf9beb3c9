"""The messages that a relay holds: fetched from the stream, and not acknowledged yet."""

from __future__ import annotations

import bisect
import operator
from collections.abc import Iterator, Sequence
from typing import Any

from ...delivery.nats.message import StreamItem, StreamMessage
from ...delivery.queue.queue import Item, ItemOrigin
from ..seen import ItemRange

PLACES = 2**20
"""Items of one message, at most; an item's place is its message's number, and its own in there."""


class HeldMessage:
    """
    A message that is not acknowledged yet.

    `settle` and `reject` are called on workers, under the lock of the one delivery that has all
    of its items; everything else on the thread of the loop.

    Args:
        number: From 1, of this relay.
        raw: As the client delivered it.
        content: What is in it; None where it cannot be read.
        wanted: Indexes of the items that are to be delivered: the others were before.
        refusal: Why no vendor gets the whole message; empty where one does.

    Attributes:
        raw: As it was delivered last.
        rejected: The indexes of what the vendor refused, so far, with its words.
        run: The run of its items.
    """

    def __init__(
        self,
        number: int,
        raw: Any,
        content: StreamMessage | None,
        wanted: Sequence[int] = (),
        refusal: str = "",
    ) -> None:
        self.number = number
        self.raw = raw
        self.content = content
        self.size = len(raw.data)
        self.sequence: int = raw.metadata.sequence.stream
        self.wanted = wanted
        self.refusal = refusal
        self.rejected: dict[int, str] = {}
        self._open = len(wanted)
        self.items: Sequence[StreamItem] = () if content is None else content.items
        self.run = self.items[0].run if self.items else ""
        self._numbers = [item.number for item in self.items]
        self._spacing = 0 if content is None else content.spacing
        if self.items:
            self._numbers.append(self.origin(-1).following(len(self.items[-1].data)).number)

    @property
    def first(self) -> int:
        """The number of its first item; 0 where it cannot be read."""
        return self._numbers[0] if self._numbers else 0

    def __lt__(self, other: HeldMessage) -> bool:
        return self.first < other.first

    @property
    def is_open(self) -> bool:
        """Whether some of its items have no outcome yet."""
        return self._open > 0

    def overlaps(self, first: int, last: int) -> bool:
        """Return whether it has items of its run between these two numbers."""
        return bool(self.items) and self._numbers[0] <= last and first < self._numbers[-1]

    def chosen(self) -> list[tuple[int, StreamItem]]:
        """Return the items that are to be delivered, with their indexes."""
        return [(index, self.items[index]) for index in self.wanted]

    def origin(self, index: int) -> ItemOrigin:
        """Return the origin of the item at *index*."""
        return ItemOrigin(self.run, self.items[index].number, self._spacing)

    def place(self, index: int) -> int:
        """Return the place of the item at *index*, which names the message too."""
        return self.number * PLACES + index

    def reject(self, index: int, reason: str) -> None:
        """Note that the vendor refused the item at *index*; `settle` follows."""
        self.rejected[index] = reason

    def settle(self, count: int) -> bool:
        """Note that so many items have their outcome; return whether all have."""
        self._open -= count
        return self._open <= 0

    def delivered(self, indexes: Sequence[int]) -> list[ItemRange]:
        """Return the items at *indexes*, but for what the vendor refused, as few ranges."""
        taken = sorted(index for index in indexes if index not in self.rejected)
        return [
            ItemRange(self.run, self._numbers[begin], self._numbers[end])
            for begin, end in spans(taken)
        ]

    def refused(self) -> list[tuple[int, int, str]]:
        """Return what the vendor refused, as spans of indexes with one reason each."""
        by_reason: dict[str, list[int]] = {}
        for index, reason in self.rejected.items():
            by_reason.setdefault(reason, []).append(index)
        return [
            (begin, end, reason)
            for reason, indexes in by_reason.items()
            for begin, end in spans(sorted(indexes))
        ]


def spans(indexes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the ascending *indexes* as spans: the first of each, and the one after its last."""
    start = 0
    for at, index in enumerate(indexes):
        if at + 1 == len(indexes) or indexes[at + 1] != index + 1:
            yield indexes[start], index + 1
            start = at + 1


def by_message(items: Sequence[Item]) -> dict[int, list[int]]:
    """Return the indexes of *items* in their messages, by the message's number."""
    found: dict[int, list[int]] = {}
    for _, _, place in items:
        number, index = divmod(place, PLACES)
        found.setdefault(number, []).append(index)
    return found


class InHand:
    """
    The messages that a relay holds, by their number in the stream.

    No two of them have items in common that are to be delivered.

    Attributes:
        size: Bytes of all of them.
    """

    def __init__(self) -> None:
        self._messages: dict[int, HeldMessage] = {}
        self._runs: dict[str, list[HeldMessage]] = {}
        self.size = 0

    def add(self, message: HeldMessage) -> None:
        """Hold *message*."""
        self._messages[message.sequence] = message
        if message.wanted:
            bisect.insort(self._runs.setdefault(message.run, []), message)
        self.size += message.size

    def remove(self, message: HeldMessage) -> None:
        """Hold *message* no more, if it is held."""
        if self._messages.get(message.sequence) is not message:
            return
        del self._messages[message.sequence]
        self.size -= message.size
        if message.wanted:
            others = self._runs[message.run]
            others.remove(message)
            if not others:
                del self._runs[message.run]

    def get(self, sequence: int) -> HeldMessage | None:
        """Return the message with this number in the stream."""
        return self._messages.get(sequence)

    def overlaps(self, items: Sequence[StreamItem]) -> bool:
        """Return whether some of *items*, which are of one run, are in a message that is held."""
        held = self._runs.get(items[0].run, ())
        first, last = items[0].number, items[-1].number
        after = bisect.bisect_right(held, last, key=operator.attrgetter("first"))
        return after > 0 and held[after - 1].overlaps(first, last)

    def __iter__(self) -> Iterator[HeldMessage]:
        return iter(tuple(self._messages.values()))

    def __len__(self) -> int:
        return len(self._messages)
