"""The commands together: what `send` sends is found by `query`, `tail`, `audit` and `doctor`."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
import urllib.request

import pytest

from cxlogging.cli.tail.local_stream import LocalStream


@pytest.fixture
def at(run, server):
    """Run a command against the local server."""

    def invoke(*arguments, **more):
        port = ("--port", str(server.port))
        return run(*arguments, *port, **more)

    return invoke


LINES = """\
2025-01-20T10:11:12Z ERROR payment failed
{"time": "2025-01-20T10:11:13Z", "level": "info", "msg": "paid", "user": {"id": 4711}}
"""
WINDOW = ("--from", "2025-01-20T00:00:00Z", "--to", "2025-01-21T00:00:00Z")


def test_sent_lines_are_queried_audited_and_followed(at, server):
    """Lines are sent and read back as rows with the same times, severities, fields and numbers."""
    sent = at("send", "--to", "local", "--sequence", "--application", "shop", given=LINES)
    rows = at("query", "source logs | orderby $m.timestamp", *WINDOW)
    errors = at("query", "source logs | filter $m.severity == ERROR | count", *WINDOW)
    nobody = at("query", "filter $d.user.id == 1", *WINDOW, "--fail-on-empty")
    wrong = at("query", "source logs | filtre x", *WINDOW)
    lucene = at("query", "user.id:4711", *WINDOW, "--syntax", "lucene")
    background = at("query", "source logs", *WINDOW, "--background")
    audited = at("audit", *WINDOW, "--complete", "--expect", "2")
    examined = at_doctor(at, server)

    first, second = (json.loads(line) for line in rows.stdout.splitlines())
    assert sent.exit_code == 0, sent.output
    assert (first["timestamp"], first["severity"]) == ("2025-01-20T10:11:12Z", "ERROR")
    assert (second["severity"], second["data"]["user"]) == ("INFO", {"id": 4711})
    assert second["labels"]["applicationname"] == "shop"
    assert list(json.loads(errors.stdout).values()) == [1]
    assert nobody.exit_code == 4
    assert (wrong.exit_code, "filtre" in wrong.stderr, "^" in wrong.stderr) == (2, True, True)
    assert len(lucene.stdout.splitlines()) == 1
    assert len(background.stdout.splitlines()) == 2
    assert (audited.exit_code, "1 to 2  2 arrived  whole" in audited.stdout) == (0, True)
    assert examined == 0


def at_doctor(at, server):
    del at
    from .conftest import COMMAND, environment

    return subprocess.run(
        [*COMMAND, "doctor", "--wait", "10"],
        env=environment(CXLOGGING_URL=server.url, CORALOGIX_API_KEY="k"),
        stdout=subprocess.DEVNULL,
        check=False,
    ).returncode


def test_tail_shows_what_arrives_while_it_waits(start, server):
    """With the server's stream, each row is printed once, also after an outage."""
    port = ("--port", str(server.port))
    tail = start("tail", *port, "-o", "jsonl", "--count", "60")
    send = start("send", "--to", "local", *port, stdin=subprocess.PIPE)
    server.faults.add(vendor="coralogix", status=503, times=1)
    for batch in range(3):
        for number in range(20):
            send.stdin.write(f"line {batch * 20 + number}\n")
        send.stdin.flush()
        assert server.wait_for("coralogix", (batch + 1) * 20, timeout=30)
    send.stdin.close()
    send.stdin = None
    out, errors = tail.communicate(timeout=60)

    messages = [json.loads(line)["data"]["message"] for line in out.splitlines()]
    assert tail.returncode == 0, errors
    assert sorted(messages) == sorted(f"line {number}" for number in range(60))


def test_the_stream_reports_every_arrival(server, run):
    """It sends the counts at once, and whenever they change."""
    with urllib.request.urlopen(f"{server.url}/api/stream", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        first = answer.readline()
        answer.readline()
        run("send", "--to", "local", "--url", server.url, given="x")
        second = answer.readline()

    assert json.loads(first.removeprefix(b"data: "))["counts"]["coralogix"] == 0
    assert json.loads(second.removeprefix(b"data: "))["counts"]["coralogix"] == 1


def test_waiting_for_the_stream_and_without_one(server, service, run):
    """The wait ends when records arrive; without a stream it takes the interval."""
    began = time.monotonic()
    stream = LocalStream(server.url, 0.05, max_wait=60.0)
    sending = threading.Timer(
        0.2, run, ("send", "--to", "local", "--url", server.url), {"given": "x"}
    )
    sending.start()
    while not server.count():
        stream.wait()
    sending.join()
    assert time.monotonic() - began < 30
    stream.close()

    disconnected = LocalStream("http://127.0.0.1:9", 0.01, max_wait=60.0)
    disconnected.wait()
    disconnected.close()
    assert not disconnected._connected


@pytest.mark.parametrize(
    "command",
    [
        "query x",
        "query x --background --since 1h",
        "query --job 1",
        "tail",
        "audit",
        "send --to local --wait 0.5",
        "send --to honeycomb --wait 0.5",
        "check",
        "doctor --wait 1",
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_host_and_port_are_named_if_nothing_listens(run, command, host):
    """The message names host, port and the command to start, without library internals."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port
        port = taken.getsockname()[1]
        keys = {"CORALOGIX_API_KEY": "key-4711", "HONEYCOMB_API_KEY": "key-4711"}
        url = f"http://{host}:{port}"
        done = run(*command.split(), given="one\n", CXLOGGING_URL=url, **keys)
    said = done.stdout + done.stderr

    assert done.exit_code in {1, 5}
    assert f"Nothing listens at {host}:{port}." in said
    assert "Is `cxlogging dev` running" in said
    assert "urllib3" not in said
    assert "Max retries" not in said
