from __future__ import annotations

import array
import dataclasses
import enum
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlogging.wire.codec import dumps, packb
from cxlogging.wire.sanitizing.sanitizer import HIDDEN, MAX_CHARACTERS, Sanitizer

from ..odd_values import ODD, Odd, arrived

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.binary(max_size=5) | st.decimals() | st.datetimes() | st.uuids() | st.complex_numbers(),
    lambda inner: st.lists(inner, max_size=3)
    | st.tuples(inner)
    | st.dictionaries(st.text(max_size=3) | st.integers() | st.none() | st.binary(), inner),
    max_leaves=15,
)  # fmt: skip


def is_clean(value) -> bool:
    if type(value) is dict:
        return all(type(each) is str and is_clean(value[each]) for each in value)
    if type(value) is list:
        return all(map(is_clean, value))
    if type(value) is float:
        return value - value == 0
    return value is None or type(value) in {str, bool, int}


@given(anything)
def test_anything_becomes_clean(value):
    """Any value becomes JSON types with text keys and finite numbers."""
    fields = Sanitizer().fields({"a": value, 5: value})

    assert list(fields) == ["a", "5"]
    assert is_clean(fields)


@pytest.mark.parametrize("odd", ODD, ids=lambda each: each.name)
def test_an_odd_value_is_clean_on_its_own_and_inside(odd: Odd):
    """An unusual value is the same as a field and nested in one, and other encoders accept it."""
    value = Sanitizer().fields({"odd": odd.make(), "in": {"a": odd.make()}})

    assert is_clean(value)
    if "depth" not in odd.name and "surrogate" not in odd.name:
        assert arrived(odd.arrives, value["odd"])
        assert arrived(odd.arrives, value["in"]["a"]) or odd.name == "cycle in a dict"
        assert dumps(value)
        assert packb(value)


def test_plain_values_are_the_same_objects():
    """A short text and a 64-bit integer are passed on unchanged."""
    text, number = "x" * 1_000, 10**15

    fields = Sanitizer().fields({"a": text, "b": number})

    assert fields["a"] is text
    assert fields["b"] is number


def test_a_long_text_is_kept_as_a_field_and_cut_within_one():
    """A field may be as long as a message; a nested text is cut to 32,768 characters."""
    fields = Sanitizer().fields({"a": "x" * 100_000, "b": ["x" * 100_000], "c": "y" * 3_000_000})

    assert fields["a"] == "x" * 100_000
    assert len(fields["b"][0]) <= 32_768
    assert fields["b"][0].endswith("… [cut from 100000 characters]")
    assert len(fields["c"]) <= MAX_CHARACTERS
    assert fields["c"].endswith("… [cut from 3000000 characters]")


def test_an_event_keeps_a_thousand_fields():
    """The first thousand fields are kept, and one more says how many others there were."""
    fields = Sanitizer().fields(dict.fromkeys(map(str, range(1_234)), 0))

    assert len(fields) == 1_001
    assert list(fields)[-1] == "<234 more>"
    assert len(Sanitizer().fields(dict.fromkeys(map(str, range(1_000)), 0))) == 1_000


def test_one_value_holds_at_most_twenty_thousand():
    """A value with many members at every level is cut after 20,000 values."""
    wide = [[[0] * 100 for _ in range(100)] for _ in range(100)]

    (field,) = Sanitizer().fields({"a": wide}).values()

    assert 15_000 < str(field).count("0") <= 20_000
    assert "more>" in str(field)


def test_one_mapping_holds_at_most_twenty_thousand():
    """The same limit applies to mappings; the rest is marked as too deep."""
    wide = {a: {b: dict.fromkeys(map(str, range(100)), 0) for b in range(100)} for a in range(100)}

    (field,) = Sanitizer().fields({"a": wide}).values()

    assert "'<cut>'" in str(field)
    assert str(field).count(": 0") <= 20_000


def test_an_array_without_a_size_is_measured_by_its_length():
    """A short array of the standard library becomes a list, a long one its repr."""
    fields = Sanitizer().fields({"a": array.array("i", [1, 2]), "b": array.array("i", [0] * 1_001)})

    assert fields["a"] == [1, 2]
    assert fields["b"].startswith("array('i', [0, 0")


def test_what_has_a_tolist_and_no_length_is_described():
    """An object with tolist but without a length is shown as its repr."""

    class Stream:
        def tolist(self):
            raise AssertionError("read")

        def __repr__(self) -> str:
            return "<Stream>"

    assert Sanitizer().value(Stream()) == "<Stream>"


def test_a_tolist_that_gives_no_json_is_not_used():
    """If tolist returns no JSON value, the object is shown as its repr."""

    class Table:
        def model_dump(self):
            return object()

        def __repr__(self) -> str:
            return "<Table>"

    assert Sanitizer().value(Table()) == "<Table>"


def test_a_dataclass_without_one_of_its_members_is_read():
    """A member that was deleted is null."""

    @dataclasses.dataclass
    class Order:
        number: int
        total: int

    order = Order(1, 2)
    del order.total

    assert Sanitizer().value(order) == {"number": 1, "total": None}


def test_a_path_of_bytes_is_a_text():
    """A path of bytes becomes a text in the encoding of the file system."""

    class Place(os.PathLike):
        def __fspath__(self) -> bytes:
            return b"/a"

    assert Sanitizer().value(Place()) == "/a"


def test_sensitive_names_are_hidden_at_any_depth():
    """Each name is examined at every level, and only its value is hidden."""
    sanitizer = Sanitizer(lambda name: name in {"key", "5"})

    fields = sanitizer.fields({"key": [1], "a": {"key": 1, "b": [{"key": 2, "c": 3}]}, 5: "five"})

    assert fields == {
        "key": HIDDEN,
        "a": {"key": HIDDEN, "b": [{"key": HIDDEN, "c": 3}]},
        "5": HIDDEN,
    }


def test_every_text_is_edited():
    """The edit is applied to messages, fields, nested texts and values converted to text."""
    sanitizer = Sanitizer(edit=str.upper)

    assert sanitizer.text("a") == "A"
    assert sanitizer.value("a") == "A"
    fields = sanitizer.fields({"a": "b", "c": ["d", b"e", {"f": ValueError("g")}], "n": 1})
    assert fields == {"a": "B", "c": ["D", "E", {"f": "VALUEERROR: G"}], "n": 1}


@settings(max_examples=50)
@given(st.lists(st.sampled_from([1, "1", None, "None", True, 1.0, (1,), "[1]", b"1"])))
def test_no_member_vanishes(keys):
    """Each key of a mapping keeps a unique name."""
    mapping = {key: number for number, key in enumerate(keys)}

    assert list(Sanitizer().value(mapping).values()) == list(mapping.values())
    assert list(Sanitizer().fields(mapping).values()) == list(mapping.values())


@given(st.integers(-(2**64), 2**64) | st.sampled_from([2**53, 2**53 + 1, -(2**53), -(2**53) - 1]))
def test_an_integer_beyond_what_a_vendor_keeps_is_text_at_any_depth(number):
    """An integer outside the range becomes a text, also nested, in sets and in enums."""
    sanitizer = Sanitizer(integers=range(-(2**53), 2**53 + 1))
    arrives = number if -(2**53) <= number <= 2**53 else str(number)
    kind = enum.IntEnum("Kind", {"ONE": number})
    fields = {"a": number, "b": [{"c": (number,)}], "d": {number}, "e": kind.ONE, "f": [kind.ONE]}

    assert sanitizer.fields(fields) == {
        "a": arrives,
        "b": [{"c": [arrives]}],
        "d": [arrives],
        "e": arrives,
        "f": [arrives],
    }
