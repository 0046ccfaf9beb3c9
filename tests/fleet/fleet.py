"""A fleet on this machine: a cluster, relays, producers, and the local server as the vendor."""

from __future__ import annotations

import contextlib
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.js.api import StreamInfo

from cxlogging.devserver import DevServer

from ..nats.servers import Cluster, Node, using, wait_for
from .judging import Arrived, Outcome, assert_ledger, ledger_text
from .processes import HANDLERS, Producer, Relay

STREAM = "LOGS"
VENDOR = "betterstack"
SETTLED_SECONDS = 120.0
"""For a cluster to be whole again, and for records to go on arriving."""

CONFIG = """\
stream = "{address}"
{more}
log_format = "text"
"""

DESTINATION = """
[[destination]]
vendor = "{vendor}"
url = "{url}"
key_env = "RELAY_KEY"
"""


class Fleet:
    """
    Everything that runs.

    Args:
        folder: For all files.
        cluster: The servers of the stream, which run: a cluster or one node.
        server: Stands in for the vendor.
        seed: Of what is left to chance.
    """

    def __init__(self, folder: Path, cluster: Cluster | Node, server: DevServer, seed: int) -> None:
        self.folder = folder
        self.cluster = cluster
        self.server = server
        self.chance = random.Random(seed)
        self.address = cluster.address(STREAM)
        self.max_bytes = 0
        self.relays: list[Relay] = []
        self.producers: list[Producer] = []
        self._began = time.monotonic()

    def prepare(self, max_bytes: int, relays: int, more: str = "") -> None:
        """Create the stream, and start the relays, with *more* in their configuration."""
        self.max_bytes = max_bytes
        config = CONFIG.format(address=self.address, more=more)
        config += "".join(
            DESTINATION.format(vendor=vendor, url=self.server.url) for vendor in HANDLERS
        )
        self.relays = [Relay(self.folder, f"relay-{n}", config) for n in range(relays)]
        sizes = ("--max-bytes", str(max_bytes), "--replicas", str(len(self.cluster.nodes)))
        self.relays[0].command("init", *sizes)
        for relay in self.relays:
            relay.start(wait=False)
        for relay in self.relays:
            relay.wait()

    def produce(self, *vendors: str, **options: Any) -> None:
        """Start a producer for each of *vendors*."""
        self.producers += [
            Producer(self.folder, f"p{n}", vendor, self.address, **options)
            for n, vendor in enumerate(vendors)
        ]

    @property
    def seconds(self) -> float:
        """Since its beginning."""
        return time.monotonic() - self._began

    # What is there at the moment.

    def stream(self) -> StreamInfo:
        """Return what the servers say of the stream; wait until they answer."""
        found: list[StreamInfo] = []

        async def look(client: Client) -> None:
            found.append(await client.jetstream(timeout=2).stream_info(STREAM))

        def answers() -> bool:
            with contextlib.suppress(Exception):
                using(self.address, look)
            return bool(found)

        wait_for(answers, "the servers answer", SETTLED_SECONDS)
        return found[-1]

    @property
    def arrived(self) -> int:
        """How many records the vendors have, those that came twice included."""
        return self.server.count()

    @property
    def logged(self) -> int:
        """How many log calls have returned."""
        return sum(each.logged for each in self.producers)

    def is_whole(self) -> bool:
        """Return whether all servers have all of the stream."""
        if not all(node.is_healthy() for node in self.cluster.nodes):
            return False
        others = len(self.cluster.nodes) - 1
        state = self.stream().cluster if others else None
        replicas = (state.replicas or []) if state and state.leader else []
        current = [each for each in replicas if each.current and not each.offline]
        return len(current) == others

    # What a fault needs.

    def log(self, count: int, rate: float) -> None:
        """Have each producer log *count* more records, *rate* a second."""
        for each in self.producers:
            each.log(count, rate)

    def wait_logged(self, count: int) -> None:
        """Wait until *count* records were logged by all producers together."""
        wait_for(lambda: self.logged >= count, f"{count} records were logged", SETTLED_SECONDS)

    def wait_whole(self) -> None:
        """Wait until the cluster has a leader, and all its members are up to date."""
        wait_for(self.is_whole, "the cluster is whole", SETTLED_SECONDS)

    def wait_moving(self) -> None:
        """Wait until records go on arriving, or all have arrived."""
        before = self.arrived

        def moves() -> bool:
            return self.arrived > before or before >= self.logged

        wait_for(moves, "records arrive", SETTLED_SECONDS)

    # The end.

    def finish(self) -> list[dict[str, Any]]:
        """Let the producers end, and wait until the stream is empty; return their statistics."""
        stats = [each.end(SETTLED_SECONDS) for each in self.producers]
        wait_for(self._is_drained, "the stream is empty", SETTLED_SECONDS)
        return stats

    def _is_drained(self) -> bool:
        up = [each for each in self.relays if each.is_up]
        return not self.stream().state.messages and not any(
            each.total("held_messages") for each in up
        )

    def rejected(self) -> int:
        """Return how many dead letters there are."""

        async def look(client: Client) -> int:
            info = await client.jetstream(timeout=5).stream_info(f"{STREAM}_REJECTED")
            return int(info.state.messages)

        return using(self.address, look)

    def judge(self) -> Outcome:
        """Return what became of all records."""
        promised = [each for producer in self.producers for each in producer.promised]
        return Outcome.judge(promised, Arrived.read(self.server.store.path))


def say(text: str) -> None:
    """Print *text*, as the report of a test."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def assert_sound(fleet: Fleet, stats: Sequence[dict[str, Any]], batches: int) -> str:
    """Assert that nothing is lost, and that *batches* came twice at most; return a report."""
    outcome = fleet.judge()
    lines = [outcome.text(), *map(ledger_text, (each.name for each in fleet.producers), stats)]
    for relay in fleet.relays:
        counts = {
            each: relay.total("items_total", f'outcome="{each}"')
            for each in ("delivered", "known", "rejected")
        }
        shown = ", ".join(f"{name} {count:,.0f}" for name, count in counts.items())
        lines.append(f"{relay.name}, since its last start: {shown}; killed {relay.kills} times")
    report = "\n".join(lines)
    assert not outcome.lost, f"{report}\nlost: {outcome.lost[:20]}"
    assert not outcome.extra, f"{report}\nnot promised: {outcome.extra[:20]}"
    assert outcome.batches_twice <= batches, f"{report}\ntwice: {outcome.twice[:20]}"
    assert fleet.rejected() == 0, report
    for producer, each in zip(fleet.producers, stats, strict=True):
        assert_ledger(each, producer.logged)
    for relay in fleet.relays:
        assert relay.stop() == 0, relay.log_file.read_text()
    return report


@contextlib.contextmanager
def running_fleet(folder: Path, seed: int = 0, nodes: int = 3) -> Iterator[Fleet]:
    """Run NATS servers and the local server; end everything that was started."""
    cluster = Cluster(folder / "nats", nodes) if nodes > 1 else Node(folder / "nats")
    with DevServer() as server:
        fleet = Fleet(folder, cluster.start(), server, seed)
        try:
            yield fleet
        finally:
            for each in fleet.producers:
                each.kill()
            for relay in fleet.relays:
                if relay.is_up:
                    relay.kill()
            cluster.stop()
