"""What a relay does with messages: delivers, remembers, rejects and waits."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from nats.aio.client import Client

from cxlogging.delivery.nats.address import parse_address
from cxlogging.delivery.nats.message import cut, identity_headers
from cxlogging.delivery.queue.queue import ItemOrigin
from tests.faults.backend import Backend, answer
from tests.nats.servers import using, wait_for
from tests.relay.running import (
    VENDOR,
    RelayProcess,
    accept,
    backend,
    cxlogging,
    destination,
    item,
    names,
    publish,
    rejected,
    statuses,
    texts,
    wait_empty,
)


def test_a_relay_delivers_what_the_stream_holds(address: str, vendor: Backend, tmp_path: Path):
    """Each item reaches the vendor once, and the stream is empty then."""
    publish(address, names(500))

    with RelayProcess(tmp_path, address, destination(vendor)) as relay:
        assert vendor.wait_accepted(500), relay.log()
        wait_empty(address)
        assert set(vendor.accepted.values()) == {1}
        wait_for(lambda: relay.metric('items_total{outcome="delivered"') == 500, "counted")
        assert relay.stop() == 0
    assert "the relay has stopped" in [each["event"] for each in relay.events()]


def test_two_relays_share_the_work(address: str, vendor: Backend, tmp_path: Path):
    """What is in the stream is delivered once, whichever relay takes it."""
    with (
        RelayProcess(tmp_path, address, destination(vendor)) as one,
        RelayProcess(tmp_path, address, destination(vendor)) as two,
    ):
        publish(address, names(2_000), message_bytes=500)
        assert vendor.wait_accepted(2_000), one.log()
        wait_empty(address)
        delivered = [relay.metric('items_total{outcome="delivered"') for relay in (one, two)]
    assert set(vendor.accepted.values()) == {1}
    assert sum(delivered) == 2_000
    assert all(delivered)


def test_what_the_vendor_refuses_becomes_a_dead_letter(address: str, tmp_path: Path):
    """Statuses of single items: the others are delivered, once; the reason is the vendor's."""

    def behave(request: object) -> bytes:
        found = [400 if each.endswith(":3") else 202 for each in request.ids]
        return statuses(found, "bad 100% naïve column")

    publish(address, names(10))
    with backend(behave) as vendor, RelayProcess(tmp_path, address, destination(vendor)) as relay:
        wait_empty(address)
        assert len(vendor.requests) == 1, relay.log()
        (letter,) = rejected(address)
    assert "bad 100% naïve column" in letter.reason
    assert texts(letter) == ["<a:3>"]
    assert letter.content.identity == {"vendor": "honeycomb", "dataset": "shop"}
    assert relay.events() is not None


def test_a_poisonous_item_is_isolated(address: str, tmp_path: Path):
    """A request that is refused as a whole is halved until the item that causes it is alone."""

    def behave(request: object) -> bytes:
        if any(each.endswith(":7") for each in request.ids):
            return answer(400, b'{"error":"invalid event"}')
        return accept(request)

    publish(address, names(40))
    with backend(behave) as vendor, RelayProcess(tmp_path, address, destination(vendor)):
        wait_empty(address)
        (letter,) = rejected(address)
        assert "invalid event" in letter.reason
        assert {each: 1 for each in names(40) if not each.endswith("a:7")} == vendor.accepted


def test_a_413_is_split(address: str, tmp_path: Path):
    """What is too large together is sent in halves, and all of it arrives."""

    def behave(request: object) -> bytes:
        return answer(413) if len(request.ids) > 5 else accept(request)

    publish(address, names(40))
    with backend(behave) as vendor, RelayProcess(tmp_path, address, destination(vendor)):
        wait_empty(address)
        assert vendor.accepted == dict.fromkeys(names(40), 1)
        assert not rejected(address)


@pytest.mark.slow
def test_rejected_messages_are_sent_again(address: str, tmp_path: Path):
    """`resend` puts what was rejected back into the stream, and a relay delivers it."""
    state = {"bad": True}

    def behave(request: object) -> bytes:
        return statuses([400 if state["bad"] else 202] * len(request.ids))

    publish(address, names(30))
    with backend(behave) as vendor, RelayProcess(tmp_path, address, destination(vendor)):
        wait_empty(address)
        assert sum(len(texts(each)) for each in rejected(address)) == 30
        state["bad"] = False
        vendor.accepted.clear()
        first = rejected(address)[0].sequence
        one = cxlogging("relay", "rejected", "resend", str(first), "--nats", address)
        assert one.stdout == "sent again: 1\n", one.stderr
        done = cxlogging("relay", "rejected", "resend", "--all", "--nats", address)
        assert done.returncode == 0, done.stderr
        assert vendor.wait_accepted(30)
        wait_empty(address)
        assert not rejected(address)
    assert vendor.accepted == dict.fromkeys(names(30), 1)


def test_a_message_for_nobody_is_rejected(address: str, vendor: Backend, tmp_path: Path):
    """Messages of a dataset, or of a vendor, that no destination takes are kept with the reason."""
    publish(address, ["a:1"], identity={"vendor": "honeycomb", "dataset": "other"})
    publish(address, ["b:1"], run="bbbb", identity={"vendor": "acme"})
    publish(address, ["c:1"], run="cccc")

    with RelayProcess(tmp_path, address, destination(vendor, 'dataset = "shop"')) as relay:
        wait_empty(address)
        found = {each.vendor: each.reason for each in rejected(address)}
    assert found == {
        "honeycomb": "no [[destination]] of the relay takes dataset=other, vendor=honeycomb",
        "acme": "no [[destination]] of the relay takes vendor=acme",
    }, relay.log()
    assert vendor.accepted == {"c:1": 1}


def test_a_message_of_another_program_is_rejected(address: str, vendor: Backend, tmp_path: Path):
    """What is not of the package's format is kept, as it is, with the reason."""
    subject = parse_address("address", address).items_subject("honeycomb")

    async def send(client: Client) -> None:
        await client.jetstream().publish(subject, b"hello")

    using(address, send)
    with RelayProcess(tmp_path, address, destination(vendor)):
        wait_empty(address)
        (letter,) = rejected(address)
    assert letter.vendor == "unreadable"
    assert "no header Cx-Format" in letter.reason


@pytest.mark.slow
def test_a_dead_letter_may_be_as_large_as_a_message(address: str, tmp_path: Path):
    """With the reason it would be larger than a server takes: it is compressed, and sent again."""
    state = {"bad": True}

    def behave(request: object) -> bytes:
        return statuses([400 if state["bad"] else 202] * len(request.ids), "é" * 200)

    with backend(behave) as vendor, RelayProcess(tmp_path, address, destination(vendor)):
        publish(address, ["a:1"], size=2**20 - 420, message_bytes=2**20)
        wait_empty(address)
        (letter,) = rejected(address)
        assert texts(letter)[0].startswith("<a:1>")
        state["bad"] = False
        vendor.accepted.clear()
        done = cxlogging("relay", "rejected", "resend", "--all", "--nats", address)
        assert done.returncode == 0, done.stderr
        assert vendor.wait_accepted(1)


@pytest.mark.slow
def test_a_consumer_that_is_removed_is_made_again(address: str, vendor: Backend, tmp_path: Path):
    """A relay that runs goes on by itself within some 30 s."""
    stream = parse_address("address", address).stream

    async def remove(client: Client) -> None:
        await client.jetstream().delete_consumer(stream, "cxlogging-relay-honeycomb")

    with RelayProcess(tmp_path, address, destination(vendor)) as relay:
        publish(address, ["a:1"])
        assert vendor.wait_accepted(1), relay.log()
        using(address, remove)
        publish(address, ["b:1"], run="bbbb")
        assert vendor.wait_accepted(2, 60), relay.log()


HOSTILE = (
    {"Cx-Identity": "[" * 50_000},
    {"Cx-Identity": '{"vendor":"honeycomb","dataset":"a\\u0000b"}'},
    {"Cx-Identity": '{"vendor":"honeycomb","dataset":"' + "x" * 20_000 + '"}'},
    {"Cx-Identity": '["honeycomb"]'},
    {"Cx-First": "-5"},
    {"Cx-First": "9" * 5_000},
    {"Cx-Count": "2"},
    {"Cx-Spacing": "x"},
    {"Cx-Run": ""},
    {"Cx-Format": "2"},
    {"Cx-More": "x" * 40_000},
)


def test_no_message_stops_a_relay(address: str, vendor: Backend, tmp_path: Path):
    """Whatever is in a message, the relay goes on; what cannot be used is kept with a reason."""
    subject = parse_address("address", address).items_subject("honeycomb")
    (good,) = cut([(20, item("a:1"))], [ItemOrigin("aaaa", 1)], identity_headers({**VENDOR}))

    async def send(client: Client) -> None:
        js = client.jetstream()
        for number, wrong in enumerate(HOSTILE):
            headers = {**good.headers, **wrong, "Nats-Msg-Id": f"h{number}"}
            await js.publish(subject, good.payload, headers=headers)
        for payload in (b"", b"x", good.payload[:-1], b"\0" * 60_000):
            await js.publish(
                subject, payload, headers={**good.headers, "Nats-Msg-Id": payload[:9].hex()}
            )

    using(address, send)
    publish(address, ["b:1"], run="bbbb")
    with RelayProcess(tmp_path, address, destination(vendor, 'dataset = "shop"')) as relay:
        wait_empty(address)
        assert vendor.wait(lambda each: each.accepted["b:1"] == 1), relay.log()
        reasons = [each.reason for each in rejected(address)]
        assert relay.stop() == 0
    assert len(reasons) >= 10, reasons
    assert all(reasons)


@pytest.mark.slow
def test_an_outage_leaves_messages_in_the_stream(address: str, tmp_path: Path):
    """While the vendor answers 503, a relay holds little and asks seldom; then all arrives once."""
    state = {"down": True}

    def behave(request: object) -> bytes:
        return answer(503) if state["down"] else accept(request)

    count = 400
    with backend(behave) as vendor, RelayProcess(tmp_path, address, destination(vendor)) as relay:
        publish(address, ["b:0"], run="bbbb")
        wait_for(lambda: relay.metric("retries_total") >= 3, "the vendor is tried")
        publish(address, names(count), size=20_000, message_bytes=64_000)
        wait_for(lambda: relay.metric("given_back_total") > 3, "messages are given back")
        assert relay.metric("held_bytes") < 2**21
        assert relay.metric("destination_up") == 0
        assert relay.health()[0] == 200
        state["down"] = False
        assert vendor.wait_accepted(count + 1, 60), relay.log()
        wait_empty(address, 60)
    assert set(vendor.accepted.values()) == {1}


@pytest.mark.slow
def test_a_429_is_kept_to_by_all_relays(address: str, tmp_path: Path):
    """After Retry-After no relay sends anything before that time."""
    limited: list[float] = []

    def behave(request: object) -> bytes:
        if not limited:
            limited.append(time.monotonic())
            return answer(429, retry_after="4")
        return accept(request)

    with (
        backend(behave) as vendor,
        RelayProcess(tmp_path, address, destination(vendor)),
        RelayProcess(tmp_path, address, destination(vendor)),
    ):
        publish(address, ["a:0"])
        wait_for(lambda: limited, "the limit is reached")
        wait_for(lambda: lease_paused(address), "the other relay can know")
        known = time.monotonic()
        publish(address, names(200, "b"), run="bbbb", message_bytes=300)
        assert vendor.wait_accepted(201)
    late = [request.at for request in vendor.requests[1:] if request.at > known + 1.2]
    early = [request.at for request in vendor.requests[1:] if request.at < limited[0] + 3.9]
    assert late
    assert not early


def lease_paused(address: str) -> bool:
    """Return whether the wait is stored."""
    bucket = parse_address("address", address).bucket("leases")

    async def look(client: Client) -> bool:
        kv = await client.jetstream().key_value(bucket)
        try:
            return json.loads((await kv.get("honeycomb")).value)[1] > 0
        except Exception:
            return False

    return using(address, look)


@pytest.mark.slow
@pytest.mark.parametrize("relays", [1, 2])
def test_the_rate_limit_is_shared(address: str, tmp_path: Path, relays: int):
    """All relays together send no more requests than the limit."""
    rate = 10
    with backend() as vendor:
        table = destination(vendor, f"requests_per_second = {rate}\nbatch_count = 1")
        running = [RelayProcess(tmp_path, address, table).start() for _ in range(relays)]
        for relay in running:
            relay.wait_until_ready()
        publish(address, names(40), message_bytes=50)
        assert vendor.wait_accepted(40, 30)
        for relay in running:
            relay.kill()
    times = [request.at for request in vendor.requests]
    for start in range(len(times) - 20):
        assert times[start + 20] - times[start] > 20 / rate - 1.3
    assert times[39] - times[0] > 39 / rate - 1.3
