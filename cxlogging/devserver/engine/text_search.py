"""
Text search: a phrase of whole tokens, letters of either case.

`online` is found in `online_boutique`, which is two tokens, and not in `onlineboutique`. Objects
and arrays are searched in their values; a phrase does not go across two of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .values import text

SEPARATORS = (
    r"\s\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    r"=/:@#$*|,;'\"(\[{})\]<>._\-"
)
"""Written out, as `\\s` means fewer of them where a pattern is ASCII's."""
_SEPARATOR = re.compile(f"[{SEPARATORS}]+")

Test = Callable[[Any], bool]


def tokens(phrase: str) -> list[str]:
    """The tokens of *phrase*."""
    return [token for token in _SEPARATOR.split(phrase) if token]


def phrase_test(phrase: str) -> Test:
    """A test for values that hold *phrase*."""
    parts = [re.escape(token) for token in tokens(phrase)]
    joined = f"[{SEPARATORS}]+".join(parts)
    return pattern_test(rf"(?<![^{SEPARATORS}]){joined}(?![^{SEPARATORS}])")


def pattern_test(pattern: str) -> Test:
    """A test for values in which *pattern* is found."""
    # The store knows the cases of ASCII alone, and must not leave out what is found here.
    ascii_only = re.ASCII if pattern.isascii() else re.IGNORECASE
    search = re.compile(pattern, re.IGNORECASE | ascii_only).search

    def test(value: Any) -> bool:
        return any(search(each) is not None for each in texts(value))

    return test


def texts(value: Any) -> list[str]:
    """The scalars in *value*, as texts."""
    kind = type(value)
    if kind is str:
        return [value]
    if kind is dict:
        return [each for held in value.values() for each in texts(held)]
    if kind is list:
        return [each for held in value for each in texts(held)]
    shown = text(value)
    return [] if shown is None else [shown]
