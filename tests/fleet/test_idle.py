"""A producer that has nothing to do."""

from __future__ import annotations

import time

import pytest

from ..nats.servers import wait_for
from .processes import Producer

IDLE_SECONDS = 10.0
MOST_CPU = 0.05


@pytest.mark.timing
def test_an_idle_producer_uses_next_to_no_cpu(address, tmp_path):
    """Ten seconds without a record take less than half a percent of a core, questions included."""
    producer = Producer(tmp_path, "idle", "honeycomb", address)
    producer.log(100)
    wait_for(lambda: producer.stats()["spooled"] == 100, "all is acknowledged")
    before, began = producer.stats()["cpu"], time.monotonic()
    wait_for(lambda: time.monotonic() - began >= IDLE_SECONDS, "the time is over")
    spent = producer.stats()["cpu"] - before
    producer.end()

    assert spent < MOST_CPU
