"""The limits of queries: what ends them, and that other requests are served."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cxlogging.devserver import DevServer, StoredEvent
from cxlogging.devserver.offload import THREADS
from cxlogging.devserver.query.pool import MAX_IDLE, MAX_RUNNING, MAX_WAITING

DIRECT = "/api/v1/dataprime/query"
BACKGROUND = "/api/v1/dataprime/background-query"
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer k"}
FOREVER = "filter matches(a, /(a+)+$/) | count"

WORST = {
    "a regular expression": FOREVER,
    "a regular expression that redacts": "redact a matching /(a*)*c/ to 'x' | count",
    "a regular expression that extracts": "extract a into b using regexp(e=/(?<q>(a+)+)$/) | count",
    "a regular expression that splits": "choose regexpSplitParts(a, /(a+)+$/, 1) as x | count",
    "many rows": " | ".join(["explode l into x original preserve"] * 8) + " | count",
    "groups": "explode l into x original preserve | " * 4
    + "groupby x, n agg collect(a) as y | count",
    "long arrays": "create m from l" + " | create m from arrayConcat(m, m)" * 60 + " | count",
}

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def fill(server, count=200):
    server.store.add(
        StoredEvent(
            "coralogix", 10**18 + n, 10**18, "info", 3, "m", "shop", "web", {},
            {"n": n, "a": "a" * 60 + "b", "l": list(range(50))},
        )
        for n in range(count)
    )  # fmt: skip


@pytest.fixture
def server():
    with DevServer(query_timeout=1.0) as running:
        fill(running)
        yield running


def ask(client, query, path=DIRECT, **more):
    body = json.dumps({"query": query, **more}).encode()
    return client.ask("POST", path, body, HEADERS, timeout=60.0)


def last_lines(heard):
    return [json.loads(line) for line in heard.body.split(b"\n") if line][-2:]


def until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def children(parent, dead=False):
    """The processes that *parent* started and that still run; *dead*: zombies too."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, rest = stat.read_text().partition(" (")
        except OSError:
            continue
        state, ppid = rest.rpartition(") ")[2].split()[:2]
        if int(ppid) == parent and (dead or state != "Z"):
            found.append(int(number))
    return found


def resident():
    """Bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def runs(number):
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize("query", WORST.values(), ids=WORST)
def test_the_worst_query_is_ended_and_nobody_waits_for_it(server, client, query):
    """Deliveries are taken while it runs; its answer says which limit it met and what to change;
    the next query is answered.
    """
    heard = []
    thread = threading.Thread(target=lambda: heard.append(ask(client, query)))
    thread.start()
    taken = 0
    while thread.is_alive():
        assert client.send("betterstack").status == 202
        taken += 1
    error, statistics = last_lines(heard[0])
    assert taken > 5
    assert "longer than 1 s" in error["error"]["message"]
    assert "--query-timeout" in error["error"]["message"]
    assert statistics["statistics"]["status"] == "FAILED"
    assert last_lines(ask(client, "limit 1"))[-1]["statistics"]["status"] == "COMPLETED"


@pytest.mark.timing
def test_deliveries_are_answered_while_queries_run_that_nothing_ends(client_of):
    """Two hundred deliveries are answered while the maximum number of endless queries run."""
    with DevServer(query_timeout=600) as server:
        fill(server)
        client = client_of(server)
        body = json.dumps({"query": FOREVER}).encode()
        lines = [client.raw(client.head(DIRECT, len(body)) + body) for _ in range(MAX_RUNNING)]
        assert all(line.recv(10) for line in lines)
        took = []
        for number in range(200):
            began = time.monotonic()
            vendor = ("coralogix", "honeycomb", "betterstack")[number % 3]
            assert client.send(vendor).status in (200, 202)
            took.append(time.monotonic() - began)
        # About ten milliseconds on an idle machine.
        assert max(took) < 3.0
        for line in lines:
            line.close()


@pytest.mark.slow
@linux
def test_fifty_of_the_worst_queries_leave_nothing(client_of):
    """No process, not even a zombie, no thread, no descriptor, no memory, after queries that met
    a limit, that did not compile, and whose clients left.
    """
    hungry = "create x from '0123456789'" + " | create x from concat(x, x)" * 40
    with DevServer(query_timeout=0.1, query_memory=400 * 2**20) as server:
        fill(server)
        client = client_of(server)

        def one_of_them(number):
            if number % 5 == 0:
                body = json.dumps({"query": FOREVER}).encode()
                with client.raw(client.head(DIRECT, len(body)) + body) as line:
                    assert line.recv(10)
            else:
                ask(client, [FOREVER, hungry, "filter (", FOREVER][number % 5 - 1])

        def settled():
            """Wait until no more is held than the few processes and threads that are reused."""
            until(lambda: len(children(os.getpid(), dead=True)) <= MAX_IDLE)
            until(lambda: threading.active_count() <= threads + THREADS)
            until(lambda: open_files() <= descriptors + 2 * MAX_IDLE)

        def fifty():
            with ThreadPoolExecutor(MAX_RUNNING) as pool:
                list(pool.map(one_of_them, range(50)))
            settled()

        threads, descriptors = threading.active_count(), open_files()
        fifty()
        memory = resident()
        fifty()
        assert resident() - memory < 32 * 2**20
    assert not children(os.getpid(), dead=True)


def test_a_constant_is_computed_in_bounds_too(client):
    """Constants are evaluated before the first row: the answer is 400 with the same message."""
    heard = ask(client, f"filter matches('{'a' * 60}b', /(a+)+$/)")
    assert (heard.status, "--query-timeout" in heard.json["message"]) == (400, True)


@linux
def test_memory_is_bounded(client_of):
    """A string that keeps doubling ends the query with a message; the next query is answered."""
    query = "create x from '0123456789'" + " | create x from concat(x, x)" * 40
    with DevServer(query_memory=400 * 2**20) as server:
        fill(server)
        client = client_of(server)
        error, statistics = last_lines(ask(client, query))
        assert "0.391 GiB of memory" in error["error"]["message"]
        assert statistics["statistics"]["status"] == "FAILED"
        assert last_lines(ask(client, "limit 1"))[-1]["statistics"]["status"] == "COMPLETED"


def test_a_row_is_bounded(client_of):
    """A row of tens of millions of characters is refused instead of sent."""
    query = "limit 1 | create x from '0123456789'" + " | create x from concat(x, x)" * 22
    with DevServer(query_timeout=60) as server:
        fill(server)
        error, _ = last_lines(ask(client_of(server), query))
    assert "more than 16,777,216 characters" in error["error"]["message"]


@linux
@pytest.mark.parametrize("what", ["a first line", "a constant"])
def test_a_client_that_leaves_ends_its_query(client_of, what):
    """The process of the query ends long before its time limit."""
    query = FOREVER if what == "a first line" else f"filter matches('{'a' * 60}b', /(a+)+$/)"
    with DevServer(query_timeout=600) as server:
        fill(server)
        client = client_of(server)
        body = json.dumps({"query": query}).encode()
        head = client.head(DIRECT, len(body))
        with client.raw(head + body):
            until(lambda: children(os.getpid()))
        until(lambda: not children(os.getpid()))


@linux
def test_a_server_that_stops_leaves_no_process(client_of):
    """Neither a busy nor an idle process remains; a server without queries has none."""
    with DevServer() as server:
        assert not children(os.getpid())
        fill(server)
        client = client_of(server)
        ask(client, "limit 1")
        # It is kept for the next one, unless its client had left before all of it was read.
        assert len(children(os.getpid())) <= 1
        ask(client, "limit 1")
        assert len(children(os.getpid())) <= 1
        body = json.dumps({"query": FOREVER}).encode()
        busy = client.raw(client.head(DIRECT, len(body)) + body)
        assert busy.recv(10)
    busy.close()
    assert not children(os.getpid())


def test_more_queries_than_run_and_wait_are_refused(server, client_of):
    """Further queries get 429 at once; waiting ones and other requests are answered."""
    client = client_of(server)
    statuses = []
    threads = [
        threading.Thread(target=lambda: statuses.append(ask(client, FOREVER).status))
        for _ in range(MAX_RUNNING + MAX_WAITING + 3)
    ]
    for thread in threads:
        thread.start()
    until(lambda: statuses.count(429) >= 3)
    heard = client.ask("POST", f"{BACKGROUND}/status", b'{"queryId": "x"}', HEADERS)
    assert heard.status == 404
    for thread in threads:
        thread.join(60)
    assert statuses.count(200) >= MAX_RUNNING


WINDOW = {
    "syntax": "QUERY_SYNTAX_DATAPRIME",
    "startDate": "2001-01-01T00:00:00Z",
    "endDate": "2030-01-01T00:00:00Z",
}


def status_of(client, query_id):
    heard = client.ask(
        "POST", f"{BACKGROUND}/status", json.dumps({"queryId": query_id}).encode(), HEADERS
    )
    return heard.json


def test_a_background_query_has_its_limit_too(client_of):
    """A background query fails with the same message; the start of its process does not count."""
    with DevServer(query_timeout=0.1) as server:
        fill(server)
        client = client_of(server)
        query_id = ask(client, FOREVER, BACKGROUND, **WINDOW).json["queryId"]
        until(lambda: "terminated" in status_of(client, query_id))
        reason = status_of(client, query_id)["terminated"]["error"]["failed"]["reason"]
        assert "longer than 1 s" in reason


@linux
def test_a_background_query_that_is_cancelled_is_ended(client_of):
    """Cancelling ends a query in the middle of a regular expression."""
    with DevServer(query_timeout=600) as server:
        fill(server)
        client = client_of(server)
        query_id = ask(client, FOREVER, BACKGROUND, **WINDOW).json["queryId"]
        until(lambda: "running" in status_of(client, query_id))
        client.ask("POST", f"{BACKGROUND}/cancel", json.dumps({"queryId": query_id}), HEADERS)
        until(lambda: "terminated" in status_of(client, query_id))
        assert status_of(client, query_id)["terminated"]["error"] == {"cancelled": {}}


PROGRAM = """
import os, sys, threading
from cxlogging.devserver import DevServer, StoredEvent
server = DevServer(query_timeout=600).start()
server.store.add([StoredEvent("coralogix", 10**18, 10**18, "info", 3, "m", "a", "s", {},
                              {"a": "a" * 60 + "b"})])
print(server.port, flush=True)
if sys.argv[1:] == ["fork"]:
    sys.stdin.readline()
    if os.fork() == 0:
        threading.Event().wait(120)
        os._exit(0)
    print("forked", flush=True)
threading.Event().wait()
"""


@linux
@pytest.mark.parametrize("busy", [True, False])
def test_a_process_ends_with_a_server_that_was_killed(client_of, busy):
    """A process ends after kill -9 of the server, even within a regular expression."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "fork"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    forked, line = [], socket.socket()
    try:
        client = client_of(type("At", (), {"port": int(program.stdout.readline())}))
        ask(client, "limit 1")
        (query,) = children(program.pid)
        if busy:
            body = json.dumps({"query": FOREVER}).encode()
            line.close()
            line = client.raw(client.head(DIRECT, len(body)) + body)
            assert line.recv(10)
        program.stdin.write(b"\n")
        program.stdin.flush()
        assert program.stdout.readline() == b"forked\n"
        forked = [one for one in children(program.pid) if one != query]
        program.kill()
        program.wait()
        until(lambda: not runs(query))
    finally:
        program.kill()
        # The fork holds the other ends of the program's pipes.
        for one in forked:
            os.kill(one, signal.SIGKILL)
        program.communicate()
        line.close()
