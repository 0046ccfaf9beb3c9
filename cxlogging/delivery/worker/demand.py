"""
Whether one more worker would help: a batch waits, and may be sent beside those in flight.

Log calls ask too, while all workers wait for answers: nothing here takes a lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .pacing import NEVER, State

if TYPE_CHECKING:
    from ..delivery import Delivery


class Demand:
    """
    What the line of one delivery asks of its workers.

    Args:
        delivery: Whose line it is.
    """

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._full_count = NEVER

    def note(self) -> None:
        """Note how much waits, after a look at the line. Under the delivery's lock."""
        buffer = self._delivery.buffer
        # What waits is not counted without the lock; what came is.
        self._full_count = buffer.items_in - len(buffer) + self._delivery.pace.most

    def has_room(self) -> bool:
        """Return whether one more request may be begun."""
        delivery = self._delivery
        flying = tuple(delivery.unsettled.flying)
        return delivery.pace.has_room(len(flying), sum(batch.data_bytes for batch in flying))

    def is_open(self) -> bool:
        """Return whether one more worker could send, if there was something to send."""
        return self._delivery.pace.state is State.SOUND and self.has_room()

    def is_crowded(self) -> bool:
        """Return whether a batch waits: a full one, or the rest that somebody flushes."""
        delivery = self._delivery
        buffer, pace = delivery.buffer, delivery.pace
        full = (
            buffer.items_in >= self._full_count
            or buffer.bytes_in - buffer.bytes_out >= pace.batch_bytes
        )
        # Beside what an idle line has just sent, the few that follow would overtake it.
        return full or (pace.owes and not pace.leads and bool(delivery.waiters))

    def mark(self) -> None:
        """Have the log call that fills a batch wake a worker."""
        delivery = self._delivery
        full_bytes = delivery.buffer.bytes_out + delivery.pace.batch_bytes
        delivery.wake_at(min(delivery.wake_bytes, full_bytes), self._full_count)
