"""Case 62: records whose time is impossible, or far in the past or the future."""

from __future__ import annotations

import logging
import time

import pytest

import cxlogging
from cxlogging.devserver import DevServer

HANDLERS = {
    "coralogix": cxlogging.CoralogixHandler,
    "honeycomb": cxlogging.HoneycombHandler,
    "betterstack": cxlogging.BetterStackHandler,
}
POSSIBLE = [0, 0.000001, 86_400.5, 999_999_999.999999, 1_000_000_000, 1e9 + 7, 7_000_000_000, 9e9]
IMPOSSIBLE = [-1, -0.5, -1e12, 9_300_000_000, 1e11, 1e300, 10**400]
IMPOSSIBLE += [float("nan"), float("inf"), -float("inf"), None, "yesterday", "1700000000", [1], {}]


@pytest.mark.case(62)
@pytest.mark.parametrize("vendor", HANDLERS)
@pytest.mark.parametrize("form", ["usual", "json"])
def test_case_62_times_of_another_age(vendor, form):
    """Records of 1970, of 2250 and with impossible times are logged among ordinary ones: all are
    delivered at once and read correctly; an impossible time is replaced by that of the log call,
    and kept in `cx_original_time`.
    """
    options = {"format": "ndjson"} if (vendor, form) == ("betterstack", "json") else {}
    began = time.time()
    with DevServer() as server:
        handler = HANDLERS[vendor]("key", url=server.url, **options)
        for created in (*POSSIBLE, *IMPOSSIBLE):
            for message in ("odd", "good"):
                record = logging.makeLogRecord({"name": "shop", "msg": message, "levelno": 20})
                if message == "odd":
                    record.created = created
                handler.handle(record)
        assert handler.flush(timeout=60)
        handler.close()
        stats = handler.stats()
        events = server.store.oldest(vendor)
    ended = time.time()

    assert (stats.delivered, stats.rejected) == (2 * len(POSSIBLE + IMPOSSIBLE), 0)
    odd = [each for each in events if each["message"] == "odd"]
    good = [each for each in events if each["message"] == "good"]
    assert len(odd) == len(good) == len(POSSIBLE + IMPOSSIBLE)
    assert all(began - 1 <= each["time_ns"] / 1e9 <= ended + 1 for each in good)
    told = {each["time_ns"] for each in odd if "cx_original_time" not in each["data"]}
    assert told == {int(seconds * 1e6 + 0.5) * 1000 for seconds in POSSIBLE}
    replaced = [each for each in odd if "cx_original_time" in each["data"]]
    assert len(replaced) == len(IMPOSSIBLE)
    assert all(began - 1 <= each["time_ns"] / 1e9 <= ended + 1 for each in replaced)
    shown = [each["data"]["cx_original_time"] for each in replaced]
    assert {"NaN", "Infinity", "-Infinity", "yesterday", "1700000000", -1} <= {
        each for each in shown if isinstance(each, (str, int))
    }
    assert not any(each["warnings"] for each in events)
