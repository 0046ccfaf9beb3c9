"""A handler that publishes to real servers: what arrives, what is counted, what is said."""

from __future__ import annotations

import logging
import re
import socket
import threading

import pytest

import cxlogging
from cxlogging import ConfigurationError
from cxlogging.devserver import DevServer
from tests.nats import servers
from tests.nats.relaying import relay

from .servers import Cluster, count_messages, create_stream, items, one_node, take_all, wait_for


class Logger:
    """A handler on a logger of its own, and what the handler has said."""

    def __init__(self, spool, handler=cxlogging.BetterStackHandler, **options):
        self.said = []
        quick = {"flush_interval": 0.05, "retry_initial": 0.1, "retry_maximum": 0.5}
        self.handler = handler(spool=spool, on_error=self.said.append, **{**quick, **options})
        self.log = logging.Logger("shop", logging.DEBUG)  # noqa: LOG001 - one a test
        self.log.addHandler(self.handler)

    def put(self, count, text="record %d", first=0):
        for number in range(first, first + count):
            self.log.info(text, number)

    def stats(self):
        stats = self.handler.stats()
        assert stats.balanced, stats
        return stats

    def wait(self, count):
        wait_for(lambda: self.stats().spooled >= count, f"{count} spooled: {self.handler.stats()}")

    def says(self, text):
        wait_for(lambda: any(text in each for each in self.said), f"{text!r} is said: {self.said}")


@pytest.fixture
def logger(address):
    made = []

    def make(spool=address, **options):
        made.append(Logger(spool, **options))
        return made[-1]

    yield make
    for each in made:
        each.handler.close()


def messages(address):
    found = re.findall(rb"record (\d+)", b"\n".join(items(address)))
    return sorted(map(int, found))


@pytest.mark.parametrize("vendor", ["coralogix", "honeycomb", "betterstack"])
def test_records_arrive_by_way_of_the_stream_without_a_key(address, logger, vendor):
    """The application needs no key and no domain; the vendor gets what it always gets."""
    names = {
        "coralogix": (cxlogging.CoralogixHandler, {"application_name": "shop"}),
        "honeycomb": (cxlogging.HoneycombHandler, {"dataset": "shop"}),
        "betterstack": (cxlogging.BetterStackHandler, {}),
    }
    handler, options = names[vendor]
    made = logger(handler=handler, **options)
    made.put(500)
    assert made.handler.flush(20)

    stats = made.stats()
    assert (stats.accepted, stats.spooled, stats.delivered, stats.pending) == (500, 500, 0, 0)
    with DevServer() as server:
        relay(address, server)
        arrived = sorted(event["message"] for event in server.events(vendor))
    assert arrived == sorted(f"record {n}" for n in range(500))


def test_a_check_is_published_too(address, logger):
    """check() says that the stream took the event, and the event is no record."""
    made = logger()

    result = made.handler.check()

    assert result.ok
    assert made.stats().accepted == 0
    assert result.id.encode() in b"".join(items(address))


def test_messages_are_large_and_their_ids_unique(address, logger):
    """Many records travel in messages of about 64 KiB; no two items have the same id."""
    made = logger(flush_interval=60)
    made.put(3_000, "record %d " + "x" * 300)
    assert made.handler.flush(20)

    found = take_all(address)
    ids = [item.id for message in found for item in message.items]
    assert len(ids) == len(set(ids)) == 3_000
    sizes = [sum(len(item.data) for item in message.items) for message in found]
    assert max(sizes) <= 64 * 1024
    assert sum(sizes) / len(sizes) > 40 * 1024


def test_a_missing_stream_is_said_once_with_the_command(node, logger):
    """Records wait, one message names `cxlogging relay init`, and once it exists all arrive."""
    address = f"{node.url}/LATER"
    made = logger(address)
    made.put(10)
    made.says("there is no stream LATER")
    made.put(10, first=10)
    assert not made.handler.flush(0.5)
    create_stream(address)

    made.wait(20)
    assert [each for each in made.said if "no stream" in each] == [
        each for each in made.said if f"cxlogging relay init --nats {address}" in each
    ]
    assert len([each for each in made.said if "no stream" in each]) == 1
    made.says("delivers again")
    assert messages(address) == list(range(20))


def test_servers_that_are_not_there_are_said_once(logger, tmp_path):
    """Nothing listens: records wait, the message names the place; once it runs, all arrive."""
    node = servers.Node(tmp_path)
    address = f"{node.url}/LOGS"
    made = logger(address)
    made.put(10)
    made.says(f"{node.place} refused the connection")
    try:
        node.start()
        create_stream(address)
        made.wait(10)
        assert messages(address) == list(range(10))
    finally:
        node.kill()
    assert len([each for each in made.said if "refused" in each]) == 1


def test_a_full_stream_holds_everything_in_order(node, logger):
    """Nothing overtakes what a full stream refused; the fix is named; afterwards all arrive."""
    address = f"{node.url}/SMALL"
    create_stream(address, max_bytes=200_000)
    made = logger(address)
    made.put(600, "record %d " + "x" * 1000)
    made.says("the stream SMALL takes no more")
    held = made.stats()
    assert held.pending > 0
    assert held.spooled > 0
    assert any("relay status" in each for each in made.said)

    found = []
    wait_for(
        lambda: found.extend(take_all(address)) or made.stats().pending == 0, "all are published"
    )
    found.extend(take_all(address))
    ids = {item.id for message in found for item in message.items}
    assert len(ids) == 600 == made.stats().spooled


def test_an_item_beyond_max_payload_is_refused_with_the_reason(logger, tmp_path):
    """One record that no message can carry is rejected; those beside it arrive."""
    with one_node(tmp_path, config="max_payload: 20000\n") as node:
        address = f"{node.url}/LOGS"
        create_stream(address)
        made = logger(address)
        made.put(200)
        made.log.info("x" * 30_000)
        made.put(200, first=200)
        assert made.handler.flush(20)
        stats = made.stats()
        assert (stats.spooled, stats.rejected) == (400, 1)
        assert "max_payload" in next(iter(stats.reasons))
        assert messages(address) == list(range(400))


def test_long_names_leave_less_room_in_a_message(logger, tmp_path):
    """Records that fit beside the headers of their message arrive, however long the headers are."""
    with one_node(tmp_path, config="max_payload: 20000\n") as node:
        address = f"{node.url}/LOGS"
        create_stream(address)
        names = {"application_name": "a" * 6_000, "subsystem_name": "s", "domain": "eu1"}
        made = logger(address, handler=cxlogging.CoralogixHandler, **names)
        made.put(400)
        assert made.handler.flush(20)
        stats = made.stats()
        assert (stats.spooled, stats.rejected) == (400, 0)
        assert messages(address) == list(range(400))


def test_a_wrong_login_holds_everything_and_shows_no_secret(logger, tmp_path, monkeypatch, capfd):
    """A refused login is said with the variables to check; the password is in no message."""
    config = "authorization { user: ada, password: right }"
    monkeypatch.setenv("NATS_USER", "ada")
    monkeypatch.setenv("NATS_PASSWORD", "wr0ng-s3cret")
    with one_node(tmp_path, config=config) as node:
        made = logger(f"{node.url}/LOGS")
        made.put(5)
        made.says("refused the login")
        stats = made.stats()
        assert (stats.state, stats.pending) == ("holding", 5)
        texts = [*made.said, stats.last_error, repr(made.handler), capfd.readouterr().err]
        assert "wr0ng-s3cret" not in "".join(texts)
        assert "NATS_PASSWORD" in made.said[0]
        made.handler.close()


def test_a_login_that_may_not_publish_has_its_own_message(logger, tmp_path, monkeypatch):
    """A permission that is missing is an answer of its own, not a timeout."""
    config = """authorization { users: [
        {user: ada, password: p, permissions: {publish: ["$JS.API.>"], subscribe: [">"]}}
    ] }"""
    monkeypatch.setenv("NATS_USER", "ada")
    monkeypatch.setenv("NATS_PASSWORD", "p")
    with one_node(tmp_path, config=config) as node:
        made = logger(f"{node.url}/LOGS")
        made.put(5)
        made.says("the login may not do what is needed")
        assert made.stats().state == "holding"
        made.handler.close()


def test_a_stream_of_others_is_not_filled(node, logger):
    """Where another stream takes the subjects, nothing is put into it, and both are named."""
    create_stream(f"{node.url}/OTHERS")
    address = f"{node.url}/MINE"

    async def widen(client):
        js = client.jetstream()
        config = (await js.stream_info("OTHERS")).config
        config.subjects = ["cxlogging.OTHERS.items.>", "cxlogging.MINE.items.>"]
        await js.update_stream(config)

    servers.using(address, widen)
    made = logger(address)
    made.put(5)
    made.says("another stream than MINE")
    assert count_messages(f"{node.url}/OTHERS") == 0


def test_a_server_that_is_restarted_loses_nothing(logger, tmp_path):
    """Killed with -9 while records come, and started again: each is there, once by its id."""
    with one_node(tmp_path) as node:
        address = f"{node.url}/LOGS"
        create_stream(address)
        made = logger(address)
        for round_ in range(3):
            made.put(500, first=500 * round_)
            node.kill()
            made.put(500, first=1500 + 500 * round_)
            node.start()
        made.wait(3_000)
        ids = {item.id for message in take_all(address) for item in message.items}
        assert len(ids) == 3_000


def test_the_loop_and_the_connection_end_with_the_handler(logger, tmp_path):
    """After close() no thread and no connection is left; a later record opens them again."""
    before = threading.active_count()
    with one_node(tmp_path) as node:
        address = f"{node.url}/LOGS"
        create_stream(address)
        made = logger(address)
        for first in (0, 5):
            made.put(5, first=first)
            assert made.handler.flush(20)
            wait_for(lambda: node.connections() == 1, "it is connected")
            made.handler.close()
            wait_for(lambda: node.connections() == 0, "the connection is closed")
            wait_for(lambda: threading.active_count() == before, "the threads end")
        assert messages(address) == list(range(10))


def test_what_the_client_logs_is_not_shipped(logger, tmp_path):
    """With a handler at DEBUG on the root logger, trouble with the servers makes no record."""
    root = logging.getLogger()
    with one_node(tmp_path) as node:
        address = f"{node.url}/LOGS"
        create_stream(address)
        made = logger(address)
        level = root.level
        root.addHandler(made.handler)
        root.setLevel(logging.DEBUG)
        try:
            root.info("record 0")
            made.wait(1)
            node.kill()
            root.info("record 1")
            wait_for(lambda: made.handler.stats().retries > 2, "it tries again")
            node.start()
            made.wait(2)
        finally:
            root.removeHandler(made.handler)
            root.setLevel(level)
        assert made.stats().accepted == 2


def test_a_server_that_stands_still_is_left(logger, tmp_path):
    """SIGSTOP of the node that the client is attached to: another one takes the records."""
    cluster = Cluster(tmp_path).start()
    try:
        address = cluster.address("LOGS")
        create_stream(address, replicas=3)
        made = logger(address)
        made.put(10)
        made.wait(10)
        connected = next(node for node in cluster.nodes if node.connections())
        if connected is cluster.leader("LOGS"):
            cluster.step_down("LOGS")
        connected.freeze()
        made.put(10, first=10)
        made.wait(20)
        connected.thaw()
        assert messages(address) == list(range(20))
    finally:
        cluster.stop()


@pytest.mark.slow
def test_leaders_that_step_down_and_die_lose_nothing(logger, tmp_path):
    """Leader changes and kills under load: all records, each with one id, balanced throughout."""
    cluster = Cluster(tmp_path).start()
    try:
        address = cluster.address("LOGS")
        create_stream(address, replicas=3)
        made = logger(address)
        for round_ in range(6):
            made.put(1_000, first=1_000 * round_)
            if round_ % 3 == 2:
                leader = cluster.leader("LOGS")
                leader.kill()
                made.put(100, first=10_000 + 100 * round_)
                leader.start()
            else:
                cluster.step_down("LOGS")
        wait_for(lambda: made.stats().pending == 0, "all are published", 60)
        ids = {item.id for message in take_all(address) for item in message.items}
        assert len(ids) == made.stats().spooled == 6_200
    finally:
        cluster.stop()


def test_a_server_that_never_answers_costs_a_flush_its_time(logger):
    """A port that accepts and is silent: flush() returns in time, and nothing is lost."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = logger(f"nats://127.0.0.1:{silent.getsockname()[1]}/LOGS", close_timeout=0.2)
        made.put(5)
        assert not made.handler.flush(0.2)
        made.says("did not answer in time")
        assert made.stats().pending == 5
        made.handler.close()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"spool": "nats://h1"}, "the name of the stream is missing"),
        ({"spool": "nats://ada:s3cret@h1/LOGS"}, "set NATS_USER and NATS_PASSWORD"),
        ({"spool": "redis://h1/LOGS"}, "URLs are not supported here"),
        ({"spool": "/tmp/x", "spool_local": "/tmp/y"}, "spool_local goes with a stream"),
        ({"spool_local": "/tmp/y"}, "spool_local goes with a stream"),
        ({"spool": "nats://h1/LOGS", "durability": "system"}, "needs spool_local="),
        ({"spool": "nats://h1/LOGS", "proxy": "http://p:3128"}, "proxy has no effect"),
        ({"spool": "nats://h1/LOGS", "headers": {"X-A": "b"}}, "headers has no effect"),
        ({"spool": "nats://h1/LOGS", "spool_local": "nats://h1/L"}, "URLs are not supported"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, reason):
    """A mistake is an error of the constructor that names what the user typed."""
    with pytest.raises(ConfigurationError, match=reason) as caught:
        cxlogging.BetterStackHandler(**options)

    assert "s3cret" not in str(caught.value)


def test_the_login_is_read_when_a_handler_is_made(monkeypatch):
    """An incomplete login fails at construction, before anything is logged."""
    monkeypatch.setenv("NATS_USER", "ada")

    with pytest.raises(ConfigurationError, match="NATS_PASSWORD is not"):
        cxlogging.BetterStackHandler(spool="nats://h1/LOGS")
