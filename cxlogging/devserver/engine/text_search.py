"""
Text search: finds phrases of whole tokens, ignoring case.

`online` is found in `online_boutique`, which has two tokens, but not in `onlineboutique`. In
objects and arrays each value is searched; a phrase never spans two values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .values import to_text

SEPARATORS = (
    r"\s\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    r"=/:@#$*|,;'\"(\[{})\]<>._\-"
)
"""Listed in full, because `\\s` matches fewer characters in an ASCII pattern."""
_SEPARATOR = re.compile(f"[{SEPARATORS}]+")

Test = Callable[[Any], bool]


def tokens(phrase: str) -> list[str]:
    """Return the tokens of *phrase*."""
    return [token for token in _SEPARATOR.split(phrase) if token]


def phrase_test(phrase: str) -> Test:
    """Return a test for values that contain *phrase*."""
    parts = [re.escape(token) for token in tokens(phrase)]
    joined = f"[{SEPARATORS}]+".join(parts)
    return pattern_test(rf"(?<![^{SEPARATORS}]){joined}(?![^{SEPARATORS}])")


def pattern_test(pattern: str) -> Test:
    """Return a test for values in which *pattern* is found."""
    # SQLite ignores the case of ASCII letters only, and must not leave out what is found here.
    ascii_only = re.ASCII if pattern.isascii() else re.IGNORECASE
    search = re.compile(pattern, re.IGNORECASE | ascii_only).search

    def test(value: Any) -> bool:
        return any(search(each) is not None for each in texts(value))

    return test


def texts(value: Any) -> list[str]:
    """Return the scalars in *value* as strings."""
    kind = type(value)
    if kind is str:
        return [value]
    if kind is dict:
        return [each for held in value.values() for each in texts(held)]
    if kind is list:
        return [each for held in value for each in texts(held)]
    shown = to_text(value)
    return [] if shown is None else [shown]
