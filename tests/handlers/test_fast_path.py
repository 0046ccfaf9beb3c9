"""The fast path from a record to its item returns the same bytes as the slow path."""

from __future__ import annotations

import copy
import logging
import pickle
import queue
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.handlers import context, items
from cxlogging.handlers.context import FixedMapping
from cxlogging.handlers.events import EventMaker
from cxlogging.handlers.items import ItemMaker
from cxlogging.handlers.queueing import ContextQueueHandler
from cxlogging.handlers.redaction.rules import DefaultRules, build_sanitizer
from cxlogging.integrations.web import RequestContext
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
DEFAULT_RULES = DefaultRules()
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


def events(
    constant=None, sequence=None, destination=DESTINATIONS[0], redact=DEFAULT_RULES
) -> EventMaker:
    rules = build_sanitizer(redact, integers=destination.limits.integers)
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


MEMBERS = st.recursive(
    VALUES,
    lambda inner: st.dictionaries(
        st.sampled_from(["route", "name", "password", "request", "function", "né"]), inner
    ),
    max_leaves=4,
)
MAPPINGS = st.dictionaries(
    st.sampled_from(["route", "name", "function", "token", "route_", "\ud800"]), MEMBERS, max_size=3
)
MAPPED = st.dictionaries(
    st.sampled_from(["http", "url", "code", "service", "message", "auth"]), MAPPINGS, max_size=3
)
BESIDE = st.dictionaries(
    st.sampled_from(["http.route", "http.route_", "url.name", "http", "user"]), VALUES, max_size=2
)
RULES = st.sampled_from([DEFAULT_RULES, None, ["route"], ["http"], [r"/\d+/"]])


@given(
    st.sampled_from(DESTINATIONS),
    st.lists(st.tuples(BESIDE, RULES), min_size=1, max_size=3),
    MAPPED,
    st.lists(st.tuples(BESIDE, BESIDE), min_size=1, max_size=4),
)
def test_a_fixed_mapping_is_sent_like_any_other(destination, handlers, mapped, records):
    """It is prepared once for each handler, and becomes what a mapping becomes that may change."""
    made = [
        (
            ItemMaker(events(constant, None, destination, redact), destination),
            events(constant, None, destination, redact),
        )
        for constant, redact in handlers
    ]
    fixed = {name: FixedMapping(value) for name, value in mapped.items()}
    for extra, beside in records:
        record = a_record(extra)
        for one, slow in made:
            with context.bound(**{**beside, **fixed}):
                item, same = one.make(record, None), destination.encode(slow.make(record, None))
            with context.bound(**{**beside, **mapped}):
                expected = destination.encode(slow.make(record, None))

            assert item == same == expected


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


ROUTE = {"http": {"route": "/orders/{id}"}}


@pytest.mark.parametrize("destination", DESTINATIONS)
@pytest.mark.parametrize(
    ("constant", "before", "mapped", "extra"),
    [
        ({"http": 7, "env": "test"}, {}, ROUTE, {}),
        ({"http.route": "x"}, {}, ROUTE, {}),
        ({}, {"http.route": "x"}, ROUTE, {}),
        ({}, {}, ROUTE, {"http.route": "x"}),
        ({}, {}, {"a": {"b.c": 1}, "a.b": {"c": 2}}, {}),
        ({}, {}, {"code": {"function": "f"}}, {}),
        ({}, {}, {"service": {"name": "s"}}, {}),
        ({}, {}, {"service": {"name": ""}, "url": {}}, {}),
    ],
)
def test_members_of_fixed_mappings_and_fields_of_the_same_name(
    destination, constant, before, mapped, extra
):
    """Where fields are flat, neither is lost nor takes the place of the other."""
    one, record = maker(destination, constant), a_record(extra)
    fixed = {name: FixedMapping(value) for name, value in mapped.items()}
    with context.bound(**before, **mapped):
        expected = destination.encode(events(constant, None, destination).make(record, None))
    with context.bound(**before, **fixed):
        assert [one.make(record, None) for _ in range(3)] == [expected] * 3


@pytest.mark.parametrize("destination", WITH_FIELDS)
def test_records_of_a_request_take_the_fast_path(destination):
    """Method, path and route are sanitized for the first record that has them, and for no other."""
    one, record = maker(destination), a_record({"user": "ada"})
    request = RequestContext("GET", "/orders/17", "r-17", None, None)
    request.open({})
    try:
        for route in (None, "/orders/{id}"):
            if route is not None:
                request.found(route)
            first = one.make(record, None)

            assert {"event", "clean"}.isdisjoint(functions_called(one, record))
            assert one.make(record, None) == first
            assert (b"/orders/{id}" in first) is (route is not None)
            assert b"/orders/17" in first
    finally:
        context.unbind()


@pytest.mark.parametrize("destination", WITH_FIELDS)
def test_what_an_application_binds_may_change(destination):
    """A mapping of the application is sent as it is at each log call."""
    one, record, user = maker(destination), a_record({}), {"id": "ada"}
    with context.bound(user=user, url=FixedMapping({"path": "/orders"})):
        before = one.make(record, None)
        user["id"] = "bob"
        after = one.make(record, None)

    assert b"ada" in before
    assert (b"ada" in after, b"bob" in after) == (False, True)


@pytest.mark.parametrize("destination", WITH_FIELDS)
def test_a_sequence_id_leaves_a_bound_field_alone(destination):
    """A sequence field with the name of a member of a bound mapping replaces nothing."""
    one = ItemMaker(events(sequence="http.route"), destination)
    with context.bound(http=FixedMapping({"route": "/orders/{id}"})):
        for _ in range(3):
            assert b"/orders/{id}" in one.make(a_record({}), None)


@pytest.mark.parametrize("destination", WITH_FIELDS)
def test_threads_share_a_fixed_mapping(destination):
    """Threads that log in one request, to several handlers, send what one thread would."""
    makers = [maker(destination, {"env": each}) for each in ("a", "b")]
    record, found = a_record({}), []
    ready = threading.Barrier(6)

    def log(fixed: FixedMapping) -> None:
        ready.wait(10)
        with context.bound(url=fixed):
            found.append([one.make(record, None) for one in makers for _ in range(20)])

    for number in range(20):
        fixed = FixedMapping({"path": f"/orders/{number}"})
        threads = [threading.Thread(target=log, args=(fixed,)) for _ in range(6)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        with context.bound(url=dict(fixed)):
            expected = [one.make(record, None) for one in makers for _ in range(20)]
        assert found == [expected] * 6
        found.clear()


def test_an_exception_that_carries_fixed_mappings_can_be_copied():
    """An exception that carries a request's fields is pickled and copied after it was logged."""
    error, one = LookupError("no"), maker(DESTINATIONS[2])
    request = RequestContext("GET", "/orders/17", "r-17", None, None)
    request.open({})
    request.close(error)
    record = a_record({}, {"exc_info": (LookupError, error, None)})
    item = one.make(record, None)

    assert b'"url.path":"/orders/17"' in item
    for same in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        again = a_record({}, {"exc_info": (LookupError, same, None)})

        assert one.make(again, None) == item


def test_a_queue_captures_plain_mappings():
    """What a queue handler captures in a request has no types of this package."""
    request = RequestContext("GET", "/orders/17", "r-17", None, None)
    request.open({})
    try:
        maker(DESTINATIONS[2]).make(a_record({}), None)
        prepared = ContextQueueHandler(queue.SimpleQueue()).prepare(a_record({}))
    finally:
        context.unbind()
    captured = prepared.__dict__[context.CAPTURED]["context"]

    assert {type(each) for each in captured.values()} == {str, dict}
    assert b"FixedMapping" not in pickle.dumps(prepared)


@pytest.mark.parametrize("destination", WITH_FIELDS)
def test_more_bound_fields_than_an_event_may_have(destination):
    """The limit of an event's fields counts bound fields too."""
    one, record = maker(destination), a_record({})
    with context.bound(**{f"f{number}": 1 for number in range(1_001)}):
        expected = destination.encode(events(destination=destination).make(record, None))

        assert one.make(record, None) == expected


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
