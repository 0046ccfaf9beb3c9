"""The fault proxy: each kind of trouble, as a plain socket sees it."""

from __future__ import annotations

import socket
import time

import pytest

from .backend import Backend
from .dead_ends import FullBacklog, Names
from .proxy import FaultProxy, Trouble

REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n<a:17>"
ANSWER = b"HTTP/1.1 202 Status\r\nContent-Length: 0\r\n\r\n"


def ask(proxy: FaultProxy, request: bytes = REQUEST, size: int = len(ANSWER)) -> bytes:
    """Send one request, and return what comes until *size* bytes or the end."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as sock:
        sock.sendall(request)
        data = b""
        while len(data) < size and (more := sock.recv(65_536)):
            data += more
        return data


def test_no_trouble(proxy, backend):
    """Without trouble a request passes, and so does its answer."""
    assert ask(proxy) == ANSWER
    assert backend.accepted == {"a:17": 1}


def test_latency(proxy):
    """With latency, request and answer each wait."""
    proxy.trouble = Trouble(latency=0.1)
    started = time.monotonic()

    assert ask(proxy) == ANSWER
    assert time.monotonic() - started >= 0.2


def test_bandwidth(proxy):
    """With a limited bandwidth, a body takes its size divided by it."""
    proxy.trouble = Trouble(bandwidth=100_000)
    request = REQUEST.replace(b": 6", b": 20006") + b"x" * 20_000
    started = time.monotonic()

    assert ask(proxy, request) == ANSWER
    assert time.monotonic() - started >= 0.2


def test_trickle(proxy):
    """A trickling answer comes byte by byte."""
    proxy.trouble = Trouble(trickle=0.01)
    started = time.monotonic()

    assert ask(proxy) == ANSWER
    assert time.monotonic() - started >= 0.01 * len(ANSWER)


@pytest.mark.parametrize("when", ["at once", "body"])
def test_reset_before_the_body(proxy, backend, when):
    """A connection is reset before the body was read: the backend has seen nothing."""
    proxy.trouble = Trouble(reset=when)

    with pytest.raises(ConnectionError):
        ask(proxy, REQUEST.replace(b": 6", b": 5000006") + b"x" * 5_000_000)
    assert backend.requests == []


def test_reset_after_the_body(proxy, backend):
    """A connection is reset instead of the answer: the backend has accepted."""
    proxy.trouble = Trouble(reset="answer")

    with pytest.raises(ConnectionResetError):
        ask(proxy)
    assert backend.accepted == {"a:17": 1}


def test_half_close(proxy, backend):
    """A half-closed connection gets no answer, and can still be written to."""
    proxy.trouble = Trouble(half_close=True)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as sock:
        sock.sendall(REQUEST)
        assert sock.recv(1) == b""
        sock.sendall(REQUEST)

    assert backend.requests == []


def test_truncation(proxy, backend):
    """Only the beginning of a truncated answer arrives."""
    proxy.trouble = Trouble(truncate=9)

    assert ask(proxy) == ANSWER[:9]
    assert backend.accepted == {"a:17": 1}


def test_refuse_and_listen_again(proxy):
    """A refused connection is refused at once, on the same port that later serves again."""
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        ask(proxy)
    proxy.listen()

    assert ask(proxy) == ANSWER


def test_blackhole(proxy, backend):
    """A black hole reads everything and does not answer."""
    proxy.trouble = Trouble(blackhole=True)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=0.2) as sock:
        sock.sendall(REQUEST)
        with pytest.raises(TimeoutError):
            sock.recv(1)

    assert backend.requests == []


def test_a_full_backlog():
    """With a full backlog a connect neither fails nor succeeds."""
    with FullBacklog() as hole, pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", hole.port), timeout=0.3)


def test_an_answer_of_its_own(proxy, backend):
    """The pieces of an answer by the proxy arrive unchanged."""
    proxy.trouble = Trouble(answer=(b"garbage", b" and more"))

    assert ask(proxy, size=100) == b"garbage and more"
    assert backend.requests == []


def test_cutting_what_is_open(proxy):
    """Open connections are reset, even while nothing is sent on them."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as sock:
        sock.sendall(REQUEST)
        assert sock.recv(100) == ANSWER
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


def test_names():
    """A scripted resolver answers, fails, and follows its settings."""
    names = Names("127.0.0.1")
    assert names("any.example", 80)[0][4] == ("127.0.0.1", 80)
    names.answer = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    with pytest.raises(socket.gaierror):
        names("any.example", 80)

    assert names.asked == 2


def test_the_backend_remembers():
    """The backend distinguishes what it received from what it acknowledged."""
    with Backend(lambda request: 503 if request.number == 1 else 202) as backend:
        with FaultProxy(backend.port) as proxy:
            ask(proxy)
            assert (backend.seen, backend.accepted) == ({"a:17"}, {})
            ask(proxy)
        assert backend.accepted == {"a:17": 1}
