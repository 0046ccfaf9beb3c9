"""Send one event to the vendor and report whether it was accepted, and if not, why."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, NamedTuple

from ..wire.event import Event, SyntheticOrigin
from ..wire.http import Action

if TYPE_CHECKING:
    from ..delivery.delivery import Delivery


class CheckResult(NamedTuple):
    """
    The result of sending one event, outside the queue.

    Attributes:
        ok: Whether the vendor accepted the event.
        cause: Why it did not; empty if it did.
        cure: What to do about it.
        seconds: How long the round trip took.
        id: The value of the event's field ``cx_check``, by which it can be found at the vendor.
    """

    ok: bool
    cause: str = ""
    cure: str = ""
    seconds: float = 0.0
    id: str = ""

    def __bool__(self) -> bool:
        return self.ok


def check(delivery: Delivery, encoding: str | None = None) -> CheckResult:
    """
    Send one event through *delivery* now, and return the result.

    Args:
        delivery: The delivery of a handler.
        encoding: The ``Content-Encoding`` of the request; None lets the delivery choose.
    """
    missing = delivery.destination.missing
    if missing:
        return CheckResult(ok=False, cause=f"{missing} is not set", cure=f"Set {missing}.")
    identity = os.urandom(6).hex()
    fields = {"cx_check": identity}
    time_ns = delivery.clock.wall_ns()
    event = Event(time_ns, logging.INFO, "INFO", "cxlogging check", fields, SyntheticOrigin())
    outcome = delivery.probe(logging.INFO, delivery.destination.encode(event), encoding)
    verdict = outcome.verdict
    refused = [reason for action, reason in verdict.items.values()]
    if verdict.action is Action.DELIVERED and not refused:
        return CheckResult(ok=True, seconds=outcome.seconds, id=identity)
    cause = verdict.reason or "; ".join(refused)
    cure = verdict.cure
    if verdict.action is Action.RETRY and not cure:
        from ..wire.settings import is_loopback  # noqa: PLC0415 - importing a handler loads little

        endpoint = getattr(delivery.destination, "endpoint", None)
        if endpoint is not None and is_loopback(endpoint.host):
            cure = "Start the server there, or give its address."
        else:
            cure = f"Check the network, DNS and proxy between here and {delivery.destination.name}."
    return CheckResult(ok=False, cause=cause, cure=cure, seconds=outcome.seconds, id=identity)
