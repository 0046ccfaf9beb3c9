from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.wire.http import Action, Response
from cxlogging.wire.verdicts import default_verdict

HELD = (401, 403, 404, 405, 407, 410, 415, 421, 431)
TABLE = {
    **dict.fromkeys(range(100, 200), Action.RETRY),
    **dict.fromkeys(range(200, 300), Action.DELIVERED),
    **dict.fromkeys(range(300, 400), Action.HOLD),
    **dict.fromkeys(range(400, 500), Action.ISOLATE),
    **dict.fromkeys(range(500, 600), Action.RETRY),
    **dict.fromkeys(HELD, Action.HOLD),
    **dict.fromkeys((408, 425, 429), Action.RETRY),
    413: Action.SPLIT,
}


def test_each_status_has_its_verdict():
    """The whole table of statuses from 100 to 599."""
    assert {
        status: default_verdict(Response(status), {}).action for status in range(100, 600)
    } == TABLE


@pytest.mark.parametrize("status", [302, 401, 402, 404])
def test_a_cure_goes_with_its_status(status):
    """A status that a person can mend carries the cure given for it, and others none."""
    assert default_verdict(Response(status), {status: "Do this."}).cure == "Do this."
    assert default_verdict(Response(status), {1: "Do that."}).cure == ""


def test_a_redirect_is_never_followed():
    """A redirect holds everything, and its words do not come from the answer."""
    assert (
        default_verdict(Response(302, body=b"<html>"), {}).reason
        == "HTTP 302: a redirect, never followed"
    )


def test_the_reason_is_the_answer_in_one_line():
    """The vendor's words lose their line feeds; nothing is cut before secrets were masked."""
    reason = default_verdict(Response(500, body=b"  oh\n\tno \r\n" + b"x" * 10_000), {}).reason

    assert reason == f"HTTP 500: oh no {'x' * 10_000}"


def test_an_answer_without_words_has_its_status_alone():
    """An empty body adds nothing."""
    assert default_verdict(Response(500, body=b" \n"), {}).reason == "HTTP 500"


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "no"}',
        b'{"message": "no", "status": 400}',
        b'{"error": {}, "detail": "no"}',
        b"no",
    ],
)
def test_the_reason_is_the_answer_s_sentence(body):
    """Out of a JSON envelope, the vendor's own sentence is the reason."""
    assert default_verdict(Response(400, body=body), {}).reason == "HTTP 400: no"


@pytest.mark.parametrize("body", [b'{"code":7}', b'["no"]', b'{"error":'])
def test_json_without_a_sentence_is_shown_as_it_is(body):
    """Where no member of an answer is a sentence, the answer itself is shown."""
    assert default_verdict(Response(400, body=body), {}).reason == f"HTTP 400: {body.decode()}"


@given(st.binary(max_size=400))
def test_the_reason_is_printable(body):
    """Whatever an answer holds, the reason is one printable line: it goes to a terminal."""
    assert default_verdict(Response(400, body=body), {}).reason.isprintable()
