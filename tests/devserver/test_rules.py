"""The rules of the vendors: each is complete, and names what broke it."""

from __future__ import annotations

import importlib
import json

import msgpack
import pytest

from cxlogging.devserver.query import rules as query_rules
from cxlogging.vendors.emulation.types import AcceptedKeys, ApiRequest, Rule
from cxlogging.vendors.registry import VENDORS
from tests.refusals import assert_is_complete, explained

MODULES = {
    **{
        name: importlib.import_module(f"cxlogging.vendors.{name}.emulator_rules")
        for name in VENDORS
    },
    "queries": query_rules,
}
JSON = {"content-type": "application/json", "authorization": "Bearer k", "x-honeycomb-team": "k"}
MSGPACK = {**JSON, "content-type": "application/msgpack"}
NDJSON = {**JSON, "content-type": "application/x-ndjson"}


@pytest.mark.parametrize("name", MODULES)
def test_each_rule_is_complete(name):
    """A rule has sentences for the rule and for what to do, and the address of a document."""
    rules = {key: held for key, held in vars(MODULES[name]).items() if isinstance(held, Rule)}
    assert rules
    for rule in rules.values():
        assert_is_complete(rule)
    assert len(set(rules.values())) == len(rules)


def refused(vendor, path, body, headers=JSON):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = ApiRequest("POST", path, headers, raw, 1)
    return explained(VENDORS[vendor].emulator.answer(request, AcceptedKeys()))


def bulk(*entries):
    return {"applicationName": "a", "subsystemName": "s", "logEntries": list(entries)}


GOOD = {"severity": 3, "text": "fine"}


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        ({"severity": 9, "text": "x"}, "SEVERITY"),
        ({"severity": 3, "text": {"a": 1}}, "TEXT"),
        ({**GOOD, "timestamp": 5}, "TIMESTAMP"),
        ({**GOOD, "hiResTimestamp": 5}, "HI_RES"),
        (7, "ENTRY"),
    ],
)
def test_a_coralogix_entry_is_shown_with_its_rule(entry, rule):
    """The entry that breaks a rule is shown as it was sent, and not the ones before it."""
    (rejection,) = refused("coralogix", "/logs/v1/bulk", bulk(GOOD, entry)).rejections
    assert rejection.rule is getattr(MODULES["coralogix"], rule)
    assert json.loads(rejection.item) == entry


def test_a_coralogix_single_is_shown_as_it_was_sent():
    """Defaults that the server adds to a single are not shown."""
    entry = {"applicationName": "a", "subsystemName": "s", "text": 5}
    (rejection,) = refused("coralogix", "/logs/v1/singles", [entry]).rejections
    assert json.loads(rejection.item) == entry


@pytest.mark.parametrize("kind", [JSON, MSGPACK])
def test_honeycomb_items_have_their_place_and_their_rule(kind):
    """Each refused item of a batch is named by its place, with the vendor's words."""
    wide = {"data": {f"k{n}": n for n in range(2001)}}
    batch = [{"data": {"a": 1}}, {"data": {}}, wide, 5]
    body = msgpack.packb(batch) if kind is MSGPACK else batch
    rules = MODULES["honeycomb"]
    result = refused("honeycomb", "/1/batch/ds", body, kind)
    assert [(each.index, each.rule) for each in result.rejections] == [
        (1, rules.EMPTY_DATA),
        (2, rules.COLUMNS),
        (3, rules.EVENT),
    ]
    assert [each.error for each in result.rejections] == [
        "Request body should not be empty.",
        "Event has too many columns.",
        "Request body is malformed and cannot be read.",
    ]
    assert result.rejections[0].item == '{"data":{}}'
    assert json.loads(result.rejections[1].item) == wide
    assert len(result.events) == 1


def test_a_batch_keeps_the_first_refusals_alone():
    """Of a thousand refused items, twenty are kept, and the answer has all statuses."""
    result = refused("honeycomb", "/1/batch/ds", [{"data": {}}] * 1000)
    assert (len(result.rejections), len(json.loads(result.answer.body))) == (20, 1000)


def test_a_time_that_is_no_timestamp_is_shown():
    """In MessagePack, the item whose time makes the batch fail is shown as JSON."""
    good = {"data": {"a": 1}, "time": msgpack.Timestamp(5)}
    bad = {"data": {"n": b"\xff"}, "time": "yesterday"}
    result = refused("honeycomb", "/1/batch/ds", msgpack.packb([good, bad]), MSGPACK)
    assert result.rejections[0].rule is MODULES["honeycomb"].MSGPACK_TIME
    assert json.loads(result.rejections[0].item) == {"data": {"n": "/w=="}, "time": "yesterday"}


@pytest.mark.parametrize(
    ("body", "kind", "rule", "item"),
    [
        (b'[{"message":"a"},7]', JSON, "EVENT", "7"),
        (b'{"message":"a"}\n{"message":\n', NDJSON, "BODY", '{"message":'),
        (b'{"message":"a",}', JSON, "BODY", '{"message":"a",}'),
        (msgpack.packb([1]), MSGPACK, "EVENT", "1"),
        (b"", JSON, "BODY", ""),
    ],
)
def test_better_stack_shows_what_is_not_an_event(body, kind, rule, item):
    """The value that is not an event, or the text around an error, is shown."""
    (rejection,) = refused("betterstack", "/", body, kind).rejections
    assert (rejection.rule, rejection.item) == (getattr(MODULES["betterstack"], rule), item)


def test_the_text_around_an_error_is_short():
    """Of a long body that is not JSON, what surrounds the error is shown."""
    body = b'[{"message":"' + b"x" * 10_000 + b'"},NaN,' + b"1," * 10_000 + b"1]"
    (rejection,) = refused("betterstack", "/", body).rejections
    assert len(rejection.item) <= 300


def test_a_large_event_is_named():
    """The event that is too large is the item, and not the ones before it."""
    body = [{"message": "fine"}, {"message": "x" * 1024 * 1024}]
    (rejection,) = refused("betterstack", "/", body).rejections
    assert rejection.rule is MODULES["betterstack"].EVENT_SIZE
    assert json.loads(rejection.item) == body[1]
