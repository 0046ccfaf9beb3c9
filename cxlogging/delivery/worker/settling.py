"""What an answer changes: items get their outcome, or go back to the front of the line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from ...wire.http import Action, Verdict
from ..diagnostics import Diagnostics
from ..drops import OnDrop, tell_lost
from ..queue.batch import Batch
from ..queue.queue import Item
from .backoff import backoff
from .pacing import SLOW_BATCH, State

if TYPE_CHECKING:
    from ..delivery import Delivery


class Outcome(NamedTuple):
    """
    What came of one request.

    Attributes:
        verdict: What it means for the items.
        wait: Seconds that the vendor asks to wait.
        timed_out: No answer came in time.
        seconds: How long the request took.
        raw: Bytes of the body.
        sent: Bytes of the body on the wire.
        requests: How many were sent for it.
    """

    verdict: Verdict
    wait: float | None = None
    timed_out: bool = False
    seconds: float = 0.0
    raw: int = 0
    sent: int = 0
    requests: int = 1


class News:
    """
    What a person should hear of a settlement; told outside the lock.

    Args:
        cure: What can be done about it.
    """

    def __init__(self, cure: str = "") -> None:
        self.trouble: tuple[str, str] | None = None
        self.rejected: list[tuple[int, str]] = []
        self.recovered = False
        self.partly = ""
        self.whole = False
        self.cure = cure

    def tell(self, diagnostics: Diagnostics, on_drop: OnDrop | None) -> None:
        """Say it, as far as it is new."""
        tell_lost(on_drop, "rejected", Counter(level for level, _ in self.rejected))
        if self.recovered:
            diagnostics.passed("delivery", "delivers again")
        if self.trouble is not None:
            topic, sentence = self.trouble
            diagnostics.say("delivery", topic, f"{sentence} {self.cure}".rstrip())
        if self.partly:
            diagnostics.say("partly", "partly", f"{self.partly} {self.cure}".rstrip())
        if self.whole:
            diagnostics.passed("partly", "takes whole batches again")
        for _, reason in self.rejected[:1]:
            sentence = f"refused a record, which is lost: {reason} {self.cure}".rstrip()
            diagnostics.say("rejected", _topic(reason), sentence)


def settle(delivery: Delivery, batch: Batch, outcome: Outcome, now: float) -> News:
    """
    Give the items of *batch* what *outcome* means for them. Under the delivery's lock.

    Args:
        delivery: Whose batch it is.
        batch: As it was sent.
        outcome: What came of it.
        now: Monotonic time.
    """
    ledger, verdict = delivery.ledger, outcome.verdict
    ledger.requests += outcome.requests
    news = News(cure=verdict.cure)
    if batch.abandoned:
        return news
    delivery.unsettled.landed(batch)
    was_sound = delivery.pace.state is State.SOUND
    _ACTIONS[verdict.action](delivery, batch, outcome, now, news)
    if verdict.reason:
        ledger.last_error = verdict.reason
        if verdict.cure:
            ledger.last_error = f"{ended(verdict.reason)} {verdict.cure.rstrip('.')}"
    news.recovered = not was_sound and delivery.pace.state is State.SOUND
    return news


def _delivered(delivery: Delivery, batch: Batch, outcome: Outcome, now: float, news: News) -> None:
    done: Sequence[Item] = batch.items
    again: list[int] = []
    if outcome.verdict.items:
        done, again = _one_by_one(delivery, batch, outcome, news)
    delivery.ledger.delivered += len(done) - len(news.rejected)
    delivery.ledger.bytes_raw += outcome.raw
    delivery.ledger.bytes_sent += outcome.sent
    delivery.buffer.settle(done)
    if done or not again:
        delivery.pace.delivered(outcome.seconds)
    if again:
        _postpone(delivery, batch, again, outcome, now)
        reason = delivery.ledger.last_error
        if done:
            news.partly = f"takes a part of each batch, and is sent the rest again: {reason}"
        else:
            news.trouble = (_topic(reason), f"{reason}. Records wait, and are sent again.")
    elif delivery.unsettled.leftovers.have_passed(now):
        news.whole = True
    if not again and outcome.verdict.reason:
        news.trouble = (_topic(outcome.verdict.reason), f"{outcome.verdict.reason}.")
    if done:
        delivery.acknowledge(now)


def _one_by_one(
    delivery: Delivery, batch: Batch, outcome: Outcome, news: News
) -> tuple[list[Item], list[int]]:
    """Return the items that have their outcome, and the positions of those that go again."""
    done, again = [], []
    for index, item in enumerate(batch.items):
        action, reason = outcome.verdict.items.get(index, (Action.DELIVERED, ""))
        if action is Action.RETRY:
            again.append(index)
            delivery.ledger.last_error = reason
            continue
        if action is not Action.DELIVERED:
            _reject(delivery, item, reason, news)
        done.append(item)
    # What travelled together may have been gathered from several places on disk.
    done.sort(key=itemgetter(2))
    return done, again


def _postpone(
    delivery: Delivery, batch: Batch, again: list[int], outcome: Outcome, now: float
) -> None:
    """
    Have the items of *batch* at *again* go again, beside what still waits.

    Where none was taken, it is they or the vendor: they wait longer each time, and what was
    not tried before shows which it is.
    """
    rest = batch.part(again)
    delivery.ledger.retries += 1
    pause = delivery.leftover_pause() * (1 + delivery.clock.random()) / 2
    if len(again) == len(batch):
        rest.fruitless = batch.fruitless + 1
        options = delivery.options
        longer = backoff(
            rest.fruitless, options.retry_initial, options.retry_maximum, delivery.clock.random()
        )
        pause = max(pause, longer)
        if not batch.is_leftover:
            delivery.pace.failed(now, outcome.wait, delivery.clock.random())
    wait = outcome.wait or 0.0
    delivery.unsettled.leftovers.add(rest, now, max(pause, wait), by_request=wait > pause)


def _retry(delivery: Delivery, batch: Batch, outcome: Outcome, now: float, news: News) -> None:
    delivery.ledger.retries += 1
    if outcome.timed_out and len(batch) > 1 and batch.data_bytes > SLOW_BATCH:
        delivery.pace.shrink(batch.data_bytes, SLOW_BATCH)
        delivery.unsettled.add(*batch.halves())
    else:
        delivery.unsettled.add(batch)
    delivery.pace.failed(now, outcome.wait, delivery.clock.random())
    reason = outcome.verdict.reason
    news.trouble = (_topic(reason), f"{ended(reason)} Records wait, and are sent again.")


def _split(delivery: Delivery, batch: Batch, outcome: Outcome, now: float, news: News) -> None:
    delivery.pace.shrink(batch.data_bytes)
    _isolate(delivery, batch, outcome, now, news)


def _isolate(delivery: Delivery, batch: Batch, outcome: Outcome, now: float, news: News) -> None:
    if len(batch) > 1:
        delivery.unsettled.add(*batch.halves())
    else:
        _refused(delivery, batch, outcome, now, news)


def _refused(delivery: Delivery, batch: Batch, outcome: Outcome, now: float, news: News) -> None:
    for item in batch.items:
        _reject(delivery, item, outcome.verdict.reason, news)
    delivery.buffer.settle(batch.items)
    delivery.pace.refused(now)
    delivery.acknowledge(now)


def _hold(delivery: Delivery, batch: Batch, outcome: Outcome, now: float, news: News) -> None:
    delivery.ledger.retries += 1
    delivery.unsettled.add(batch)
    delivery.pace.hold(now)
    reason = outcome.verdict.reason
    news.trouble = (_topic(reason), f"{ended(reason)} Records wait until this is fixed.")


_ACTIONS = {
    Action.DELIVERED: _delivered,
    Action.RETRY: _retry,
    Action.SPLIT: _split,
    Action.ISOLATE: _isolate,
    Action.REFUSED: _refused,
    Action.HOLD: _hold,
}


def _reject(delivery: Delivery, item: Item, reason: str, news: News) -> None:
    delivery.ledger.reject(item[0], reason)
    delivery.buffer.reject(item, reason)
    news.rejected.append((item[0], reason))


def ended(reason: str) -> str:
    """Return *reason* as a sentence with an end."""
    return reason if reason.endswith((".", "?", "!")) else f"{reason}."


def _topic(reason: str) -> str:
    """Return the part of a reason that does not differ from request to request."""
    return reason.split(":", 1)[0]
