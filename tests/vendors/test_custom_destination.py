"""The destination that docs/custom-destination.md builds, taken out of the page."""

from __future__ import annotations

import gzip
import json
import logging
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "custom-destination.md"
CODE, USE, TEST = re.findall(r"```(?:python|py)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
MOST_LINES = 100


class Service(BaseHTTPRequestHandler):
    """Answers as Axiom documents it: how many events were ingested, and how many failed."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        events = json.loads(body)
        sound = [event for event in events if not event.get("bad")]
        failures = [{"error": "bad field"}] * (len(events) - len(sound))
        self.server.seen.append((self.path, self.headers["Authorization"], events))
        self.server.stored += sound
        answer = {"ingested": len(sound), "failed": len(failures), "failures": failures}
        raw = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *arguments):
        """Print nothing."""


@pytest.fixture
def service():
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as running:
        running.seen, running.stored = [], []
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def page():
    """The names that the page's code defines."""
    names = {"__name__": "axiom"}
    exec(compile(CODE, str(PAGE), "exec"), names)
    return names


@pytest.fixture
def handler(page, service):
    made = page["AxiomHandler"](
        "shop", "xaat-1", url=f"http://127.0.0.1:{service.server_port}", flush_interval=60
    )
    yield made
    made.close()


def record(message, **extra):
    made = logging.LogRecord("shop.cart", logging.INFO, "/srv/shop.py", 7, message, (), None)
    made.__dict__.update(extra)
    return made


def test_it_has_at_most_a_hundred_lines():
    """A user writes no more than that."""
    assert len(CODE.splitlines()) <= MOST_LINES


def test_the_page_s_own_test_passes(page):
    """The conformance suite finds nothing wrong with it."""
    names = dict(page)
    exec(compile(TEST, str(PAGE), "exec"), names)

    names["test_axiom_keeps_the_contract"]()


def test_the_page_s_example_configures_a_handler(page, tmp_path, monkeypatch):
    """The lines that attach it are right, with a spool that this user may write."""
    monkeypatch.setenv("AXIOM_TOKEN", "xaat-1")
    names = dict(page)
    exec(USE.replace("/var/spool/shop", str(tmp_path)), names)

    (handler,) = names["log"].handlers
    assert (handler.level, handler.delivery.options.spool) == (logging.INFO, str(tmp_path))
    names["log"].removeHandler(handler)
    handler.close()


def test_records_arrive_through_a_real_server(handler, service):
    """With their time, level, logger and fields, to the dataset's path, with the token."""
    handler.handle(record("order 1", order=1, _time="mine", level="mine"))
    handler.handle(record("order 2", order=2))

    assert handler.flush(30)
    path, token, _ = service.seen[0]
    assert (path, token) == ("/v1/datasets/shop/ingest", "Bearer xaat-1")
    first, second = service.stored
    assert (first["message"], first["level"], first["logger"]) == ("order 1", "INFO", "shop.cart")
    assert (first["order"], first["extra__time"], first["extra_level"]) == (1, "mine", "mine")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", second["_time"])
    assert handler.stats().delivered == 2


def test_a_token_that_is_missing_is_named_and_does_not_raise(page, capfd):
    """The handler counts what it drops."""
    handler = page["AxiomHandler"]("shop")
    handler.handle(record("x"))
    handler.close()

    assert "AXIOM_TOKEN (or token=)" in handler.delivery.destination.missing
    assert handler.stats().dropped == 1


def test_a_misspelt_option_is_answered_with_the_right_one(page):
    """The hint knows the handler's own arguments too."""
    with pytest.raises(Exception, match=r"takes no argument 'tokn'.*'token'"):
        page["AxiomHandler"]("shop", tokn="x")


def test_events_that_failed_without_a_name_are_found_one_by_one(handler, service):
    """The answer says how many failed, not which: exactly these are rejected, with the reason."""
    for number in range(5):
        handler.handle(record(f"order {number}", bad=number in (1, 3)))

    assert handler.flush(30)
    stats = handler.stats()
    assert (stats.delivered, stats.rejected) == (3, 2)
    assert {event["message"] for event in service.stored} == {"order 0", "order 2", "order 4"}
