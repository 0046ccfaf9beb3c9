"""Case 57: clocks that jump."""

from __future__ import annotations

import json
import logging
import time

import pytest

from cxlogging.delivery.clock import Clocks

YEAR = 365 * 86_400


@pytest.mark.timing
@pytest.mark.case(57)
@pytest.mark.parametrize("jump", [YEAR, -YEAR, 0.3])
@pytest.mark.parametrize("when", ["during the backoff", "before the flush"])
def test_case_57_the_wall_clock_jumps(shop, backend, figures, jump, when):
    """The wall clock jumps by a year, forward or back, or slews, during a backoff or while records
    wait for the flush interval: no busy loop, no stall, and the events keep the time at which they
    were logged.
    """
    wall = {"by": 0.0}
    clock = Clocks(wall=lambda: time.time() + wall["by"], random=lambda: 0.5)
    backend.behaviour = lambda request: (
        503 if request.number <= 3 and when == "during the backoff" else 202
    )
    one = shop(clock=clock, flush_interval=0.3, retry_initial=0.2)
    began = time.monotonic()
    records = []
    for number in range(20):
        record = logging.makeLogRecord({"msg": f"<a:{number}>", "levelno": 20})
        record.created += wall["by"]
        records.append(record)
        one.logger.handle(record)
        one.promised.append(f"a:{number}")
        wall["by"] += jump
        time.sleep(0.005)  # the jumps are spread over the interval
    assert backend.wait_accepted(20, 10)
    took = time.monotonic() - began

    assert took < 5
    assert len(backend.requests) <= 6
    assert figures.judge(one.promised, backend).lost == []
    events = {}
    for request in backend.requests:
        for line in request.body.splitlines():
            event = json.loads(line)
            events[event["message"]] = event["dt"]
    for record in records:
        assert abs(events[record.msg] - record.created * 1e9) < 10_000
