"""
The text of a query, read as far as the client needs it: its pieces, stages and last limit.

It never refuses a query: what a query means is the service's to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_DATAPRIME = re.compile(
    r"""
    (?P<blank>\s+|//[^\n]*|\#[^\n]*|/\*.*?\*/)
  | (?P<literal>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`)
  | (?P<place>\{[A-Za-z_][A-Za-z0-9_]*\})
  | (?P<word>[$A-Za-z0-9_]+)
  | (?P<mark>\|\||&&|->|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_LUCENE = re.compile(
    r"""
    (?P<blank>\s+)
  | (?P<literal>"(?:\\.|[^"\\])*"|/(?:\\.|[^/\\\n])+/|\\.)
  | (?P<place>\{[A-Za-z_][A-Za-z0-9_]*\})
  | (?P<word>[$A-Za-z0-9_]+)
  | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_REGEXP = re.compile(r"/(?:\\.|[^/\\\n])+/")
_BEFORE_REGEXP = frozenset("( , = [ { : ~ | ! && || -> matching".split())
"""Pieces after which a slash begins a regular expression; after others it divides."""

_KEEPS_ROWS = frozenset(
    "choose select create add a c replace move m remove r redact convert conv extract e"
    " orderby sortby order sort filter f where block limit".split()
)
"""Commands that return at most one row for each that they get."""


class Piece(NamedTuple):
    """A piece of a query: its kind, its text, and where it begins."""

    kind: str
    text: str
    start: int


def pieces(query: str, *, lucene: bool = False) -> Iterator[Piece]:
    """
    Yield the pieces of *query* without blanks and comments.

    Their kinds are ``literal`` (strings, templates, regular expressions), ``place`` (a name in
    braces), ``word`` and ``mark``.
    """
    pattern, at, last = (_LUCENE if lucene else _DATAPRIME), 0, "|"
    while at < len(query):
        found = None
        if not lucene and last in _BEFORE_REGEXP and query[at : at + 2] not in {"//", "/*"}:
            found = _REGEXP.match(query, at)
        kind = "literal"
        if found is None:
            found = pattern.match(query, at)
            if found is None:  # one of the marks fits every character
                return
            kind = found.lastgroup or "mark"
        if kind != "blank":
            yield Piece(kind, found[0], at)
            last = found[0]
        at = found.end()


def own_limit(query: str) -> int | None:
    """Return how many rows *query* itself allows at most, or None where it has no limit."""
    stages: list[list[Piece]] = [[]]
    depth = 0
    for piece in pieces(query):
        depth += (piece.text in {"(", "[", "{"}) - (piece.text in {")", "]", "}"})
        if piece.text == "|" and depth == 0:
            stages.append([])
        else:
            stages[-1].append(piece)
    smallest = None
    for stage in reversed(stages):
        words = [each.text.lower() for each in stage[:2]]
        if not words:
            break
        if words[0] in {"limit", "top", "bottom"} and words[-1].isdecimal():
            found = int(words[-1])
            smallest = found if smallest is None else min(found, smallest)
        if words[0] not in _KEEPS_ROWS:
            break
    return smallest


def needs_window(query: str) -> bool:
    """Return True for a query that reads ``$p.timeRange``."""
    words = [each.text for each in pieces(query)]
    return any(words[at : at + 3] == ["$p", ".", "timeRange"] for at in range(len(words)))
