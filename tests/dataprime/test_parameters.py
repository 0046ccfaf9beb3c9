"""Parameters: values in the text of a query, which never change what the query does."""

from __future__ import annotations

import datetime
import json
import re
import time
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.dataprime import DataPrimeClient, Severity
from cxlogging.dataprime.language.parameters import with_parameters
from cxlogging.devserver import StoredEvent
from cxlogging.devserver.engine.syntax.lexer import END, Lexer
from cxlogging.errors import ConfigurationError

from .service import log, whole

UTC = datetime.timezone.utc


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("it's \\ here", "'it\\'s \\\\ here'"),
        (7, "7"),
        (-7, "(-7)"),
        (1.5, "1.5"),
        (UUID(int=7), "'00000000-0000-0000-0000-000000000007'"),
        (Fraction(1, 4), "0.25"),
        (True, "true"),
        (None, "null"),
        (Severity.ERROR, "ERROR"),
        (["a", 1], "['a', 1]"),
        (datetime.datetime(2025, 1, 20, tzinfo=UTC), "@'2025-01-20T00:00:00Z'"),
        (datetime.date(2025, 1, 20), "@'2025-01-20T00:00:00Z'"),
        (datetime.timedelta(hours=1, seconds=90, microseconds=5), "1h1m30s5us"),
        (datetime.timedelta(0), "0s"),
    ],
)
def test_each_type_has_its_literal(client, service, value, literal):
    """A value is written by its type: query(), stream() and submit() take params."""
    service.rule = lambda _: whole(log(1))

    client.query("filter x == {it}", params={"it": value})

    assert service.bodies[0]["query"] == f"filter x == {literal}"


def tokens(text):
    lexer, at, found = Lexer(text), 0, []
    while (token := lexer.token(at)).kind != END:
        found.append(token)
        at = token.end
    return found


QUERY = "source logs | filter name == {it} || other != 'x' | limit 5"


@given(st.text())
def test_no_string_changes_the_shape_of_a_query(value):
    """Whatever a string contains, the engine reads it as one string of the same value."""
    plain = tokens(QUERY.replace("{it}", "'y'"))
    found = tokens(with_parameters(QUERY, {"it": value}, "dataprime"))

    assert [each.kind for each in found] == [each.kind for each in plain]
    assert found[6].value == value
    assert [each.text for each in found[:6] + found[7:]] == [
        each.text for each in plain[:6] + plain[7:]
    ]


@given(st.lists(st.text(alphabet="'\"\\\\`{}|/#*\n[], a1"), min_size=1, max_size=5))
def test_no_list_of_strings_changes_the_shape_of_a_query(values):
    """A list stays a list of as many strings with the same values."""
    found = tokens(with_parameters("x in {it}", {"it": values}, "dataprime"))

    marks = [each.text for each in found if each.kind == "mark"]
    assert marks == ["[", *[","] * (len(values) - 1), "]"]
    assert [each.value for each in found if each.kind == "string"] == values


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_one_value(value):
    """A number is one token with its value, in parentheses where it is negative."""
    found = tokens(with_parameters("x - {it}", {"it": value}, "dataprime"))[2:]

    texts = [each.text for each in found]
    if texts[0] == "(":
        assert texts[1] == "-"
        assert texts[3:] == [")"]
        assert -found[2].value == value
    else:
        assert (len(texts), found[0].value) == (1, value)


@given(st.text())
def test_no_string_changes_the_shape_of_a_lucene_query(value):
    """In Lucene a value is one quoted phrase: only escaped quotes are inside."""
    text = with_parameters("user:{it} AND x:1", {"it": value}, "lucene")

    phrase = text.removeprefix("user:").removesuffix(" AND x:1")
    assert (phrase[0], phrase[-1]) == ('"', '"')
    inside = phrase[1:-1].replace("\\\\", "")
    assert inside.count('"') == inside.count('\\"')
    assert not inside.endswith("\\")


@pytest.mark.parametrize(
    ("query", "params", "sentence"),
    [
        ("x == {a}", {}, "no value for {a}"),
        ("x == 1", {"a": 1}, "has no {a}"),
        ("x == '{a}'", {"a": 1}, "without quotes"),
        ("x == {a}h", {"a": 1}, "whole value"),
        ("$d.{a} == 1", {"a": "x"}, "not for a name"),
        ("x == {a}", {"a": float("nan")}, "finite number"),
        ("x == {a}", {"a": 10**400}, "finite number"),
        ("x == {{a}}", {"a": 1}, "whole value"),
        ("x == {a}", {"a": object()}, "not object"),
        ("x == {a}", {"a": {"b": 1}}, "not dict"),
        ("x == {a}", {"a": "\ud800"}, "surrogate"),
        ("x == {a}", {"a": datetime.datetime(2025, 1, 1)}, "time zone"),  # noqa: DTZ001
        ("x == {a}", [1], "takes a dict"),
    ],
)
def test_a_mistake_with_parameters_is_named(client, service, query, params, sentence):
    """Missing, unused, quoted and impossible parameters are refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=re.escape(sentence)):
        client.query(query, params=params)

    assert not service.asked


def test_other_braces_stay(client, service):
    """Braces of case expressions, templates, comments and regular expressions stay."""
    query = (
        "create a from case { x == {v} -> 'y', _ -> 'z' } // {v}\n"
        "| create b from `{v}` | filter c.matches(/a{v}/)"
    )
    service.rule = lambda _: whole(log(1))

    client.query(query, params={"v": 1})

    assert service.bodies[0]["query"] == query.replace("== {v}", "== 1")


def test_values_reach_the_engine(server):
    """On the local server a hostile value finds the log that contains it, and nothing else."""
    hostile = "x' || true | limit 1 // \\ \" ` {user}"
    now = time.time_ns()
    server.store.add(
        StoredEvent("coralogix", now, now, "info", 3, "hi", "shop", "web", {}, {"user": user})
        for user in (hostile, "ann")
    )

    with DataPrimeClient("key", url=f"http://127.0.0.1:{server.port}") as client:
        for query, syntax in (("filter user == {user}", "dataprime"), ("user:{user}", "lucene")):
            found = client.query(query, params={"user": hostile}, since="1h", syntax=syntax)
            assert [json.loads(row.raw)["user"] for row in found] == [hostile]


def test_bounds_of_a_lucene_range_are_values():
    """A range that excludes its end closes with a brace next to the value."""
    text = with_parameters("n:{{a} TO {b}} AND m:[{a} TO 5]", {"a": 1, "b": 2}, "lucene")
    assert text == "n:{1 TO 2} AND m:[1 TO 5]"


@pytest.mark.parametrize("value", [None, [], (), datetime.timedelta(seconds=1)])
def test_what_lucene_cannot_write_is_refused(value):
    """The error names what Lucene takes, which is less than DataPrime."""
    with pytest.raises(ConfigurationError, match="no literal in Lucene"):
        with_parameters("x:{a}", {"a": value}, "lucene")
