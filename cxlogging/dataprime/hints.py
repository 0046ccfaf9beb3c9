"""Mistakes in a query that the service answers with no rows instead of an error."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .rows import Severity

_COMPARED = re.compile(
    r"(?:\$m|\$metadata)\.severity\s*(?:==|!=|<=?|>=?)\s*(?P<after>[A-Za-z]+)\b(?![.(\[])"
    r"|(?<![\w.$'\"])(?P<before>[A-Za-z]+)\s*(?:==|!=|<=?|>=?)\s*(?:\$m|\$metadata)\.severity\b"
)
ALIASES = {"WARN": "WARNING", "ERR": "ERROR", "FATAL": "CRITICAL", "TRACE": "VERBOSE"}
"""Names of levels elsewhere, and the severity that is meant."""


def severity_hints(query: str) -> Iterator[str]:
    """
    Yield a sentence for each severity that is not written as the language wants it.

    An answer shows ``Error``, but ``$m.severity == Error`` compares with a field of that name.
    """
    for found in _COMPARED.finditer(query):
        word = found["after"] or found["before"]
        meant = ALIASES.get(word.upper(), word.upper())
        if word != meant and meant in Severity.__members__:
            yield f"severities are written in capitals: {meant}, not {word}"
