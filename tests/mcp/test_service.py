"""The tools read an account of the service by its query API, here that of the local server."""

from __future__ import annotations

import re

import pytest

from cxlogging.dataprime import DataPrimeClient
from cxlogging.mcp.service import ServiceSource
from cxlogging.mcp.tools import BUDGET, call

from .conftest import logging_to, over_stdio

pytest.importorskip("mcp")


@pytest.fixture
def service(server):
    """Call a tool for the query API of the fixture `server`."""
    with logging_to(server.url) as log:
        log.info("cart of %s", "ada's", extra={"request_id": "r-17", "user": {"id": 4711}})
        try:
            {}["total"]
        except KeyError:
            log.exception("no total", extra={"request_id": "r-17"})
        log.info("another request, after r-17", extra={"request_id": "r-18"})
    with DataPrimeClient("key", url=server.url) as client:
        source = ServiceSource(client, "the service")

        def ask(name, **arguments):
            text, is_error = call(source, name, arguments, BUDGET)
            return text if not is_error else f"refused: {text}"

        yield ask


def test_an_error_is_found_and_read(service):
    """Error, event and related events are found with ids that the answers give."""
    errors = service("recent_errors")
    assert "1 kind of error in 1 event of level ERROR or above in the last hour" in errors
    assert '"KeyError" at "' in errors
    assert ' service"' in errors
    event_id = re.search(r"^#(\S+) ", errors, re.MULTILINE)[1]

    event = service("get_event", id=event_id)
    assert 'message "no total"' in event
    assert "| Traceback (most recent call last):" in event
    related = service("related_events", id=event_id)
    assert related.index("cart of ada's") < related.index("no total")
    assert "another request" not in related


def test_words_and_queries_are_searched(service):
    """Words, a condition, a pipeline and an aggregation all work."""
    assert service("search_logs", query="ada's").startswith("1 event matching")
    assert service("search_logs", query="$d.user.id == 4711").startswith("1 event matching")
    assert service("search_logs", query="source logs", level="error").startswith("1 event ")
    assert '"n":3' in service("search_logs", query="source logs | count into n")


def test_pages_continue_by_time(service):
    """An answer that has more says which time continues it."""
    first = service("search_logs", limit=1)
    before = re.search(r'before="([^"]+)"', first)[1]

    assert "another request" in first
    assert '"no total"' in service("search_logs", limit=1, before=before)


def test_fields_and_volume_come_from_events(service):
    """Keypaths are those of the newest events; loggers are counted, without bytes."""
    assert re.search(r"^\$d\.user\.id 1 number 4711", service("fields"), re.MULTILINE)
    volume = service("volume")
    assert "3 events" in volume
    assert "Bytes are not known here: with --tier archive they are." in volume
    assert service("volume", by="call_site").startswith("refused: the service counts by logger")


def test_the_archive_knows_bytes(server):
    """With the archive as its tier, the service sums the sizes of events, most bytes first."""
    with logging_to(server.url) as log:
        log.info("x" * 5_000)
    with DataPrimeClient("key", url=server.url) as client:
        text, is_error = call(ServiceSource(client, "the service", "archive"), "volume", {}, BUDGET)

    assert not is_error
    assert re.search(r"1 event 5,\d{3} bytes", text)
    assert "not known" not in text


def test_what_the_service_does_not_have_is_said(service):
    """`rejected` says where refusals are found instead."""
    assert service("rejected").startswith("refused: the service does not say what it refused.")


def test_mistakes_are_explained(service):
    """A query that does not compile has its caret, and an id that is none has its form."""
    assert "^" in service("search_logs", query="source logs | filtre x")
    assert service("get_event", id="12").startswith("refused: id takes the text after #")
    assert service("search_logs", before="x").startswith("refused: before 'x' is not a time")


@pytest.mark.slow
def test_the_command_reads_the_service(server):
    """`cxlogging mcp --service` queries with the key from the environment."""
    with logging_to(server.url) as log:
        log.error("no total")

    found = over_stdio("--service", CXLOGGING_URL=server.url, CX_API_KEY="key")

    assert "no total" in found.call("recent_errors")
    assert "Coralogix" in found.refused("rejected")
    assert server.requests("dataprime")
