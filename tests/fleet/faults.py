"""What happens to a fleet: each function is one fault, from its beginning to the recovery."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..nats.servers import wait_for
from .fleet import SETTLED_SECONDS, STREAM, VENDOR, Fleet
from .processes import Producer

FROZEN_SECONDS = 10.0
FULL = "takes no more"
ROOM = 70_000
"""Bytes that one more message may take."""

BUSY_REQUESTS = 4
"""So many requests the vendor refuses with 503, and then with 429."""

RETRY_AFTER = "2"
SLOW = 0.02
"""Seconds between two bytes of an answer: the records are stored when the first one comes."""

Fault = Callable[[Fleet], str]


def kill_leader(fleet: Fleet) -> str:
    """Kill the leader of the stream (-9), and start it again once there is another one."""
    node = fleet.cluster.leader(STREAM)
    node.kill()
    began = time.monotonic()
    leader = fleet.cluster.leader(STREAM)
    took = time.monotonic() - began
    node.start()
    return f"killed {node.name}, which led the stream; {leader.name} led {took:.1f} s later"


def kill_relay(fleet: Fleet) -> str:
    """Kill a relay (-9) whose request the vendor has stored and not answered; start it again."""
    relay = fleet.chance.choice(fleet.relays)
    fleet.server.faults.add(vendor=VENDOR, trickle=SLOW)
    before = fleet.arrived
    wait_for(
        lambda: fleet.arrived > before and relay.total("held_messages") > 0,
        f"{relay.name} sends",
        SETTLED_SECONDS,
    )
    held = relay.total("held_messages")
    relay.kill()
    fleet.server.faults.clear()
    fleet.wait_moving()
    relay.start()
    return f"killed {relay.name}, which held {held:.0f} messages"


def freeze_node(fleet: Fleet) -> str:
    """Freeze the leader of the stream (SIGSTOP) with its connections open."""
    node = fleet.cluster.leader(STREAM)
    began = time.monotonic()
    node.freeze()
    try:
        frozen = fleet.arrived
        wait_for(lambda: time.monotonic() - began >= FROZEN_SECONDS, "the time is over", 60)
        meanwhile = fleet.arrived - frozen
    finally:
        node.thaw()
    return (
        f"froze {node.name}, which led the stream, for {FROZEN_SECONDS:.0f} s: {meanwhile:,} came"
    )


def fail_vendor(fleet: Fleet) -> str:
    """Have the vendor answer 503 for a while, and then 429 with Retry-After."""
    faults = fleet.server.faults
    faults.add(vendor=VENDOR, times=BUSY_REQUESTS, status=503)
    faults.add(vendor=VENDOR, times=BUSY_REQUESTS, status=429, retry_after=RETRY_AFTER)
    began = time.monotonic()
    wait_for(lambda: not faults.active(), "the vendor was asked so often", SETTLED_SECONDS)
    took = time.monotonic() - began
    return f"the vendor answered {BUSY_REQUESTS} times 503, then 429, within {took:.1f} s"


def fill_stream(fleet: Fleet) -> str:
    """Let the stream run full, as the vendor takes nothing."""
    fleet.server.faults.add(vendor=VENDOR, status=503)
    held = 0

    def is_full() -> bool:
        nonlocal held
        held = fleet.stream().state.bytes
        return held + ROOM > fleet.max_bytes and any(map(_is_refused, fleet.producers))

    wait_for(is_full, "the stream is full", SETTLED_SECONDS)
    waiting = sum(map(_waiting, fleet.producers))
    fleet.server.faults.clear()
    return f"the stream was full with {held:,} bytes, and {waiting:,} records waited locally"


def _waiting(producer: Producer) -> int:
    return int(producer.stats()["pending"])


def _is_refused(producer: Producer) -> bool:
    stats = producer.stats()
    return stats["pending"] > 0 and FULL in stats["last_error"]


SCRIPT: tuple[Fault, ...] = (
    *(kill_leader, kill_leader, kill_leader),
    *(kill_relay, kill_relay),
    *(freeze_node, fail_vendor, fill_stream),
)
"""All of them; their order is left to chance."""
