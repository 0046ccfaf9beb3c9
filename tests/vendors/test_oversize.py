from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlogging.handlers.events import EventMaker
from cxlogging.wire.event import Event
from cxlogging.wire.sanitizing.sanitizer import Sanitizer

from .reading import FORMATS, STRUCTURED, Format, an_event, fields, logged, sent

every_format = pytest.mark.parametrize("form", FORMATS, ids=lambda each: each.name)
structured = pytest.mark.parametrize("form", STRUCTURED, ids=lambda each: each.name)

LARGE = {
    "a message of 50 MB": {"message": "word " * 10_000_000},
    "a message of 20 MB of letters outside ASCII": {"message": "漢" * 7_000_000},
    "a message of control characters": {"message": "\0" * 3_000_000},
    "one huge field": {"huge": "x" * 10_000_000},
    "many medium fields": {f"f{each}": "x" * 40_000 for each in range(100)},
    "a thousand fields of 5 KB": {f"f{each}": "x" * 5_000 for each in range(1_000)},
    "many nested texts": {f"g{i}": {f"f{j}": "é" * 900 for j in range(100)} for i in range(21)},
    "a deep and large value": {"deep": {"a": {"b": {"c": [{"d": "x" * 30_000}] * 300}}}},
    "a huge name": {"k" * 3_000_000: 1},
    "a huge stack": {"stack_info": "frame\n" * 1_000_000},
}  # fmt: skip


def encoded(form: Format, event: Event) -> Event:
    data = form.destination.encode(event)
    assert len(data) <= form.destination.limits.item_bytes
    assert len(form.destination.request([data]).body) <= form.destination.limits.body_bytes
    return event


@every_format
@pytest.mark.parametrize("name", LARGE)
def test_a_large_record_is_cut_to_the_vendor_s_limit(form: Format, name: str):
    """However large, a record is one item within the limit, with the start of its message."""
    extra = dict(LARGE[name])
    message = extra.pop("message", "the message")

    found = fields(form.destination, encoded(form, logged(message, **extra)))

    assert found["message"].startswith(message[:100])


@structured
@pytest.mark.parametrize("name", [*LARGE][3:8])
def test_an_event_over_the_limit_is_marked(form: Format, name: str):
    """An event that had to be cut says so, and how large it was, also among 2,000 columns."""
    event = logged("the message", **LARGE[name])
    limit = form.destination.limits.item_bytes

    found = fields(form.destination, event)

    whole = len(json.dumps(event.fields, ensure_ascii=False).encode())
    if whole > limit and not (form.name == "honeycomb" and name in SHORTENED):
        assert found["cx_truncated"] is True
        assert found["cx_original_size"] > limit
    else:
        assert "cx_truncated" not in found


SHORTENED = ("one huge field", "a deep and large value")
"""Texts that Honeycomb's 64 KiB a value cut before the event could be too large."""


@pytest.mark.parametrize("name", ["coralogix json", "betterstack msgpack", "betterstack json"])
def test_a_huge_message_is_marked_with_its_size(name):
    """50 MB of a message become its start, the mark, and the size that it had."""
    form = next(each for each in FORMATS if each.name == name)
    message = "word " * 10_000_000

    found = fields(form.destination, logged(message, sentinel=1))

    assert found["message"].startswith("word " * 10_000)
    assert found["message"].endswith("… [cut from 50000000 characters]")
    assert found["cx_truncated"] is True
    assert found["cx_original_size"] >= len(message)
    assert found["sentinel"] == 1


@structured
def test_a_huge_exception_is_cut(form: Format):
    """A failure of 30 MB keeps its type, and both ends of its stack."""
    with pytest.raises(ValueError) as raised:
        raise ValueError("x" * 30_000_000)
    info = (raised.type, raised.value, raised.tb)
    record = logging.LogRecord("shop", 40, "/srv/o.py", 1, "failed", None, info)
    maker = EventMaker(Sanitizer(), {}, None, None, lambda topic, note: None)

    (item,) = sent(form.destination, encoded(form, maker.make(record, None)))

    assert "ValueError" in str(item)
    assert "Traceback (most recent call last)" in str(item)
    assert len(str(item)) < 100_000


large = st.text('aé漢\0"', min_size=1, max_size=4).flatmap(
    lambda part: st.sampled_from([1, 1_000, 100_000, 700_000]).map(lambda times: part * times)
)


@every_format
@settings(max_examples=8, deadline=None)
@given(
    message=large,
    extras=st.dictionaries(
        st.sampled_from("abcd"), large | st.lists(large, max_size=3), max_size=3
    ),
    stack=st.none() | large,
)
def test_any_record_fits_every_vendor(form: Format, message, extras, stack):
    """Any record is an item within the limit that decodes to the start of its message."""
    event = encoded(form, logged(message, stack_info=stack, **extras))

    assert fields(form.destination, event)["message"].startswith(message[:20])


@every_format
def test_a_small_event_is_not_cut(form: Format):
    """What fits is not marked."""
    assert "cx_truncated" not in str(sent(form.destination, an_event("x" * 50_000)))
