"""
Tests of values in Lucene queries: words, phrases, wildcards, regular expressions, ranges.

A field is read in one of these ways: as `TEXT`, whose whole tokens match and whose case does not
matter; as a `KEYWORD`, of which the whole value matches; as a `NUMBER`; as a `SEVERITY`, by name or
number; as a `TIME`.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ....dataprime.rows import Severity
from ....errors import nearest
from ..compile.patterns import pattern
from ..compile.severities import meant_by
from ..row import QueryRow
from ..text_search import SEPARATORS, pattern_test, phrase_test, texts, tokens
from ..values import number_as_timestamp, parse_number, parse_timestamp, to_text

ValueTest = Callable[[Any], bool]
_NETWORK = re.compile(r"[0-9a-fA-F:.]+/[0-9]{1,3}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(rf"{_DATE.pattern}[T ]")
DAY = 10
"""Characters of a date. A time is compared with a date by its day."""

_WILDCARD = re.compile(r"(?<!\\)([*?])")
ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Reading(enum.Enum):
    """How the values of a field are read."""

    TEXT = "text"
    KEYWORD = "keyword"
    NUMBER = "number"
    SEVERITY = "severity"
    TIME = "time"


@dataclass(frozen=True)
class Field:
    """
    A field of a query.

    Attributes:
        name: Its name in the query; empty for all values of the data.
        value: Returns its value in a row.
        reading: How that is read.
    """

    name: str
    value: Callable[[QueryRow], Any]
    reading: Reading = Reading.TEXT


class TermError(Exception):
    """A term that the field cannot have."""


def word_test(word: str, reading: Reading) -> ValueTest:
    """Return the test of a word, which may have wildcards and escapes."""
    if word == "*":
        return lambda value: value is not None
    if _WILDCARD.search(word):
        return _wildcard_test(word, reading)
    return phrase_or_value_test(ESCAPE.sub(r"\1", word), reading)


def phrase_or_value_test(plain: str, reading: Reading) -> ValueTest:
    """Return the test of a phrase, or of a word without wildcards."""
    if reading is Reading.TEXT:
        return _text_test(plain)
    if reading is Reading.KEYWORD:
        return lambda value: plain in texts(value)
    wanted = bound_of(plain, reading)
    return lambda value: any(_operand(each, reading) == wanted for each in _scalars(value))


def _text_test(plain: str) -> ValueTest:
    if not tokens(plain):
        raise TermError("a term needs at least one letter or digit")
    network = _network(plain)
    found = phrase_test(plain)
    if network is None:
        return found
    return lambda value: any(_is_in(each, network) for each in texts(value)) or found(value)


def _network(text: str) -> Any:
    try:
        return ipaddress.ip_network(text, strict=False) if _NETWORK.fullmatch(text) else None
    except ValueError:
        return None


def _is_in(text: str, network: Any) -> bool:
    try:
        return ipaddress.ip_address(text) in network
    except ValueError:
        return False


def _wildcard_test(word: str, reading: Reading) -> ValueTest:
    if reading not in (Reading.TEXT, Reading.KEYWORD):
        raise TermError(f"a {reading.value} has no wildcards")
    whole = reading is Reading.KEYWORD
    any_one = "." if whole else f"[^{SEPARATORS}]"
    inner = "".join(
        f"{any_one}*" if part == "*" else any_one if part == "?"
        else re.escape(ESCAPE.sub(r"\1", part))
        for part in _WILDCARD.split(word)
    )  # fmt: skip
    if not whole:
        return pattern_test(rf"(?<![^{SEPARATORS}]){inner}(?![^{SEPARATORS}])")
    found = re.compile(inner, re.DOTALL)
    return lambda value: any(found.fullmatch(each) is not None for each in texts(value))


def regexp_test(source: str, reading: Reading, at: int) -> ValueTest:
    """Return the test of a regular expression: it matches a whole token, or a whole keyword."""
    if reading not in (Reading.TEXT, Reading.KEYWORD):
        raise TermError(f"a {reading.value} has no regular expressions")
    if reading is Reading.KEYWORD:
        whole = pattern(source, at)
        return lambda value: any(whole.fullmatch(each) is not None for each in texts(value))
    found = pattern(source, at, re.IGNORECASE)
    return lambda value: any(
        found.fullmatch(token) is not None for each in texts(value) for token in tokens(each)
    )


def bound_of(text: str, reading: Reading) -> Any:
    """Return *text* as the value that a field of this reading is compared with."""
    if reading is Reading.SEVERITY:
        return _severity(text)
    if reading is Reading.TIME:
        found: Any = number_as_timestamp(int(text)) if text.isdecimal() else parse_timestamp(text)
    elif reading is Reading.NUMBER:
        found = parse_number(text)
    else:
        return text
    if found is None:
        raise TermError(f"{text!r} is no {reading.value}")
    return found


def _severity(text: str) -> int:
    if text.isdecimal():
        return int(text)
    meant = meant_by(text)
    if not meant:
        hint = nearest(text.upper(), Severity.__members__)
        raise TermError(f"unknown severity {text!r}.{hint}")
    return int(Severity[meant])


def _scalars(value: Any) -> list[Any]:
    return [each for one in value for each in _scalars(one)] if type(value) is list else [value]


def _operand(value: Any, reading: Reading) -> Any:
    if reading is Reading.NUMBER and type(value) is str:
        return parse_number(value)
    if reading is Reading.NUMBER:
        return value if type(value) in (int, float) else None
    return value


def range_test(
    low: str | None, high: str | None, inclusive: tuple[bool, bool], reading: Reading
) -> ValueTest:
    """Return the test of a range; None stands for an open end."""
    if reading not in (Reading.TEXT, Reading.KEYWORD):
        bounds = [None if each is None else bound_of(each, reading) for each in (low, high)]
        return lambda value: any(
            _is_between(_operand(each, reading), bounds, inclusive) for each in _scalars(value)
        )
    as_text = [low, high]
    as_numbers = [None if each is None else parse_number(each) for each in (low, high)]
    numeric = [each is None for each in as_text] == [each is None for each in as_numbers]

    def test(value: Any) -> bool:
        if type(value) in (int, float):
            return numeric and _is_between(value, as_numbers, inclusive)
        text = to_text(value)
        return text is not None and all(side(text) for side in sides)

    below, above = inclusive
    sides = [_side(low, 1, below), _side(high, -1, above)]
    return lambda value: any(test(each) for each in _scalars(value))


def _side(bound: str | None, sign: int, inclusive: bool) -> Callable[[str], bool]:
    """Return the test of texts on one side of a bound: times are compared as times."""
    if bound is None:
        return lambda _: True
    day = _DATE.fullmatch(bound) is not None
    moment = parse_timestamp(bound) if _TIME.match(bound) else None

    def test(text: str) -> bool:
        value: Any = text[:DAY] if day and _TIME.match(text) else text
        wanted: Any = bound
        if moment is not None and (own := parse_timestamp(text)) is not None:
            value, wanted = own, moment
        return bool(value == wanted and inclusive) or (
            value > wanted if sign > 0 else value < wanted
        )

    return test


def _is_between(value: Any, bounds: list[Any], inclusive: tuple[bool, bool]) -> bool:
    if value is None:
        return False
    low, high = bounds
    above = low is None or value > low or (inclusive[0] and value == low)
    below = high is None or value < high or (inclusive[1] and value == high)
    return bool(above and below)
