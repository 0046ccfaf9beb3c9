"""Items that travel together."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from .folding import Folded
from .queue import Item, data_bytes

ADOPTED = 2**62
"""The number of items that came from elsewhere: no mark of this line waits for them."""


class Batch:
    """
    Items that travel in one request.

    Args:
        first: How many items were taken from the line before its first one.
        items: At least one.
        numbers: Those of the items, ascending, where they do not follow each other.

    Attributes:
        departed: Monotonic time at which it was last sent.
        data_bytes: Bytes of the items themselves.
        durable: The items outlive the process.
        fruitless: Answers in a row that took none of the items, and asked for all of them again.
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
        "fruitless",
        "numbers",
        "unread",
    )

    def __init__(
        self, first: int, items: Sequence[Item], numbers: Sequence[int] | None = None
    ) -> None:
        self.first = first
        self._items: Sequence[Item] | None = items
        self._folded: Folded | None = None
        self._count = len(items)
        self.numbers = numbers or range(first, first + len(items))
        self.fruitless = 0
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

    @property
    def is_leftover(self) -> bool:
        """Whether it is what was left of other batches."""
        return not isinstance(self.numbers, range)

    @property
    def kind(self) -> tuple[bool, bool]:
        """What the items of one request have in common."""
        return self.durable, self.first >= ADOPTED

    def halves(self) -> tuple[Batch, Batch]:
        """Return two batches of half the items each."""
        items, numbers = self.items, self.numbers
        middle = len(items) // 2
        return (
            Batch(numbers[0], items[:middle], numbers[:middle]),
            Batch(numbers[middle], items[middle:], numbers[middle:]),
        )

    def part(self, indexes: Sequence[int]) -> Batch:
        """Return a batch of the items at *indexes*, of which there is at least one."""
        items, numbers = self.items, self.numbers
        mine = [numbers[index] for index in indexes]
        return Batch(mine[0], [items[index] for index in indexes], array("q", mine))
