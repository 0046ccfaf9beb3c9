from __future__ import annotations

import dataclasses
import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.errors import ConfigurationError
from cxlogging.handlers.events import EventMaker
from cxlogging.handlers.redact import REMEMBERED, SENSITIVE, Default, Names, cleaner

SECRET = "canary4711"


@dataclasses.dataclass
class Login:
    user: str
    password: str


def shipped(redact: object, message: str = "hello", **extra: object):
    record = logging.LogRecord("shop", 20, "/srv/o.py", 7, message, None, None)
    record.__dict__.update(extra)
    return EventMaker(cleaner(redact), {}, None, None, lambda *note: None).make(record, None)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "db_password",
        "DB-PASSWORD",
        "userPassword",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "client_secret",
        "token",
        "access_token",
        "accessToken",
        "X-Auth-Token",
        "api_key",
        "X-Api-Key",
        "apikey",
        "api.key",
        "access key",
        "private_key",
        "Authorization",
        "proxy-authorization",
        "cookie",
        "Set-Cookie",
        "session_id",
        "sessionid",
        "credentials",
        "csrfmiddlewaretoken",
        "X-XSRF",
        "access_tokens",
        "refreshTokens",
        "PASSWORD",
        "pa\u017f\u017fword",
    ],
)
def test_a_sensitive_name_hides_its_value(name):
    """In any case and with any separators, the value of such a name does not leave."""
    event = shipped(Default(), **{name: SECRET}, order=7)

    assert event.fields == {name: "[redacted]", "order": 7}


@pytest.mark.parametrize(
    "name",
    [
        "user",
        "order",
        "max_tokens",
        "token_count",
        "tokenizer",
        "token_type",
        "next_page_token",
        "token_limit",
        "completion_tokens",
        "author",
        "key",
        "pass",
        "monkey",
        "session",
        "id",
        "",
    ],
)
def test_a_harmless_name_keeps_its_value(name):
    """Names that only look alike are not hidden."""
    assert shipped(Default(), **{name: SECRET}).fields == {name: SECRET}


def test_sensitive_names_are_hidden_at_any_depth():
    """In mappings within lists, dataclasses, headers: wherever a name stands."""
    event = shipped(
        Default(),
        deep=[{"a": ({"password": SECRET, "b": 1},)}],
        login=Login("me", SECRET),
        headers={b"Authorization": SECRET, "Accept": "*/*"},
    )

    assert event.fields == {
        "deep": [{"a": [{"password": "[redacted]", "b": 1}]}],
        "login": {"user": "me", "password": "[redacted]"},
        "headers": {"Authorization": "[redacted]", "Accept": "*/*"},
    }


def test_a_whole_object_below_a_sensitive_name_is_hidden():
    """Nothing of a value is looked at below its name."""
    assert shipped(Default(), credentials={"user": SECRET}).fields == {"credentials": "[redacted]"}


def test_a_structured_message_s_members_are_hidden():
    """A mapping as message, and constant fields, pass the same rules."""
    record = logging.LogRecord("s", 20, "p", 7, {"event": "x", "token": SECRET}, None, None)
    maker = EventMaker(cleaner(Default()), {"api_key": SECRET}, None, None, lambda *note: None)

    assert maker.make(record, None).fields == {"api_key": "[redacted]", "token": "[redacted]"}


def test_none_turns_it_off():
    """redact=None ships every value."""
    assert shipped(None, password=SECRET).fields == {"password": SECRET}


@pytest.mark.parametrize("redact", ["iban", ["iban"], ("IBAN",), {"i-ban"}, iter(["iban"])])
def test_more_names_are_hidden_beside_the_default_ones(redact):
    """A name, or several in any iterable, add to the rules."""
    event = shipped(redact, customer_iban=SECRET, password=SECRET, order=7)

    assert event.fields == {"customer_iban": "[redacted]", "password": "[redacted]", "order": 7}


@pytest.mark.parametrize(
    "pattern", [r"/canary\d+/", re.compile(r"canary\d+"), [r"/CANARY/", r"/canary\d+/"]]
)
def test_a_pattern_is_hidden_in_every_text(pattern):
    """A pattern hides what it matches in the message, fields, nested texts and the stack."""
    event = shipped(
        pattern,
        f"paid by {SECRET}.",
        a=f"<{SECRET}>",
        b=[SECRET, {"c": SECRET.encode()}],
        stack_info=f"x = {SECRET!r}",
        password=1,
    )

    assert event.message == "paid by [redacted]."
    assert event.fields == {
        "a": "<[redacted]>",
        "b": ["[redacted]", {"c": "[redacted]"}],
        "password": "[redacted]",
    }
    assert event.stack == "x = '[redacted]'"


def test_a_pattern_is_hidden_in_a_failure():
    """The message and the stack trace of an exception pass the patterns."""
    with pytest.raises(ValueError) as raised:
        raise ValueError(SECRET)

    event = shipped(rf"/{SECRET}/", exc_info=raised.value)

    assert event.error["message"] == "[redacted]"
    assert SECRET not in event.error["stacktrace"]


def test_without_patterns_texts_are_not_looked_at():
    """The default rules hide by name alone."""
    assert shipped(Default(), f"password={SECRET}").message == f"password={SECRET}"
    assert cleaner(["iban"]).edit is None


@pytest.mark.parametrize("redact", [5, True, object(), 1.5])
def test_what_is_no_list_of_rules_is_refused(redact):
    """The error names the argument and what it takes."""
    with pytest.raises(
        ConfigurationError, match="redact takes field names and patterns, or None, not"
    ):
        cleaner(redact)


@pytest.mark.parametrize("each", ["", " _-.", 5, None, b"iban", ["iban"]])
def test_a_rule_that_is_none_is_refused(each):
    """A blank name would hide everything, and another type nothing."""
    with pytest.raises(ConfigurationError, match="redact takes field names and patterns, not"):
        cleaner(["iban", each])


def test_a_broken_pattern_is_refused():
    """The error tells the expression and what is wrong with it."""
    with pytest.raises(
        ConfigurationError, match=r"redact: '\(' is no regular expression: missing \)"
    ):
        cleaner(["/(/"])


@pytest.mark.parametrize("name", ["/", "//"])
def test_slashes_without_a_pattern_are_a_name(name):
    """Two slashes hold no pattern: they are a name like another."""
    assert cleaner([name]).is_sensitive(f"a{name}b")
    assert cleaner([name]).edit is None


def test_the_default_shows_in_a_signature():
    """The default's repr says what it is."""
    assert repr(Default()) == "<the default rules>"


def test_answers_are_remembered_within_bounds():
    """However many names are asked for, memory is bounded and the answers stay right."""
    names = Names(SENSITIVE)

    answers = [names(f"{word}_{each}") for each in range(REMEMBERED) for word in ("pwd", "order")]

    assert answers == [True, False] * REMEMBERED
    assert len(names._answers) == REMEMBERED


@given(st.sampled_from(SENSITIVE), st.text("_-. aZ", max_size=4), st.text("_-. aZ", max_size=4))
def test_a_word_is_found_wherever_it_stands(word, before, after):
    """Whatever stands around a sensitive word, its name is sensitive, each time it is asked for."""
    names = Names(SENSITIVE)
    name = f"{before}{word.upper()}{after}"

    assert names(name)
    assert names(name)
