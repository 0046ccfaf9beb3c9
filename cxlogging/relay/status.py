"""The state of a stream and its relays, and what should alarm somebody."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from ..delivery.nats.failures import StreamError
from ..wire.system_clock import monotonic, wall
from .link import Link
from .setup import CONSUMER, MAX_ACK_PENDING, RELAYS

FULL_SHARE = 0.8
"""Of a stream's bound: from here on it alarms."""

OLD_SECONDS = 15 * 60.0


@dataclass(frozen=True)
class VendorBacklog:
    """
    What waits for one vendor.

    Attributes:
        vendor: Its name.
        waiting: Messages that no relay has fetched.
        held: Messages that relays hold, or will look at again later.
        redelivered: Messages of these that were delivered before.
    """

    vendor: str
    waiting: int
    held: int
    redelivered: int


@dataclass(frozen=True)
class StreamStatus:
    """
    The state of a stream.

    Attributes:
        stream: Its address.
        messages: That it holds.
        size: Their bytes.
        max_bytes: Its bound; -1 is none.
        replicas: On how many servers it is.
        oldest_seconds: Age of the oldest message; None where there is none.
        last_sequence: How many messages were ever published.
        vendors: What waits for each of them.
        rejected: Messages in the stream of dead letters.
        rejected_bytes: Their bytes.
        rejected_max_bytes: The bound of that stream.
        relays: What each relay that runs says of itself.
        published_per_second: Messages that come; 0 where it was not measured.
        alarms: What somebody should look at, a sentence each.
    """

    stream: str
    messages: int
    size: int
    max_bytes: int
    replicas: int
    oldest_seconds: float | None
    last_sequence: int
    vendors: list[VendorBacklog]
    rejected: int
    rejected_bytes: int
    rejected_max_bytes: int
    relays: list[dict[str, Any]]
    published_per_second: float = 0.0
    alarms: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Items a second that all relays together deliver."""
        return sum(float(relay.get("rate", 0)) for relay in self.relays)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "delivered_per_second": round(self.rate, 1)}


async def read_status(link: Link, seconds: float = 0.0) -> StreamStatus:
    """
    Return the state of the stream of *link*.

    Args:
        link: The connection.
        seconds: How long to measure how much comes.

    Raises:
        StreamError: The servers do not answer, or have no such stream.
    """
    address = link.address
    info = await link.call(lambda js: js.stream_info(address.stream))
    coming = 0.0
    if seconds:
        before, at = info.state.last_seq, monotonic()
        await asyncio.sleep(seconds)
        info = await link.call(lambda js: js.stream_info(address.stream))
        coming = (info.state.last_seq - before) / (monotonic() - at)
    vendors = []
    for each in await link.call(lambda js: js.consumers_info(address.stream)):
        name = str(each.name)
        waiting, held = each.num_pending or 0, each.num_ack_pending or 0
        vendor = name.removeprefix(f"{CONSUMER}-")
        vendors.append(VendorBacklog(vendor, waiting, held, each.num_redelivered or 0))
    rejected = await _rejected(link)
    status = StreamStatus(
        stream=str(address),
        messages=info.state.messages,
        size=info.state.bytes,
        max_bytes=info.config.max_bytes or -1,
        replicas=info.config.num_replicas or 1,
        oldest_seconds=await _oldest(link, info.state),
        last_sequence=info.state.last_seq,
        vendors=sorted(vendors, key=lambda each: each.vendor),
        rejected=rejected[0],
        rejected_bytes=rejected[1],
        rejected_max_bytes=rejected[2],
        relays=await _relays(link),
        published_per_second=round(coming, 1),
    )
    status.alarms.extend(_alarms(status))
    return status


async def _oldest(link: Link, state: Any) -> float | None:
    if not state.messages:
        return None
    stream = link.address.stream
    subject = link.address.items_subject(">")
    with suppress(StreamError):  # it was delivered meanwhile
        first = await link.call(
            lambda js: js.get_msg(stream, seq=state.first_seq, subject=subject, next=True)
        )
        if isinstance(first.time, datetime.datetime):
            return float(max(0.0, wall() - first.time.timestamp()))
    return 0.0


async def _rejected(link: Link) -> tuple[int, int, int]:
    info = await link.find(lambda js: js.stream_info(link.address.rejected_stream))
    if info is None:
        return 0, 0, 0
    return info.state.messages, info.state.bytes, info.config.max_bytes or -1


async def _relays(link: Link) -> list[dict[str, Any]]:
    """Return what the relays that run have written of themselves."""
    bucket = link.address.bucket(RELAYS)
    stream, subject = f"KV_{bucket}", f"$KV.{bucket}.>"
    info = await link.find(lambda js: js.stream_info(stream, subjects_filter=subject))
    if info is None:
        return []
    relays = []
    for key in sorted(info.state.subjects or {}):
        name = key.rpartition(".")[2]
        entry = await link.get(bucket, name)
        with suppress(ValueError):
            relays.append({"relay": name, **json.loads(entry.value)})
    return relays


def _alarms(status: StreamStatus) -> Iterator[str]:
    """Yield what health checks of the servers do not say."""
    yield from stream_alarms(status)
    if status.messages and not status.relays:
        yield f"{status.messages} messages wait, and no relay runs"
    if status.rejected:
        yield f"{status.rejected} messages were rejected: `cxlogging relay rejected` lists them"
    for relay in status.relays:
        for name, reason in relay.get("trouble", {}).items():
            yield f"relay {relay['relay']} ({relay.get('host', '')}): {name}: {reason}"


def stream_alarms(status: StreamStatus) -> Iterator[str]:
    """Yield what is alarming about the stream itself."""
    yield from _alarms_of_sizes(status)
    yield from _alarms_of_consumers(status)
    if status.oldest_seconds is not None and status.oldest_seconds > OLD_SECONDS:
        yield f"the oldest message has waited for {status.oldest_seconds / 60:.0f} minutes"


def _alarms_of_sizes(status: StreamStatus) -> Iterator[str]:
    bounds = (
        ("the stream", status.size, status.max_bytes),
        ("the stream of rejected records", status.rejected_bytes, status.rejected_max_bytes),
    )
    for name, size, bound in bounds:
        if bound > 0 and size >= FULL_SHARE * bound:
            yield f"{name} is {size / bound:.0%} full ({size:,} of {bound:,} bytes)"
    if status.max_bytes <= 0:
        yield "the stream has no max_bytes: it can fill the disk of the servers"


def _alarms_of_consumers(status: StreamStatus) -> Iterator[str]:
    if not status.vendors:
        yield "there are no consumers: `cxlogging relay init` creates them"
        return
    unknown = status.messages - sum(each.waiting + each.held for each in status.vendors)
    if unknown > 0:
        yield (
            f"{unknown} messages are for no consumer: a relay looks for such every 30 s; if the"
            " number stays, another program has removed a consumer or limits its deliveries"
        )
    for each in status.vendors:
        if each.held >= MAX_ACK_PENDING:
            yield f"{each.held} messages for {each.vendor} are held: no further ones are given out"
