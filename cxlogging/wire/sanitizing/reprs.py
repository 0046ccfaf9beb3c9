"""
Hides the values of sensitive names in the ``repr`` of objects.

The ``repr`` of a header object, a request or a namespace contains names and values:
``Headers([('Authorization', 'Bearer …')])``, ``Namespace(token='…')``. Only the
``repr`` of objects is searched, never a text that the application logs.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..masking import without_user

_NAME = re.compile(
    r"(?P<pair>[(\[]\s?)?b?(?P<quote>['\"])(?P<quoted>[^'\"\\]{1,256})(?P=quote)\s?(?P<after>[:=,])\s?"
    r"|(?<![\w.\-])(?P<bare>[^\W\d][\w.\-]{0,255})\s?(?P<sign>[:=])(?!=)\s?"
)
"""A name and what separates it from its value; a comma only within a pair."""

_SCHEME = re.compile(r"\b(Bearer|Basic) [\w.~+/=\-]+")
"""Credentials without a name, as in ``<Authorization Bearer …>``."""

_QUOTED = re.compile(
    r"[bBrRuUfF]{0,2}(?:'(?:[^'\\]|\\.)*(?:'|\Z)|\"(?:[^\"\\]|\\.)*(?:\"|\Z))", re.DOTALL
)
_LITERAL = re.compile(r"(?:(?P<bool>True|False)|(?P<none>None)|(?P<number>-?\d+(?:\.\d+)?))(?!\w)")
_LINE = re.compile(r"(?:(?!\\[rn])[^\r\n])*")
"""The rest of a line; the line breaks in a header may be escaped."""

_WORDS = re.compile(r"(?:(?!(?<!;)\s\w+=)[^'\",)\]}>\r\n])*")
"""An unquoted value, up to the next name or the end of its container."""

_BRACKETS = re.compile(rf"{_QUOTED.pattern}|[(\[{{]|(?P<closing>[)\]}}])", re.DOTALL)

Shows = Callable[[str, type], bool]


def without_secrets(text: str, hides: Shows, hidden: str) -> str:
    """
    Return the ``repr`` *text* of an object with the values of sensitive names hidden.

    Args:
        text: The ``repr``; users and passwords of URLs in it are masked, too.
        hides: Takes a name and the type of its value; returns whether the value is hidden.
        hidden: Replaces a value.
    """
    parts, done, at = [], 0, 0
    while (match := _NAME.search(text, at)) is not None:
        at = match.end()
        name = match["quoted"] or match["bare"]
        if hides(name, str):
            end = _value_end(text, match)
            if end > at and hides(name, _kind(text, at, end)):
                parts += [text[done:at], hidden]
                done = at = end
    text = "".join([*parts, text[done:]])
    if hides("authorization", str):
        text = _SCHEME.sub(rf"\1 {hidden}", text)
    return without_user(text)


def _value_end(text: str, match: re.Match[str]) -> int:
    """Return where the value ends that follows the name *match*; -1 if it is not a name."""
    at = match.end()
    is_pair = match["after"] == ","
    if is_pair and not match["pair"]:
        return -1
    if text[at : at + 1] in ("(", "[", "{"):
        return _closing(text, at)
    if found := _QUOTED.match(text, at) or _LITERAL.match(text, at):
        end = found.end()
    else:
        end = _past(_LINE if match["sign"] == ":" else _WORDS, text, at)
    return -1 if is_pair and text[end : end + 1] not in (")", "]", "") else end


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()


def _closing(text: str, at: int) -> int:
    """Return where the bracket that opens at *at* is closed, or the end of the text."""
    depth = 0
    for match in _BRACKETS.finditer(text, at):
        if match["closing"]:
            depth -= 1
            if depth == 0:
                return match.end()
        elif len(match[0]) == 1:
            depth += 1
    return len(text)


def _kind(text: str, at: int, end: int) -> type:
    """Return the type of the value that is printed from *at* to *end*."""
    literal = _LITERAL.fullmatch(text, at, end)
    if literal is None:
        return str
    return bool if literal["bool"] else type(None) if literal["none"] else float
