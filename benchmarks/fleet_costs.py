"""Measures what records cost on their way through a stream: application, servers, relay."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nats.aio.client import Client

from tests.fleet.processes import Relay
from tests.nats.servers import Cluster, using, wait_for

from .environment import environment
from .figures import ABOVE_CPU, CPU, P50, Figure, Series, series
from .fleet_plan import Constants
from .modes import BY_NAME
from .processes import Sink
from .run import Rounds, idle
from .subjects import NO_OP
from .subjects.base import BETTER_STACK
from .subjects.ours import STREAMED, STREAMED_SMALL, ours
from .workload import WARM_UP_RECORDS

STREAM = "LOGS"
RECORDS = 60_000
ROUNDS = 3
SMALL_RECORDS = 40_000
IDLE_SECONDS = 60.0
DRAIN_SECONDS = 300.0

CONFIG = """\
stream = "{address}"
log_format = "text"

[[destination]]
vendor = "betterstack"
url = "{url}"
key_env = "RELAY_KEY"
"""

MEMORY = ours(BETTER_STACK)
QUEUES = {"no-op": NO_OP, "memory": MEMORY, "stream": STREAMED}


class Bench:
    """
    A cluster of three servers, a relay that is not started yet, and the sink.

    Args:
        folder: For all files.
        progress: Called with what is measured.
    """

    def __init__(self, folder: Path, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self.cluster = Cluster(folder / "nats").start()
        self.sink = Sink()
        self.address = self.cluster.address(STREAM)
        self.sink.target["stream"] = self.address
        config = CONFIG.format(address=self.address, url=self.sink.target["url"])
        self.relay = Relay(folder, "relay", config)
        self.relay.command("init", "--max-bytes", "1GiB")
        self.rounds = Rounds(self.sink, progress)

    def end(self) -> None:
        """End all processes."""
        if self.relay.is_up:
            self.relay.kill()
        self.sink.end()
        self.cluster.stop()

    def held(self) -> tuple[int, int]:
        """Return how many messages the stream holds, and their bytes."""

        async def look(client: Client) -> tuple[int, int]:
            state = (await client.jetstream().stream_info(STREAM)).state
            return int(state.messages), int(state.bytes)

        return using(self.address, look)

    def servers(self) -> tuple[float, float]:
        """Return the CPU seconds so far of the stream's leader, and of all servers."""
        leader = self.cluster.leader(STREAM)
        return cpu(leader.pid), sum(cpu(node.pid) for node in self.cluster.nodes)

    def passed(self, records: int, fill: Callable[[], object]) -> dict[str, float]:
        """Return what it costs that *fill* publishes so many *records*, and a relay sends them."""
        began, (leader, all_servers) = time.monotonic(), self.servers()
        fill()
        messages, size = self.held()
        self._progress(f"a relay delivers {records:,} records")
        self.relay.start()
        wait_for(lambda: not self.held()[0], "the stream is empty", DRAIN_SECONDS)
        wait_for(lambda: not self.relay.total("held_messages"), "the relay has nothing", 60)
        spent, rss = cpu(self.relay.pid), memory(self.relay.pid)
        after, seconds = self.servers(), time.monotonic() - began
        assert self.relay.stop() == 0
        return {
            "seconds": seconds,
            "records": records,
            "messages": messages,
            "bytes": size,
            "relay": spent,
            "rss": rss,
            "leader": after[0] - leader,
            "servers": after[1] - all_servers,
        }

    def start_up(self) -> float:
        """Return the CPU seconds of a relay that finds nothing."""
        self.relay.start()
        spent = cpu(self.relay.pid)
        assert self.relay.stop() == 0
        return spent


def cpu(pid: int) -> float:
    """Return the CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Return the bytes of memory that a process has now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(progress: Callable[[str], None], *, quick: bool = False) -> Constants:
    """
    Return all constants; some five minutes, *quick* one.

    Args:
        progress: Called with what is measured.
        quick: Few records, too few to rely on.
    """
    part = 10 if quick else 1
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        bench = Bench(Path(folder), progress)
        try:
            start_up = bench.start_up()
            count, rounds = RECORDS // part, 1 if quick else ROUNDS
            burst = BY_NAME["burst"]

            def fill_large() -> None:
                for number in range(rounds):
                    bench.rounds.go(burst, list(QUEUES.values()), number, count)

            large = bench.passed(rounds * (count + WARM_UP_RECORDS), fill_large)

            def fill_small() -> None:
                bench.rounds.go(burst, [STREAMED_SMALL], 0, SMALL_RECORDS // part)

            small = bench.passed(SMALL_RECORDS // part + WARM_UP_RECORDS, fill_small)
            seconds = IDLE_SECONDS / part
            progress(f"idle, {seconds:.0f} s")
            before = bench.servers()
            rest = idle(bench.sink, list(QUEUES.values()), seconds)
            after = bench.servers()
            for run in (large, small):
                for name, was, now in zip(("leader", "servers"), before, after, strict=True):
                    run[name] -= (now - was) * run["seconds"] / seconds
            return _constants(bench, large, small, start_up, rest, seconds)
        finally:
            bench.end()


def _constants(
    bench: Bench,
    large: dict[str, float],
    small: dict[str, float],
    start_up: float,
    rest: dict[str, list[dict[str, Any]]],
    seconds: float,
) -> Constants:
    burst = bench.rounds.runs["burst"]

    def median(figure: Figure, subject: Any) -> float:
        found: Series = series(burst[subject.name], figure)
        return statistics.median(found.values())

    each = "records", "messages"
    relay = solved(each, large, small, [run["relay"] - start_up for run in (large, small)])
    items = solved(each, large, small, [large["bytes"], small["bytes"]])
    units = "messages", "bytes"
    leader = solved(units, large, small, [large["leader"], small["leader"]])
    servers = solved(units, large, small, [large["servers"], small["servers"]])
    about = environment()
    minutes = 60 / seconds
    return Constants(
        machine=(
            f"Python {about['python'].rpartition(' ')[2]}, {about['cpus']} CPUs"
            f" ({about['processor']}), load {about['load']:.1f}; nats-server on the same machine;"
            f" {time.strftime('%Y-%m-%d')}"
        ),
        call_us={name: median(P50, subject) for name, subject in QUEUES.items()},
        record_us={name: median(ABOVE_CPU, QUEUES[name]) for name in ("memory", "stream")}
        | {"no-op": median(CPU, NO_OP)},
        idle_ms={
            name: rest[subject.name][0]["cpu"] * 1e3 * minutes for name, subject in QUEUES.items()
        },
        idle_switches={
            name: rest[subject.name][0]["switches"] * minutes for name, subject in QUEUES.items()
        },
        relay_record_us=relay[0] * 1e6,
        relay_message_us=relay[1] * 1e6,
        leader_message_us=leader[0] * 1e6,
        leader_megabyte_us=leader[1] * 1e12,
        server_message_us=servers[0] * 1e6,
        server_megabyte_us=servers[1] * 1e12,
        message_overhead=items[1],
        item_bytes=items[0],
        relay_rss=max(large["rss"], small["rss"]),
    )


def solved(
    names: Sequence[str], one: dict[str, float], other: dict[str, float], costs: Sequence[float]
) -> tuple[float, float]:
    """
    Return what one of each of two things costs, from two runs with other numbers of them.

    A cost below 0, which is chance, is 0, and all is the other's.
    """
    (a, b), (c, d) = ([run[name] for name in names] for run in (one, other))
    by = a * d - b * c
    first, second = (costs[0] * d - b * costs[1]) / by, (a * costs[1] - c * costs[0]) / by
    if first < 0:
        return 0.0, (costs[0] + costs[1]) / (b + d)
    if second < 0:
        return (costs[0] + costs[1]) / (a + c), 0.0
    return first, second
