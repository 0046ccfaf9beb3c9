"""50,000 events: every endpoint answers, and none keeps events from arriving."""

from __future__ import annotations

import json
import threading
import time
from urllib.parse import quote

import pytest

from cxlogging.devserver import DevServer, StoredEvent

COUNT = 50_000
START = 1_700_000_000_000_000_000
QUERIES = ("", "q=timeout", "q=" + quote("$d.ms > 900"), "is=user.id:7&level=5")
PATHS = (
    "/api/rows?limit=5000", "/api/facets?field=application&field=logger&field=user.id&field=level",
    "/api/histogram?buckets=80", "/api/fields?", "/api/groups?", "/api/volume?by=call_site",
)  # fmt: skip


def stored(n):
    return StoredEvent(
        vendor=("coralogix", "honeycomb", "betterstack")[n % 3],
        time_ns=START + n * 1_000_000,
        received_ns=START,
        level="info",
        severity=1 + n % 6,
        message=f"request {n} {'timeout' if n % 100 == 0 else 'done'} in {n % 1000} ms",
        application=f"app{n % 7}",
        subsystem="s",
        source={},
        data={
            "message": f"request {n}", "logger": f"shop.part{n % 40}", "user": {"id": n % 500},
            "ms": n % 1000, "file": "a.py", "line": n % 90, "text": "x" * 200,
            "trace_id": f"t{n // 10}",
        },
        size=400,
    )  # fmt: skip


@pytest.fixture(scope="module")
def server():
    with DevServer() as running:
        running.store.add(stored(n) for n in range(COUNT))
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
def test_every_endpoint_answers_while_events_arrive(server, client_of, path):
    """Each endpoint answers with each kind of filter; meanwhile events are accepted and stored."""
    client = client_of(server)
    stopped, slowest = threading.Event(), [0.0]

    def send():
        while not stopped.is_set():
            began = time.monotonic()
            assert client.send(text="arrives").status == 202
            slowest[0] = max(slowest[0], time.monotonic() - began)

    before = server.count()
    sender = threading.Thread(target=send)
    sender.start()
    try:
        for query in QUERIES:
            heard = client.ask("GET", f"{path}&{query}", timeout=60)
            assert heard.status == 200, heard.body
            assert json.loads(heard.body)
    finally:
        stopped.set()
        sender.join()
    assert server.count() > before
    assert slowest[0] < 5.0


@pytest.mark.slow
def test_the_figures_are_right(server, client_of):
    """Totals, facets and the histogram of 50,000 events agree with each other."""
    client = client_of(server)
    query = "q=" + quote("$d.ms > 900")
    expected = sum(n % 1000 > 900 for n in range(COUNT))
    facet = client.get(f"/api/facets?field=application&{query}").json["facets"]["application"]
    assert sum(one["count"] for one in facet["values"]) == expected
    bars = client.get(f"/api/histogram?{query}").json["levels"]
    assert sum(map(sum, bars.values())) == expected
    bars = client.get("/api/histogram?q=timeout").json["levels"]
    assert sum(map(sum, bars.values())) == COUNT // 100
    related = client.get("/api/event/1005").json["related"]["trace_id"]
    assert len(related) == 9
