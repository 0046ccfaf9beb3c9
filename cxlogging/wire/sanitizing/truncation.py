"""Truncates texts, with a mark that shows the original length."""

from __future__ import annotations

import re
from collections.abc import Container

_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, movements
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links
    r"|\x1b[ -/]*[0-~]"
)
_MARK = re.compile(r"… \[cut from (\d+) characters\]\Z")


def strip_ansi(text: str) -> str:
    """Return *text* without the escape sequences of terminals."""
    return _ANSI.sub("", text) if "\x1b" in text or "\x9b" in text else text


def cut(text: str, keep: int) -> str:
    """
    Return *text* truncated to about *keep* characters.

    A truncated text ends with ``… [cut from N characters]``; if it is truncated again,
    the first N is kept.
    """
    if len(text) <= keep:
        return text
    marked = _MARK.search(text, max(0, len(text) - 64))
    length = max(len(text), int(marked[1]) if marked else 0)
    return f"{text[: max(0, keep - 48)]}… [cut from {length} characters]"


def cut_characters(text: str) -> int:
    """Return how many characters a truncated *text* has lost; 0 if it was not truncated."""
    marked = _MARK.search(text, max(0, len(text) - 64))
    return max(0, int(marked[1]) - marked.start()) if marked else 0


def cut_middle(text: str, keep: int) -> str:
    """Return *text* without its middle; for stack traces, whose ends say most."""
    if len(text) <= keep:
        return text
    half = keep // 2 - 32
    return f"{text[:half]}\n… [cut from {len(text)} characters] …\n{text[-half:]}"


def unused(name: str, taken: Container[str]) -> str:
    """Return *name*, with a number appended if it is one of *taken*."""
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def within(text: str, limit: int) -> str:
    """Return *text* truncated to at most *limit* bytes of UTF-8."""
    while len(text) > limit // 4 and (size := len(text.encode(errors="replace"))) > limit:
        text = cut(text, len(text) * limit // size - 8)
    return text
