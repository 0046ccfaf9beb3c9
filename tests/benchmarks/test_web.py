"""The mode ``web``: the application, the load, and gunicorn where it is installed."""

from __future__ import annotations

import http.server
import json
import logging
import sys
import tempfile
import threading

import pytest

from benchmarks import run
from benchmarks.application import RECORDS_A_REQUEST, SPEC, application
from benchmarks.load import CONNECTIONS, load
from benchmarks.modes import BY_NAME
from benchmarks.processes import Sink
from benchmarks.subjects import BY_NAME as SUBJECTS
from benchmarks.subjects import NO_OP


@pytest.fixture
def made(monkeypatch, tmp_path):
    """Return a function that makes the application for a subject, without a sink."""

    def make(name):
        target = {"url": "http://127.0.0.1:9", "host": "", "logstash_port": 0}
        spec = {"subject": name, "target": {**target, "directory": str(tmp_path)}}
        monkeypatch.setenv(SPEC, json.dumps(spec))
        return application()

    yield make
    logger = logging.getLogger("benchmarks")
    for each in logger.handlers[:]:
        logger.removeHandler(each)
        each.close()


class Quiet(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """A client that has ended is no error."""


@pytest.fixture
def server():
    """Return a function that serves answers of a status, and returns a port and the paths asked."""
    servers = []

    def serve(status):
        paths = []

        class Answering(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 0

            def do_GET(self):
                paths.append(self.path)
                self.send_response(status)
                self.send_header("content-length", "10")
                self.end_headers()
                for part in (b"01234", b"56789"):
                    self.wfile.write(part)

            def log_message(self, *_):
                pass

        servers.append(Quiet(("127.0.0.1", 0), Answering))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1].server_address[1], paths

    yield serve
    for each in servers:
        each.shutdown()
        each.server_close()


def test_a_request_logs_ten_records(made, tmp_path):
    """Their ids are those of the request's number; a plain request logs to a no-op handler."""
    client = made("FileHandler").test_client()

    assert client.get("/orders/0").json == {"shipped": RECORDS_A_REQUEST}
    client.get("/orders/2")
    lines = (tmp_path / "log").read_text().splitlines()
    ids = [int(line.split()[-2]) for line in lines]
    assert client.get("/plain/7").json == {"shipped": RECORDS_A_REQUEST}
    assert len((tmp_path / "log").read_text().splitlines()) == len(lines)
    assert ids == [*range(10), *range(20, 30)]


def test_the_application_reports_its_figures(made):
    """CPU time is that of the process so far; the records to wait for are reported."""
    client = made(NO_OP.name).test_client()

    assert client.get("/ready").json == {"at": "ready"}
    before = client.get("/figures").json["cpu"]
    client.get("/orders/1")
    assert client.get("/flush").json["flushed_ns"] > 0
    assert client.get("/figures").json["cpu"] >= before > 0


def test_a_subject_that_is_not_installed_is_reported(made, tmp_path, monkeypatch):
    """The reason is reported, and the application starts nevertheless."""
    (tmp_path / "axiom_py.py").write_text("raise ImportError('no axiom here')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "axiom_py", raising=False)

    assert made("axiom-py").test_client().get("/ready").json == {"absent": "no axiom here"}


@pytest.mark.parametrize("requests", [1, CONNECTIONS, 50])
def test_every_request_is_asked_once(server, requests):
    """Even if there are fewer requests than connections, or answers arrive in parts."""
    port, paths = server(200)
    figures = load(port, "orders", requests)

    assert sorted(paths) == sorted(f"/orders/{number}" for number in range(requests))
    assert 0 < figures["p50_ns"] <= figures["max_ns"]
    assert figures["started_ns"] < figures["logged_ns"]
    assert figures["served"] > 0


@pytest.mark.parametrize("status", [404, 500])
def test_an_application_that_fails_ends_the_load(server, status):
    """Failed requests give no rate."""
    port, _ = server(status)
    with pytest.raises(ConnectionError, match=f"the application answered b'HTTP/1.1 {status}"):
        load(port, "orders", 20)


@pytest.fixture(scope="module")
def sink():
    sink = Sink()
    yield sink
    sink.end()


def test_gunicorn_serves_and_all_arrives(sink, tmp_path, monkeypatch):
    """Requests per second are compared with those of a no-op; nothing is lost or left behind."""
    pytest.importorskip("gunicorn")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rounds = run.Rounds(sink, lambda _: None)
    subject = SUBJECTS["cxlogging Better Stack, spool, stdlib only"]
    rounds.go(BY_NAME["web"], [NO_OP, subject], 0, 300)

    (plain,), (ours,) = rounds.runs["web"].values()
    assert (ours["records"], ours["delivered"], ours["missing"]) == (300, 300, 0)
    for each in (plain, ours):
        assert each["served"] > 0
        assert each["plain_served"] > 0
        assert each["cpu"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_come_up_is_a_round_that_failed(sink, tmp_path, monkeypatch):
    """The report names the server that did not answer; the other modes continue."""
    (tmp_path / "gunicorn.py").write_text("raise SystemExit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    rounds = run.Rounds(sink, lambda _: None)
    rounds.go(BY_NAME["web"], [NO_OP], 0, 10)

    (figures,) = rounds.runs["web"][NO_OP.name]
    assert figures["failed"].startswith("ready: gunicorn does not answer (")
