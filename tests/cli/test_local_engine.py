"""`cxlogging query` and `cxlogging tail` against the local server."""

from __future__ import annotations

import json
import logging
import re
import time
from dataclasses import replace

import pytest

from cxlogging.devserver import StoredEvent

from .test_audit import HANDLERS


def event(number, vendor="coralogix", severity=5):
    now = time.time_ns()
    return StoredEvent(
        vendor,
        now,
        now,
        "error",
        severity,
        f"order {number}",
        "shop",
        "web",
        {},
        {"message": f"order {number}", "order": {"id": number}},
    )


@pytest.fixture
def local(server, run):
    def invoke(*arguments):
        return run(*arguments, "--port", str(server.port))

    return invoke


def rows(result):
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_query(server, local):
    """Rows are JSON lines in both languages, for direct and background queries."""
    server.store.add(event(number) for number in range(20))

    found = rows(local("query", "source logs | filter order.id >= 17", "--since", "1h"))
    assert [one["data"]["order"]["id"] for one in found] == [19, 18, 17]
    assert rows(local("query", "countby $l.vendor", "--since", "1h")) == [
        {"vendor": "coralogix", "_count": 20}
    ]
    assert (
        len(rows(local("query", "order.id:[3 TO 5]", "--syntax", "lucene", "--since", "1h"))) == 3
    )
    assert len(rows(local("query", "limit 7", "--since", "1h", "--background"))) == 7


def test_a_query_that_does_not_compile(local):
    """It is a usage error, and a caret marks the place."""
    result = local("query", "source logs | enrich a into b using c")
    assert result.exit_code == 2
    assert "works on the service, not here" in result.stderr
    assert "\n                ^" in result.stderr


def test_an_answer_without_rows_says_why(server, local):
    """An unknown field is named in both languages, for direct and background queries."""
    server.store.add([event(1)])
    unknown = "keypath does not exist '$d.ordr.id' (did you mean '$d.order.id'?)"
    query = "source logs | filter ordr.id == 1"

    assert unknown in local("query", query).stderr
    assert unknown in local("query", "ordr.id:1", "--syntax", "lucene").stderr
    assert unknown in local("query", query, "--background", "--since", "1h").stderr
    assert unknown in local("query", f"{query} | count").stderr
    nothing = local("query", "source logs | filter order.id == 2", "--background", "--since", "1h")
    assert "no rows in the query's window in the source" in nothing.stderr


@pytest.mark.parametrize("severity", ["Error", "'Error'", "'ERROR'", "EROR"])
def test_a_misspelt_severity_is_refused_with_help(server, local, severity):
    """A severity printed as `Error` is written ERROR in a query."""
    done = local("query", f"source logs | filter $m.severity == {severity}")

    assert done.exit_code == 2
    assert "severities are bare words" in done.stderr
    assert "ERROR" in done.stderr


def test_a_tail(server, local):
    """New rows that match are printed once each."""
    server.store.add([event(1), event(2, severity=3), event(3, "honeycomb")])
    found = rows(
        local("tail", "$d.message ~ 'order'", "--level", "error", "--count", "2", "-o", "jsonl")
    )
    assert sorted(one["data"]["order"]["id"] for one in found) == [1, 3]


def test_a_tail_of_plain_words_finds_the_text(server, local):
    """Words are searched for in all fields; other logs are not printed."""
    card, other = event(1), event(2)
    server.store.add([other, replace(card, data={"message": "card declined: 51"}), other])

    found = rows(local("tail", "card declined", "--count", "1", "--since", "1h"))

    assert [one["data"]["message"] for one in found] == ["card declined: 51"]


def test_a_time_bucket_is_readable_in_a_table(server, local):
    """A time in an aggregate is a time with a zone mark in tables, and ISO 8601 in JSON lines."""
    server.store.add([event(1)])
    query = "groupby $m.timestamp / 1h as hour aggregate count() as n, max($m.timestamp) as last"

    table = local("query", query, "--since", "2h", "-o", "table")
    (row,) = rows(local("query", query, "--since", "2h"))

    assert re.search(r"\d{4}-\d\d-\d\d \d\d:00:00Z +1 +\d{4}-\d\d-\d\d [\d:.]+Z", table.stdout)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:00:00Z", row["hour"])


@pytest.mark.parametrize("vendor", HANDLERS)
def test_a_table_has_the_applications_fields_first(server, local, vendor):
    """Of each vendor's handler: the traceback is lines; --full adds the handler's own fields."""
    handler = HANDLERS[vendor](server.url)
    logger = logging.Logger("shop.orders")  # noqa: LOG001 - no tree
    logger.addHandler(handler)
    try:
        int("no such card")
    except ValueError:
        logger.exception("card declined", extra={"zone": "eu", "user_id": 7})
    handler.close()

    short = local("query", "source logs", "--since", "1h", "-o", "table").stdout
    full = local("query", "source logs", "--since", "1h", "-o", "table", "--full").stdout

    assert re.search(r"Z  ERROR .*card declined  zone=eu user_id=7$", short, re.MULTILINE)
    assert "    | ValueError: invalid literal" in short
    assert re.search(r"card declined  zone=eu user_id=7 \S", full)
    assert "    |   File" in full
