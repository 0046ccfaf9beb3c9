"""
How long the local server's engine takes: `python -m benchmarks.queries [ROWS]`.

Each query is asked over HTTP five times; the best and the middle are shown, with what the process
took in memory at its peak, before and after.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import sys
import time

from cxlogging.dataprime import DataPrimeClient
from cxlogging.devserver import DevServer, StoredEvent

QUERIES = {
    "severity, groupby, avg": "filter $m.severity == ERROR"
    " | groupby $l.subsystemname aggregate count() as n, avg(duration_ms) as ms",
    "all rows, groupby, count": "groupby $l.subsystemname aggregate count() as n",
    "all rows, groupby data, avg": "groupby route aggregate count() as n, avg(duration_ms) as ms",
    "time buckets": "groupby roundTime($m.timestamp, 1h) as hour aggregate count() as n",
    "nested field": "filter user.id == 'u4711' | count",
    "p95 by route": "groupby route aggregate percentile(0.95, duration_ms) as p95",
    "text search": "wildfind 'gateway timeout' | count",
    "newest 100": "limit 100",
    "newest 100, severity": "filter $m.severity >= ERROR | limit 100",
    "newest 100, application": "filter $l.applicationname == 'shop3' | limit 100",
    "newest 100, data": "filter status == 503 | limit 100",
    "newest 100, rare severity": "filter $m.severity == CRITICAL | limit 100",
    "ordered by a field": "orderby duration_ms desc | limit 100",
}
RUNS = 5
HOUR = 3_600_000_000_000


def events(count):
    dice = random.Random(4711)
    begin = time.time_ns() - 24 * HOUR
    routes = [f"/api/v1/things/{n}" for n in range(40)]
    for number in range(count):
        severity = dice.choices((1, 3, 4, 5, 6), (20, 60, 12, 7.99, 0.01))[0]
        data = {
            "message": "gateway timeout" if dice.random() < 0.001 else f"request {number} done",
            "route": dice.choice(routes),
            "status": dice.choice((200, 200, 200, 404, 503)),
            "duration_ms": round(dice.expovariate(0.02), 3),
            "user": {"id": f"u{dice.randrange(20_000)}", "plan": "basic"},
            "request_id": f"{dice.getrandbits(64):016x}",
        }
        moment = begin + number * 24 * HOUR // count
        yield StoredEvent(
            "coralogix", moment, moment, "info", severity, data["message"],
            f"shop{dice.randrange(5)}", f"part{dice.randrange(20)}", {"category": "web"}, data,
            (), len(json.dumps(data)),
        )  # fmt: skip


def fill(server, count):
    batch = []
    began = time.perf_counter()
    for event in events(count):
        batch.append(event)
        if len(batch) == 1_000:
            server.store.add(batch)
            batch = []
    server.store.add(batch)
    return time.perf_counter() - began


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with DevServer() as server, DataPrimeClient("key", url=server.url) as client:
        seconds = fill(server, count)
        print(f"{count:,} rows made and stored in {seconds:.1f} s; {server.store.sizes()}")
        print(f"peak memory {peak():.0f} MiB")
        for name, query in QUERIES.items():
            times = []
            for _ in range(RUNS):
                began = time.perf_counter()
                result = client.query(query)
                times.append((time.perf_counter() - began) * 1000)
            print(
                f"{name:<28} best {min(times):7.1f} ms  middle {statistics.median(times):7.1f} ms"
                f"  {len(result):>5} rows"
            )
        print(f"peak memory {peak():.0f} MiB")
        began = time.perf_counter()
        rows = sum(1 for _ in client.stream("source logs", limit=50_000, tier="archive"))
        print(f"{rows:,} rows streamed in {time.perf_counter() - began:.2f} s")
        print(f"peak memory {peak():.0f} MiB")


if __name__ == "__main__":
    main()
