"""
What is typed into the search box: words, or a DataPrime query.

It is DataPrime where it begins with a command or ``source``, or holds a pipe, a keypath with its
root, or a comparison outside of quotes. Everything else is words, all of which must occur.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..engine.syntax.command_parser import COMMANDS
from ..engine.syntax.query_parser import ALIASES, SUBQUERIES

ALL, TEXT, DATAPRIME = "all", "text", "dataprime"
MAX_LENGTH = 10_000
"""Characters of a query."""

MAX_WORDS, MAX_WORDS_LENGTH = 50, 4_000
"""Words that are looked for, and their characters: SQLite limits the length of a pattern."""

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_FIRST = re.compile(r"\s*([a-z]+)(?=\s|\||$)")
_MARK = re.compile(r"\||\$[dlm]\b|==|!=|<=|>=|&&|\|\||~~|\s[<>~]\s|[\w)\]]\s*[<>~]\s*[\d'\"$/]")
_WORD = re.compile(r'"([^"]+)"|(\S+)')
_SOURCES = ("source", "from")
_COMPARED = re.compile(r"\s*\w+\s*(?:!=|[=<>~&+*%.:\[])")


class RunnableQuery(NamedTuple):
    """A query that the engine takes, and how many characters were put before what was typed."""

    text: str
    shift: int


def kind_of(text: str) -> str:
    """Return `ALL` for an empty text, else `TEXT` or `DATAPRIME`."""
    if not text.strip():
        return ALL
    first = _FIRST.match(text)
    if first and (first[1] in COMMANDS or first[1] == "source"):
        return DATAPRIME
    return DATAPRIME if _MARK.search(_QUOTED.sub('""', text)) else TEXT


def words(text: str) -> list[str]:
    """Return the words and the quoted phrases of *text*."""
    return [phrase or word for phrase, word in _WORD.findall(text)]


def excess(text: str) -> str:
    """Return of what *text* has too much, as a sentence; empty where it does not."""
    if len(text) > MAX_LENGTH:
        return f"q must have at most {MAX_LENGTH:,} characters"
    if kind_of(text) != TEXT or (len(text) <= MAX_WORDS_LENGTH and len(words(text)) <= MAX_WORDS):
        return ""
    return (
        f"q must have at most {MAX_WORDS} words and {MAX_WORDS_LENGTH:,} characters:"
        " put words that follow one another in quotes"
    )


def runnable(text: str) -> RunnableQuery:
    """Return *text*, which is DataPrime, with what may be left out: the source, or ``filter``."""
    if text.lstrip().startswith("|"):
        return _after("source logs ", text)
    first = _FIRST.match(text)
    is_command = first and (first[1] in COMMANDS or first[1] in (*ALIASES, *_SOURCES, *SUBQUERIES))
    # A field may have the name of a command: `count > 3` is a condition.
    if is_command and not _COMPARED.match(text):
        return RunnableQuery(text, 0)
    return _after("filter ", text)


def _after(added: str, text: str) -> RunnableQuery:
    return RunnableQuery(added + text, len(added))
