"""Mistakes in a query for which the service returns no rows instead of an error."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..rows import Severity

_COMPARISON = re.compile(
    r"(?:\$m|\$metadata)\.severity\s*(?:==|!=|<=?|>=?)\s*"
    r"(?P<after>[A-Za-z]+\b(?![.(\[])|'[^']*'|\"[^\"]*\"|\d+)"
    r"|(?<![\w.$'\"])(?P<before>[A-Za-z]+|'[^']*'|\"[^\"]*\"|\d+)"
    r"\s*(?:==|!=|<=?|>=?)\s*(?:\$m|\$metadata)\.severity\b"
)
ALIASES = {"WARN": "WARNING", "ERR": "ERROR", "FATAL": "CRITICAL", "TRACE": "VERBOSE"}
"""Other common names of levels, and the severity that is meant."""


def severity_hints(query: str) -> Iterator[str]:
    """
    Yield a sentence for each severity that is not written as the language requires.

    An answer shows ``Error``, but ``$m.severity == Error`` compares with a field of that name,
    and no severity equals a string or a number.
    """
    for found in _COMPARISON.finditer(query):
        written = found["after"] or found["before"]
        meant = _severity(written.strip("'\""))
        if meant is not None and written != meant:
            yield f"severities are bare words in capitals: write {meant}, not {written}"


def _severity(word: str) -> str | None:
    if word.isdecimal():
        return next((each.name for each in Severity if each == int(word)), None)
    name = ALIASES.get(word.upper(), word.upper())
    return name if name in Severity.__members__ else None
