"""Relays that are killed, stopped or cut off: nothing is lost, and little arrives twice."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from tests.faults.backend import Backend, answer
from tests.nats.servers import Node, count_messages, wait_for
from tests.relay.running import (
    RelayProcess,
    accept,
    backend,
    destination,
    init,
    names,
    publish,
    rejected,
    texts,
    wait_empty,
)

QUICK = "ack_wait = 2\n"
"""Messages of a relay that was killed come again after two seconds."""


def test_a_relay_that_is_killed_between_answer_and_acknowledgement(quick: str, tmp_path: Path):
    """Its batch may arrive twice, nothing else does, and nothing is lost."""
    killed = threading.Event()
    running: list[RelayProcess] = []

    def behave(request: object) -> bytes | None:
        if request.ids and not killed.is_set() and request.number >= 3:
            vendor.accept(request)  # it has them, and the relay never learns of it
            running[0].kill()
            killed.set()
            return None
        return accept(request)

    publish(quick, names(300), message_bytes=500)
    with backend(behave) as vendor:
        table = QUICK + destination(vendor, "batch_count = 30\nconcurrency = 1")
        running.append(RelayProcess(tmp_path, quick, table).start())
        wait_for(killed.is_set, "the relay is killed")
        with RelayProcess(tmp_path, quick, table) as relay:
            assert vendor.wait_accepted(300, 40), relay.log()
            wait_empty(quick, 40)
        assert set(vendor.accepted) == set(names(300))
        twice = [each for each, count in vendor.accepted.items() if count > 1]
        assert len(twice) <= 30
        assert max(vendor.accepted.values()) <= 2


def test_what_was_delivered_is_known_after_a_restart(quick: str, vendor: Backend, tmp_path: Path):
    """The same items in other messages, after all relays were restarted, are not sent again."""
    table = QUICK + destination(vendor)
    publish(quick, names(100), message_bytes=700)
    with RelayProcess(tmp_path, quick, table) as relay:
        assert vendor.wait_accepted(100), relay.log()
        wait_empty(quick, 40)
        relay.kill()
    publish(quick, names(120)[40:], first=40, message_bytes=900)
    with RelayProcess(tmp_path, quick, table) as relay:
        assert vendor.wait_accepted(120), relay.log()
        wait_empty(quick, 40)
        assert relay.metric('items_total{outcome="known"') == 60
    assert vendor.accepted == dict.fromkeys(names(120), 1)


def test_a_relay_that_is_stopped_finishes_what_it_holds(quick: str, tmp_path: Path):
    """SIGTERM during a slow request: the answer is awaited, and nothing arrives twice."""
    begun, release = threading.Event(), threading.Event()

    def behave(request: object) -> bytes:
        begun.set()
        release.wait(20)
        return accept(request)

    publish(quick, names(50))
    with (
        backend(behave) as vendor,
        RelayProcess(tmp_path, quick, QUICK + destination(vendor)) as one,
    ):
        wait_for(begun.is_set, "a request is under way")
        stopping = threading.Thread(target=one.stop)
        stopping.start()
        wait_for(lambda: "the relay stops" in one.log(), "the relay stops")
        release.set()
        stopping.join(40)
        assert one.process is not None
        assert one.process.returncode == 0
        assert set(vendor.accepted.values()) == {1}
        assert len(vendor.accepted) == 50, one.log()
        wait_empty(quick, 40)


def test_a_relay_that_is_stopped_gives_back_what_it_cannot_finish(address: str, tmp_path: Path):
    """While the vendor is down, the end takes little time, and another relay has it at once."""
    state = {"down": True}

    def behave(request: object) -> bytes:
        return answer(503) if state["down"] else accept(request)

    publish(address, names(50))
    with backend(behave) as vendor:
        with RelayProcess(tmp_path, address, destination(vendor)) as one:
            wait_for(lambda: one.metric("retries_total") > 1, "the vendor is tried")
            assert one.stop() == 0
            (end,) = [each for each in one.events() if each["event"] == "the relay has stopped"]
            assert end["given_back"] > 0
        state["down"] = False
        # Without being given back they would come after ack_wait, 30 s.
        with RelayProcess(tmp_path, address, destination(vendor)) as two:
            assert vendor.wait_accepted(50, 20), two.log()
            wait_empty(address, 40)
    assert set(vendor.accepted.values()) == {1}


@pytest.mark.slow
def test_a_relay_that_was_frozen_sends_nothing_that_others_have(quick: str, tmp_path: Path):
    """A relay that stood still for longer than ack_wait drops what it holds."""
    state = {"down": True}

    def behave(request: object) -> bytes:
        return answer(503) if state["down"] else accept(request)

    with backend(behave) as vendor:
        table = QUICK + destination(vendor)
        with RelayProcess(tmp_path, quick, table) as one:
            publish(quick, names(50))
            wait_for(lambda: one.metric("retries_total") > 1, "the vendor is tried")
            assert one.process is not None
            os.kill(one.process.pid, signal.SIGSTOP)
            state["down"] = False
            with RelayProcess(tmp_path, quick, table) as two:
                assert vendor.wait_accepted(50, 30), two.log()
                os.kill(one.process.pid, signal.SIGCONT)
                wait_empty(quick, 40)
                wait_for(lambda: one.health()[0] == 200, "it is connected again")
                publish(quick, ["b:1"], run="bbbb")
                assert vendor.wait_accepted(51), one.log()
                wait_empty(quick, 40)
    assert set(vendor.accepted.values()) == {1}


def test_a_server_that_restarts_is_found_again(own_node: Node, tmp_path: Path):
    """The relay connects again, and delivers what comes then."""
    address = f"{own_node.url}/LOGS"
    init(address)
    with backend() as vendor, RelayProcess(tmp_path, address, destination(vendor)) as relay:
        publish(address, names(50))
        assert vendor.wait_accepted(50), relay.log()
        own_node.restart()
        publish(address, names(100)[50:], first=50)
        assert vendor.wait_accepted(100, 40), relay.log()
        wait_empty(address, 40)
    assert set(vendor.accepted.values()) == {1}


@pytest.mark.slow
def test_full_dead_letters_hold_the_message(own_node: Node, tmp_path: Path):
    """While there is no room for dead letters, nothing is lost, and nothing is sent twice."""
    address = f"{own_node.url}/FULL"
    init(address, rejected_bytes=3_000)

    def behave(request: object) -> bytes:
        return (
            answer(400, b"never") if any("bad" in each for each in request.ids) else accept(request)
        )

    with backend(behave) as vendor, RelayProcess(tmp_path, address, destination(vendor)) as relay:
        publish(address, [f"bad:{number}" for number in range(6)], size=1_000, message_bytes=100)
        wait_for(lambda: "dead letters cannot be written" in relay.log(), "it is full")
        publish(address, names(20), run="bbbb")
        assert vendor.wait_accepted(20), relay.log()
        assert count_messages(address) > 0
        sent = len(vendor.requests)
        init(address, rejected_bytes=2**20)
        wait_empty(address, 40)
        assert len(vendor.requests) == sent
        kept = [text[:7] for letter in rejected(address) for text in texts(letter)]
        assert sorted(kept) == [f"<bad:{number}>" for number in range(6)]
