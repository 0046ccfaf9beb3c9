"""Bodies of very many events do not delay other requests."""

from __future__ import annotations

import gzip
import threading

import pytest

MANY = {
    "coralogix": b'{"applicationName":"a","subsystemName":"s","logEntries":[%s]}'
    % b",".join([b'{"severity":3,"text":"x"}'] * 60_000),
    "honeycomb": b"[%s]" % b",".join([b'{"data":{"a":1}}'] * 100_000),
    "betterstack": b"[%s]" % b",".join([b"{}"] * 150_000),
}
PATHS = {"coralogix": "/logs/v1/bulk", "honeycomb": "/1/batch/d", "betterstack": "/"}


@pytest.mark.slow
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("vendor", MANY)
def test_a_body_of_very_many_events_holds_up_nobody(server, client, vendor, compress):
    """Other requests are answered while a large body, compressed or not, is parsed and stored."""
    body = compress(MANY[vendor])
    headers = {"Content-Type": "application/json", "Authorization": "Bearer k"}
    headers |= {"X-Honeycomb-Team": "k"}
    headers |= {"Content-Encoding": "gzip"} if compress is gzip.compress else {}
    heard = []
    thread = threading.Thread(
        target=lambda: heard.append(client.ask("POST", PATHS[vendor], body, headers, timeout=100))
    )
    thread.start()
    taken = 0
    while thread.is_alive():
        assert client.send(vendor).status in (200, 202)
        taken += 1
    assert heard[0].status in (200, 202)
    assert taken > 5
    assert server.count(vendor) == taken + max(one["events"] for one in server.requests(vendor))


@pytest.mark.slow
def test_ordinary_batches_do_not_wait_for_large_bodies(client):
    """Batches of hundreds of events are accepted while several large bodies are parsed."""
    headers = {"Content-Type": "application/json", "Authorization": "Bearer k"}
    body, batch = MANY["coralogix"], b"[%s]" % b",".join([b'{"message":"an ordinary one"}'] * 400)
    heard, taken = [], 0
    threads = [
        threading.Thread(
            target=lambda: heard.append(client.ask("POST", PATHS["coralogix"], body, headers, 100))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert client.ask("POST", "/", batch, headers, 100).status == 202
        taken += 1
    assert [one.status for one in heard] == [200] * 4
    assert taken > 5


def test_an_array_of_bytes_is_not_millions_of_objects(client):
    """Twenty million empty MessagePack maps, a byte each, are refused before they are created."""
    body = b"\xdd" + (20_000_000).to_bytes(4, "big") + b"\x80" * 20_000_000
    headers = {"Content-Type": "application/msgpack", "Authorization": "Bearer k"}
    assert client.ask("POST", "/", body, headers).status == 406
