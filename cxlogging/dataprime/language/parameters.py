"""
Values in the text of a query: ``{name}`` is replaced by the literal of a value, by its type.

Strings are quoted and escaped, so that no value can change what the query does; a name in braces
within a string, a template, a regular expression or a comment of the query is left as it is.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any
from uuid import UUID

from ...errors import ConfigurationError, nearest
from .. import times
from ..rows import Severity
from .query_text import pieces

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_LUCENE_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})
_UNITS = (("d", 86_400 * 10**6), ("h", 3_600 * 10**6), ("m", 60 * 10**6), ("s", 10**6))


def with_parameters(query: Any, params: Mapping[str, Any] | None, syntax: object) -> Any:
    """
    Return *query* with each ``{name}`` replaced by the literal of ``params[name]``.

    Raises:
        ConfigurationError: A name has no value, a value no name, or a value has no literal.
    """
    if params is None or not isinstance(query, str):
        return query
    if not isinstance(params, Mapping):
        raise ConfigurationError("params takes a dict of values by their names in the query.")
    lucene = str(syntax).lower().endswith("lucene")
    parts, done, used = [], 0, set()
    for piece in pieces(query, lucene=lucene):
        if piece.kind != "place":
            continue
        name, end = piece.text[1:-1], piece.start + len(piece.text)
        if name not in params:
            hint = nearest(name, params)
            raise ConfigurationError(f"params has no value for {piece.text}.{hint}")
        _check_neighbours(query, piece.start, end, piece.text, "" if lucene else "{}")
        literal = (_lucene_literal if lucene else _literal)(name, params[name])
        if query[end : end + 1] == "." and literal[0].isdigit():
            literal = f"({literal})"
        parts += [query[done : piece.start], literal]
        done = end
        used.add(name)
    for name in params:
        if name not in used:
            quoted = f"{{{name}}}" in query
            hint = ": write it without quotes around it" if quoted else ""
            raise ConfigurationError(f"params has {name!r}, but the query has no {{{name}}}{hint}.")
    return "".join([*parts, query[done:]])


def _check_neighbours(query: str, start: int, end: int, place: str, braces: str) -> None:
    before, after = query[:start][-1:], query[end : end + 1]
    marks = f"_$@'\"`{braces}"
    doubled = before + after == "{}"
    if (
        doubled
        or before == "."
        or any(each.isalnum() or each in marks for each in (before, after) if each)
    ):
        raise ConfigurationError(
            f"{place} stands for a whole value, not for a name or a part of one: put spaces or"
            " operators around it."
        )


def _literal(name: str, value: Any) -> str:
    """Return *value* in DataPrime."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"[{', '.join(_literal(name, each) for each in value)}]"
    if isinstance(value, (str, UUID)):
        return f"'{_valid(name, str(value)).translate(_ESCAPES)}'"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, Severity):
        return value.name
    if isinstance(value, datetime.timedelta):
        return _interval(name, value)
    if isinstance(value, (datetime.datetime, datetime.date)):
        return f"@'{times.iso(times.instant(f'params[{name!r}]', value, 0))}'"
    return _number(name, value)


def _lucene_literal(name: str, value: Any) -> str:
    """Return *value* in Lucene, where all but positive numbers are quoted."""
    if isinstance(value, (list, tuple, set, frozenset)) and value:
        return f"({' OR '.join(_lucene_literal(name, each) for each in value)})"
    if isinstance(value, (str, UUID)):
        return f'"{_valid(name, str(value)).translate(_LUCENE_ESCAPES)}"'
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, Severity):
        return str(int(value))
    if isinstance(value, (datetime.datetime, datetime.date)):
        return f'"{times.iso(times.instant(f"params[{name!r}]", value, 0))}"'
    if value is None or isinstance(value, (list, tuple, set, frozenset, datetime.timedelta)):
        raise ConfigurationError(
            f"params[{name!r}] has no literal in Lucene: it takes a string, a number, True, False,"
            f" a datetime, a Severity or a list of at least one of these, not {value!r}."
        )
    number = _number(name, value)
    return number if number[0] != "(" else f'"{number[1:-1]}"'


def _valid(name: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(
            f"params[{name!r}] is not valid text: it contains half a surrogate pair."
        ) from None
    return text


def _number(name: str, value: Any) -> str:
    if not isinstance(value, Real) or not _is_finite(value):
        raise ConfigurationError(
            f"params[{name!r}] takes a string, a finite number, True, False, None, a datetime,"
            f" a timedelta, a Severity or a list of these, not {type(value).__name__}."
        )
    text = str(int(value)) if isinstance(value, Integral) else repr(float(value))
    return f"({text})" if value < 0 or text[0] == "-" else text


def _is_finite(value: Real) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the range of a float
        return False


def _interval(name: str, value: datetime.timedelta) -> str:
    if value < datetime.timedelta(0):
        raise ConfigurationError(f"params[{name!r}] takes a timedelta from 0 on, not {value}.")
    left = (value.days * 86_400 + value.seconds) * 10**6 + value.microseconds
    parts = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        parts.append(f"{count}{unit}" if count else "")
    parts.append(f"{left}us" if left else "")
    return "".join(parts) or "0s"
