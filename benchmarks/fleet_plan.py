"""What a fleet of some size needs, from what was measured on one machine: arithmetic alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

MESSAGE_BYTES = 65_536
HOUR = 3_600


@dataclass(frozen=True)
class Constants:
    """
    What was measured; CPU is that of all threads of a process.

    Attributes:
        machine: Where, and with which versions.
        call_us: Median of the log call by queue: ``"no-op"``, ``"memory"`` and ``"stream"``.
        record_us: CPU of the application's process per record, above that with a no-op handler.
        idle_ms: CPU of an idle process in a minute.
        idle_switches: Its context switches in a minute.
        relay_record_us: CPU of a relay for each record.
        relay_message_us: And for each message.
        leader_message_us: CPU of the leader's server for each message: published, replicated,
            delivered, acknowledged.
        leader_megabyte_us: And for each megabyte.
        server_message_us: The same of all three servers together.
        server_megabyte_us: And for each megabyte.
        message_overhead: Bytes that a message takes in the stream beside its items.
        item_bytes: Bytes that a measured record takes.
        relay_rss: Bytes of memory of a relay after its work.
    """

    machine: str
    call_us: dict[str, float]
    record_us: dict[str, float]
    idle_ms: dict[str, float]
    idle_switches: dict[str, float]
    relay_record_us: float
    relay_message_us: float
    leader_message_us: float
    leader_megabyte_us: float
    server_message_us: float
    server_megabyte_us: float
    message_overhead: float
    item_bytes: float
    relay_rss: float


@dataclass(frozen=True)
class Assumptions:
    """
    What a fleet is like; nothing of it was measured.

    Attributes:
        rate: Records a second of a host, on average over all hosts.
        record_bytes: Of an encoded record.
        processes: With a handler, on a host; each has a connection.
        flush_interval: Seconds: a process that logs publishes a message at least so often.
        replicas: Of the stream.
        busy: Share of a core that is planned for; the rest is for peaks and for catching up.
        catch_up: Times the incoming rate that relays deliver after an outage.
        buffer_bytes: What a process holds in memory while the stream takes nothing.
        max_bytes: Of the stream, as `cxlogging relay init` sets it.
        connections: That a server takes: its own default.
        answer: Seconds until a vendor answers a request.
        request_bytes: Of the records in one; a relay has one under way for each destination.
        full: Share of `max_bytes` at which `cxlogging relay status` warns.
    """

    rate: float = 10.0
    record_bytes: float = 500.0
    processes: int = 1
    flush_interval: float = 1.0
    replicas: int = 3
    busy: float = 0.5
    catch_up: float = 2.0
    buffer_bytes: float = 64 * 2**20
    max_bytes: float = 4 * 2**30
    connections: int = 65_536
    answer: float = 0.1
    request_bytes: float = 2**20
    full: float = 0.8

    @property
    def one_by_one(self) -> float:
        """Records a second that one relay sends to one destination, one request at a time."""
        return self.request_bytes / self.record_bytes / self.answer


@dataclass(frozen=True)
class Load:
    """
    What so many hosts bring; a second where nothing else is said.

    Attributes:
        hosts: How many.
        records: Of all hosts.
        messages: The same, as they are published.
        stored: Bytes that a replica takes.
        publisher: Share of a core of one host.
        leader: Cores of the leader of one stream with all of it.
        servers: Cores of all servers together.
        relays: Cores of all relays together.
    """

    hosts: float
    records: float
    messages: float
    stored: float
    publisher: float
    leader: float
    servers: float
    relays: float

    @property
    def hour(self) -> float:
        """Bytes of one replica after an hour without a vendor."""
        return self.stored * HOUR


def load(hosts: float, measured: Constants, assumed: Assumptions) -> Load:
    """Return what *hosts* bring."""
    per_process = assumed.rate / assumed.processes
    by_size = per_process * assumed.record_bytes / MESSAGE_BYTES
    by_time = min(1 / assumed.flush_interval, per_process)
    messages = hosts * assumed.processes * max(by_size, by_time)
    records = hosts * assumed.rate
    stored = records * assumed.record_bytes + messages * measured.message_overhead
    return Load(
        hosts=hosts,
        records=records,
        messages=messages,
        stored=stored,
        publisher=assumed.rate * measured.record_us["stream"] / 1e6,
        leader=_cores(measured.leader_message_us, measured.leader_megabyte_us, messages, stored),
        servers=_cores(measured.server_message_us, measured.server_megabyte_us, messages, stored),
        relays=(records * measured.relay_record_us + messages * measured.relay_message_us) / 1e6,
    )


def _cores(message_us: float, megabyte_us: float, messages: float, stored: float) -> float:
    return (messages * message_us + stored / 1e6 * megabyte_us) / 1e6


@dataclass(frozen=True)
class Need:
    """
    What a fleet is to be given.

    Attributes:
        streams: By subject, each with a leader of its own: one stream uses one core.
        relays: Processes: enough to catch up after an outage, by their cores and by the time
            that they wait for answers.
        max_bytes: Of all streams together, for an hour without a vendor.
        disk: The same on all servers together.
        local_seconds: That a process can hold without a stream.
    """

    streams: int
    relays: int
    max_bytes: float
    disk: float
    local_seconds: float


def need(brought: Load, assumed: Assumptions) -> Need:
    """Return what a fleet with this load is to be given."""
    a_process = assumed.rate / assumed.processes * assumed.record_bytes
    cores = brought.relays / assumed.busy
    waiting = brought.records / assumed.one_by_one
    return Need(
        streams=max(1, math.ceil(brought.leader / assumed.busy)),
        relays=max(2, math.ceil(max(cores, waiting) * assumed.catch_up)),
        max_bytes=brought.hour / assumed.full,
        disk=brought.hour / assumed.full * assumed.replicas,
        local_seconds=assumed.buffer_bytes / a_process,
    )


def limits(measured: Constants, assumed: Assumptions) -> Iterator[tuple[str, float]]:
    """
    Yield what fails first, and at how many hosts, lowest first.

    It is held against the least fleet: three servers, one stream of the default size, two relays.
    """
    one = load(1, measured, assumed)
    found = {
        "an hour without a vendor fills the stream of 4 GiB": assumed.max_bytes / one.hour,
        "two relays have no core left to catch up": 2 / (one.relays * assumed.catch_up),
        "two relays wait for answers all the time": 2 * assumed.one_by_one / one.records,
        "the leader of the one stream has no core left": 1 / one.leader,
        "three servers take no more connections": 3 * assumed.connections / assumed.processes,
    }
    yield from sorted(found.items(), key=lambda pair: pair[1])


@dataclass(frozen=True)
class Outage:
    """
    What an outage of a vendor does; seconds from its beginning, None for never.

    Attributes:
        full: When the stream is full, and records wait in the applications.
        losing: When the first of these is full, and records are dropped, by level.
        dropped: How many records are.
        drained: After how long from the vendor's return everything is delivered.
        most: The most bytes in the stream.
    """

    full: int | None
    losing: int | None
    dropped: float
    drained: int | None
    most: float


def simulate(
    brought: Load, assumed: Assumptions, seconds: int, max_bytes: float, delivers: float
) -> Outage:
    """
    Return what an outage of so many *seconds* does, second by second.

    Args:
        brought: The load, which goes on.
        assumed: What the applications hold.
        seconds: Without a vendor.
        max_bytes: Of all streams together.
        delivers: Records a second that the relays deliver afterwards.
    """
    each = brought.stored / brought.records
    room = assumed.buffer_bytes * assumed.processes * brought.hosts / each
    stream = local = dropped = most = 0.0
    full = losing = None
    for now in range(100 * HOUR):
        stream -= min(stream, delivers) if now >= seconds else 0.0
        local += brought.records
        moved = min(local, max_bytes / each - stream)
        stream, local, most = stream + moved, local - moved, max(most, stream + moved)
        full = now if local and full is None else full
        if local > room:
            losing = now if losing is None else losing
            dropped, local = dropped + local - room, room
        if now >= seconds and local == 0 and stream <= delivers:
            return Outage(full, losing, dropped, now - seconds, most * each)
    return Outage(full, losing, dropped, None, most * each)
