"""Reports of statistics to the local server, by real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import cxlogging
from cxlogging.devserver import DevServer
from tests.faults.harness import until

PROGRAM = """
import logging, os, signal, sys
import cxlogging

class Everything(logging.Handler):
    def emit(self, record):
        if record.name != "shop":
            print("RECORD", record.name, record.getMessage(), flush=True)

logging.root.addHandler(Everything())
logging.root.setLevel(1)
handler = cxlogging.HoneycombHandler("key", dataset="shop")
log = logging.getLogger("shop")
log.addHandler(handler)

def wait():
    sys.stdin.readline()
"""


class Program:
    """A program with a handler, which reads a line of stdin where it calls `wait()`."""

    def __init__(self, body, url, *options, **variables):
        code = PROGRAM + textwrap.dedent(body)
        environment = {**os.environ, "CXLOGGING_URL": url, **variables}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", *options, "-c", code],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environment,
        )  # fmt: skip

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        """Let it end; return its status, its output and what it wrote to stderr."""
        output, errors = self.process.communicate("\n" * 10, timeout=60)
        return self.process.returncode, output, errors


@pytest.fixture
def server():
    with DevServer() as running:
        yield running


@pytest.fixture
def start():
    programs = []

    def start(*arguments, **variables):
        programs.append(Program(*arguments, **variables))
        return programs[-1]

    yield start
    for each in programs:
        if each.process.poll() is None:
            each.process.kill()
            each.process.communicate()


def reports(server):
    return server.reports.current()


def handlers(server):
    return [each for report in reports(server) for each in report["handlers"]]


def delivered(server):
    return [each["stats"]["delivered"] for each in handlers(server)]


def test_the_statistics_arrive_and_change(server, start):
    """The server has the ledger and the queue of each handler, and then the newer ones."""
    program = start(
        """
        cxlogging.report_stats()
        log.info("one")
        wait()
        log.info("two")
        wait()
        """,
        server.url,
    )
    until(lambda: delivered(server) == [1])
    (handler,) = handlers(server)
    assert handler["vendor"] == "honeycomb"
    assert "shop" in handler["name"]
    assert handler["stats"]["state"] in ("idle", "delivering")
    assert (handler["queue_records"], handler["queue_bytes"]) == (0, 0)
    assert handler["queue_limit"] == 64 * 2**20
    assert f"({program.process.pid})" in reports(server)[0]["process"]
    program.go_on()
    until(lambda: delivered(server) == [2])
    assert program.end() == (0, "", "")


def test_a_queue_is_seen_to_fill_and_to_drain(server, start):
    """While the vendor fails, records and bytes wait in the queue; afterwards none."""
    server.faults.add(vendor="honeycomb", status=503)
    program = start(
        """
        cxlogging.report_stats()
        for number in range(10):
            log.info("record %d", number)
        wait()
        """,
        server.url,
    )
    until(lambda: [each["queue_records"] for each in handlers(server)] == [10])
    (handler,) = handlers(server)
    assert handler["queue_bytes"] > 500
    assert handler["stats"]["pending"] == 10
    server.faults.clear()
    until(lambda: delivered(server) == [10])
    assert handlers(server)[0]["queue_records"] == 0
    assert program.end()[0] == 0


def test_the_variable_is_enough(server, start):
    """A program that does not know of it reports where CXLOGGING_REPORT_STATS is set."""
    program = start("wait()", server.url, CXLOGGING_REPORT_STATS="1")
    until(lambda: delivered(server) == [0])
    assert program.end() == (0, "", "")


def test_without_either_nothing_is_reported(server, start):
    """The module is not even imported, and a variable that says no starts nothing."""
    body = """
        log.info("x")
        handler.flush(5)
        print("cxlogging.delivery.reporting" in sys.modules)
        """
    assert start(body, server.url).end() == (0, "False\n", "")
    no = start("log.info('x')", server.url, CXLOGGING_REPORT_STATS="0").end()
    assert (no, reports(server)) == ((0, "", ""), [])


def test_how_it_ended_is_reported(server, start):
    """The last report has what the exit delivered, from a program that ends at once."""
    program = start(
        """
        cxlogging.report_stats()
        wait()
        for number in range(100):
            log.info("record %d", number)
        """,
        server.url,
    )
    until(lambda: reports(server))
    program.go_on()
    assert program.end() == (0, "", "")
    assert delivered(server) == [100]
    assert handlers(server)[0]["queue_records"] == 0


def test_a_program_that_ends_before_its_first_report_reports_once(server, start):
    """The exit makes the report of a program that runs for less than a second."""
    program = start("cxlogging.report_stats(); log.info('x'); handler.flush(20)", server.url)
    assert program.end() == (0, "", "")

    assert delivered(server) == [1]


def test_a_program_that_ends_before_its_first_report_names_the_trouble(start):
    """Where nothing listens, such a program says so, once."""
    program = start("cxlogging.report_stats()", "http://127.0.0.1:9")
    code, _, errors = program.end()

    assert (code, errors.count("\n")) == (0, 1)
    assert "http://127.0.0.1:9 does not take statistics" in errors


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_has_two_processes_that_report(server, start):
    """Parent and child go on reporting, each its own ledger; the fork warns of no thread."""
    program = start(
        """
        cxlogging.report_stats()
        log.info("before")
        handler.flush(5)
        wait()
        child = os.fork()
        if child == 0:
            log.info("child")
            handler.flush(5)
            signal.pause()
        log.info("parent")
        handler.flush(5)
        wait()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        """,
        server.url,
    )
    until(lambda: delivered(server) == [1])
    program.go_on()
    until(lambda: sorted(delivered(server)) == [1, 2])
    assert len({each["process"] for each in reports(server)}) == 2
    code, _, errors = program.end()
    assert (code, errors) == (0, "")


def test_a_server_that_does_not_answer_is_named(start):
    """A line on stderr names the address; the program runs and ends as it would without."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    program = start("cxlogging.report_stats()\nwait()", f"http://127.0.0.1:{port}")
    line = program.process.stderr.readline()
    assert line.startswith(
        f"cxlogging: report_stats(): the local server at http://127.0.0.1:{port}"
    )
    assert f"Nothing listens at 127.0.0.1:{port}" in line
    assert program.end() == (0, "", "")


class Missing(BaseHTTPRequestHandler):
    """Answers each report as a server without that endpoint, and counts them."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.count += 1
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.mark.slow
def test_the_trouble_is_said_once(start):
    """Report after report is refused, and stderr has one line."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Missing) as other:
        other.count = 0
        other.daemon_threads = True
        threading.Thread(target=other.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{other.server_port}"
        program = start("cxlogging.report_stats()\nwait()", url)
        until(lambda: other.count >= 3)
        code, output, errors = program.end()
        other.shutdown()
    assert (code, output) == (0, "")
    (line,) = errors.splitlines()
    assert "answered 404" in line


def test_a_server_that_hangs_delays_nothing(server, start):
    """While a report waits for an answer that never comes, records are delivered as ever."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        program = start(
            """
            cxlogging.report_stats(os.environ["REPORT_TO"])
            wait()
            for number in range(1000):
                log.info("record %d", number)
            """,
            server.url,
            REPORT_TO=f"http://127.0.0.1:{silent.getsockname()[1]}",
        )
        silent.settimeout(20)
        line, _ = silent.accept()
        with line:
            program.go_on()
            assert program.end()[0] == 0
    assert server.count("honeycomb") == 1000


@pytest.mark.slow
def test_its_requests_leave_no_log_records(server, start):
    """No logger of the process gets a record of the reports, at any level."""
    program = start(
        """
        cxlogging.report_stats()
        wait()
        """,
        server.url,
    )
    until(lambda: reports(server))
    server.reports.clear()
    until(lambda: reports(server))
    assert program.end() == (0, "", "")
    assert handlers(server)[0]["stats"]["suppressed"] == 0


@pytest.mark.parametrize("url", ["https://logs.example.com", "http://192.0.2.1:8765"])
def test_another_machine_is_refused(url, monkeypatch):
    """Reports go to this machine alone: another address is an error that says so."""
    monkeypatch.setenv("CXLOGGING_URL", url)
    with pytest.raises(cxlogging.ConfigurationError, match=r"CXLOGGING_URL names .*loopback"):
        cxlogging.report_stats()
    with pytest.raises(cxlogging.ConfigurationError, match="url names"):
        cxlogging.report_stats(url)


def test_an_address_is_needed(monkeypatch):
    """Without an address, the error names the variable."""
    monkeypatch.delenv("CXLOGGING_URL", raising=False)
    with pytest.raises(cxlogging.ConfigurationError, match="set CXLOGGING_URL"):
        cxlogging.report_stats()


def test_the_variable_does_not_break_a_program_elsewhere(start):
    """With an address of another machine, the handler works, and stderr says why."""
    code, output, errors = start(
        "print(handler.stats().accepted)",
        "https://logs.example.com",
        CXLOGGING_REPORT_STATS="1",
    ).end()
    assert (code, output) == (0, "0\n")
    (line,) = errors.splitlines()
    assert "CXLOGGING_REPORT_STATS" in line
    assert "loopback" in line


def test_a_killed_program_is_forgotten_by_time_alone(server, start):
    """A program that is killed leaves its last report, and the server goes on."""
    program = start("cxlogging.report_stats()\nwait()", server.url)
    until(lambda: reports(server))
    program.process.kill()
    program.process.communicate(timeout=10)
    assert len(reports(server)) == 1
