"""`cxlogging volume`: which lines of code make the bytes, and what they cost."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import time
from collections.abc import Callable

import pytest
from click.testing import Result

import cxlogging
from cxlogging.devserver import DevServer, StoredEvent

from ..dataprime.service import QUERY_ID, STATISTICS, Reply, Service, line, result, whole

HOUR = 3_600_000_000_000
NOW = 1_737_331_200_000_000_000  # 2025-01-20T00:00:00Z
SITE = {"logger": "shop", "file": "/srv/pay.py", "line": 3, "function": "pay", "level": "INFO"}
Invoke = Callable[..., Result]


def stored(size: int, line: int = 3, after: int = 0, **more) -> StoredEvent:
    """An event of Coralogix' handler, so many nanoseconds after the first one."""
    values = {
        "vendor": "coralogix", "time_ns": NOW + after, "received_ns": NOW, "level": "info",
        "severity": 3, "message": "m", "application": "shop", "subsystem": "web",
        "source": {"methodName": "pay"}, "size": size,
        "data": {"logger": "shop", "file": "pay.py", "line": line, "message": "m",
                 "level": "INFO"},
    }  # fmt: skip
    return StoredEvent(**{**values, **more})


@pytest.fixture
def volume(run, server: DevServer) -> Invoke:
    """Run `cxlogging volume` with the local server as CXLOGGING_URL."""
    return lambda *arguments, **more: run(
        "volume", *arguments, **{"CXLOGGING_URL": server.url, **more}
    )


def rows_of(done: Result) -> list[dict]:
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def numbers(text: str) -> list[float]:
    return [float(each.replace(",", "")) for each in re.findall(r"[\d,]+\.\d+|\d[\d,]*", text)]


def test_the_costliest_line_comes_first(volume: Invoke, server: DevServer):
    """Real records: a row for each call site, most bytes first, with its share of the bytes."""
    log = logging.getLogger("shop.costs")
    log.setLevel("DEBUG")
    log.propagate = False
    handler = cxlogging.BetterStackHandler("key", url=server.url)
    log.addHandler(handler)
    for number in range(5):
        log.debug("order %d", number)
        log.info("an order with its items: %s", "x" * 3_000)
    handler.close()
    log.removeHandler(handler)

    first, second = rows_of(volume())
    table = volume("-o", "table")

    assert (first["logger"], first["file"]) == (log.name, "test_volume.py")
    assert (first["line"], first["level"], first["events"]) == (second["line"] + 1, "INFO", 5)
    assert first["function"] == "test_the_costliest_line_comes_first"
    assert 15_000 < first["bytes"] < 20_000
    assert first["share"] == first["bytes"] / (first["bytes"] + second["bytes"])
    assert f"The costliest line of code is test_volume.py:{first['line']} " in table.stdout
    assert re.search(r"INFO +5 +1\d,\d{3} +9\d\.\d% +█{12}", table.stdout)
    assert "cost" not in table.stdout.replace("costliest", "").replace("shop.costs", "").replace(
        "test_the_", ""
    )


def test_nothing_costs_without_a_price(volume: Invoke, server: DevServer):
    """There is no default price: money is only shown for a price that was given."""
    server.store.add([stored(500)])

    assert not rows_of(volume())[0].keys() & {"cost"}
    assert rows_of(volume("--price", "0.5"))[0]["cost"] == 500 / 1e9 * 0.5
    assert rows_of(volume(CXLOGGING_PRICE_PER_GB="2"))[0]["cost"] == 500 / 1e9 * 2
    assert rows_of(volume("--price", "1", CXLOGGING_PRICE_PER_GB="2"))[0]["cost"] == 500 / 1e9


def test_a_day_at_this_rate(volume: Invoke, server: DevServer):
    """Two GB within two hours at 0.5 per GB are 1.00, and 12.00 per day; the period is said."""
    server.store.add([stored(10**9), stored(10**9, after=2 * HOUR)])

    shown = volume("-o", "table", "--price", "0.5").stdout

    assert "2 events, 2,000,000,000 bytes in 2 hours." in shown
    assert "all of it costs 1.00: 12.00 per day at this rate, measured over 2 hours." in shown
    assert "Coralogix bills by the gigabytes" in shown


@pytest.mark.parametrize("after", [0, 1_000])
def test_no_rate_without_a_period(volume: Invoke, server: DevServer, after: int):
    """Where the events have one time, or nearly, nothing is said of a day."""
    server.store.add([stored(10**9), stored(10**9, after=after)])

    shown = volume("-o", "table", "--price", "1").stdout

    assert "all of it costs 2.00; " in shown
    assert "at this rate" not in shown


def test_since_limits_the_events_of_the_local_server(volume: Invoke, server: DevServer):
    """With an address on this machine, --since and --to choose among its events."""
    server.store.add(stored(100, line, after=line * HOUR) for line in range(1, 5))
    window = ("--since", "2025-01-20T02:00:00Z", "--to", "2025-01-20T04:00:00Z")

    rows = rows_of(volume("--url", server.url, *window))

    assert sorted(row["line"] for row in rows) == [2, 3]


def test_formats(volume: Invoke, server: DevServer):
    """JSON is one array, CSV has a header, and --top cuts both."""
    server.store.add([stored(100, 1), stored(300, 2), stored(200, 3)])

    as_json = json.loads(volume("-o", "json").stdout)
    as_csv = list(csv.DictReader(io.StringIO(volume("-o", "csv", "--top", "2").stdout)))
    table = volume("-o", "table", "--top", "2").stdout

    assert [row["line"] for row in as_json] == [2, 3, 1]
    assert [(row["line"], row["bytes"]) for row in as_csv] == [("2", "300"), ("3", "200")]
    assert "1 further call site is not shown: raise --top." in table


def test_hostile_names_are_escaped(volume: Invoke, server: DevServer):
    """Control characters of loggers and files are shown as escapes."""
    server.store.add([stored(9, data={"logger": "a\x1b[2J", "file": "b\x9b.py", "line": 1})])

    shown = volume("-o", "table").stdout

    assert "\x1b" not in shown
    assert "\\x1b[2J" in shown


def report(server: DevServer, process: str = "shop (1)", *sites: dict) -> None:
    queue = {"queue_records": 0, "queue_bytes": 0, "queue_limit": 1}
    handler = {"name": "Coralogix (x)", "vendor": "coralogix", "stats": {}, **queue}
    server.reports.add({"process": process, "handlers": [{**handler, "volume": list(sites)}]})


def test_what_processes_count_themselves(volume: Invoke, server: DevServer):
    """--reported shows their call sites by process, and what was held back there."""
    report(server, "shop (1)", {**SITE, "events": 2, "bytes": 600, "held_back": 40})
    report(server, "shop (2)", {**SITE, "events": 1, "bytes": 200, "held_back": 0})
    server.store.add([stored(5)])

    first, second = rows_of(volume("--reported"))
    table = volume("--reported", "-o", "table", "--price", "1").stdout

    assert first == {
        "vendor": "coralogix", "process": "shop (1)", "destination": "Coralogix (x)", **SITE,
        "events": 2, "bytes": 600, "share": 0.75, "held_back": 40,
    }  # fmt: skip
    assert (second["process"], second["share"]) == ("shop (2)", 0.25)
    assert re.search(r"shop \(1\) / Coralogix \(x\) +pay.py:3 pay +shop +INFO +2 +600 ", table)
    assert "held back" in table
    assert "the period is not known, so there is no rate per day" in table


def test_a_process_that_reports_of_itself(volume: Invoke, server: DevServer, program):
    """A real process: report_stats() sends what its handlers have counted."""
    done = program(
        """
        import json, urllib.request
        cxlogging.report_stats(URL)
        log.error("order placed")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with urllib.request.urlopen(URL + "/api/reports") as answer:
                reports = json.load(answer)["reports"]
            if reports and reports[0]["handlers"][0]["volume"]:
                break
        print(json.dumps(handler.volume()[0]))
        """
    )

    (row,) = rows_of(volume("--reported"))

    counted = cxlogging.VolumeRow(*json.loads(done.out))
    assert (row["file"], row["line"], row["bytes"]) == (counted.file, counted.line, counted.bytes)
    assert (row["logger"], row["level"], row["destination"]) == (
        "shop", "ERROR", counted.destination,
    )  # fmt: skip


def test_processes_where_no_event_is_stored(volume: Invoke, server: DevServer):
    """A process that sends to the vendor and reports to the local server is shown too."""
    report(server, "shop (1)", {**SITE, "events": 2, "bytes": 600, "held_back": 1})

    done = volume()

    assert rows_of(done)[0]["process"] == "shop (1)"
    assert "No event is stored at the local server" in done.stderr


def test_what_is_held_back_stands_beside_the_events(volume: Invoke, server: DevServer):
    """A line whose records are all held back is shown too, with no bytes."""
    silent = {**SITE, "line": 9, "events": 0, "bytes": 0, "held_back": 7}
    report(server, "shop (1)", {**SITE, "events": 1, "bytes": 9, "held_back": 4}, silent)
    server.store.add([stored(100)])

    rows = rows_of(volume())

    assert [(row["line"], row["bytes"], row["held_back"]) for row in rows] == [
        (3, 100, 4),
        (9, 0, 7),
    ]


def test_the_archive_of_the_service(volume: Invoke, server: DevServer):
    """--since alone asks by DataPrime: whole events, by application, subsystem and call site."""
    recent = time.time_ns() - HOUR
    server.store.add([stored(1, time_ns=recent)] * 3)
    server.store.add([stored(1, 9, time_ns=recent, data={"message": "m" * 500})])

    done = volume("--since", "1d", "--price", "1000000000")

    first, second = rows_of(done)
    assert (first["application"], first["subsystem"], first["file"]) == ("shop", "web", "")
    site = {**SITE, "file": "pay.py"}
    assert {name: second[name] for name in site} == site
    assert second["events"] == 3
    assert second["bytes"] == second["cost"] == 3 * len(json.dumps(
        {"logger": "shop", "file": "pay.py", "line": 3, "message": "m", "level": "INFO"},
        separators=(",", ":"),
    ))  # fmt: skip
    assert first["share"] + second["share"] == pytest.approx(1)
    assert "held_back" not in first
    assert re.search(r"per day at this rate, measured over 24 hours", done.stderr)


def test_the_frequent_tier_is_a_lower_bound(volume: Invoke, server: DevServer):
    """--tier frequent counts the bytes of messages, and says so."""
    server.store.add([stored(1, time_ns=time.time_ns() - HOUR)] * 3)

    done = volume("--since", "1d", "--tier", "frequent")

    assert rows_of(done)[0]["bytes"] == 3
    assert "these numbers are lower bounds" in done.stderr


@pytest.mark.parametrize(
    ("tier", "size"),
    [("archive", "sum(objectSize($d))"), ("frequent", "sum(byteLength($d.message))")],
)
def test_what_the_service_is_asked(run, service: Service, tier: str, size: str):
    """The queries sum the sizes, have the window and the tier, and one is limited to --top."""
    row = {"metadata": [], "labels": []}
    sums = {**row, "userData": json.dumps({"events": 3, "bytes": None})}
    site = {**row, "userData": json.dumps({"logger": "shop", "events": 3, "bytes": None})}
    service.will_say(whole(sums), whole(site))

    done = run("volume", "--since", "1d", "--top", "7", "--tier", tier)

    (found,) = rows_of(done)
    assert (found["logger"], found["line"], found["bytes"], found["share"]) == ("shop", 0, 0, 0.0)
    for body in service.bodies:
        assert size in body["query"]
        assert body["metadata"]["tier"].lower().startswith(f"tier_{tier}")
        assert "startDate" in body["metadata"]
    assert service.bodies[1]["query"].endswith("| orderby bytes desc | limit 7")


def test_a_limit_of_the_service(run, service: Service):
    """Groups that the service left out are said to be missing, with the exit code 6."""
    row = {"metadata": [], "labels": [], "userData": json.dumps({"events": 3, "bytes": 9})}
    limited = line(
        {"warning": {"aggregationBucketsLimitWarning": {"aggregationBucketsLimit": 1000}}}
    )
    service.will_say(whole(row), Reply([QUERY_ID, limited, result(row), STATISTICS]))

    done = run("volume", "--since", "1d")

    assert done.exit_code == 6
    assert "call sites may be missing" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Events stored by the local server at"),
        (("--reported",), "Counted by the processes that report to the local server at"),
        (("--since", "1h"), "Events of the archive tier since 1h: none."),
        (("--local", "--since", "1h"), "Events stored by the local server at"),
    ],
)
def test_nothing_was_logged(volume: Invoke, arguments: tuple[str, ...], sentence: str):
    """Where there is nothing to count, a sentence says what was looked at; the exit code is 4."""
    for output in ("table", "jsonl"):
        done = volume(*arguments, "-o", output)

        assert (done.exit_code, done.stdout) == (4, "")
        assert sentence in done.stderr
        assert ": none." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--reported", "--since", "1h"), "leave out --since"),
        (("--reported", "--tier", "archive"), "leave out --since, --tier"),
        (("--to", "1h"), "--to needs the begin of the window: pass --since."),
        (("--local", "--since", "1x"), "--since '1x' is not a time"),
        (("--since", "1x"), "--since '1x' is not a time"),
        (("--local", "--domain", "eu2"), "--local and --port cannot be combined"),
        (("--price", "-1"), "--price"),
        (("--price", "nan"), "--price"),
        (("--top", "0"), "--top"),
    ],
)
def test_wrong_options(volume: Invoke, arguments: tuple[str, ...], sentence: str):
    """The message names the option; the exit code is 2."""
    done = volume(*arguments)

    assert done.exit_code == 2
    assert sentence in done.stderr


def test_a_wrong_price_in_the_environment(volume: Invoke):
    """The message names the variable."""
    done = volume(CXLOGGING_PRICE_PER_GB="cheap")

    assert done.exit_code == 2
    assert "CXLOGGING_PRICE_PER_GB takes a price per GB, such as 0.5, not 'cheap'" in done.stderr


def test_nobody_listens(run):
    """Without a local server it says how to start one, or to ask the service; exit code 5."""
    done = run("volume", CXLOGGING_URL="http://127.0.0.1:1")

    assert done.exit_code == 5
    assert "no local server listens at http://127.0.0.1:1." in done.stderr
    assert "cxlogging dev" in done.stderr
    assert "--since 1d" in done.stderr
