"""Cases 45 to 51: vendors that answer with errors, or not with HTTP."""

from __future__ import annotations

import contextlib
import email.utils
import time

import pytest

from .backend import Backend, answer
from .conftest import Shift
from .harness import until
from .proxy import FaultProxy, Trouble

OK = b"HTTP/1.1 200 OK\r\n"

BROKEN = {
    "refused": None,
    "reset in the body": Trouble(reset="body"),
    "reset instead of the answer": Trouble(reset="answer"),
    "FIN before the status": Trouble(half_close=True),
    "closed after the headers of a 503": Trouble(
        answer=(b"HTTP/1.1 503 x\r\nContent-Length: 9\r\n\r\n",)
    ),
    "half a head": Trouble(answer=(OK + b"Content-Le",)),
    "garbage": Trouble(answer=(b"\x16\x03\x01 SSH-2.0 \xff\xfe\r\n\r\n",)),
    "a status line of 70 KB": Trouble(answer=(b"HTTP/1.1 200 " + b"x" * 70_000,)),
    "1xx alone": Trouble(answer=(b"HTTP/1.1 100 Continue\r\n\r\n" * 3,)),
    "103 alone": Trouble(answer=(b"HTTP/1.1 103 Early Hints\r\n\r\n",)),
    "a 503 whose chunks never end": Trouble(
        answer=(
            b"HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\n\r\n",
            *[b"5\r\nnever\r\n"] * 20_000,
        )
    ),
}
MINUTE = 3.0
"""Seconds that stand for a minute: all waits are a twentieth of their defaults."""


@pytest.mark.case(45)
def test_case_45_broken_answers(shop, figures):
    """Refused, reset, FIN, half a head, garbage, endless heads, 1xx and chunks: each is tried again
    with backoff, at most 12 requests a minute; nothing is lost once the vendor has recovered.
    """
    with contextlib.ExitStack() as stack:
        tries = []
        for name, trouble in BROKEN.items():
            backend = stack.enter_context(Backend())
            proxy = stack.enter_context(FaultProxy(backend.port))
            if trouble is None:
                proxy.refuse()
            proxy.trouble = trouble or proxy.trouble
            shift = Shift()
            one = shop(
                proxy.url,
                clock=shift.clock,
                flush_interval=0,
                retry_initial=0.025,
                retry_maximum=1.5,
            )
            one.log(10)
            tries.append((name, backend, proxy, shift, one))
        time.sleep(MINUTE)  # what must not happen in this time is the subject
        for name, backend, proxy, shift, one in tries:
            requests = one.handler.stats().requests
            assert 4 <= requests <= 12, (name, requests)
            assert one.handler.stats().state == "retrying", name
            proxy.trouble = Trouble()
            if not proxy.is_listening:
                proxy.listen()
            shift.by = 2
            assert one.handler.flush(20), name
            assert one.balanced
            assert figures.judge(one.promised, backend).lost == [], name


@pytest.mark.timing
@pytest.mark.case(46)
def test_case_46_a_trickling_answer(shop, backend, proxy, figures):
    """One byte every 0.3 s, endlessly: the request ends when its timeout (here 1 s) is over, and is
    tried again.
    """
    endless = Backend(lambda request: _drip(request.socket))
    with endless:
        proxy.upstream = endless.port
        one = shop(proxy.url, timeout=1, flush_interval=0)
        one.log(5)
        until(lambda: one.handler.stats().requests)
        took = time.monotonic() - endless.requests[0].at
        proxy.upstream = backend.port

        assert 0.9 < took < 1.9
        assert "TimeoutError" in one.handler.stats().last_error
        assert one.handler.flush(20)
    assert figures.judge(one.promised, backend).lost == []


def _drip(sock) -> None:
    while True:
        sock.sendall(b"H")
        time.sleep(0.3)


def _date(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.case(47)
@pytest.mark.parametrize(
    ("value", "clock", "least", "most"),
    [
        ("2", 0, 2, 2),
        ("-5", 0, 0, 1),
        ("1e9", 0, 600, 600),
        ("1" + "0" * 20, 0, 600, 600),
        ("nonsense", 0, 0, 1),
        ("", 0, 0, 1),
        (40, 0, 38, 42),
        # The vendor's clock is an hour ahead of ours: its own Date says what it means.
        (3640, 3600, 38, 42),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_case_47_retry_after(shop, backend, figures, status, value, clock, least, most):
    """429 and 503 with any Retry-After: the wait is as long as requested, from 0 to 600 s, with no
    request before; other destinations do not wait.
    """
    asked = _date(value) if isinstance(value, int) else value
    headers = {"Retry_After": asked, "Date": _date(clock)} if asked else {}
    refusing = Backend(lambda request: answer(status, **headers) if request.number == 1 else 202)
    shift = Shift(random=0.9)
    with refusing:
        one = shop(refusing.url, clock=shift.clock, flush_interval=0, retry_initial=1)
        other = shop(flush_interval=0)
        one.log(3)
        until(lambda: one.handler.stats().requests)
        other.log(3)
        assert other.handler.flush(10)
        wait = one.delivery.lane.pace.resume_at - shift.clock.monotonic()
        assert least - 1 < wait <= most

        shift.by += max(wait - 0.5, 0)
        one.handler.flush(0.05)
        assert len(refusing.requests) == 1 or wait < 1
        shift.by += 1
        assert one.handler.flush(20)
        assert one.balanced
        assert len(refusing.requests) == 2
        assert figures.judge(one.promised, refusing).lost == []


@pytest.mark.case(48)
def test_case_48_one_poison_record(shop, figures):
    """A vendor answers 400 to any batch with one certain record among 500: 499 arrive, one is
    rejected with the vendor's reason, in at most 2 * log2(500) + 2 requests.
    """
    with Backend(lambda request: 400 if "a:123" in request.ids else 202) as backend:
        drops = []
        one = shop(
            backend.url, flush_interval=60, concurrency=1, on_drop=lambda *d: drops.append(d)
        )
        one.log(500)

        assert one.handler.flush(20)
        stats = one.handler.stats()
        assert (stats.delivered, stats.rejected) == (499, 1)
        assert drops == [("rejected", 1, 20)]
        assert list(stats.reasons) == ["HTTP 400"]
        assert len(backend.requests) <= 19
        assert figures.judge(one.promised, backend, counted=1).lost == ["a:123"]
        assert one.balanced


@pytest.mark.case(49)
def test_case_49_bodies_that_are_too_large(shop, figures):
    """413 above 64 KB: the batch is halved until it passes and the size is remembered; a single
    record that is still too large is rejected, and counted.
    """
    limit = 64_000
    with Backend(lambda request: 413 if len(request.body) > limit else 202) as backend:
        one = shop(backend.url, flush_interval=60, concurrency=1)
        one.log(400, text="x" * 1_000)
        one.log(text="x" * 100_000)
        assert one.handler.flush(20)
        refused = sum(len(request.body) > limit for request in backend.requests)
        one.log(200, text="x" * 1_000)
        assert one.handler.flush(20)

        again = sum(len(request.body) > limit for request in backend.requests) - refused
        assert again <= 2
        assert one.handler.stats().rejected == 1
        assert figures.judge(one.promised, backend, counted=1).lost == ["a:400"]
        assert one.balanced


@pytest.mark.case(50)
@pytest.mark.parametrize("status", [401, 403])
def test_case_50_a_key_that_is_being_changed(shop, figures, capfd, status):
    """401 or 403 for a minute, then 200: nothing is lost, at most one request every 30 s, one line
    on stderr, and the key appears nowhere.
    """
    with Backend(lambda request: status if request.number < 3 else 202) as backend:
        shift = Shift()
        errors = []
        one = shop(backend.url, clock=shift.clock, flush_interval=0, on_error=errors.append)
        one.delivery.lane.diagnostics._on_error = errors.append
        for probe in (1, 2):
            one.log(20)
            until(lambda: one.handler.stats().requests == probe)  # noqa: B023
            shift.by += 29
            one.handler.flush(0.1)
            assert len(backend.requests) == probe
            assert one.handler.stats().state == "holding"
            shift.by += 2
            one.handler.flush(0.01)
        assert one.handler.flush(20)

        assert figures.judge(one.promised, backend).lost == []
        said = capfd.readouterr().err
        assert len([line for line in said.splitlines() if str(status) in line]) == 1
        assert "canary" not in said + repr(errors) + repr(one.handler) + repr(one.handler.stats())
        assert one.balanced


@pytest.mark.case(51)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_case_51_redirects(shop, backend, figures, capfd, status):
    """3xx to another host: no request reaches that host, everything is held, one line says so, and
    the key appears nowhere.
    """
    with Backend(lambda request: answer(status, Location=backend.url)) as sending_away:
        shift = Shift()
        one = shop(sending_away.url, clock=shift.clock, flush_interval=0)
        one.log(10)
        until(lambda: one.handler.stats().requests)
        one.handler.flush(0.05)

        assert backend.connections == 0
        assert one.handler.stats().state == "holding"
        assert len(sending_away.requests) == 1
        said = capfd.readouterr().err
        assert said.count("a redirect, never followed") == 1
        assert "canary" not in said
        sending_away.behaviour = lambda request: 202
        shift.by = 31
        assert one.handler.flush(10)
        assert figures.judge(one.promised, sending_away).lost == []
