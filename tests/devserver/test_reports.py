"""Reports of applications: what is kept of them, and for how long."""

from __future__ import annotations

import pytest

from cxlogging.devserver.reports import KEPT_SECONDS, MAX_PROCESSES, ReportBoard

HANDLER = {
    "name": "Honeycomb (localhost)",
    "vendor": "honeycomb",
    "stats": {"accepted": 3, "delivered": 2},
    "queue_records": 1,
    "queue_bytes": 300,
    "queue_limit": 1000,
}


SITE = {"logger": "shop", "file": "/srv/pay.py", "function": "pay", "level": "INFO", "line": 3,
        "events": 2, "bytes": 600, "held_back": 1}  # fmt: skip


def report(process="shop (1)", *handlers):
    return {"process": process, "handlers": list(handlers or (HANDLER,))}


def test_the_last_report_of_each_process_is_shown(client):
    """A later report replaces that of the same process; the others stay."""
    assert client.get("/api/reports").json == {"reports": []}
    newer = {**HANDLER, "queue_records": 0}
    for each in (report(), report("cart (2)"), report("shop (1)", newer)):
        assert client.post("/api/reports", each).json == {"kept": True}
    assert client.get("/api/reports").json["reports"] == [
        report("cart (2)"),
        report("shop (1)", newer),
    ]


def test_a_report_is_forgotten_after_half_a_minute():
    """A process that reports no more disappears, and one that goes on stays."""
    now = [0.0]
    board = ReportBoard(lambda: now[0])
    board.add(report("ended"))
    now[0] = KEPT_SECONDS - 1
    board.add(report("runs"))
    assert len(board.current()) == 2
    now[0] = KEPT_SECONDS + 1
    assert [each["process"] for each in board.current()] == ["runs"]
    assert (board.clear(), board.current()) == (1, [])


def test_there_is_room_for_some_processes_alone():
    """A program that starts process after process takes no more memory."""
    board = ReportBoard()
    for n in range(2 * MAX_PROCESSES):
        board.add(report(f"p{n}"))
    assert len(board.current()) == MAX_PROCESSES
    assert f"p{2 * MAX_PROCESSES - 1}" in [each["process"] for each in board.current()]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"process": "", "handlers": []},
        {"process": None, "handlers": []},
        {"process": "p", "handlers": {}},
        {"process": "p", "handlers": [5]},
        {"process": "p", "handlers": [HANDLER] * 101},
        report("p", {**HANDLER, "stats": 5}),
        report("p", {**HANDLER, "name": 5}),
        report("p", {**HANDLER, "queue_bytes": "5"}),
        report("p", {**HANDLER, "queue_limit": None}),
        report("p", {**HANDLER, "volume": {}}),
        report("p", {**HANDLER, "volume": [SITE] * 101}),
        report("p", {**HANDLER, "volume": ["shop"]}),
        report("p", {**HANDLER, "volume": [{**SITE, "line": "7"}]}),
        report("p", {**HANDLER, "volume": [{**SITE, "logger": None}]}),
    ],
)
def test_another_shape_is_no_report(client, wrong):
    """What `report_stats()` never sends is refused with a sentence, and not kept."""
    heard = client.post("/api/reports", wrong)
    assert heard.status == 400
    assert "must" in heard.json["error"]
    assert client.get("/api/reports").json == {"reports": []}


def test_call_sites_of_all_processes(server, client):
    """They are kept of each process and handler, most bytes first; the stream does without them."""
    small = {**HANDLER, "volume": [{**SITE, "bytes": 5, "further": "x" * 500}]}
    for each in (
        report("shop (1)", {**HANDLER, "volume": [SITE]}, HANDLER),
        report("b (2)", small),
    ):
        assert client.post("/api/reports", each).json == {"kept": True}

    sites = server.reports.call_sites()
    place = {"vendor": "honeycomb", "destination": HANDLER["name"]}
    assert sites == [
        {"process": "shop (1)", **place, **SITE},
        {"process": "b (2)", **place, **SITE, "bytes": 5},
    ]
    assert server.reports.ledgers() == [report("b (2)"), report("shop (1)", HANDLER, HANDLER)]


def test_a_huge_report_is_refused(client):
    """A report has at most a MiB."""
    huge = {**HANDLER, "stats": {"reasons": {"x" * 1_100_000: 1}}}
    assert client.post("/api/reports", report("p", huge)).status == 413
