"""A test event that takes the way through a stream and a relay."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ...delivery.http.interface import TransportError
from ...delivery.nats.address import Address, read_login
from ...handlers.handler import ShippingHandler
from ..shared.exit_codes import is_refusal
from .canary import delivery_finding, seen_again
from .findings import Finding, Status, fail, ok, took
from .stream import CLIENT_NAME, no_relay, refusal_or_failure, troubles, vendor_of

if TYPE_CHECKING:
    from nats.js import JetStreamContext
    from nats.js.api import RawStreamMsg

    from ...relay.link import Link
    from ...relay.status import StreamStatus

NAME = "event relayed"
NO_MESSAGE = 10037
"""JetStream's number for it."""

LOOK_SECONDS = 0.05
STATUS_SECONDS = 1.0
EXTRA_SECONDS = 10.0
"""For the last answers, once the wait is over."""


class Positions(NamedTuple):
    """The last messages of the stream, and of its dead letters, before the event was sent."""

    stream: int
    rejected: int


def relayed(
    about: str, handler: ShippingHandler, address: Address, wait: float
) -> Iterator[Finding]:
    """
    Yield whether an event was published, delivered by a relay, and found by a query.

    Args:
        about: The handler.
        handler: It sends the event.
        address: The stream.
        wait: Seconds for the relay, and again for the query.
    """
    from ...delivery.nats.loop import run_here

    follower = _Follower(about, address, vendor_of(handler))
    before, unread = None, TransportError("")
    try:
        before = run_here(follower.positions, EXTRA_SECONDS)
    except TransportError as error:
        unread = error
    begun = time.time_ns()
    result = handler.check()
    yield delivery_finding(about, result)
    if not result.ok:
        return
    if before is None:
        yield refusal_or_failure(NAME, about, unread)
        return
    follow = partial(follower.follow, before, result.id, wait)
    try:
        found = run_here(follow, wait + EXTRA_SECONDS)
    except TransportError as error:
        found = refusal_or_failure(NAME, about, error)
    yield found
    if found.status is Status.OK:
        yield seen_again(about, handler, result.id, begun, wait)


class _Follower:
    """Looks for an event in the stream, and in its dead letters."""

    def __init__(self, about: str, address: Address, vendor: str) -> None:
        self._about, self._address, self._vendor = about, address, vendor

    def _link(self) -> Link:
        from ...relay.link import Link

        return Link(self._address, read_login(), CLIENT_NAME)

    async def positions(self) -> Positions:
        """Return where to begin."""
        async with self._link() as link:
            return Positions(
                await _last(link, self._address.stream),
                await _last(link, self._address.rejected_stream),
            )

    async def follow(self, before: Positions, identity: str, wait: float) -> Finding:
        """Return what became of the event: a relay removes it from the stream once it is done."""
        from ...relay.status import read_status

        started, looked = time.monotonic(), 0.0
        async with self._link() as link:
            at = await _find(link, self._address.stream, before.stream + 1, identity)
            while at is not None:
                waited = time.monotonic() - started
                if waited >= wait or waited - looked >= STATUS_SECONDS:
                    looked = waited
                    stuck = self._stuck(await read_status(link), waited, wait)
                    if stuck is not None:
                        return stuck
                await asyncio.sleep(LOOK_SECONDS)
                at = await _find(link, self._address.stream, at, identity)
            passed = time.monotonic() - started
            rejected = self._address.rejected_stream
            letter = await _find(link, rejected, before.rejected + 1, identity)
            if letter is not None:
                return await self._rejected(link, letter)
        return ok(NAME, f"delivered by a relay, {took(passed)} after it was sent", self._about)

    def _stuck(self, status: StreamStatus, waited: float, wait: float) -> Finding | None:
        """Return why the event still waits, once it is no use to wait longer; else None."""
        if not status.relays:
            return no_relay(NAME, self._about, status)
        reasons = [f"{name}: {reason}" for name, reason in troubles(status, self._vendor)]
        refused = any(map(is_refusal, reasons))
        if waited < wait and not refused:
            return None
        cause = f"the event waits in the stream, after {waited:.0f} s"
        if not reasons:
            cure = f"Start more relays; see `cxlogging relay status --nats {self._address}`."
            count = f"{status.messages:,} messages are there"
            return fail(NAME, f"{cause}: {count}", cure, about=self._about)
        return Finding(
            NAME,
            Status.FAIL,
            cause=f"{cause}: {'; '.join(reasons)}",
            cure="Check the keys and addresses that the relays have; their logs have more.",
            about=self._about,
            refused=refused,
        )

    async def _rejected(self, link: Link, sequence: int) -> Finding:
        """Return the finding about an event that is a dead letter, with the reason."""
        from ...relay.dead_letters import DeadLetters

        reason = ""
        async for letter in DeadLetters(link).read():
            if letter.sequence == sequence:
                reason = letter.reason
        return fail(
            NAME,
            f"the relay has rejected the event: {reason}",
            "Check the vendor's settings of the relay: its [[destination]] entries.",
            about=self._about,
        )


async def _last(link: Link, stream: str) -> int:
    return int((await link.call(lambda js: js.stream_info(stream))).state.last_seq)


async def _find(link: Link, stream: str, at: int, identity: str) -> int | None:
    """Return the number of the message with this event, from number *at* on; None if none has."""
    from ...delivery.nats.failures import StreamError

    number, data = at, b""
    while identity.encode() not in data:
        try:
            found = await link.call(partial(_next_message, stream, number))
        except StreamError as error:
            if error.code == NO_MESSAGE:
                return None
            raise
        number, data = int(found.seq or 0) + 1, found.data or b""
    return number - 1


def _next_message(stream: str, number: int, js: JetStreamContext) -> Awaitable[RawStreamMsg]:
    return js.get_msg(stream, seq=number, next=True)
