from __future__ import annotations

import pytest

from ..odd_values import ODD, SURROGATES, Odd, arrived
from .reading import FORMATS, STRUCTURED, Format, fields, logged, sent, value

every_format = pytest.mark.parametrize("form", FORMATS, ids=lambda each: each.name)
structured = pytest.mark.parametrize("form", STRUCTURED, ids=lambda each: each.name)


@structured
@pytest.mark.parametrize("odd", ODD, ids=lambda each: each.name)
def test_an_odd_value_arrives_beside_its_message_and_its_neighbour(odd: Odd, form: Format):
    """Whatever a record holds, its event is sound, whole, and tells the value or what it was."""
    event = logged("the message", odd=odd.make(), sentinel="beside")

    found = fields(form.destination, event)

    assert (found["message"], found["sentinel"]) == ("the message", "beside")
    seen = value(form.destination, found, "odd", odd.arrives)
    assert arrived(odd.arrives, seen), seen


@pytest.mark.parametrize("odd", ODD, ids=lambda each: each.name)
def test_plain_text_holds_the_message_alone(odd: Odd):
    """Coralogix's plain text is the message, whatever the record holds beside it."""
    plain = FORMATS[1].destination

    assert fields(plain, logged("the message", odd=odd.make())) == {"message": "the message"}


@every_format
def test_a_message_of_lone_surrogates_arrives(form: Format):
    """A lone surrogate in a message becomes U+FFFD, and the rest of it stays."""
    found = fields(form.destination, logged("caf\udce9 \ud83d\ude00", sentinel=1))

    assert found["message"] == "caf\ufffd \N{GRINNING FACE}"
    assert found.get("sentinel", 1) == 1


@every_format
def test_a_logger_name_of_lone_surrogates_arrives(form: Format):
    """A lone surrogate in a logger's name costs nothing of the event."""
    (item,) = sent(form.destination, logged("hello", logger="shop\ud800"))

    assert "shop\ufffd" in repr(item)
    assert "hello" in repr(item)


@structured
def test_extras_named_by_lone_surrogates_all_arrive(form: Format):
    """Names that differ in their lone surrogates alone are two names still."""
    found = fields(
        form.destination,
        logged("hello", **{f"a{each}": number for number, each in enumerate(SURROGATES, 1)}),
    )

    assert {name: found[name] for name in found if name.startswith("a")} == {
        "a\ufffd": 1,
        "a\ufffd_2": 2,
    }


@every_format
def test_a_message_of_control_characters_arrives(form: Format):
    """NUL, U+2028 and every other control character of a message arrive as they are."""
    message = "".join(map(chr, range(160))) + "\u2028\u2029\ufeff"

    assert fields(form.destination, logged(message))["message"] == message


@structured
def test_extras_whose_names_are_no_texts_arrive(form: Format):
    """Names that are numbers, None or tuples arrive as texts."""
    event = logged()
    record = event.origin
    record.__dict__.update({1: "a", None: "b", (1, 2): "c", "": "d"})

    found = fields(form.destination, event.replace(fields=_clean(record)))

    assert [found["1"], found["None"], found["[1, 2]"], found[""]] == ["a", "b", "c", "d"]


def _clean(record):
    from cxlogging.handlers.extras import extras
    from cxlogging.wire.sanitizing.sanitizer import Sanitizer

    return Sanitizer().fields(extras(record))
