"""Rows and keypaths."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.dataprime import Row, Severity

NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="'"), max_size=8)
TREE = st.recursive(
    st.integers() | st.text(max_size=5) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=12,
)


def paths(value, path="$d"):
    yield path, value
    if isinstance(value, dict):
        for name, each in value.items():
            yield from paths(each, f"{path}['{name}']")
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from paths(each, f"{path}[{index}]")


@given(st.dictionaries(NAME, TREE, max_size=4))
def test_every_value_has_a_keypath(data):
    """Quoted names and indexes reach every value of the data."""
    row = Row(json.dumps(data))

    for path, value in paths(data):
        assert row[path] == value
        assert path in row


@given(st.text(max_size=20))
def test_no_keypath_breaks_a_row(path):
    """Every keypath results in a value or a KeyError."""
    row = Row('{"a":[1,{"b":2}]}', {"timestamp": "x"}, {"a": "b"})

    assert row.get(path, 17) == 17 or path in row
    if path not in row:
        with pytest.raises(KeyError):
            row[path]


def test_keypaths_as_people_write_them():
    """Keypaths may have dots, brackets, roots, and names without a root."""
    row = Row('{"user":{"id":"u1","x.y":[10,20]}}', {"severity": "3"}, {"applicationname": "shop"})

    assert row["$d.user.id"] == row["user.id"] == row["$d['user'].id"] == row['user["id"]'] == "u1"
    assert row["$d.user['x.y'][1]"] == 20
    assert row["$m.severity"] == "3"
    assert row["$l.applicationname"] == "shop"
    assert row["$d"] == row.data
    assert row.get("$d.user.name", "-") == "-"
    assert row.get("$d.user.id.deeper") is None
    assert 5 not in row
    with pytest.raises(KeyError, match="nothing"):
        row["$d.nothing"]


@pytest.mark.parametrize(
    ("value", "severity"),
    [("1", Severity.DEBUG), ("Info", Severity.INFO), ("CRITICAL", Severity.CRITICAL),
     (5, Severity.ERROR), ("7", None), ("", None), ("Loud", None)],
)  # fmt: skip
def test_severities(value, severity):
    """Severities are read from numbers and names; other values are None."""
    assert Row("{}", {"severity": value}).severity is severity


@pytest.mark.parametrize("raw", ["plain text", "{ ... }", "", "[" * 100_000])
def test_data_that_is_no_json_is_its_text(raw):
    """Data that cannot be decoded stays as it came."""
    row = Row(raw, {"logid": "1"})

    assert row.data == raw
    assert row.to_dict()["data"] == raw
    assert row.get("$d.user") is None


def test_data_that_came_as_a_document_is_taken():
    """Data that is not a string stays as it is."""
    assert Row({"count": 5})["count"] == 5
    assert Row(None).data is None


def test_rows_compare_by_what_they_hold():
    """Rows are compared by their parts, and have a short repr."""
    assert Row("{}", {"a": "b"}) == Row("{}", {"a": "b"})
    assert Row("{}") != Row("[]")
    assert Row("{}") != "{}"
    assert len(repr(Row("x" * 10_000))) < 300
