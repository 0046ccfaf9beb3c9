"""Which events a filter selects: words, fields, levels, times."""

from __future__ import annotations

import pytest

from cxlogging.devserver import Store, StoredEvent
from cxlogging.devserver.events.filters import (
    EventFilter,
    FieldValue,
    UnknownFieldError,
    joined,
    keypaths,
)
from cxlogging.devserver.events.reader import EventReader, TooSlowError
from cxlogging.devserver.events.rows import FIELDS, read_rows, shortened
from cxlogging.devserver.events.search_text import excess, kind_of, runnable
from cxlogging.vendors.emulation.event_fields import compact

EVENTS = [
    {"message": "Payment failed", "data": {"user": {"id": 7}, "ok": False}, "severity": 5},
    {"message": "payment done", "data": {"user.id": "7", "ok": True}, "severity": 3,
     "vendor": "honeycomb"},
    {"message": 'say "hi" 100%_x', "data": {"user": {"id": 8}, "tags": ["a", 1], "none": None}},
    {"message": "ÜBER", "data": {"text": "a\nb", "big": 2**70, "ratio": 1.5, "a": {"b.c": 1}},
     "application": "shop", "level": "warning", "severity": 4},
    {"message": "deep", "data": {"logger": "app.db", "context": {"request_id": "r1"},
     "vendor": "acme", "p\nq": 1, "http": {"url": {"to.path": "/"}}}},
]  # fmt: skip


def stored(n, **values):
    base = {
        "vendor": "coralogix", "time_ns": n, "received_ns": n, "level": "info", "severity": 3,
        "application": "a", "subsystem": "s", "source": {}, "size": 10,
    }  # fmt: skip
    return StoredEvent(**{**base, **values})


@pytest.fixture(scope="module")
def store():
    opened = Store()
    opened.add(stored(n, **one) for n, one in enumerate(EVENTS))
    yield opened
    opened.close()


def found(store, wanted):
    """Return the numbers of the events of EVENTS that *wanted* selects."""
    with EventReader(store.path).connection() as connection:
        rows = read_rows(connection, joined(wanted.conditions()), 100, newest_first=False)
    return [row["id"] - 1 for row in rows]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("payment", [0, 1]), ("PAYMENT failed", [0]), ('"payment done"', [1]), ("failed done", []),
        ("100%_x", [2]), ('say "hi', [2]), ("%", [2]), ("shop", [3]), ("app.db", [4]),
        ('"a\nb"', [3]), ("ÜBER", [3]), ("r1", [4]), ("\\", []), ("\0", []),
        ("x" * 4000, []),
    ],
)  # fmt: skip
def test_all_words_must_occur(store, text, numbers):
    """Each word or quoted phrase is looked for as it is, in message, data, logger, application."""
    assert kind_of(text) == "text"
    assert found(store, EventFilter(text)) == numbers


@pytest.mark.parametrize(
    ("field", "value", "numbers"),
    [
        ("user.id", "7", [0, 1]), ("user.id", '"7"', [1]), ("$d.user.id", "8", [2]),
        ("ok", "true", [1]), ("ok", "false", [0]), ("ok", "1", []), ("none", "null", [2]),
        ("tags", '["a", 1]', [2]), ("text", "a\nb", [3]), ("text", '"a\\nb"', [3]),
        ("big", str(2**70), [3]), ("ratio", "1.5", [3]), ("ratio", "1.50", [3]),
        ("big", "9" * 5000, []), ("big", "1e999", []), ("big", "NaN", []), ("text", "\ud800", []),
        ("nowhere", "x", []), ("vendor", "honeycomb", [1]), ("application", "shop", [3]),
        ("application", '"shop"', [3]), ("logger", "app.db", [4]), ("request_id", "r1", [4]),
        ("level", "error", [0]), ("level", "5", [0]), ("level", "warn", [3]), ("level", "huh", []),
        ("$d.vendor", "acme", [4]), ("vendor", "acme", []), ("$d.level", "warning", []),
        ("a.b.c", "1", [3]), ("http.url.to.path", "/", [4]), ("p\nq", "1", [4]),
        ("user", '{"id":8}', [2]), ("it's", "x", []), ("a;b--", "x", []),
    ],
)  # fmt: skip
def test_values_are_json_or_plain_text(store, field, value, numbers):
    """
    A field is a column or a keypath, whose end may be a flat name; `$d.` tells it from a column.

    A number in plain text is text as well.
    """
    assert found(store, EventFilter(wanted=(FieldValue(field, value),))) == numbers
    without = found(store, EventFilter(unwanted=(FieldValue(field, value),)))
    assert without == [n for n in range(5) if n not in numbers]


def test_values_of_one_field_are_alternatives(store):
    """Several values of a field are joined by or, fields by and."""
    either = (FieldValue("user.id", "7"), FieldValue("user.id", "8"))
    assert found(store, EventFilter(wanted=either)) == [0, 1, 2]
    both = (*either, FieldValue("ok", "true"))
    assert found(store, EventFilter(wanted=both)) == [1]
    assert found(store, EventFilter("payment", wanted=both, severities=frozenset({5}))) == []


def test_levels_times_and_vendors(store):
    """Severities are alternatives; the end of a window is not in it."""
    assert found(store, EventFilter(severities=frozenset({4, 5}))) == [0, 3]
    assert found(store, EventFilter(start=1, end=3)) == [1, 2]
    assert found(store, EventFilter(vendor="honeycomb")) == [1]
    extremes = EventFilter(start=-(2**63), end=2**63 - 1)
    assert found(store, extremes) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("field", ["", ".", "a..b", 'a"b', "a\0b", "$d.", ".".join("a" * 30)])
def test_a_field_that_cannot_be_looked_for_is_refused(field):
    """The message names the field and says what one looks like."""
    with pytest.raises(UnknownFieldError, match=r"is not a field: give a column, or a keypath"):
        keypaths(field)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "all"), (" \n", "all"), ("timeout", "text"), ("user 42 failed", "text"),
        ("<module>", "text"), ("a->b", "text"), ('"$d.x == 1"', "text"), ("it's a > 'b'", "text"),
        ("sources", "text"), ("filtering", "text"), ("a | b", "dataprime"), ("$d.x", "dataprime"),
        ("filter x", "dataprime"), ("source logs", "dataprime"), ("count", "dataprime"),
        ("status == 500", "dataprime"), ("status >= 500", "dataprime"), ("ms>5", "dataprime"),
        ("x ~ 'a'", "dataprime"), ("a && b", "dataprime"), ("$m.severity", "dataprime"),
    ],
)  # fmt: skip
def test_words_are_told_from_queries(text, kind):
    """Commands, pipes, keypaths and comparisons outside of quotes make a query."""
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("source logs | count", "source logs | count"), ("filter x == 1", "filter x == 1"),
        ("where x == 1", "where x == 1"), ("x == 1 | count", "filter x == 1 | count"),
        ("count > 3", "filter count > 3"), ("| count", "source logs | count"),
        ("filter !($d.a == 1)", "filter !($d.a == 1)"), ("count != 3", "filter count != 3"),
        (" $d.x == 1", "filter  $d.x == 1"), ("top 5 $d.a by count()", "top 5 $d.a by count()"),
    ],
)  # fmt: skip
def test_a_query_may_be_short(text, query):
    """Source and `filter` may be left out, and positions can be taken back to what was typed."""
    found = runnable(text)
    assert found.text == query
    assert found.text[found.shift :] == text


@pytest.mark.parametrize(
    "text", ["a " * 51, "x" * 4_001, "$d.x == '" + "y" * 10_000, '"a b" ' * 51]
)
def test_only_so_much_can_be_looked_for(text):
    """Too many words, or too many characters, are refused with a sentence."""
    assert excess(text).startswith("q must have at most")
    assert not excess("a " * 50)
    assert not excess("x" * 4_000)
    assert not excess("$d.x == '" + "y" * 9_000 + "'")


@pytest.mark.parametrize("letter", ["%", "\\", "\x01", "\U0001f600", "'", '\\"', "\u202e"])
def test_the_longest_text_can_be_looked_for(store, letter):
    """No text that is accepted is too long for a pattern of SQLite."""
    assert found(store, EventFilter(letter * 4_000)) == []


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"a": 1}, {"a": "x" * 600}, {"a": "x" * 10_000_000}, {"x" * 100_000: 1},
        {str(n): n for n in range(1000)}, {"a": {"b": ["y" * 700]}}, {"a": "\n\t\0" * 300},
        {"a": "\ud800" * 1000, "b": 1}, {"a": '"' * 599}, {"n" * 599: ""},
    ],
)  # fmt: skip
def test_fields_in_a_row_are_short(fields):
    """Fields take at most 600 characters as JSON; the row says whether some were cut."""
    kept, cut = shortened(fields)
    assert len(compact(kept)) <= FIELDS
    assert cut is (kept != fields)


def test_a_question_that_takes_too_long_is_interrupted(store):
    """A slow question ends at its limit, and its connection does not."""
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT MAX(x) FROM n"
    with (
        pytest.raises(TooSlowError, match="narrow the filter"),
        EventReader(store.path).connection(seconds=0.05) as connection,
    ):
        connection.execute(endless).fetchone()
