"""One real round trip: is the way to the vendor open, and if not, why."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, NamedTuple

from ..wire.event import Event, Source
from ..wire.http import Action

if TYPE_CHECKING:
    from ..delivery.delivery import Delivery


class CheckResult(NamedTuple):
    """
    What came of one event, sent outside the line.

    Attributes:
        ok: The vendor took it.
        cause: Why not; empty when it did.
        cure: What to do about it.
        seconds: How long the round trip took.
        id: What the event's field ``cx_check`` holds, to be looked for at the vendor.
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
    Send one event of *delivery* now, and return what came of it.

    Args:
        delivery: Of a handler.
        encoding: The request's ``Content-Encoding``; None leaves it to the delivery.
    """
    missing = delivery.destination.missing
    if missing:
        return CheckResult(ok=False, cause=f"{missing} is not set", cure=f"Set {missing}.")
    identity = os.urandom(6).hex()
    fields = {"cx_check": identity}
    time_ns = int(delivery.clock.wall() * 1e6) * 1000
    event = Event(time_ns, logging.INFO, "INFO", "cxlogging check", fields, Source())
    outcome = delivery.probe(logging.INFO, delivery.destination.encode(event), encoding)
    verdict = outcome.verdict
    refused = [reason for action, reason in verdict.items.values()]
    if verdict.action is Action.DELIVERED and not refused:
        return CheckResult(ok=True, seconds=outcome.seconds, id=identity)
    cause = verdict.reason or "; ".join(refused)
    cure = verdict.cure
    if verdict.action is Action.RETRY and not cure:
        from ..wire.settings import is_loopback  # noqa: PLC0415 - a handler's name brings little

        endpoint = getattr(delivery.destination, "endpoint", None)
        if endpoint is not None and is_loopback(endpoint.host):
            cure = "Start the server there, or give its address."
        else:
            cure = f"Check the network, DNS and proxy between here and {delivery.destination.name}."
    return CheckResult(ok=False, cause=cause, cure=cure, seconds=outcome.seconds, id=identity)
