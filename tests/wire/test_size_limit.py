from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlogging.wire.codec import dumps
from cxlogging.wire.event import Event, SyntheticOrigin
from cxlogging.wire.size_limit import encode

texts = st.text('aé漢😀\n"\\\0', max_size=8).flatmap(
    lambda text: st.sampled_from([1, 10, 500, 5_000]).map(lambda times: text * times)
)
values = st.recursive(
    texts | st.integers(-(2**63), 2**63 - 1) | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
errors = st.none() | st.fixed_dictionaries(
    {"type": texts}, optional={"stacktrace": texts, "causes": st.lists(values, max_size=4)}
)


def build(event: Event) -> bytes:
    """A vendor's shape, as small as can be."""
    parts = {"m": event.message, "l": event.level_name, "o": event.origin.name, "f": event.fields}
    parts |= {"e": event.error, "s": event.stack, "t": event.task, "p": event.origin.process}
    return dumps(parts).encode()


def an_event(message: str = "hello", **changes) -> Event:
    return Event(1, 20, "INFO", message, {}, SyntheticOrigin()).replace(**changes)


def fitted(event: Event, limit: int = 3_000) -> dict:
    data = encode(build, event, limit)
    assert len(data) <= limit
    return json.loads(data)


def test_an_event_that_fits_is_untouched():
    """An event at the limit is unchanged; one byte over it is truncated and marked."""
    event = an_event("x" * 5_000)
    whole = build(event)

    assert encode(build, event, len(whole)) == whole
    assert fitted(event, len(whole) - 1)["f"] == {
        "cx_truncated": True,
        "cx_original_size": len(whole),
    }


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        an_event,
        texts,
        fields=st.dictionaries(texts, values, max_size=6),
        error=errors,
        stack=st.none() | texts,
        task=st.none() | st.just("Task-1"),
    ),
    st.integers(3_000, 20_000),
)
def test_any_event_fits_any_limit(event, limit):
    """Any event is encoded within the limit, and marked if it was truncated."""
    whole = build(event)
    found = fitted(event, limit)

    assert event.message.startswith(found["m"][:50]) or len(event.message) < 50
    if len(whole) > limit:
        assert found["f"]["cx_truncated"] is True
        assert found["f"]["cx_original_size"] >= len(whole)
    else:
        assert json.loads(whole) == found


def test_the_longest_texts_go_first():
    """If one text is too long, the others are not truncated."""
    event = an_event("m" * 300, fields={"long": "x" * 9_000, "short": "y" * 700})

    found = fitted(event)

    assert (found["m"], found["f"]["short"]) == ("m" * 300, "y" * 700)
    assert found["f"]["long"].startswith("x" * 500)
    assert found["f"]["long"].endswith("… [cut from 9000 characters]")


def test_a_stack_is_cut_in_its_middle():
    """Both ends of a stack and of a stack trace are kept."""
    stack = "first line\n" + "between\n" * 2_000 + "last line"

    found = fitted(an_event(stack=stack, error={"type": "E", "stacktrace": stack}))

    for each in (found["s"], found["e"]["stacktrace"]):
        assert each.startswith("first line\n")
        assert each.endswith("last line")
    assert found["e"]["type"] == "E"


def test_an_error_without_a_stack_trace_is_cut_too():
    """An error without a stack trace is truncated too."""
    found = fitted(an_event(error={"message": "x" * 9_000}))

    assert found["e"]["message"].startswith("xxx")
    assert found["e"]["stacktrace"] == ""


def test_of_many_fields_the_first_are_kept():
    """If truncating texts is not enough, fifty fields are kept as texts, and the marks."""
    event = an_event(fields={f"f{each}": [each] * 20 for each in range(400)})

    found = fitted(event, 8_000)

    assert found["f"]["f0"] == str([0] * 20)
    assert list(found["f"])[-1] == "f49"
    assert found["f"]["cx_original_size"] == len(build(event))


def test_where_nothing_else_helps_the_message_is_kept():
    """In the worst case the time, the level and the start of the message are kept."""
    event = an_event(
        "m" * 9_000,
        level_name="WARNING",
        fields={f"f{each}": "x" * 900 for each in range(60)},
        error={"causes": [{"message": "c"}] * 1_000},
    )

    found = fitted(event)

    assert found["m"].startswith("m" * 200)
    assert found["m"].endswith("… [cut from 9000 characters]")
    assert found["f"] == {"cx_truncated": True, "cx_original_size": len(build(event))}
    assert found["e"] is None


def test_the_marks_come_first():
    """A vendor that keeps only the first fields keeps the marks of a truncated event."""
    found = fitted(an_event(fields={"a": "x" * 9_000, "cx_truncated": "mine"}))

    assert list(found["f"]) == ["cx_truncated", "cx_original_size", "a"]
    assert found["f"]["cx_truncated"] is True


def test_what_was_cut_before_counts():
    """The original size includes characters that had been cut before."""
    mark = "… [cut from 50000 characters]"
    event = an_event("x" * 4_000 + mark, fields={"a": ["y" * 4_000 + mark]})

    assert fitted(event)["f"]["cx_original_size"] == len(build(event)) + 2 * 46_000


def test_names_that_become_alike_by_cutting_are_both_kept():
    """Two long names with the same beginning stay two names."""
    event = an_event(fields={"k" * 2_000 + "1": 1, "k" * 2_000 + "2": 2})

    fields = fitted(event)["f"]

    assert [fields[name] for name in fields if name.startswith("k")] == [1, 2]


def test_lone_surrogates_cost_nothing_else():
    """A lone surrogate is replaced in every text of an event."""
    odd = "a\ud800"
    origin = SyntheticOrigin(odd, odd, odd, odd, 7, odd, 1, odd, 2, odd)
    event = Event(1, 20, odd, odd, {odd: [odd]}, origin, {"type": odd}, odd, odd)

    assert fitted(event) == {
        "m": "a\ufffd",
        "l": "a\ufffd",
        "o": "a\ufffd",
        "f": {"a\ufffd": ["a\ufffd"]},
        "e": {"type": "a\ufffd"},
        "s": "a\ufffd",
        "t": "a\ufffd",
        "p": 2,
    }


def every_part(event: Event) -> bytes:
    origin = event.origin
    parts = [event.message, event.level_name, origin.name, origin.pathname, origin.filename]
    parts += [origin.module, origin.lineno, origin.funcName, origin.thread, origin.threadName]
    return dumps([*parts, origin.process, origin.processName, event.fields]).encode()


def test_an_origin_of_wrong_types_is_made_sound():
    """Attributes of an origin that have the wrong type are converted."""
    odd = object()
    origin = SyntheticOrigin(5, odd, odd, odd, odd, 5, odd, 6, odd, 7)

    found = json.loads(encode(every_part, an_event(origin=origin, level_name=8), 3_000))

    described = str(odd)
    assert found == [
        "hello",
        "8",
        "5",
        described,
        described,
        described,
        0,
        "5",
        None,
        "6",
        None,
        "7",
        {},
    ]


def test_an_origin_that_tells_nothing_stays_so():
    """None in an origin stays None."""
    event = an_event("a\ud800", origin=SyntheticOrigin(lineno=3, thread=4, process=5))

    found = json.loads(encode(every_part, event, 3_000))

    assert found == [
        "a\ufffd",
        "INFO",
        "cxlogging",
        "",
        "",
        "cxlogging",
        3,
        None,
        4,
        None,
        5,
        None,
        {},
    ]


def test_an_event_that_no_encoder_takes_leaves_its_message():
    """If fields cannot be encoded, they are dropped, and the event says so."""
    found = fitted(an_event("kept", fields={"a": {1, 2}, "b": object()}))

    assert found["m"] == "kept"
    assert found["f"] == {"cx_error": "<not encodable: TypeError>"}


@pytest.mark.parametrize("limit", [2_000, 2_500, 100_000])
def test_a_huge_message_fits_every_limit(limit):
    """Megabytes of a message become its start, within the limit."""
    found = fitted(an_event("word " * 1_000_000), limit)

    assert found["m"].startswith("word " * 30)
    assert found["f"]["cx_original_size"] > 5_000_000
