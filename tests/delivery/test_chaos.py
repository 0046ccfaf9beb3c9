"""The ledger under chaos: every accepted record has exactly one outcome, at any instant."""

from __future__ import annotations

import logging
import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cxlogging
from cxlogging.delivery.options import OVERFLOW
from cxlogging.wire.http import Response
from tests.fakes import Network, broken, delivery, timeout

THREADS, RECORDS = 8, 10_000


@pytest.mark.slow
@pytest.mark.parametrize("overflow", OVERFLOW)
def test_eight_threads_against_a_faulty_server(server, overflow):
    """8 threads x 10,000 records and a server that fails at random: the ledger balances exactly."""
    chance = random.Random(overflow)
    for _ in range(40):
        server.faults.add(chance_fault(chance))
    handler = cxlogging.HoneycombHandler(
        "k",
        dataset="chaos",
        url=server.url,
        overflow=overflow,
        buffer_bytes=2_000_000,
        block_timeout=0.05,
        retry_initial=0.01,
        retry_maximum=0.05,
        flush_interval=0.05,
        batch_count=1_000,
    )
    unbalanced = run_threads(handler)
    flushed = handler.flush(60)
    handler.close()
    stats = handler.stats()

    assert flushed
    assert unbalanced == []
    assert stats.accepted == THREADS * RECORDS
    assert stats.balanced
    assert (stats.pending, stats.abandoned) == (0, 0)
    assert server.count("honeycomb") == stats.delivered + stats.reports
    lost = sum(stats.lost_by_level.values())
    assert lost == stats.rejected + stats.dropped


def chance_fault(chance):
    from cxlogging.devserver.faults import Fault

    return Fault(
        **chance.choice(
            [
                {"status": 503, "times": 1},
                {"status": 429, "retry_after": "0", "times": 1},
                {"reset": "before", "times": 1},
                {"delay": 0.02, "times": 1},
                {"items": (202, 429, 202, 400), "times": 1},
                {"max_body": 2_000, "times": 1},
            ]
        )
    )


def run_threads(handler):
    """Log from eight threads while another one looks at the ledger; return what was unbalanced."""
    logger = logging.Logger("chaos", logging.DEBUG)  # noqa: LOG001 - out of the tree
    logger.addHandler(handler)
    done = threading.Event()
    unbalanced = []

    def look():
        while not done.is_set():
            stats = handler.stats()
            if not stats.balanced:
                unbalanced.append(stats)
            done.wait(0.001)

    def work(number):
        levels = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
        for n in range(RECORDS):
            logger.log(levels[n % 4], "record %d of %d", n, number, extra={"n": n})

    looker = threading.Thread(target=look)
    looker.start()
    workers = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    done.set()
    looker.join()
    return unbalanced


ANSWERS = st.sampled_from(
    [200, 200, 200, 202, 299, 400, 413, 429, 500, 503, "broken", "timeout", "poison"]
)


@settings(max_examples=60, deadline=None)
@given(
    answers=st.lists(ANSWERS, max_size=60),
    sizes=st.lists(st.integers(0, 900), min_size=1, max_size=300),
    overflow=st.sampled_from(["shed", "drop_newest", "drop_oldest"]),
    bound=st.sampled_from([2_000, 20_000, 10_000_000]),
    concurrency=st.integers(1, 4),
)
def test_any_answers_in_any_order(answers, sizes, overflow, bound, concurrency):
    """Whatever a vendor answers, the ledger balances, and only what was accepted arrives."""
    left = list(answers)
    lock = threading.Lock()

    def behave(items):
        with lock:
            answer = left.pop() if left else 200
        if answer == "poison":
            return 400 if any(item.startswith(b"00") for item in items) else 200
        if answer == 299:
            return Response(299, body=bytes(b".rx"[hash(item) % 3] for item in items))
        return {"broken": broken, "timeout": timeout}[answer]() if type(answer) is str else answer

    network = Network(behave)
    target = delivery(network, overflow=overflow, buffer_bytes=bound, concurrency=concurrency)
    for number, size in enumerate(sizes):
        target.put((10, 20, 30, 40)[number % 4], b"%04d" % number + b"x" * size)
        assert target.stats().balanced

    assert target.flush(30)
    target.close()
    stats = target.stats()
    own = [line for line in network.accepted if not line.startswith(b"cxlogging dropped")]
    assert stats.balanced
    assert stats.pending == 0
    assert (stats.accepted, stats.delivered) == (len(sizes), len(own))
    assert len(own) == len(set(own))
    assert {int(line[:4]) for line in own} <= set(range(len(sizes)))
    assert len(network.accepted) - len(own) <= 1


def test_order_is_kept_where_nothing_failed():
    """Without failures, the records of one thread arrive in the order in which it logged them."""
    network = Network()
    target = delivery(network, concurrency=1)
    for number in range(5_000):
        target.put(20, b"%06d" % number)

    assert target.flush(30)
    assert network.accepted == sorted(network.accepted)
    assert len(network.accepted) == 5_000
