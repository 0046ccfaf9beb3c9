"""An application that logs more than its buffer holds, for as long as it runs."""

from __future__ import annotations

import time


def test_a_steady_overload_is_one_line_and_one_event(child, backend):
    """For eight seconds the buffer fills up again and again: one line on stderr, one event at the
    vendor, and `accepted` is the number of log calls.
    """
    backend.behaviour = lambda request: time.sleep(0.05) or 202
    ended = child(
        """
        logged, end = 0, time.monotonic() + 8
        while time.monotonic() < end:
            for _ in range(2_000):
                log.info("<a:%d>", logged)
                logged += 1
            time.sleep(0.2)
        handler.flush(20)
        wait_until(lambda: handler.stats().reports)
        stats = handler.stats()
        print(stats.accepted == logged, stats.balanced, stats.dropped > 10_000, stats.reports)
        """,
        "buffer_bytes='64KiB', concurrency=1",
    ).wait()

    assert (ended.code, ended.out.split()) == (0, ["True", "True", "True", "1"])
    (line,) = ended.err.splitlines()
    assert "is full: records are dropped" in line
    assert sum(b"cxlogging dropped" in each.body for each in backend.requests) == 1
