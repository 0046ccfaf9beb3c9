"""What relays need on the servers: streams, consumers and buckets, created or compared."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from nats.aio.client import Client
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)

from ..delivery.nats.address import Address
from ..delivery.nats.failures import STREAM_NOT_FOUND, StreamError
from ..errors import CxLoggingError
from ..vendors.registry import VENDORS
from .config import RelayConfig
from .link import Link

LEAST_VERSION = (2, 10, 27)
WHY = "older ones have CVE-2025-30215, and lose messages of clusters in cases that are fixed since"

CONSUMER = "cxlogging-relay"
"""The consumers are called so, followed by the vendor."""

MAX_ACK_PENDING = 20_000
DUPLICATE_SECONDS = 120.0
LEASE_SECONDS = 24 * 3600.0
HEARTBEAT_SECONDS = 5.0
ALIVE_SECONDS = 20.0
SEEN_BYTES = 128 * 2**20
SMALL_BYTES = 16 * 2**20
LEAST_REJECTED = 16 * 2**20

SEEN, LEASES, RELAYS = "seen", "leases", "relays"
"""The buckets: what was delivered, rate limits, and the relays that run."""

NO_CLUSTER, NO_STORAGE, NO_PEERS = 10074, 10047, 10005


class SetupChange(NamedTuple):
    """
    What was done about one part.

    Attributes:
        part: Its kind and name.
        done: ``"created"``, ``"changed"``, ``"differs"`` or ``"unchanged"``.
        details: What was changed, or what differs, one sentence each.
    """

    part: str
    done: str
    details: tuple[str, ...] = ()


class Sizes(NamedTuple):
    """
    What a person may choose; None keeps what there is, or takes the default.

    Attributes:
        replicas: Of everything, on as many servers.
        max_bytes: Bound of the stream.
        rejected_bytes: Bound of the stream of dead letters.
    """

    replicas: int | None = None
    max_bytes: int | None = None
    rejected_bytes: int | None = None


DEFAULTS = Sizes(replicas=3, max_bytes=4 * 2**30)


def consumer_name(vendor: str) -> str:
    """Return the name of the consumer of a vendor's messages."""
    plain = re.fullmatch(r"[A-Za-z0-9_-]{1,64}", vendor)
    return f"{CONSUMER}-{vendor if plain else vendor.encode().hex()}"


def require_version(version: str, server: str) -> None:
    """
    Raise where a server is too old.

    Args:
        version: As it says.
        server: Its name, for the message.

    Raises:
        CxLoggingError: It is older than 2.10.27.
    """
    numbers = tuple(int(each) for each in re.findall(r"\d+", version)[:3])
    if numbers < LEAST_VERSION:
        least = ".".join(map(str, LEAST_VERSION))
        raise CxLoggingError(
            f"{server} runs nats-server {version}: relays need {least} or newer, as {WHY}."
            " Upgrade the servers, one after the other."
        )


def server_version(client: Client) -> str:
    """Return the version of the server that *client* is connected to, such as ``2.15.1``."""
    found = client.connected_server_version
    return f"{found.major}.{found.minor}.{found.patch}"


async def check_version(link: Link) -> str:
    """
    Return the version of the server that *link* is connected to.

    Raises:
        CxLoggingError: It is too old.
        StreamError: There is no connection.
    """
    client = await link.client()
    version = server_version(client)
    url = client.connected_url
    require_version(version, url.netloc if url else str(link.address))
    return version


def consumer_config(address: Address, vendor: str, ack_wait: float) -> ConsumerConfig:
    """Return the consumer of a vendor's messages, which all relays share."""
    return ConsumerConfig(
        durable_name=consumer_name(vendor),
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ack_wait,
        max_deliver=-1,
        max_ack_pending=MAX_ACK_PENDING,
        filter_subject=address.items_subject(vendor),
    )


def stream_configs(address: Address, window: float, sizes: Sizes) -> Iterator[StreamConfig]:
    """Yield the streams: of items, of dead letters, and those of the buckets."""
    replicas = sizes.replicas or DEFAULTS.replicas
    max_bytes = sizes.max_bytes or DEFAULTS.max_bytes or 0
    shared: dict[str, Any] = {"storage": StorageType.FILE, "num_replicas": replicas}
    yield StreamConfig(
        name=address.stream,
        description="Log records on their way to their vendors",
        subjects=[address.items_subject(">")],
        retention=RetentionPolicy.WORK_QUEUE,
        discard=DiscardPolicy.NEW,
        max_bytes=max_bytes,
        duplicate_window=DUPLICATE_SECONDS,
        **shared,
    )
    yield StreamConfig(
        name=address.rejected_stream,
        description="Log records that no vendor has taken",
        subjects=[address.rejected_subject(">")],
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        max_bytes=sizes.rejected_bytes or max(max_bytes // 16, LEAST_REJECTED),
        duplicate_window=DUPLICATE_SECONDS,
        **shared,
    )
    ages = ((SEEN, window, SEEN_BYTES), (LEASES, LEASE_SECONDS, SMALL_BYTES))
    for purpose, age, size in (*ages, (RELAYS, ALIVE_SECONDS, SMALL_BYTES)):
        bucket = address.bucket(purpose)
        yield StreamConfig(
            name=f"KV_{bucket}",
            subjects=[f"$KV.{bucket}.>"],
            retention=RetentionPolicy.LIMITS,
            discard=DiscardPolicy.OLD,
            max_bytes=size,
            max_age=age,
            max_msgs_per_subject=1,
            duplicate_window=min(age, DUPLICATE_SECONDS),
            allow_direct=True,
            allow_rollup_hdrs=True,
            **shared,
        )


FIXED = ("retention", "storage")
"""What cannot be changed once a stream exists."""

KEPT = ("subjects", "discard", "max_age", "max_msgs_per_subject")
"""What is changed back where it differs; sizes are changed only where a person asks for it."""

WORDS = {
    "retention": "retention",
    "storage": "storage",
    "subjects": "subjects",
    "discard": "discard",
    "max_age": "max_age (seconds)",
    "max_msgs_per_subject": "max_msgs_per_subject",
    "num_replicas": "replicas",
    "max_bytes": "max_bytes",
    "ack_wait": "ack_wait (seconds)",
    "max_deliver": "max_deliver",
    "max_ack_pending": "max_ack_pending",
    "filter_subject": "filter_subject",
    "ack_policy": "ack_policy",
}
OF_CONSUMERS = ("ack_wait", "max_deliver", "max_ack_pending", "filter_subject", "ack_policy")


def _shown(value: Any) -> str:
    found = getattr(value, "value", value)
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def differences(names: Sequence[str], found: Any, wanted: Any) -> dict[str, str]:
    """Return by name a sentence for each of *names* that differs."""
    differing: dict[str, str] = {}
    for name in names:
        here, there = getattr(found, name), getattr(wanted, name)
        if _comparable(here) != _comparable(there):
            differing[name] = f"{WORDS[name]} is {_shown(here)}, not {_shown(there)}"
    return differing


def _comparable(value: Any) -> Any:
    """Return a number as a float, for which None is 0, and anything else as its text."""
    return float(value or 0) if isinstance(value, (int, float, type(None))) else _shown(value)


class Setup:
    """
    Creates and compares what relays need.

    Args:
        link: The connection.
        config: ``ack_wait`` and ``dedupe_window``.
        sizes: What a person chose.
    """

    def __init__(self, link: Link, config: RelayConfig, sizes: Sizes) -> None:
        self._link = link
        self._config = config
        self._sizes = sizes

    async def run(self) -> list[SetupChange]:
        """
        Create what is missing, change what may be changed, and return what was done.

        Raises:
            CxLoggingError: A server is too old, or refuses something.
            StreamError: The servers do not answer.
        """
        address = self._config.address
        await self._check_versions()
        wanted = stream_configs(address, self._config.dedupe_window, self._sizes)
        changes = [await self._stream(each) for each in wanted]
        ack_wait = self._config.ack_wait
        consumers = [await ensure_consumer(self._link, vendor, ack_wait) for vendor in VENDORS]
        return [*changes, *consumers]

    async def _check_versions(self) -> None:
        """Raise where one of the servers that answer is too old."""
        await check_version(self._link)
        for link in self._link.one_by_one():
            with suppress(StreamError):  # one that is down does not keep the others from working
                await check_version(link)
            await link.close()

    async def _stream(self, wanted: StreamConfig) -> SetupChange:
        part = _part(self._config.address, str(wanted.name))
        found = await found_stream(self._link, str(wanted.name))
        if found is None:
            await self._apply(lambda js: js.add_stream(wanted))
            return SetupChange(part, "created", (_summary(wanted),))
        chosen = ["num_replicas"] * (self._sizes.replicas is not None)
        is_main = wanted.name == self._config.address.stream
        is_rejected = wanted.name == self._config.address.rejected_stream
        if (is_main and self._sizes.max_bytes) or (is_rejected and self._sizes.rejected_bytes):
            chosen.append("max_bytes")
        changed = differences((*KEPT, *chosen), found, wanted)
        fixed = differences(FIXED, found, wanted)
        if changed:
            new = dataclasses.replace(found, **{name: getattr(wanted, name) for name in changed})
            await self._apply(lambda js: js.update_stream(new))
        if fixed:
            cure = "remove the stream, or use another name: this cannot be changed"
            return SetupChange(part, "differs", (*fixed.values(), cure, *changed.values()))
        return SetupChange(part, "changed" if changed else "unchanged", tuple(changed.values()))

    async def _apply(self, operation: Any) -> None:
        try:
            await self._link.call(operation)
        except StreamError as error:
            cures = {
                NO_CLUSTER: "It is a single server: `cxlogging relay init --replicas 1`.",
                NO_PEERS: "Start more servers, or ask for fewer with --replicas.",
                NO_STORAGE: "The servers have less storage: ask for less with --max-bytes, or"
                " raise their max_file_store.",
            }
            if error.code in cures:
                raise CxLoggingError(f"{error}. {cures[error.code]}") from None
            raise


def _part(address: Address, name: str) -> str:
    if name.startswith("KV_"):
        return f"bucket {name.removeprefix('KV_')}"
    return f"stream {name}" if name == address.stream else f"stream {name} (dead letters)"


def _summary(config: StreamConfig) -> str:
    return f"replicas {config.num_replicas}, max_bytes {config.max_bytes:,}"


async def require_streams(link: Link) -> None:
    """
    Raise where something that `Setup` creates is missing.

    Raises:
        StreamError: It is, or the servers do not answer.
    """
    address = link.address
    buckets = [f"KV_{address.bucket(purpose)}" for purpose in (SEEN, LEASES, RELAYS)]
    for name in (address.stream, address.rejected_stream, *buckets):
        if await found_stream(link, name) is None:
            cure = f"Create it: `cxlogging relay init --nats {address}`."
            part = _part(address, name)
            raise StreamError(f"there is no {part}", cure, code=STREAM_NOT_FOUND)


async def found_stream(link: Link, name: str) -> StreamConfig | None:
    """
    Return the configuration of the stream *name*; None where there is none.

    Raises:
        StreamError: The servers do not answer.
    """
    info = await link.find(lambda js: js.stream_info(name))
    return None if info is None else info.config


async def existing_ack_wait(link: Link, vendor: str, ack_wait: float) -> float:
    """
    Return the ``ack_wait`` of the consumer of a vendor's messages; create it if it is missing.

    Raises:
        StreamError: The servers do not answer, or refuse it.
    """
    name = consumer_name(vendor)
    found = await link.find(lambda js: js.consumer_info(link.address.stream, name))
    if found is None:
        await ensure_consumer(link, vendor, ack_wait)
        return ack_wait
    return float(found.config.ack_wait or ack_wait)


async def ensure_consumer(link: Link, vendor: str, ack_wait: float) -> SetupChange:
    """
    Create the consumer of a vendor's messages, or change what differs.

    Raises:
        StreamError: The servers do not answer, or refuse it.
    """
    stream = link.address.stream
    wanted = consumer_config(link.address, vendor, ack_wait)
    name = consumer_name(vendor)
    part = f"consumer {name}"
    found = await link.find(lambda js: js.consumer_info(stream, name))
    if found is None:
        await link.call(lambda js: js.add_consumer(stream, wanted))
        return SetupChange(part, "created")
    changed = differences(OF_CONSUMERS, found.config, wanted)
    if changed:
        new = dataclasses.replace(found.config, **{each: getattr(wanted, each) for each in changed})
        await link.call(lambda js: js.add_consumer(stream, new))
    return SetupChange(part, "changed" if changed else "unchanged", tuple(changed.values()))
