"""The format of messages: cut, written and read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.delivery.nats.message import (
    FORMAT_HEADER,
    ItemOrigin,
    MessageError,
    cut,
    identity_headers,
    read_message,
    stream_identity,
)
from cxlogging.vendors.coralogix.destination import configure

HEADERS = identity_headers({"vendor": "acme", "dataset": "größe\n"})
LEVELS_AND_DATA = st.tuples(st.integers(-5, 70_000), st.binary(max_size=300))


def origins(count: int, run: str = "r", first: int = 0) -> list[ItemOrigin]:
    return [ItemOrigin(run, first + index) for index in range(count)]


@given(st.lists(LEVELS_AND_DATA, max_size=50), st.integers(1, 2_000))
def test_items_arrive_as_they_were(items, size):
    """Whatever the bytes and levels are, the items that are read are those that were cut."""
    found = []
    for message in cut(items, origins(len(items)), HEADERS, size):
        read = read_message(message.headers, message.payload)
        assert message.headers["Nats-Msg-Id"] == read.id
        assert len(message.payload) <= size or len(read.items) == 1
        assert len(read.items) == message.end - message.begin
        found += read.items

    assert [item.data for item in found] == [data for _, data in items]
    assert [item.level for item in found] == [min(max(level, 0), 65535) for level, _ in items]
    assert [item.number for item in found] == list(range(len(items)))


def test_a_message_ends_where_numbers_do():
    """Items of another run, or after a gap, begin a message of their own."""
    given_ = [*origins(2), *origins(2, first=7), *origins(1, run="s", first=9)]

    found = [each.headers["Nats-Msg-Id"] for each in cut([(20, b"x")] * 5, given_, HEADERS)]

    assert found == ["r-0-2", "r-7-2", "s-9-1"]


def test_items_of_a_file_keep_their_places():
    """Numbers that are places in a file are read as they were, however the items are cut."""
    data = [b"a", b"bcd", b"", b"efgh"]
    places = [ItemOrigin("j", 100, 20)]
    for each in data[:-1]:
        places.append(places[-1].following(len(each)))
    rows = [(20, each) for each in data]

    whole = [read_message(m.headers, m.payload) for m in cut(rows, places, HEADERS)]
    rest = [read_message(m.headers, m.payload) for m in cut(rows[2:], places[2:], HEADERS)]

    assert [item.number for item in whole[0].items] == [100, 121, 144, 164]
    assert [item.id for item in rest[0].items] == [item.id for item in whole[0].items[2:]]


def test_the_headers_say_what_is_in_it():
    """The range of levels, the destination and its identity can be read without the payload."""
    (message,) = cut([(40, b"x"), (10, b"y")], origins(2), HEADERS)

    assert message.headers["Cx-Levels"] == "10-40"
    assert message.headers["Cx-Destination"].startswith("acme-")
    assert all(value.isascii() and value.isprintable() for value in message.headers.values())
    assert read_message(message.headers, message.payload).identity == {
        "vendor": "acme",
        "dataset": "größe\n",
    }


def test_the_size_of_a_message_is_what_a_server_counts():
    """Header lines and payload are counted as they are on the wire."""
    (message,) = cut([(40, b"x" * 100)], origins(1), HEADERS)
    lines = "".join(f"{name}: {value}\r\n" for name, value in message.headers.items())

    assert message.size == len(f"NATS/1.0\r\n{lines}\r\n") + len(message.payload)


def test_the_identity_has_no_address_and_no_key():
    """A message names applications and hosts, and neither where to send nor with which key."""
    destination = configure(
        "s3cret", domain="eu2", application_name="shop", subsystem_name="web", computer_name="h1"
    )

    assert stream_identity(destination) == {
        "vendor": "coralogix",
        "application_name": "shop",
        "subsystem_name": "web",
        "computer_name": "h1",
    }


@pytest.mark.parametrize(
    ("change", "payload", "reason"),
    [
        ({FORMAT_HEADER: ""}, None, "no header Cx-Format"),
        ({FORMAT_HEADER: "2"}, None, "format 2"),
        ({"Cx-Count": "3"}, None, "the message has 1 items, and Cx-Count says 3"),
        ({"Cx-First": "x"}, None, "cannot be read"),
        ({"Cx-Identity": "[]"}, None, "cannot be read"),
        ({"Cx-Identity": "{}"}, None, "names no vendor"),
        ({}, b"\0", "within a frame"),
        ({}, b"\0\0\0\0\0\5abc", "within an item"),
        ({}, b"", "has 0 items"),
    ],
)
def test_what_is_no_such_message_is_refused_with_the_reason(change, payload, reason):
    """A message of others, of a newer version, or cut short is an error that says so."""
    (message,) = cut([(20, b"x")], origins(1), HEADERS)

    with pytest.raises(MessageError, match=reason):
        read_message({**message.headers, **change}, message.payload if payload is None else payload)


def test_a_message_without_headers_is_refused():
    """Headers may be missing altogether."""
    with pytest.raises(MessageError, match="no header"):
        read_message(None, b"x")
