"""Cases 52 to 55: connections that end, names that do not resolve, TLS, endless answers."""

from __future__ import annotations

import datetime
import errno
import gzip
import re
import socket
import ssl
import time
import tracemalloc

import pytest
import trustme

from .backend import Backend, answer
from .conftest import Shift
from .dead_ends import Names
from .harness import until
from .proxy import FaultProxy, Trouble

MANY = 10_000


@pytest.mark.slow
@pytest.mark.case(52)
def test_case_52_connections_closed_at_any_moment(shop, figures):
    """10,000 requests to a vendor that closes kept connections while idle, at the moment of
    sending, or after it has accepted: nothing is lost; only what it had accepted arrives twice, and
    both copies have the same id.
    """
    accepted_and_closed = set()

    def behave(request):
        if request.number % 3 == 0:
            request.socket.sendall(answer(202))
            backend.accept(request)
            return None
        if request.number % 7 == 0:
            backend.accept(request)
            accepted_and_closed.update(request.ids)
            return None
        return None if request.number % 5 == 0 else 202

    with Backend(behave) as backend:
        one = shop(
            backend.url,
            flush_interval=0,
            batch_count=1,
            retry_initial=0.0001,
            retry_maximum=0.001,
        )
        one.log(MANY)
        assert one.handler.flush(100)

        oracle = figures.judge(one.promised, backend)
        assert len(backend.requests) >= MANY
        assert (oracle.lost, oracle.extra) == ([], [])
        assert set(oracle.duplicated) <= accepted_and_closed
        assert {len(numbers) for numbers in backend.sequences.values()} == {1}
        assert one.balanced


FAILURES = {
    "NXDOMAIN": socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    "SERVFAIL": socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    "no network": OSError(errno.ENETUNREACH, "Network is unreachable"),
}


@pytest.mark.case(53)
@pytest.mark.parametrize("name", FAILURES)
def test_case_53_names_that_do_not_resolve(shop, backend, figures, name):
    """NXDOMAIN, SERVFAIL, no network: records wait, and are sent within one backoff of the
    recovery.
    """
    names = Names(FAILURES[name])
    url = f"http://vendor.example:{backend.port}"
    one = shop(url, resolve=names, flush_interval=0, retry_maximum=0.2, allow_plain_http=True)
    one.log(20)
    until(lambda: names.asked >= 3)
    assert one.handler.stats().state == "retrying"
    names.answer = "127.0.0.1"

    assert backend.wait_accepted(20, 5)
    assert one.handler.flush(5)
    assert figures.judge(one.promised, backend).lost == []
    assert one.balanced


@pytest.mark.timing
@pytest.mark.case(53)
def test_case_53_a_resolver_that_hangs(shop, backend, figures):
    """A resolver that hangs delays no log call and no flush with a timeout; once it answers,
    everything is delivered.
    """
    names = Names("127.0.0.1")
    url = f"http://vendor.example:{backend.port}"
    with names.hang:
        one = shop(url, resolve=names, flush_interval=0, allow_plain_http=True)
        one.log(20)
        until(lambda: names.asked)
        started = time.monotonic()
        one.log(1_000)
        assert not one.handler.flush(0.2)
        assert time.monotonic() - started < 1

    assert one.handler.flush(10)
    assert figures.judge(one.promised, backend).lost == []


@pytest.mark.case(53)
def test_case_53_an_address_that_changes(shop, backend, figures):
    """When a vendor moves to another address, it is followed within the maximum age of a
    connection, even while the old address still answers.
    """
    names, shift = Names("127.0.0.1"), Shift()
    url = f"http://vendor.example:{backend.port}"
    with Backend(host="127.0.0.2", port=backend.port) as moved:
        one = shop(url, resolve=names, clock=shift.clock, flush_interval=0, allow_plain_http=True)
        names.answer = "127.0.0.1"
        one.log()
        assert one.handler.flush(10)
        names.answer = "127.0.0.2"
        while shift.by < 320:
            one.log()
            assert one.handler.flush(10)
            shift.by += 20

        assert names.asked == 2
        assert 1 <= len(moved.accepted) <= 3
        backend.accepted += moved.accepted
    assert figures.judge(one.promised, backend).lost == []


def _expired(authority):
    return authority.issue_cert(
        "localhost", not_after=datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    )


TLS = {
    "expired": (_expired, "certificate has expired"),
    "wrong host": (lambda a: a.issue_cert("other.example"), "Hostname mismatch"),
    "self-signed": (lambda a: trustme.CA().issue_cert("localhost"), "unable to get local issuer"),
    "TLS 1.0 only": (lambda a: a.issue_cert("localhost"), "PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL"),
    "plain HTTP on the port": (None, "WRONG_VERSION_NUMBER|record layer failure"),
}


@pytest.mark.case(54)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
@pytest.mark.parametrize("kind", TLS)
def test_case_54_tls(shop, backend, figures, tmp_path, kind):
    """Expired, wrong host, unknown authority, TLS 1.0 only, plain HTTP on the port: nothing is
    sent, one line says why, and records wait until it is fixed.
    """
    make, reason = TLS[kind]
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    broken = None
    if make is not None:
        broken = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        make(authority).configure_cert(broken)
    if kind == "TLS 1.0 only":
        broken.set_ciphers("ALL:@SECLEVEL=0")
        broken.minimum_version = broken.maximum_version = ssl.TLSVersion.TLSv1
    mended = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(mended)
    with FaultProxy(backend.port, tls=broken) as proxy:
        proxy.trouble = Trouble(answer=(answer(400),))
        one = shop(
            f"https://localhost:{proxy.port}",
            ca_file=str(tmp_path / "ca.pem"),
            flush_interval=0,
            retry_maximum=0.2,
        )
        one.log(10)
        until(lambda: one.handler.stats().requests >= 2)
        assert not backend.requests
        assert re.search(reason, one.handler.stats().last_error)
        proxy._tls, proxy.trouble = mended, Trouble()

        assert one.handler.flush(10)
    assert figures.judge(one.promised, backend).lost == []


ENDLESS = {
    "10 GB": (b"HTTP/1.1 200 OK\r\nContent-Length: 10485760000\r\n\r\n", [bytes(2**20)] * 10_000),
    "10 GB in chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        [b"100000\r\n" + bytes(2**20) + b"\r\n"] * 10_000,
    ),
    "1 GB of zeros in 1 MB of gzip": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n",
        None,
    ),
}


@pytest.mark.case(55)
@pytest.mark.parametrize("kind", ENDLESS)
def test_case_55_an_answer_without_an_end(shop, figures, kind):
    """200 with a body of 10 GB or a gzip bomb: less than 1 MB of memory, the connection is closed,
    and the batch counts as delivered.
    """
    head, pieces = ENDLESS[kind]
    if pieces is None:
        member = gzip.compress(bytes(2**24))
        pieces = [member] * 64  # members in a row are one stream
        head %= 64 * len(member)
    with FaultProxy() as proxy:
        proxy.trouble = Trouble(answer=(head, *pieces), keep_open=True)
        one = shop(proxy.url, flush_interval=0, batch_count=100, concurrency=1)
        one.log(50)
        assert one.handler.flush(20)
        tracemalloc.start()
        one.log(50)
        assert one.handler.flush(20)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert peak < 2**20
        assert proxy.connections == proxy.requests >= 2
        assert one.handler.stats().delivered == 100
        assert one.balanced
    figures.add(logged=100, delivered=100)
