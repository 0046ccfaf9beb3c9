"""Producers that are killed: what reaches the stream, with a local spool and without."""

from __future__ import annotations

import re

from ..nats.servers import Node, items, wait_for
from .processes import Producer

ID = re.compile(rb"<([\w-]+:\d+)>")
COUNT = 500


def ids(address: str) -> list[str]:
    """Remove all messages from the stream, and return the ids of their records, each item once."""
    return [match.decode() for item in items(address) for match in ID.findall(item)]


def log(producer: Producer, count: int = COUNT) -> None:
    """Have *producer* log, and wait until the log calls have returned."""
    wanted = producer.logged + count
    producer.log(count)
    wait_for(lambda: producer.logged >= wanted, f"{producer.name} logs")


def wait_acknowledged(producer: Producer, count: int) -> None:
    """Wait until the stream has acknowledged *count* records of *producer*."""
    wait_for(lambda: _acknowledged(producer) >= count, f"{count} records are acknowledged")


def _acknowledged(producer: Producer) -> int:
    return int(producer.stats()["requests"] and producer.stats()["spooled"])


def test_a_killed_producer_with_a_local_spool_loses_nothing(node: Node, address, tmp_path):
    """
    A process is killed while the servers do not answer; the next one publishes what was left.
    What was published and not acknowledged has the same id the second time.
    """
    spool = str(tmp_path / "spool")
    first = Producer(tmp_path, "first", "honeycomb", address, spool_local=spool)
    log(first)
    wait_for(lambda: not first.stats()["pending"], "the first records are on disk or published")
    node.freeze()
    try:
        log(first)
        first.kill()
    finally:
        node.thaw()
    second = Producer(tmp_path, "second", "honeycomb", address, spool_local=spool)
    log(second, 1)

    found: list[str] = []

    def everything() -> bool:
        found.extend(ids(address))
        return len(set(found)) >= 2 * COUNT + 1

    wait_for(everything, "all records are in the stream", 60)
    stats = second.end()

    assert sorted(found) == sorted([*first.promised, *second.promised])
    assert stats["balanced"]
    assert stats["pending"] == 0


def test_a_killed_producer_without_one_loses_what_was_not_acknowledged(
    node: Node, address, tmp_path
):
    """What the stream had acknowledged is there; at most what waited in memory is lost."""
    producer = Producer(tmp_path, "only", "honeycomb", address)
    log(producer)
    wait_acknowledged(producer, COUNT)
    node.freeze()
    try:
        log(producer)
        stats = producer.stats()
        producer.kill()
    finally:
        node.thaw()
    found = ids(address)

    assert stats["balanced"]
    assert stats["spooled"] >= COUNT
    assert stats["spooled"] + stats["pending"] == 2 * COUNT
    assert len(found) >= stats["spooled"]
    assert set(producer.promised[:COUNT]) <= set(found)
    assert set(found) <= set(producer.promised)
    assert len(found) == len(set(found))
