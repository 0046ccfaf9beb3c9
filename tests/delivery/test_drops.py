"""No record is dropped without a message, whatever the policy and the buffer."""

from __future__ import annotations

import logging

import pytest

import cxlogging
from cxlogging.delivery.options import LEAST_BOUND, OVERFLOW
from cxlogging.errors import ConfigurationError

POLICIES = pytest.mark.parametrize("overflow", OVERFLOW)


@pytest.fixture
def shop(server, tmp_path):
    """Make a logger with a handler that has the smallest possible buffer."""
    made = []

    def make(*, spooled=False, **options):
        where = {"spool": str(tmp_path / "spool"), "spool_bytes": LEAST_BOUND} if spooled else {}
        handler = cxlogging.BetterStackHandler(
            "key",
            url=options.pop("url", server.url),
            buffer_bytes=LEAST_BOUND,
            block_timeout=0.01,
            retry_initial=0.01,
            close_timeout=0,
            **where,
            **options,
        )
        made.append(handler)
        log = logging.Logger("shop", logging.DEBUG)  # noqa: LOG001 - out of the tree
        log.addHandler(handler)
        return log, handler

    yield make
    for handler in made:
        handler.delivery.workers.abandon()
        handler.close()


@POLICIES
@pytest.mark.parametrize("spooled", [False, True], ids=["memory", "spool"])
def test_a_record_larger_than_the_buffer(shop, overflow, spooled, capfd):
    """
    A record that is larger than the buffer is dropped with a message of its own, and no other is
    lost for it; flush() returns after the message was written.
    """
    told = []
    log, handler = shop(
        overflow=overflow,
        spooled=spooled,
        flush_interval=60,
        on_drop=lambda *drop: told.append(drop),
    )
    log.error("small")
    handler.flush(20)
    log.error("x" * 2 * LEAST_BOUND)
    assert handler.flush(20)

    stats = handler.stats()
    assert (stats.delivered, stats.dropped, stats.balanced) == (1, 1, True)
    assert told == [("dropped", 1, logging.ERROR)]
    line = next(each for each in capfd.readouterr().err.splitlines() if "is dropped" in each)
    assert f"has no room in the buffer of {LEAST_BOUND} bytes" in line
    assert "raise buffer_bytes" in line


@POLICIES
def test_a_full_buffer_says_so(shop, overflow, capfd):
    """While the vendor answers nothing, each policy reports once that records are dropped."""
    told = []
    log, handler = shop(
        overflow=overflow, url="http://127.0.0.1:1", on_drop=lambda *drop: told.append(drop)
    )
    for _ in range(40):
        log.error("x" * 4_000)
    handler.flush(0.05)

    stats = handler.stats()
    assert stats.dropped > 0
    assert stats.balanced
    said = capfd.readouterr().err
    assert said.count("bytes is full: records are dropped") == 1
    assert f"overflow={overflow!r}" in said
    handler.close()
    assert sum(count for _, count, _ in told) == handler.stats().dropped


def test_the_oldest_stay_where_their_place_would_not_do(shop):
    """A record that does not fit into an empty buffer does not evict those that wait."""
    log, handler = shop(overflow="drop_oldest", url="http://127.0.0.1:1")
    for _ in range(5):
        log.error("x" * 1_000)
    log.error("x" * 2 * LEAST_BOUND)

    assert handler.stats().pending == 5


@pytest.mark.parametrize("name", ["buffer_bytes", "spool_bytes"])
@pytest.mark.parametrize("value", [1, 1_000, "1KiB", LEAST_BOUND - 1])
def test_a_bound_that_would_drop_everything(name, value):
    """A buffer or a spool that is too small for one large record is refused by the constructor."""
    with pytest.raises(ConfigurationError, match=f"{name} takes at least 65,536 bytes"):
        cxlogging.HoneycombHandler("key", dataset="x", **{name: value})
