"""
An encoding that a vendor may or may not accept: tried once, and no record is lost
by the trial.
"""

from __future__ import annotations

import gzip
import threading

import pytest

from cxlogging.delivery.delivery import Delivery
from cxlogging.delivery.http.interface import TransportError
from cxlogging.delivery.options import Options
from cxlogging.wire.http import Request, Response
from tests.fakes import LIMITS, Lines, broken, timeout

TRIES = LIMITS._replace(auto=(), tried=("gzip",))


class Vendor:
    """Answers plain requests with 200, and compressed ones with what *behave* returns."""

    def __init__(self, behave=lambda lines: 200, plain=lambda lines: 200) -> None:
        self._behave, self._plain = behave, plain
        self._lock = threading.Lock()
        self.encodings: list[str | None] = []
        self.accepted: list[bytes] = []

    def send(self, request: Request, encoding: str | None, seconds: float) -> Response:
        body = gzip.decompress(request.body) if encoding else request.body
        lines = body.split(b"\n")
        with self._lock:
            self.encodings.append(encoding)
            answer = (self._behave if encoding else self._plain)(lines)
            if isinstance(answer, Exception):
                raise answer
            if 200 <= answer < 300:
                self.accepted += lines
            return Response(answer)

    def close(self) -> None:
        pass


def delivery(vendor: Vendor, said: list[str] | None = None, **options) -> Delivery:
    quick = {"flush_interval": 0, "retry_initial": 0.001, "retry_maximum": 0.002, "concurrency": 1}
    on_error = None if said is None else said.append
    parsed = Options.parse({**quick, "on_error": on_error, **options})
    return Delivery(Lines(TRIES), parsed, transport=lambda: vendor)


def ship(target: Delivery, *lines: bytes) -> None:
    """Send each line in a request of its own."""
    for line in lines:
        target.put(20, line)
        assert target.flush(20)


def test_compression_begins_after_a_plain_request_was_taken():
    """The first request is plain; later ones are compressed if the vendor accepts them."""
    vendor = Vendor()
    target = delivery(vendor)
    ship(target, b"1", b"2", b"3", b"4")

    assert vendor.encodings == [None, "gzip", "gzip", "gzip"]
    assert vendor.accepted == [b"1", b"2", b"3", b"4"]


def test_a_plain_request_that_was_refused_proves_nothing():
    """No compressed request is sent before a plain one was accepted."""
    answers = iter([503, 503])
    vendor = Vendor(plain=lambda lines: next(answers, 200))
    target = delivery(vendor)
    ship(target, b"1", b"2")

    assert vendor.encodings == [None, None, None, "gzip"]


@pytest.mark.parametrize(
    "trouble", [400, 401, 403, 404, 406, 413, 415, 422, 429, 500, 503, 302, broken, timeout]
)
def test_whatever_goes_wrong_with_the_first_compressed_request(trouble):
    """It is sent again plain at once, everything after it is plain, and one message says so."""
    vendor = Vendor(lambda lines: trouble() if callable(trouble) else trouble)
    said: list[str] = []
    target = delivery(vendor, said)
    ship(target, b"1", b"2", b"3", b"4")

    assert vendor.encodings == [None, "gzip", None, None, None]
    assert vendor.accepted == [b"1", b"2", b"3", b"4"]
    stats = target.stats()
    assert (stats.delivered, stats.rejected, stats.requests, stats.balanced) == (4, 0, 5, True)
    (sentence,) = said
    assert sentence.startswith("a request with gzip failed (")
    assert sentence.endswith("requests stay uncompressed, as with compression=None")


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_refusal_of_compressed_records_is_not_believed(status):
    """
    A vendor that stops accepting compressed requests loses nothing: they are sent
    again plain.
    """
    answers = iter([200])
    vendor = Vendor(lambda lines: next(answers, status))
    target = delivery(vendor)
    ship(target, b"1", b"2", b"3", b"4")

    assert vendor.encodings == [None, "gzip", "gzip", None, None]
    assert vendor.accepted == [b"1", b"2", b"3", b"4"]
    assert target.stats().rejected == 0


def test_a_refused_record_does_not_end_compression():
    """A record that the vendor refuses plain too is rejected, and compression continues."""

    def behave(lines):
        return 400 if b"bad" in lines else 200

    vendor = Vendor(behave, behave)
    target = delivery(vendor)
    ship(target, b"1", b"2", b"bad", b"3", b"4")

    assert vendor.encodings == [None, "gzip", "gzip", None, "gzip", "gzip"]
    assert vendor.accepted == [b"1", b"2", b"3", b"4"]
    assert target.stats().rejected == 1


def test_an_outage_does_not_end_compression():
    """After a temporary failure a plain request goes first, and compression is tried again."""
    answers = iter([200, 503, 200])
    vendor = Vendor(lambda lines: next(answers, 200))
    target = delivery(vendor)
    ship(target, b"1", b"2", b"3", b"4")

    assert vendor.encodings == [None, "gzip", "gzip", None, "gzip"]
    assert vendor.accepted == [b"1", b"2", b"3", b"4"]


def test_a_server_that_hangs_on_a_compressed_request_is_not_waited_for():
    """The trial has less time than a closing handler waits for an answer."""
    times = []

    class Hanging(Vendor):
        def send(self, request, encoding, seconds):
            times.append((encoding, seconds))
            if encoding:
                self.encodings.append(encoding)
                raise TransportError("TimeoutError", timed_out=True)
            return super().send(request, encoding, seconds)

    vendor = Hanging()
    target = delivery(vendor, close_timeout=2)
    ship(target, b"1", b"2")

    assert [seconds < 2 for encoding, seconds in times if encoding] == [True]
    assert vendor.accepted == [b"1", b"2"]


@pytest.mark.parametrize(("asked", "encodings"), [(None, [None, None]), ("gzip", ["gzip", "gzip"])])
def test_what_is_asked_for_is_not_tried(asked, encodings):
    """``compression=None`` stays plain; ``"gzip"`` is used from the first request on."""
    vendor = Vendor()
    ship(delivery(vendor, compression=asked), b"1", b"2")

    assert vendor.encodings == encodings


def test_one_request_is_on_trial_while_others_are_plain():
    """With several requests in flight, only one is compressed until its answer is known."""
    release, flying = threading.Event(), threading.Semaphore(0)

    class Slow(Vendor):
        def send(self, request, encoding, seconds):
            if b"1" not in request.body.split(b"\n"):
                with self._lock:
                    self.encodings.append(encoding)
                flying.release()
                assert release.wait(20)
                return Response(200)
            return super().send(request, encoding, seconds)

    vendor = Slow()
    target = delivery(vendor, concurrency=3, batch_count=1)
    ship(target, b"1")
    for line in (b"a", b"b", b"c"):
        target.put(20, line)
    for _ in range(3):
        assert flying.acquire(timeout=20)
    release.set()

    assert target.flush(20)
    assert sorted(vendor.encodings, key=str) == [None, None, None, "gzip"]
