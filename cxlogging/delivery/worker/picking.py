"""Which items go next: the line's own, or what other processes left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..queue.batch import ADOPTED, Batch

if TYPE_CHECKING:
    from ..delivery import Delivery

ADOPTION_TURN = 8
"""One request in so many is for what other processes left, where both wait."""


def pick(delivery: Delivery, *, is_due: bool) -> Batch | None:
    """
    Take a batch out of the line, if there is one to send. Under the delivery's lock.

    Args:
        delivery: Whose line it is.
        is_due: The line's own items are to be sent now.
    """
    turn = delivery.ledger.requests % ADOPTION_TURN == 0
    if turn and (batch := _adopt(delivery)) is not None:
        return batch
    pace, ledger = delivery.pace, delivery.ledger
    if is_due and (items := delivery.buffer.take(pace.most, pace.batch_bytes)):
        batch = Batch(delivery.position, items)
        pace.took(len(items))
        ledger.taken += len(items)
        return batch
    return None if turn else _adopt(delivery)


def _adopt(delivery: Delivery) -> Batch | None:
    if not delivery.buffer.backlog:
        return None
    items = delivery.buffer.adopt(delivery.pace.most, delivery.pace.batch_bytes)
    delivery.ledger.adopted += len(items)
    return Batch(ADOPTED, items) if items else None
