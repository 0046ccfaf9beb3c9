from __future__ import annotations

import dataclasses
import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.errors import ConfigurationError
from cxlogging.handlers.events import EventMaker
from cxlogging.handlers.redaction.rules import (
    MAX_CACHED_NAMES,
    SENSITIVE,
    DefaultRules,
    SensitiveNames,
    build_sanitizer,
    secrecy,
)
from cxlogging.wire.sanitizing.sanitizer import Secrecy

SECRET = "canary4711"


SHOWN_NAMES = """
user order max_tokens token_count tokenizer token_type next_page_token token_limit
completion_tokens author key pass monkey id token_present password_attempts token_expires_in
cookie_consent secretary tokens_per_second authorization_status spin opinion shipping authority
authenticated unauthorized session_count session_duration passwordless secretariat credentialed
csrf_exempt public_key primary_key cache_key idempotency_key key_id laptop stop_at compass
bypass boarding_pass first_pass obsession possession sacred authors auth_method auth_provider
token_url tokenized cookies_enabled password_policy password_length password_reset_at
session_timeout jwt_claims bearer_format otp_attempts pin_count pinned mapping secret_name
secrets_manager secret_arn token_type_id pageToken continuation_token author_name oauth_provider
tokensPerSecond TOKEN_COUNT token-present password.attempts
""".split()
HIDDEN_NAMES = """
password db_password DB-PASSWORD userPassword passwd passphrase pwd secret client_secret token
access_token accessToken X-Auth-Token api_key X-Api-Key apikey api.key private_key Authorization
proxy-authorization cookie Set-Cookie session_id sessionid credentials csrfmiddlewaretoken
X-XSRF access_tokens refreshTokens PASSWORD dbpassword password2 token_hash secret_value auth
jwt bearer session passcode otp set-cookie csrftoken HTTP_AUTHORIZATION APIKey authToken1
user_otp card_pin userPIN pin cvv ssn oauth basic_auth PHPSESSID JSESSIONID connect.sid
aws_secret_access_key AWS_ACCESS_KEY_ID mysql_pwd x-csrftoken user[password] password:
passwordHash password_confirmation new_password sentry_auth auth_token_v2 SECRET_KEY_BASE
signing_key encryption_key Ocp-Apim-Subscription-Key secrets passwords sessions creds db_creds
id_token totp http.request.header.authorization ASP.NET_SessionId token_sha256 db_pass tokens
""".split()


@dataclasses.dataclass
class Login:
    user: str
    password: str


def shipped(redact: object, message: str = "hello", **extra: object):
    record = logging.LogRecord("shop", 20, "/srv/o.py", 7, message, None, None)
    record.__dict__.update(extra)
    return EventMaker(build_sanitizer(redact), {}, None, None, lambda *note: None).make(
        record, None
    )


@pytest.mark.parametrize("name", [*HIDDEN_NAMES, "access key", "pa\u017f\u017fword"])
def test_a_sensitive_name_hides_its_value(name):
    """A name that ends in a sensitive word hides its value, in any case, with any separators."""
    event = shipped(DefaultRules(), **{name: SECRET}, order=7)

    assert event.fields == {name: "[redacted]", "order": 7}


@pytest.mark.parametrize("name", [*SHOWN_NAMES, ""])
def test_a_harmless_name_keeps_its_value(name):
    """Names that only look similar, or in which other words follow, are not hidden."""
    assert shipped(DefaultRules(), **{name: SECRET}).fields == {name: SECRET}


@pytest.mark.parametrize("value", [True, False, None])
def test_booleans_and_none_are_no_secrets(value):
    """Booleans and None are shipped under any name, at any depth."""
    fields = {"token": value, "deep": [{"password": value, "otp": SECRET}]}

    assert shipped(DefaultRules(), **fields).fields == {
        "token": value,
        "deep": [{"password": value, "otp": "[redacted]"}],
    }


@pytest.mark.parametrize(
    ("name", "value", "arrives"),
    [
        ("otp", 123456, "[redacted]"),
        ("pin", 1234, "[redacted]"),
        ("password", 5, "[redacted]"),
        ("token_count", 5, 5),
        ("active_sessions", 5, 5),
        ("failed_passwords", 2.5, 2.5),
        ("tokens", 5, 5),
        ("tokens", ["a"], "[redacted]"),
        ("sessions", "a,b", "[redacted]"),
    ],
)
def test_a_number_is_hidden_unless_it_counts(name, value, arrives):
    """A number is hidden, unless the name is a plural: then it is a count."""
    assert shipped(DefaultRules(), **{name: value}).fields == {name: arrives}


@given(
    st.sampled_from(SENSITIVE),
    st.text("_-. aZ9", max_size=6),
    st.sampled_from(["", "_", "-", "."]),
    st.sampled_from(["", "2", "value", "hash", "Value", "HASH", "v2"]),
    st.sampled_from([str.lower, str.upper, str.title]),
)
def test_a_secret_s_word_ends_a_name_in_any_form(word, before, separator, after, case):
    """Words before a sensitive word, and a digit, "value" or "hash" after it, change nothing."""
    assert secrecy(f"{before}{separator}{case(word)}{separator}{after}") != Secrecy.NONE


@given(st.sampled_from(SENSITIVE), st.sampled_from("count present status attempts url".split()))
def test_another_word_behind_a_secret_s_says_something_of_it(word, after):
    """A name in which other words follow a sensitive one is not hidden."""
    assert secrecy(f"{word}_{after}") == Secrecy.NONE


def test_a_long_name_is_judged_at_once():
    """The decision about a name is fast, whatever the name repeats."""
    for name in ("tokenhash" * 50_000 + "x", "1" * 500_000 + "x", "token" + "texthash1" * 50_000):
        assert secrecy(name) in {Secrecy.NONE, Secrecy.VALUES}


@pytest.mark.parametrize("safe", ["session_id", ["session_id"], {"Session-ID"}, ("sessionid",)])
def test_safe_names_are_an_option(safe):
    """A name of redact_except is shipped, and those that only contain it are not."""
    record = logging.LogRecord("shop", 20, "/srv/o.py", 7, "hello", None, None)
    record.__dict__.update(session_id=SECRET, my_session_id=SECRET, deep={"sessionId": SECRET})
    rules = build_sanitizer(DefaultRules(), safe)

    fields = EventMaker(rules, {}, None, None, lambda *note: None).make(record, None).fields
    assert fields == {
        "session_id": SECRET,
        "my_session_id": "[redacted]",
        "deep": {"sessionId": SECRET},
    }


def test_a_safe_name_goes_before_a_sensitive_one():
    """A whole name in redact_except takes precedence over a part of it in redact."""
    rules = build_sanitizer(["session"], ["session_count"])

    assert rules.fields({"session_count": 5, "session_total": 5}) == {
        "session_count": 5,
        "session_total": "[redacted]",
    }


@pytest.mark.parametrize("safe", [5, True, [5], [""], ["_"], [None], b"x", [b"x"]])
def test_what_is_no_safe_name_is_refused(safe):
    """The error names the option and what it takes."""
    with pytest.raises(ConfigurationError, match="redact_except takes field names, not"):
        build_sanitizer(DefaultRules(), safe)


def test_safe_names_without_rules_are_a_mistake():
    """The error for redact_except with redact=None says to leave one of them out."""
    with pytest.raises(ConfigurationError, match="redact_except has no effect if redact is"):
        build_sanitizer(None, ["session"])


@pytest.mark.parametrize("value", [True, None, 5, "x"])
def test_a_name_of_the_user_s_hides_everything(value):
    """If redact names a field, its booleans are hidden too."""
    assert shipped(["vote"], vote=value).fields == {"vote": "[redacted]"}


def test_sensitive_names_are_hidden_at_any_depth():
    """Names are found in nested mappings, lists, dataclasses and headers."""
    event = shipped(
        DefaultRules(),
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
    """A whole object under a sensitive name is hidden."""
    assert shipped(DefaultRules(), credentials={"user": SECRET}).fields == {
        "credentials": "[redacted]"
    }


def test_a_structured_message_s_members_are_hidden():
    """A mapping as message, and constant fields, are redacted by the same rules."""
    record = logging.LogRecord("s", 20, "p", 7, {"event": "x", "token": SECRET}, None, None)
    maker = EventMaker(
        build_sanitizer(DefaultRules()), {"api_key": SECRET}, None, None, lambda *note: None
    )

    assert maker.make(record, None).fields == {"api_key": "[redacted]", "token": "[redacted]"}


def test_none_turns_it_off():
    """redact=None ships every value."""
    assert shipped(None, password=SECRET).fields == {"password": SECRET}


@pytest.mark.parametrize("redact", ["iban", ["iban"], ("IBAN",), {"i-ban"}, iter(["iban"])])
def test_more_names_are_hidden_beside_the_default_ones(redact):
    """A name, or an iterable of names, is added to the default rules."""
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
    """The patterns apply to the message and the stack trace of an exception."""
    with pytest.raises(ValueError) as raised:
        raise ValueError(SECRET)

    event = shipped(rf"/{SECRET}/", exc_info=raised.value)

    assert event.error["message"] == "[redacted]"
    assert SECRET not in event.error["stacktrace"]


def test_without_patterns_texts_are_not_looked_at():
    """The default rules hide by name alone."""
    assert shipped(DefaultRules(), f"password={SECRET}").message == f"password={SECRET}"
    assert build_sanitizer(["iban"]).edit is None


@pytest.mark.parametrize("redact", [5, True, object(), 1.5])
def test_what_is_no_list_of_rules_is_refused(redact):
    """The error names the argument and what it takes."""
    with pytest.raises(
        ConfigurationError, match="redact takes field names and patterns, or None, not"
    ):
        build_sanitizer(redact)


@pytest.mark.parametrize("each", ["", " _-.", 5, None, b"iban", ["iban"]])
def test_a_rule_that_is_none_is_refused(each):
    """A blank name would hide everything, and another type nothing."""
    with pytest.raises(ConfigurationError, match="redact takes field names and patterns, not"):
        build_sanitizer(["iban", each])


def test_a_broken_pattern_is_refused():
    """The error shows the regular expression and what is wrong with it."""
    with pytest.raises(
        ConfigurationError, match=r"redact: invalid regular expression '\(': missing \)"
    ):
        build_sanitizer(["/(/"])


@pytest.mark.parametrize("name", ["/", "//"])
def test_slashes_without_a_pattern_are_a_name(name):
    """Two slashes alone are a name, not a pattern."""
    assert build_sanitizer([name]).is_sensitive(f"a{name}b")
    assert build_sanitizer([name]).edit is None


def test_the_default_shows_in_a_signature():
    """The repr of the default says what it is."""
    assert repr(DefaultRules()) == "<the default rules>"


def test_answers_are_remembered_within_bounds():
    """The cache of names is bounded, and decisions stay right beyond it."""
    names = SensitiveNames()

    answers = [
        names(f"{word}_{each}") for each in range(MAX_CACHED_NAMES) for word in ("pwd", "order")
    ]

    assert list(map(bool, answers)) == [True, False] * MAX_CACHED_NAMES
    assert len(names._answers) == MAX_CACHED_NAMES


@given(st.sampled_from(SENSITIVE), st.text("_-. aZ", max_size=4), st.text("_-. aZ", max_size=4))
def test_a_user_s_word_is_found_wherever_it_stands(word, before, after):
    """A user's word hides each name that contains it, also from the cache."""
    names = SensitiveNames(SENSITIVE)
    name = f"{before}{word.upper()}{after}"

    assert names(name)
    assert names(name)
