"""`cxlogging query` and `cxlogging tail` against the local server."""

from __future__ import annotations

import json
import time

import pytest

from cxlogging.devserver import StoredEvent


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
    assert "no rows in the query's window: check the window and the filter." in nothing.stderr


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
