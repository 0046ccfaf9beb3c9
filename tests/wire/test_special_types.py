"""Objects are taken apart by their types alone."""

from __future__ import annotations

import collections
import dataclasses
import enum
import ipaddress
from typing import Any

import pytest

import cxlogging
from cxlogging.wire.sanitizing import special_types as kinds
from cxlogging.wire.sanitizing.sanitizer import Sanitizer

SECRET = Sanitizer(is_sensitive=lambda name: name.lower() in {"authorization", "cookie"})


class Recorded:
    """An object whose every attribute access is recorded, as of a remote proxy."""

    touched: list[str] = []  # noqa: RUF012 - one list for the test

    def __getattribute__(self, name: str) -> Any:
        Recorded.touched.append(name)
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        return lambda *_: {"remote": name}

    def __repr__(self) -> str:
        return "<Recorded>"


class RecordedCall(Recorded):
    def __call__(self) -> None:
        raise AssertionError("called")


@pytest.mark.parametrize("kind", [Recorded, RecordedCall])
def test_a_log_call_touches_nothing_but_the_repr(kind):
    """No attribute of an object that is logged is looked up, by whatever name."""
    Recorded.touched.clear()

    assert Sanitizer().fields({"a": kind(), "b": [kind()]}) == {
        "a": "<Recorded>",
        "b": ["<Recorded>"],
    }
    assert Recorded.touched == []


def test_an_object_whose_attributes_raise_is_its_repr():
    """Where attribute access fails and repr works, the repr is shipped."""

    class Broken:
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError(name)

        def __repr__(self) -> str:
            return "<Broken>"

    assert Sanitizer().value(Broken()) == "<Broken>"


def test_what_a_dataclass_hides_from_its_repr_is_not_shipped():
    """Fields with repr=False are left out."""

    @dataclasses.dataclass
    class Account:
        name: str
        key: str = dataclasses.field(repr=False)

    assert Sanitizer().value(Account("a", "canary")) == {"name": "a"}


def test_what_an_attrs_class_hides_from_its_repr_is_not_shipped():
    """The same for attrs, with slots."""
    attrs = pytest.importorskip("attrs")

    @attrs.define
    class Account:
        name: str
        key: str = attrs.field(repr=False)

    assert Sanitizer().value(Account("a", "canary")) == {"name": "a"}


def test_a_pydantic_model_is_its_fields():
    """A model's own fields are read, hidden ones are not, and model_dump is not called."""
    pydantic = pytest.importorskip("pydantic")

    class Account(pydantic.BaseModel):
        name: str
        key: str = pydantic.Field(repr=False)

        def model_dump(self, **_: Any) -> Any:
            raise AssertionError("called")

    assert Sanitizer().value(Account(name="a", key="canary")) == {"name": "a"}


def test_a_struct_is_its_fields():
    """A msgspec Struct is a mapping of its fields."""
    msgspec = pytest.importorskip("msgspec")
    struct = msgspec.defstruct("Order", [("number", int)])

    assert Sanitizer().value(struct(1)) == {"number": 1}


def test_small_kinds_of_the_standard_library():
    """Addresses, named tuples and enumerations come as what they say."""
    point = collections.namedtuple("point", "x y")  # noqa: PYI024 - the kind is the subject
    colour = enum.Enum("colour", {"RED": "red"})

    assert Sanitizer().value([ipaddress.ip_address("::1"), point(1, 2), colour.RED]) == [
        "::1",
        {"x": 1, "y": 2},
        "red",
    ]


def test_numpy_s_scalars_and_dates():
    """A scalar is a number, and a date its ISO form."""
    numpy = pytest.importorskip("numpy")

    values = [numpy.float32(1.5), numpy.datetime64("2024-02-29"), numpy.array([1, 2])]

    assert Sanitizer().value(values) == [1.5, "2024-02-29", [1, 2]]


@pytest.mark.parametrize("name", ["Authorization", b"authorization", "cookie"])
def test_a_list_of_header_pairs_is_redacted(name):
    """The value of a (name, value) pair is hidden where the name is a secret's."""
    headers = [("accept", "*/*"), (name, b"canary")]

    assert "canary" not in str(SECRET.fields({"headers": headers, "in": {"h": [headers]}}))


def test_a_registered_type_is_shown_as_its_function_says(monkeypatch):
    """register_type holds for a class and its subclasses, and a failure falls back to the repr."""
    monkeypatch.setattr(kinds, "_registered", {})
    monkeypatch.setattr(kinds, "_forms", {})

    class Money:
        def __init__(self, cents: int) -> None:
            self.cents = cents

        def __repr__(self) -> str:
            return "<Money>"

    class Price(Money):
        pass

    assert Sanitizer().value(Price(1)) == "<Money>"
    cxlogging.register_type(Money, lambda money: {"cents": 100 // money.cents})

    assert Sanitizer().value([Price(1), Money(0)]) == [{"cents": 100}, "<Money>"]


@pytest.mark.parametrize("kind", [dict, list, tuple])
def test_a_registered_mapping_or_sequence(monkeypatch, kind):
    """register_type holds for subclasses of mappings and sequences, too."""
    monkeypatch.setattr(kinds, "_registered", {})
    monkeypatch.setattr(kinds, "_forms", {})
    container = type("Container", (kind,), {})
    cxlogging.register_type(container, lambda value: f"{len(value)} members")

    assert Sanitizer().value([container(), kind()]) == ["0 members", {} if kind is dict else []]


@pytest.mark.parametrize("arguments", [("Money", str), (int, "str")])
def test_register_type_refuses_what_it_cannot_use(arguments):
    """A class and a callable are asked for."""
    with pytest.raises(TypeError, match="register_type takes a"):
        cxlogging.register_type(*arguments)
