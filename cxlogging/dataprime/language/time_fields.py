"""
Which fields of an aggregate are times, by the text of the query.

The service sends them as whole nanoseconds, like any other number: an id may look like one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .. import times
from .query_text import Piece, pieces

FIRST, LAST = 10**18, 41 * 10**17
"""The nanoseconds that are taken for a time: the years 2001 to 2099."""

_TIMES = frozenset(
    "timestamp ingresstimestamp starttime endtime roundtime timeround now parsetimestamp"
    " parsetotimestamp addtime addinterval subtracttime subtractinterval".split()
)
_NUMBERS = frozenset({"tounixtime"})
_COMMANDS = frozenset(
    "groupby multigroupby choose select distinct countby top bottom create add a c aggregate agg"
    " calculate calc".split()
)
"""Commands whose expressions are results."""

_CLAUSES = frozenset("aggregate agg calculate calc by".split())
"""Words within a command before further results."""

_OTHERS = frozenset({"on", "into"})
"""Words within a command before what is no result."""

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True)
class TimeFields:
    """
    The fields of an aggregate that are times.

    Attributes:
        named: Keypaths of results that the query makes of times.
        others: Keypaths of all other results that have a name in the query.
        unnamed: True where a result without a name is made of a time.
        known: False where the query's text is not known: then whole seconds are times.
    """

    named: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    unnamed: bool = False
    known: bool = True

    def includes(self, keypath: str, value: Any) -> bool:
        """Return True where *value*, found at *keypath*, is a time in nanoseconds."""
        if type(value) is not int or not FIRST <= value < LAST:
            return False
        if not self.known:
            return value % times.SECOND == 0
        return keypath in self.named or (self.unnamed and keypath not in self.others)

    def converted(self, data: Any, convert: Callable[[int], Any], keypath: str = "") -> Any:
        """Return *data* with what *convert* returns in the place of each time."""
        if isinstance(data, dict):
            prefix = f"{keypath}." if keypath else ""
            return {
                name: self.converted(each, convert, f"{prefix}{name}")
                for name, each in data.items()
            }
        return convert(data) if self.includes(keypath, data) else data


@lru_cache(maxsize=64)
def time_fields(query: str) -> TimeFields:
    """Return the fields that *query* makes of times."""
    if not query:
        return TimeFields(known=False)
    found: dict[str, bool] = {}
    open_items: list[list[Piece]] = [[]]
    unnamed, clause = False, "|"
    for piece in (*pieces(query), Piece("mark", "|", len(query))):
        item, is_inner = open_items[-1], len(open_items) > 1
        # multigroupby (a, b), (a): each parenthesis is a list of results.
        is_set = clause == "multigroupby" and len(open_items) == 2
        if piece.text in _OPENING and piece.kind == "mark":
            open_items.append([piece])
        elif piece.text in _CLOSING and is_inner:
            open_items.pop()
            unnamed |= _note(item[1:], found, is_inner=not is_set)
            open_items[-1] += [] if is_set else [*item, piece]
        elif is_inner:
            if piece.text == ",":
                unnamed |= _note(item[1:], found, is_inner=not is_set)
            item.append(piece)
        elif (following := _clause(clause, item, piece)) is not None:
            if clause in _COMMANDS | _CLAUSES:
                unnamed |= _note(item, found, is_inner=False)
            item.clear()
            clause = following
        else:
            item.append(piece)
    return TimeFields(
        frozenset(name for name, is_time in found.items() if is_time),
        frozenset(name for name, is_time in found.items() if not is_time),
        unnamed,
    )


def _clause(clause: str, item: Sequence[Piece], piece: Piece) -> str | None:
    """Return the clause that *piece* begins after *item* of *clause*; None where it begins none."""
    word = piece.text.lower()
    if word == ",":
        return clause
    if piece.kind == "literal" or (item and item[-1].text == "."):
        return None
    if word == "|":
        return word
    if clause == "|" and not item:
        return word  # a command
    return word if word in _CLAUSES | _OTHERS and clause in _COMMANDS | _CLAUSES else None


def _note(item: Sequence[Piece], found: dict[str, bool], *, is_inner: bool) -> bool:
    """
    Note the name and kind of the last result in *item*; return True for a time without one.

    In parentheses, as *is_inner* says, only what has an alias is a result.
    """
    begin = depth = 0
    for at, each in enumerate(item):
        depth += (each.text in _OPENING) - (each.text in _CLOSING)
        if depth == 0 and each.text == ",":
            begin = at + 1
    words = [each.text for each in item[begin:] if each.kind != "literal"]
    is_time = not _TIMES.isdisjoint(map(str.lower, words)) and _NUMBERS.isdisjoint(
        map(str.lower, words)
    )
    if len(words) > 1 and words[0].isdecimal():
        words = words[1:]  # top 10 ...
    if is_inner and "as" not in words:
        return False
    if "as" in words:
        name = _keypath(words[len(words) - words[::-1].index("as") :])
    elif "from" in words[1:]:
        name = _keypath(words[: words.index("from")])
    else:
        name = _keypath(words)
    if name:
        found[name] = found.get(name, False) or is_time
        return False
    return is_time and bool(words)


def _keypath(words: Sequence[str]) -> str:
    """Return a keypath without its root and cast; empty where *words* are another expression."""
    if ":" in words:
        words = words[: words.index(":")]
    if words and words[-1] in {"asc", "desc"}:
        words = words[:-1]
    steps = list(words[::2])
    if any(dot != "." for dot in words[1::2]) or not all(
        each.lstrip("$").isidentifier() for each in steps
    ):
        return ""
    return ".".join(steps[1:] if steps and steps[0].startswith("$") else steps)
