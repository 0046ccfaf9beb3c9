"""The repr of an object is shipped without the values of sensitive names."""

from __future__ import annotations

import argparse
import functools
import types

import pytest

from cxlogging.handlers.redaction.rules import DefaultRules, build_sanitizer
from cxlogging.wire.sanitizing.reprs import without_secrets


class Shown:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


def shown(text):
    return build_sanitizer(DefaultRules()).value(Shown(text))


HIDDEN = {
    "Headers([('Authorization', 'canary'), ('Host', 'a')])": (
        "Headers([('Authorization', [redacted]), ('Host', 'a')])"
    ),
    "<R headers={'authorization': 'a \\'canary', 'b': 'c'}>": (
        "<R headers={'authorization': [redacted], 'b': 'c'}>"
    ),
    "[(b'cookie', b'canary')]": "[(b'cookie', [redacted])]",
    "Namespace(user='a', password='canary', n=1)": "Namespace(user='a', password=[redacted], n=1)",
    "<Login user=a token=canary n=1>": "<Login user=a token=[redacted] n=1>",
    '<A {"token": "x canary y"}>': '<A {"token": [redacted]}>',
    "A(session={'id': ['canary', ')']}, b=1)": "A(session=[redacted], b=1)",
    "Host: a\r\nCookie: a=1; b=canary\r\nAccept: c": "Host: a\r\nCookie: [redacted]\r\nAccept: c",
    "'Authorization: Digest a=1, b=canary\\r\\nHost: a'": (
        "'Authorization: [redacted]\\r\\nHost: a'"
    ),
    "<Pool postgres://u:canary@h/d>": "<Pool postgres://****@h/d>",
    "A(password='canary": "A(password=[redacted]",
    "A(cookies=['canary', ": "A(cookies=[redacted]",
    "A([('cookie', 'canary": "A([('cookie', [redacted]",
    "[['x-api-key', ('canary', 1)]]": "[['x-api-key', [redacted]]]",
    "<Authorization Bearer canary.a-b_c=>": "<Authorization Bearer [redacted]>",
    "match='token=canary'>": "match='token=[redacted]'>",
}

KEPT = [
    "<Token object at 0x7f>",
    "Names(['password', 'token', 'c'])",
    "Usage(tokens=12, has_password=True, token=None, max_tokens=5)",
    "A(token == 'x')",
    "12:30:05 at http://h:80/p",
    "<A order='7', user={'id': 7}>",
    "",
    "('password',)",
]


@pytest.mark.parametrize(("text", "expected"), HIDDEN.items())
def test_the_values_of_sensitive_names_are_hidden(text, expected):
    """The values in pairs, keywords, members and header lines are hidden, and nothing else."""
    assert shown(text) == expected


@pytest.mark.parametrize("text", KEPT)
def test_what_holds_no_secret_is_as_it_was(text):
    """Names without a value, counts, flags and harmless names are not hidden."""
    assert shown(text) == text


def test_objects_of_the_standard_library():
    """Secret values are hidden in the repr of namespaces and partials."""
    values = [
        argparse.Namespace(password="canary", user="a"),
        types.SimpleNamespace(token="canary", user="a"),
        functools.partial(print, auth="canary"),
    ]

    assert "canary" not in str(build_sanitizer(DefaultRules()).value(values))


def test_without_redaction_the_repr_is_whole():
    """Without redaction, a repr is unchanged."""
    assert build_sanitizer(None).value(Shown("A(token='x')")) == "A(token='x')"


def test_a_name_of_the_user_s_hides_too():
    """Names added by `redact` are hidden in the repr of objects, numbers included."""
    assert build_sanitizer(["iban"]).value(Shown("A(iban=12, b=3)")) == "A(iban=[redacted], b=3)"


@pytest.mark.parametrize("hides", [True, False])
@pytest.mark.parametrize(
    "part",
    ["a", "'", '"', "a=", "token=[", "('token', ", "('token', '", "token: ", "a" * 256 + "'"],
)
def test_long_texts_take_no_time(part, hides):
    """The search takes time in proportion to the length of the text."""
    looked: list[str] = []
    text = part * (32_000 // len(part))

    without_secrets(text, lambda name, kind: looked.append(name) or hides, "-")

    assert sum(map(len, looked)) <= 2 * len(text) + len("authorization")
