"""
The tokens of a query, one at a time.

The meaning of a slash depends on its context: the parser calls `regexp` where it expects an
operand, and takes the slash as a division elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import QueryRefusedError
from ..values import UNITS

_IGNORED = re.compile(r"(?:\s+|//[^\n]*|\#[^\n]*|/\*.*?\*/)+", re.DOTALL)
_TOKEN = re.compile(
    r"""
    (?P<interval>(?:[0-9]+(?:ns|us|ms|[smhd]))+(?![A-Za-z0-9_]))
  | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_]))
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<root>\$[A-Za-z]+)
  | (?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
  | (?P<template>`(?:\\.|[^`\\])*`)
  | (?P<mark>&&|\|\||==|!=|<=|>=|->|=>|~~|[-+*/%~!<>=|()\[\]{},.:@])
    """,
    re.VERBOSE | re.DOTALL,
)
_REGEXP = re.compile(r"/((?:\\.|[^/\\\n])+)/")
_PART = re.compile(r"([0-9]+)(ns|us|ms|[smhd])")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "'": "'", '"': '"', "\\": "\\", "/": "/"}

END = "end"


@dataclass(frozen=True)
class Token:
    """
    A piece of the query.

    Attributes:
        kind: `name`, `root`, `number`, `interval`, `string`, `template`, `regexp`, `mark`, `end`.
        text: The text of the token.
        start: The offset of its first character.
        end: The offset after its last character.
        value: The value of a literal.
    """

    kind: str
    text: str
    start: int
    end: int
    value: Any = None

    @property
    def shown(self) -> str:
        """The token as an error message shows it."""
        return "the end of the query" if self.kind == END else repr(self.text)


class Lexer:
    """
    Returns the token at an offset.

    Args:
        text: The query.
        end: Where to stop; the end of the text by default.
    """

    def __init__(self, text: str, end: int | None = None) -> None:
        self.text = text
        self._end = len(text) if end is None else end

    def token(self, at: int) -> Token:
        """Return the token at *at*, after whitespace and comments."""
        at = self._skip(at)
        if at >= self._end:
            return Token(END, "", at, at)
        found = _TOKEN.match(self.text, at, self._end)
        if found is None or found.lastgroup is None:
            self._refuse(at)
        kind, text = found.lastgroup, found[0]
        return Token(kind, text, at, found.end(), _value(kind, text))

    def regexp(self, at: int) -> Token:
        """Return the regular expression whose first slash is at *at*."""
        found = _REGEXP.match(self.text, at, self._end)
        if found is None:
            raise QueryRefusedError("unterminated regular expression: add a second '/'", at)
        return Token("regexp", found[0], at, found.end(), found[1])

    def _skip(self, at: int) -> int:
        found = _IGNORED.match(self.text, at, self._end)
        return at if found is None else found.end()

    def _refuse(self, at: int) -> NoReturn:
        first = self.text[at]
        sentences = {
            "'": "unterminated string: close it with '",
            '"': 'unterminated string: close it with "',
            "`": "unterminated template: close it with `",
            "&": "write && for and",
        }
        if first.isascii() and first.isdigit():
            raise QueryRefusedError("not a number, nor an interval such as 1h30m", at)
        raise QueryRefusedError(sentences.get(first, f"unexpected character {first!r}"), at)


def _value(kind: str, text: str) -> Any:
    if kind == "number":
        return int(text) if text.isdecimal() else float(text)
    if kind == "interval":
        return sum(int(count) * UNITS[unit] for count, unit in _PART.findall(text))
    if kind == "string":
        return _ESCAPE.sub(_unescaped, text[1:-1])
    return None


def _unescaped(found: re.Match[str]) -> str:
    escape = found[1]
    if len(escape) == 5:
        return chr(int(escape[1:], 16))
    # An unknown escape stays as it is, so that patterns in strings keep their backslashes.
    return _ESCAPES.get(escape, found[0])
