"""What an answer changes: items get their outcome, or are sent again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from ...wire.http import Action, Verdict
from ..diagnostics import Diagnostics
from ..drops import OnDrop, report_lost
from ..lane import Lane
from ..queue.queue import Item
from .backoff import backoff
from .in_flight import Batch
from .pacing import SLOW_BATCH, Health


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


class SettlementReport(NamedTuple):
    """
    What the operator should know of a settlement; written outside the lock.

    Attributes:
        trouble: What went wrong; empty where nothing did.
        topic: The part of *trouble* that does not differ from request to request.
        rejected: The level and the reason of each record that the vendor refused.
        recovered: The vendor takes records again.
        partly: What it means that only a part of the batch was taken; empty where all was.
        whole: The vendor takes whole batches again.
        cure: What can be done about it.
    """

    trouble: str = ""
    topic: str = ""
    rejected: Sequence[tuple[int, str]] = ()
    recovered: bool = False
    partly: str = ""
    whole: bool = False
    cure: str = ""

    def write(self, diagnostics: Diagnostics, on_drop: OnDrop | None) -> None:
        """Write it, as far as it is new, and call *on_drop*."""
        report_lost(on_drop, "rejected", Counter(level for level, _ in self.rejected))
        if self.recovered:
            diagnostics.passed("delivery", "delivers again")
        if self.trouble:
            diagnostics.say("delivery", self.topic, f"{self.trouble} {self.cure}".rstrip())
        if self.partly:
            diagnostics.say("partly", "partly", f"{self.partly} {self.cure}".rstrip())
        if self.whole:
            diagnostics.passed("partly", "takes whole batches again")
        for _, reason in self.rejected[:1]:
            sentence = f"refused a record, which is lost: {reason} {self.cure}".rstrip()
            diagnostics.say("rejected", _topic(reason), sentence)


def settle(lane: Lane, batch: Batch, outcome: Outcome, now: float) -> SettlementReport:
    """
    Give the items of *batch* what *outcome* means for them. Under the delivery's lock.

    Args:
        lane: The delivery's state.
        batch: As it was sent.
        outcome: What came of it.
        now: Monotonic time.

    Returns:
        What the operator should know.
    """
    verdict = outcome.verdict
    if batch.abandoned:
        lane.ledger.answered(outcome.requests)
        return SettlementReport(cure=verdict.cure)
    items = lane.in_flight.finish(batch)
    health = lane.pace.health
    if verdict.action is Action.DELIVERED and not (verdict.items or verdict.failed):
        report, retry, error = _delivered(lane, items, outcome, now)
    else:
        report, retry, error = _ACTIONS[verdict.action](lane, batch, outcome, now)
    if verdict.reason:
        error = verdict.reason
        if verdict.cure:
            error = f"{ended(verdict.reason)} {verdict.cure.rstrip('.')}"
    lane.ledger.answered(outcome.requests, error, retry=retry)
    recovered = health is not Health.HEALTHY and lane.pace.is_healthy
    return report._replace(cure=verdict.cure, recovered=recovered)


Settled = tuple[SettlementReport, bool, str]
"""What the operator should know, whether items are sent again, and the reason for that."""


def _delivered(lane: Lane, items: Sequence[Item], outcome: Outcome, now: float) -> Settled:
    lane.ledger.deliver(len(items), outcome.raw, outcome.sent)
    lane.queue.settle(items)
    lane.pace.delivered(outcome.seconds)
    lane.acknowledge(now)
    return _report_whole(lane, outcome, now), False, ""


def _one_by_one(lane: Lane, batch: Batch, outcome: Outcome, now: float) -> Settled:
    """Settle a batch of which some items have another outcome than the rest."""
    done: list[Item] = []
    again: list[int] = []
    unknown: list[int] = []
    rejected: list[tuple[int, str]] = []
    error = ""
    for index, item in enumerate(batch.items):
        action, reason = _of_item(outcome.verdict, index, len(batch))
        if action is Action.RETRY:
            again.append(index)
            error = reason
        elif action is Action.ISOLATE:
            unknown.append(index)
        else:
            done.append(item)
            if action is not Action.DELIVERED:
                rejected.append(_reject(lane, item, reason))
    lane.ledger.deliver(len(done) - len(rejected), outcome.raw, outcome.sent)
    # What was sent together may have been gathered from several places on disk.
    done.sort(key=itemgetter(2))
    lane.queue.settle(done)
    if done or not again:
        lane.pace.delivered(outcome.seconds)
    if unknown:
        lane.in_flight.put_back(*batch.part(unknown).singles())
    if again:
        _postpone(lane, batch, again, outcome, now)
    if done:
        lane.acknowledge(now)
    if again:
        return _report_partly(error, rejected, any_done=bool(done)), True, error
    return _report_whole(lane, outcome, now)._replace(rejected=rejected), False, ""


def _of_item(verdict: Verdict, index: int, count: int) -> tuple[Action, str]:
    """
    Return what becomes of the item at *index* of *count*, and the reason.

    `Action.ISOLATE`: it may be one of those that failed, and is sent again on its own.
    """
    if index in verdict.items or not verdict.failed:
        return verdict.items.get(index, (Action.DELIVERED, ""))
    return (Action.REFUSED if count == 1 else Action.ISOLATE), verdict.reason


def _report_partly(
    error: str, rejected: Sequence[tuple[int, str]], *, any_done: bool
) -> SettlementReport:
    if any_done:
        partly = f"takes a part of each batch, and is sent the rest again: {error}"
        return SettlementReport(rejected=rejected, partly=partly)
    trouble = f"{error}. Records wait, and are sent again."
    return SettlementReport(trouble, _topic(error), rejected)


def _report_whole(lane: Lane, outcome: Outcome, now: float) -> SettlementReport:
    reason = outcome.verdict.reason
    whole = lane.in_flight.leftovers.have_ended(now)
    return SettlementReport(f"{reason}." if reason else "", _topic(reason), whole=whole)


def _postpone(lane: Lane, batch: Batch, again: list[int], outcome: Outcome, now: float) -> None:
    """
    Have the items of *batch* at *again* sent again, beside what still waits.

    Where none was taken, either these items or the vendor are the cause: they wait longer each
    time, and items that were not tried before show which it is.
    """
    random, options = lane.clock.random, lane.options
    fruitless = batch.fruitless + 1 if len(again) == len(batch) else 0
    rest = batch.part(again, fruitless)
    pause = lane.leftover_pause() * (1 + random()) / 2
    if fruitless:
        longer = backoff(fruitless, options.retry_initial, options.retry_maximum, random())
        pause = max(pause, longer)
        if not batch.is_leftover:
            lane.pace.failed(now, outcome.wait, random())
    wait = outcome.wait or 0.0
    lane.in_flight.leftovers.add(rest, now, max(pause, wait), by_request=wait > pause)


def _retry(lane: Lane, batch: Batch, outcome: Outcome, now: float) -> Settled:
    if outcome.timed_out and len(batch) > 1 and batch.data_bytes > SLOW_BATCH:
        lane.pace.shrink(batch.data_bytes, SLOW_BATCH)
        lane.in_flight.put_back(*batch.halves())
    else:
        lane.in_flight.put_back(batch)
    lane.pace.failed(now, outcome.wait, lane.clock.random())
    return _waiting(outcome, "Records wait, and are sent again."), True, ""


def _split(lane: Lane, batch: Batch, outcome: Outcome, now: float) -> Settled:
    lane.pace.shrink(batch.data_bytes)
    return _isolate(lane, batch, outcome, now)


def _isolate(lane: Lane, batch: Batch, outcome: Outcome, now: float) -> Settled:
    if len(batch) == 1:
        return _refused(lane, batch, outcome, now)
    lane.in_flight.put_back(*batch.halves())
    return SettlementReport(), False, ""


def _refused(lane: Lane, batch: Batch, outcome: Outcome, now: float) -> Settled:
    rejected = [_reject(lane, item, outcome.verdict.reason) for item in batch.items]
    lane.queue.settle(batch.items)
    lane.pace.refused(now)
    lane.acknowledge(now)
    return SettlementReport(rejected=rejected), False, ""


def _hold(lane: Lane, batch: Batch, outcome: Outcome, now: float) -> Settled:
    lane.in_flight.put_back(batch)
    lane.pace.hold(now)
    return _waiting(outcome, "Records wait until this is fixed."), True, ""


_ACTIONS = {
    Action.DELIVERED: _one_by_one,
    Action.RETRY: _retry,
    Action.SPLIT: _split,
    Action.ISOLATE: _isolate,
    Action.REFUSED: _refused,
    Action.HOLD: _hold,
}


def _reject(lane: Lane, item: Item, reason: str) -> tuple[int, str]:
    lane.ledger.reject(item[0], reason)
    lane.queue.reject(item, reason)
    return item[0], reason


def _waiting(outcome: Outcome, then: str) -> SettlementReport:
    reason = outcome.verdict.reason
    return SettlementReport(f"{ended(reason)} {then}", _topic(reason))


def ended(reason: str) -> str:
    """Return *reason* as a sentence with an end."""
    return reason if reason.endswith((".", "?", "!")) else f"{reason}."


def _topic(reason: str) -> str:
    """Return the part of a reason that does not differ from request to request."""
    return reason.split(":", 1)[0]
