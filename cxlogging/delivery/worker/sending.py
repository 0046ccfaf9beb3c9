"""One request: made of a batch, compressed, sent, and its answer interpreted."""

from __future__ import annotations

from collections.abc import Callable

from ...wire.http import Action, Verdict
from ..http.compression import UNDECIDED, Trial
from ..http.interface import ItemTransport, TransportError
from ..lane import Lane
from ..process.state import PROCESS, Phase
from .backoff import RETRY_AFTER_MAXIMUM, retry_after
from .in_flight import UNNUMBERED, Batch
from .settling import Outcome

REASON_LENGTH = 240
"""Characters of a vendor's reason that are kept."""

TRIAL_SECONDS = 1.5
"""The time of a request on trial: less than a closing handler waits for an answer."""

JUDGED = frozenset({Action.SPLIT, Action.ISOLATE, Action.REFUSED, Action.HOLD})
"""Verdicts on the records themselves, or on everything that could be sent."""

MOST_UNREAD = 3
"""So often a batch is sent whose answers say success but cannot be read to the end."""


def send(lane: Lane, batch: Batch, seconds: float) -> Outcome:
    """
    Send one request; return what came of it.

    One that was compressed on trial, or refused though compressed, is sent again plain
    at once: only the answer to the plain request says what the vendor thinks of the records.
    """
    encoding = lane.encoding
    with lane.lock:
        name, is_trial = encoding.begin(may_try=PROCESS.phase is Phase.RUNNING)
    outcome = attempt(lane, batch, name, min(seconds, TRIAL_SECONDS) if is_trial else seconds)
    action = outcome.verdict.action
    if action is Action.DELIVERED:
        if encoding.trial in UNDECIDED:
            with lane.lock:
                encoding.delivered(name)
        return outcome
    if name is None or encoding.trial is Trial.NONE:
        return outcome
    judged = action in JUDGED
    plain = attempt(lane, batch, None, seconds) if is_trial or judged else None
    taken = plain is not None and plain.verdict.action is Action.DELIVERED
    with lane.lock:
        ended = encoding.failed(taken_plain=taken, judged=judged)
    if ended:
        reason = f"a request with {name} failed ({outcome.verdict.reason})"
        sentence = f"{reason}: requests stay uncompressed, as with compression=None"
        lane.diagnostics.say("compression", name, sentence)
    return outcome if plain is None else plain._replace(requests=2)


def attempt(lane: Lane, batch: Batch, encoding: str | None, seconds: float) -> Outcome:
    """Send the items of *batch* in *encoding*; return what came of it, without secrets."""
    outcome = _attempt(lane, batch, encoding, seconds)
    verdict = outcome.verdict
    if not verdict.reason and not verdict.items:
        return outcome
    shown = {reason: _shown(lane.mask, reason) for _, reason in verdict.items.values()}
    items = {index: (action, shown[reason]) for index, (action, reason) in verdict.items.items()}
    reason = _shown(lane.mask, verdict.reason)
    return outcome._replace(verdict=verdict._replace(reason=reason, items=items))


def _shown(mask: Callable[[str], str], reason: str) -> str:
    """Return what is shown of a text from outside: masked before it is cut, to mask all of it."""
    line = " ".join(mask(reason).split())
    return "".join(each if each.isprintable() else "?" for each in line[:REASON_LENGTH])


def _attempt(lane: Lane, batch: Batch, encoding: str | None, seconds: float) -> Outcome:
    destination, items = lane.destination, batch.items
    try:
        if isinstance(lane.transport, ItemTransport):
            return _publish(lane, lane.transport, batch, seconds)
        request = destination.request([data for _, data, _ in items])
        raw, body = len(request.body), request.body
        if encoding is not None:
            body = lane.encoding.compress(body)
        if len(body) > destination.limits.wire_bytes and len(items) > 1:
            return Outcome(Verdict(Action.SPLIT, "too large once compressed"))
        request = request._replace(body=body)  # the other one is not kept while it is sent
        if lane.transport is None:
            return Outcome(Verdict(Action.HOLD, f"{destination.missing} is not set"))
        response = lane.transport.send(request, encoding, seconds)
        verdict = destination.interpret(response, len(items))
    except TransportError as error:
        verdict = Verdict(Action.RETRY, str(error), cure=error.cure)
        return Outcome(verdict, timed_out=error.timed_out)
    except Exception as error:  # whatever it is, the items are not lost by it
        return Outcome(Verdict(Action.RETRY, f"{type(error).__name__}: {error}"))
    if verdict.action is Action.DELIVERED and not (verdict.items or verdict.failed):
        return Outcome(verdict, raw=raw, sent=len(body))
    wait = retry_after(response.headers, lane.clock.wall())
    if wait is None and verdict.wait is not None:
        wait = min(verdict.wait, RETRY_AFTER_MAXIMUM)
    if verdict.action is Action.RETRY and 200 <= response.status < 300 and not response.complete:
        verdict = _believed(batch, verdict, response.status)
    return Outcome(verdict, wait, raw=raw, sent=len(body))


def _publish(lane: Lane, transport: ItemTransport, batch: Batch, seconds: float) -> Outcome:
    """Publish the items of *batch*; return what came of it."""
    # An item on disk is known by its place: another process may have sent it before.
    places = [place for _, _, place in batch.items]
    with lane.lock:
        found = [lane.queue.origin(place) if place else None for place in places]
    origins = [
        origin or transport.origin(UNNUMBERED if place else number)
        for origin, place, number in zip(found, places, batch.numbers, strict=True)
    ]
    verdict, size = transport.publish(batch.items, origins, seconds)
    return Outcome(verdict, raw=size, sent=size)


def _believed(batch: Batch, verdict: Verdict, status: int) -> Verdict:
    """Return the verdict on an answer that says success and cannot be read, often enough."""
    if batch.count_unread() < MOST_UNREAD:
        return verdict
    records = "1 record counts" if len(batch) == 1 else f"{len(batch)} records count"
    return Verdict(
        Action.DELIVERED,
        f"HTTP {status} whose answer could not be read, {MOST_UNREAD} times:"
        f" {records} as delivered",
    )
