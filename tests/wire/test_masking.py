"""Secrets are masked in texts that come from servers."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.wire.masking import (
    MIN_CHARACTERS,
    Masker,
    header_secrets,
    without_bare_user,
    without_user,
)

KEY = "hcaik_01h8/q+z<&>'x\"y4711"
keys = st.text("abcdefXYZ0123456789_-+/=.~%&<>'\"\\", min_size=MIN_CHARACTERS, max_size=70)
frames = st.text("§… \n\t.:,;\"'{}[]()", max_size=30)

FORMS = {
    "plain": str,
    "upper": str.upper,
    "percent-encoded": lambda key: quote(key, safe=""),
    "percent-encoded in lower case": lambda key: quote(key, safe="").lower(),
    "a form's": quote_plus,
    "JSON": lambda key: json.dumps(key)[1:-1],
    "JSON in JSON": lambda key: json.dumps(json.dumps(key))[3:-3],
    "HTML": html.escape,
    "Basic": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of Bearer": lambda key: base64.b64encode(f"Bearer {key}".encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
}


def remains(shown: str, form: str) -> bool:
    """Whether *shown* still has eight characters in a row of *form*."""
    rows = {form[at : at + MIN_CHARACTERS].lower() for at in range(len(form) - MIN_CHARACTERS + 1)}
    return any(row in shown.lower() for row in rows)


@given(keys, frames, frames, st.sampled_from(sorted(FORMS)))
def test_a_key_is_hidden_in_each_form(key, before, behind, form):
    """A whole key is masked in each encoding in which it may be quoted, anywhere in a text."""
    quoted = FORMS[form](key)

    shown = Masker([key])(f"{before}{quoted}{behind}")

    if len(key) >= 2 * MIN_CHARACTERS:  # of a shorter one the edges of base64 are most of it
        assert quoted not in shown
        assert not remains(shown, quoted[4:-4])
    assert "****" in shown


@given(keys, st.integers(MIN_CHARACTERS, 80), frames)
def test_the_beginning_of_a_key_is_hidden(key, length, behind):
    """The first eight or more characters of a key, as a gateway may quote them, are masked."""
    assert Masker([key])(f"key {key[:length]}{behind}").startswith("key ****")


@given(keys, st.integers(0, 300), st.integers(1, 60))
def test_a_text_cut_after_masking_shows_nothing(key, before, kept):
    """If a text is masked and then truncated, no part of the key is left at its end."""
    text = f"{'.' * before}{key}"

    assert key[:4] not in Masker([key])(text)[: before + kept] or key[:4] in "." * before


@given(st.text(max_size=200))
def test_a_text_without_secrets_stays(text):
    """A text without secrets and URLs is unchanged, and masking twice changes nothing."""
    mask = Masker(["hcaik_01canary4711"])
    if "//" not in text:
        assert mask(text) == text
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize("key", ["in", "key", "error", "secret", "1234567", ""])
def test_a_short_key_hides_no_words(key):
    """A key of fewer than eight characters is not masked: it would match ordinary words."""
    text = "an error in the secret key 1234567"

    assert Masker([key])(text) == text


@pytest.mark.parametrize(
    ("key", "text", "shown"),
    [
        ("honeycomb-4711-abc", "honeycombs at home", "honeycombs at home"),
        ("honeycomb-4711-abc", "honeycomb-47", "****"),
        ("gateway-canary-1", "X-Gateway-Token", "X-Gateway-Token"),
        ("abcdefghijklmnop", "abcdefghXXXX", "abcdefghXXXX"),
        ("abcdefghijklmnop", "abcdefgh…", "****…"),
        ("abcdefg1ijklmnop", "abcdefg1XXXX", "****XXXX"),
        ("abcdefg1ijklmnop", "abcdefg1abcdefg1i", "********"),
    ],
)
def test_a_word_that_begins_like_a_key(key, text, shown):
    """A word without digits that continues differently is not masked; anything else is."""
    assert Masker([key])(text) == shown


@pytest.mark.parametrize("form", FORMS)
def test_bytes_keep_their_length(form):
    """In bytes of any format, each byte of a quoted key is an asterisk, and nothing else is."""
    quoted = FORMS[form](KEY).encode()
    data = b"\xff\x00" + quoted + b"\x80" + quoted
    blanked = Masker([KEY]).blank(data)
    assert len(blanked) == len(data)
    assert b"*" * 20 in blanked
    assert (blanked[:2], blanked[2 + len(quoted)]) == (b"\xff\x00", 0x80)
    assert not remains(blanked.decode("latin-1"), KEY)
    assert KEY.encode().lower() not in blanked.lower()


def test_bytes_without_a_key_are_the_same_object():
    """Bytes that quote no key, or only its beginning, are returned as they are."""
    for data in (b"", b"banana", b"banana-4711-and-no-more"[:11], b"\xff" * 100):
        assert Masker(["banana-4711-secret"]).blank(data) is data
        assert Masker().blank(data) is data


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:pass@proxy:3128", "http://****@proxy:3128"),
        ("at https://u:p@ss/w@h.example/x", "at https://****@ss/w@h.example/x"),
        ("https://token@h.example and //a:b@c", "https://****@h.example and //****@c"),
        ("mail me@example.com", "mail me@example.com"),
    ],
)
def test_the_user_of_a_url_is_hidden(text, shown):
    """The user and password of every URL are masked."""
    assert without_user(text) == Masker()(text) == shown


def test_an_address_without_a_scheme():
    """The user of a URL without a scheme is masked too."""
    assert without_bare_user("user:pass@proxy:3128") == "****@proxy:3128"


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("X-Api-Key", "abc", ["abc", "abc"]),
        ("Authorization", "Basic YWJj", ["Basic YWJj", "Basic", "YWJj"]),
        ("Cookie", "a=b; c=d", ["a=b; c=d", "a", "b", "c", "d"]),
        ("X-Tenant", "production", []),
    ],
)
def test_secrets_of_headers(name, value, secrets):
    """The value of a header with a sensitive name, and each part of it, is a secret."""
    assert list(header_secrets(name, value)) == secrets
