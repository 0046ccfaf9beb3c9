"""The fast path from a record to its item returns the same bytes as the slow path."""

from __future__ import annotations

import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.handlers import context, items
from cxlogging.handlers.events import EventMaker
from cxlogging.handlers.items import ItemMaker
from cxlogging.handlers.redaction.rules import DefaultRules, build_sanitizer
from cxlogging.vendors.betterstack import destination as betterstack
from cxlogging.vendors.coralogix import destination as coralogix
from cxlogging.vendors.honeycomb import destination as honeycomb

URL = "http://127.0.0.1:9"
DESTINATIONS = [
    coralogix.configure("k", application_name="shop", url=URL),
    coralogix.configure("k", application_name="shop", url=URL, text="plain"),
    honeycomb.configure("k", dataset="shop", url=URL),
    betterstack.configure("k", url=URL),
    betterstack.configure("k", url=URL, format="json"),
    betterstack.configure("k", url=URL, format="ndjson"),
]
NAMES = st.sampled_from(
    "user order message asctime taskName _logger x.y dt color logger task.name level 100% auth né"
    " \ud800 cx_seq stack_info exception".split()
)
WITH_FIELDS = [each for each in DESTINATIONS if getattr(each, "text", "json") == "json"]
VALUES = st.one_of(
    st.text(max_size=5),
    st.integers(),
    st.integers(2**63 - 2, 2**64 + 2),
    st.integers(2**53 - 2, 2**53 + 2),
    st.floats(),
    st.none(),
    st.booleans(),
    st.just({"a": [1]}),
    st.sampled_from(["info", "shop", "\x1b[31m", "2026"]),
    st.just("long " * 7_000),
)
MESSAGES = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["%s", "%d items", "100%", "", "\ud800", None, {"event": "x"}, "x" * 40_000]),
)
CHANGES = st.dictionaries(
    st.sampled_from(["levelno", "levelname", "name", "lineno", "threadName", "funcName"]),
    st.one_of(
        st.sampled_from(
            [10, 20, 35, "INFO", "\x1b[31mINFO\x1b[0m", "5 %d", "\ud800", "shop", None]
        ),
        st.just([1]),
    ),
    max_size=2,
)
BOUND = st.dictionaries(st.sampled_from(["user", "request", "level", "msg", "cx_seq"]), VALUES)
BORN = st.fixed_dictionaries(
    {},
    optional={
        "created": st.sampled_from(
            [0.0, -3.25, 1_700_000_000.123456, 4e9, 1e8, 1e10, 1e300, float("nan"), None, "x", 7]
        ),
        "args": st.sampled_from([(), (7,), ("a", "b"), ({"a": 1},)]),
        "stack_info": st.sampled_from(["Stack:\n  here", "\ud800", ""]),
        "exc_text": st.sampled_from(["Traceback:\nValueError: no", "\ud800", ""]),
        "msg": MESSAGES,
    },
)
RECORDS = st.lists(
    st.tuples(st.dictionaries(NAMES, VALUES, max_size=3), CHANGES, BORN, BOUND), max_size=8
)
FORMATTERS = st.sampled_from(
    [
        None,
        None,
        logging.Formatter("%(levelname)s %(message)s"),
        logging.Formatter('{"msg": "%(name)s"}'),
    ]
)
CONSTANTS = st.sampled_from([{}, {"env": "test"}, {"user": 7, "level": "x"}, {"labels": {"a": 1}}])


def events(constant=None, sequence=None, destination=DESTINATIONS[0]) -> EventMaker:
    rules = build_sanitizer(DefaultRules(), integers=destination.limits.integers)
    return EventMaker(rules, constant or {}, None, sequence, lambda *note: None, lambda: 1.7e9)


def maker(destination, constant=None) -> ItemMaker:
    return ItemMaker(events(constant, None, destination), destination)


def a_record(extra: dict, changes: dict | None = None) -> logging.LogRecord:
    record = logging.LogRecord("shop", 20, "/srv/shop.py", 7, "hello", None, None, "f")
    record.__dict__.update({"created": 1_700_000_000.5, **extra, **(changes or {})})
    return record


@given(st.sampled_from(DESTINATIONS), CONSTANTS, FORMATTERS, RECORDS)
def test_the_fast_path_returns_what_the_slow_path_returns(
    destination, constant, formatter, records
):
    """Whatever a call site has logged before, an item is byte for byte that of its event."""
    one = maker(destination, constant)
    for extra, changes, born, bound in records:
        # Two of them, as a formatter leaves something on a record.
        record, same = (a_record(extra, {**changes, **born}) for _ in range(2))

        with context.bound(**bound):
            event = events(constant, None, destination).make(same, formatter)
            assert one.make(record, formatter) == destination.encode(event)


@given(st.sampled_from(DESTINATIONS), st.sampled_from([1, 20]), st.sampled_from([None, "Task-1%d"]))
def test_a_rate_and_a_task(destination, rate, task):
    """The sample rate and the name of the asyncio task are the same in the item as in the event."""
    record = a_record({"user": "ada"}, {"taskName": task})
    one, event = maker(destination), events().make(record, None, rate)

    assert one.make(record, None, rate) == destination.encode(event)
    assert one.make(record, None, rate) == destination.encode(event)


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_an_exception(destination):
    """A record with an exception and a stack has them in its item as in its event."""
    with pytest.raises(ZeroDivisionError) as caught:
        1 / 0  # noqa: B018 - raises
    info = (caught.type, caught.value, caught.tb)
    record = a_record({"user": "ada"}, {"exc_info": info, "stack_info": "Stack:\n  here"})
    one, event = maker(destination), events().make(record, None)

    assert one.make(record, None) == destination.encode(event)
    assert b"division by zero" in one.make(record, None)


@pytest.mark.parametrize("destination", WITH_FIELDS)
def test_bound_fields(destination):
    """Fields bound to the context come and go with it, at one and the same call site."""
    one, record = maker(destination), a_record({"user": "ada"})
    bare = one.make(record, None)
    with context.bound(request="r-1"):
        inside = one.make(record, None)

    assert b"r-1" in inside
    assert one.make(record, None) == bare


def test_a_record_of_another_class():
    """A record class that overrides getMessage is honoured."""

    class Braces(logging.LogRecord):
        def getMessage(self) -> str:  # noqa: N802 - logging's name
            return self.msg.format(*self.args)

    record = Braces("shop", 20, "/srv/shop.py", 7, "order {}", (7,), None)

    assert b"order 7" in maker(DESTINATIONS[0]).make(record, None)


@pytest.mark.parametrize("destination", WITH_FIELDS)
@pytest.mark.parametrize("odd", ["\ud800", "x" * 50_000, {"a": 1}])
def test_ids_have_no_gap(destination, odd):
    """A record that switches to the slow path has one sequence id, like any other."""
    one = ItemMaker(events(sequence="cx_seq"), destination)
    found = []
    for user in ("ada", odd, "bob", odd, "eve"):
        item = one.make(a_record({"user": user}), None)
        found.append(item[item.index(b"cx_seq") :])

    for number, item in enumerate(found, 1):
        assert b"-%d" % number in item[:40]


@pytest.mark.parametrize("destination", DESTINATIONS)
@pytest.mark.parametrize(
    "kinds",
    [
        [{}, {"user": "ada"}],
        [{"user": "ada"}, {"order": 7}],
        [{"message": "left"}, {"user": "ada"}],
        [{"message": "left", "user": "ada"}, {"order": 7, "user": "ada"}],
        [{"user": "ada"}, {"user": {"a": [1]}}],
        [{"user": "ada"}, {"user": "long " * 15_000}],
        [{"user": "ada"}, {"user": ["x" * 30_000] * 100}],
        [{"user": "ada"}, {"user": float("nan")}],
    ],
)
def test_a_call_site_with_other_extras(destination, kinds):
    """A call site may log different extras each time."""
    for first, second in (kinds, kinds[::-1]):
        one = maker(destination)
        for extra in (first, second, first, second):
            record = a_record(extra)

            assert one.make(record, None) == destination.encode(events().make(record, None))


@pytest.mark.parametrize("destination", DESTINATIONS)
@pytest.mark.parametrize("name", ["msg", "user", "level", "taskName", "message", "password"])
def test_bound_fields_of_any_name(destination, name):
    """A bound field never overrides an attribute of the record, and is not lost."""
    one, record = maker(destination), a_record({"user": "ada"})
    for value in ("bound", 7):
        with context.bound(**{name: value}):
            event = events().make(record, None)

            assert one.make(record, None) == destination.encode(event)
            assert one.make(record, None) == destination.encode(event)


def functions_called(one: ItemMaker, record: logging.LogRecord, formatter=None) -> set[str]:
    found = set()
    sys.setprofile(lambda frame, event, _: found.add(frame.f_code.co_name))
    one.make(record, formatter)
    sys.setprofile(None)
    return found


@pytest.mark.parametrize("destination", WITH_FIELDS)
def test_records_of_a_wrapper_take_the_fast_path(destination):
    """One line that logs different extras each time needs no event for any of them."""
    one = maker(destination)
    kinds = [{"user": "ada"}, {"order": 7}, {}, {"order": 7, "user": "bob"}, {"message": "left"}]
    for extra in kinds * 3:
        one.make(a_record(extra), None)

    for extra in kinds:
        assert "event" not in functions_called(one, a_record(extra))


def test_what_takes_the_fast_path():
    """A formatter's text, bound fields, and values that have to be sanitized take the fast path."""
    one = maker(DESTINATIONS[0])
    formatter = logging.Formatter("%(levelname)s %(message)s")
    for _ in range(2):
        one.make(a_record({"at": [1, 2]}), formatter)

    assert "event" not in functions_called(one, a_record({"at": [1, 2]}), formatter)
    with context.bound(request="r-1"):
        one.make(a_record({}), None)
        assert "event" not in functions_called(one, a_record({}))


def test_call_sites_are_forgotten():
    """The number of cached call sites is bounded."""
    one = maker(DESTINATIONS[0])
    for line in range(items.MAX_CALL_SITES + 10):
        one.make(a_record({}, {"lineno": line}), None)

    assert 0 < len(one._call_sites) <= 10


@pytest.mark.parametrize("destination", WITH_FIELDS)
@pytest.mark.parametrize("number", [2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, 2**64])
def test_an_integer_that_a_double_would_change_is_text(destination, number):
    """A vendor that stores doubles gets large integers as texts, alone and nested."""
    one = maker(destination)
    is_exact = number in destination.limits.integers
    for _ in range(2):
        item = one.make(a_record({"order": number, "deep": {"list": [number]}}), None)
        plain = one.make(a_record({"order": number}), None)

    shown = item.replace(b"\\", b"")
    if getattr(destination, "format", "json") != "msgpack":
        assert (b'"order":%d' % number in shown) is is_exact
        assert (b'"order":"%d"' % number in shown) is not is_exact
        assert (b'"order":"%d"' % number in plain.replace(b"\\", b"")) is not is_exact
        assert (b'["%d"]' % number in shown) is not is_exact
