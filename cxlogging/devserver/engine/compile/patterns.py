"""
Regular expressions of queries, in Python's syntax.

The service's are those of RE2. What Python has under another name is translated, and what it
lacks is refused by name.
"""

from __future__ import annotations

import re
import warnings

from ..errors import QueryRefusedError, UnsupportedError

_ESCAPE = r"(?P<escape>\\(?:[pP]\{?\^?\w+\}?|.))"
_OUTSIDE = re.compile(
    _ESCAPE + r"|(?P<open>\[\^?\]?)|(?P<group>\(\?<(?![=!]))|(?P<flags>\(\?[a-zA-Z]+\))|.",
    re.DOTALL,
)
_INSIDE = re.compile(_ESCAPE + r"|(?P<posix>\[:\^?\w+:\])|(?P<close>\])|.", re.DOTALL)
POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7F", "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F", "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~",
    "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ", "upper": "A-Z", "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}  # fmt: skip
"""The members of each POSIX class, within brackets."""

_LACKING = {"p": "Unicode classes", "P": "Unicode classes", "Q": r"\Q...\E", "C": r"\C"}


def pattern(source: str, at: int, flags: int = 0) -> re.Pattern[str]:
    """Return the regular expression of *source*; refuse the query where it has none."""
    translated = _translated(source, at)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(translated, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise QueryRefusedError(f"invalid regular expression: {error}", at) from None


def _translated(source: str, at: int) -> str:
    parts: list[str] = []
    inside, here = False, 0
    while (found := (_INSIDE if inside else _OUTSIDE).match(source, here)) is not None:
        kind, text, here = found.lastgroup, found[0], found.end()
        if kind == "escape":
            parts.append(_escape(text, at))
        elif kind == "posix":
            parts.append(_posix(text, at))
        elif kind == "group":
            parts.append("(?P<")
        elif kind == "flags" and found.start():
            raise UnsupportedError(f"flags inside a regular expression, {text}", at)
        else:
            parts.append(r"\[" if inside and text == "[" else text)
            inside = kind == "open" or (inside and kind != "close")
    return "".join(parts)


def _escape(text: str, at: int) -> str:
    if text[1] in _LACKING:
        raise UnsupportedError(f"{_LACKING[text[1]]} in a regular expression", at)
    return {r"\/": "/", r"\z": r"\Z"}.get(text, text)


def _posix(text: str, at: int) -> str:
    name = text.strip("[:]")
    if name.startswith("^"):
        raise UnsupportedError(f"the class {text} in a regular expression", at)
    members = POSIX.get(name)
    if members is None:
        raise QueryRefusedError(
            f"invalid regular expression: unknown class {text}; known: {', '.join(POSIX)}", at
        )
    return members
