from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from cxlogging.wire.sanitizing.flatten import flatten

values = st.recursive(
    st.integers(0, 9) | st.none() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc._"), inner),
    max_leaves=8,
)


def test_flat_fields_are_the_same_object():
    """Fields without nested values and long texts are not copied."""
    fields = {"a": 1, "b": "x" * 25, "c": None, "d": 1.5}

    assert flatten(fields, 100, 4) is fields


def test_nested_names_are_dotted():
    """Objects become dotted names, lists and empty objects become JSON text."""
    nested = {"a": {"b": {"c": 1}, "d": [1, {"e": 2}]}, "f": {}}

    assert flatten(nested, 100, 10) == {"a.b.c": 1, "a.d": '[1,{"e":2}]', "f": "{}"}


def test_names_that_meet_get_an_underscore():
    """If two names become the same, an underscore is appended to the later one."""
    assert flatten({"a.b": 1, "a": {"b": 2}, "a.b_": 3}, 100, 10) == {
        "a.b": 1,
        "a.b_": 2,
        "a.b__": 3,
    }


def test_the_first_fields_are_kept():
    """Beyond the limit, one more name says that other fields were cut."""
    fields = {"a": 1, "b": 2, "c": 3}

    assert flatten(fields, 100, 3) is fields
    assert flatten(fields, 100, 2) == {"a": 1, "b": 2, "cx_more_fields": "<cut: 2 fields are kept>"}


def test_texts_are_cut_wherever_they_are():
    """Long texts, nested texts and JSON texts are cut to the byte limit."""
    long = "é" * 400

    found = flatten({"a": long, "b": {"c": long}, "d": [long]}, 200, 10)

    assert {name: len(found[name].encode()) <= 200 for name in found} == {
        "a": True,
        "b.c": True,
        "d": True,
    }


def _leaves(value):
    if isinstance(value, dict) and value:
        return [leaf for each in value.values() for leaf in _leaves(each)]
    return [json.dumps(value)]


@given(st.dictionaries(st.sampled_from(["a", "b", "a.b", "a_"]), values, min_size=1))
def test_no_leaf_vanishes(fields):
    """Every leaf keeps a unique name, in order."""
    found = flatten(fields, 10_000, 1_000)

    nested = [json.loads(leaf) for leaf in _leaves(fields)]
    expected = [
        json.dumps(each, separators=(",", ":"), ensure_ascii=False)
        if isinstance(each, (dict, list))
        else each
        for each in nested
    ]
    assert list(found.values()) == expected
