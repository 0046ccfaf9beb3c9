"""Levels and severities as people and programs write them."""

from __future__ import annotations

import logging
import re
from typing import Any

import click
from click.shell_completion import CompletionItem

from ...dataprime import Severity

HEAD_LENGTH = 256
"""Only this many characters of a line are searched for its level and its timestamp."""

LEVELS = {
    "trace": 5,
    "debug": 10,
    "verbose": 15,
    "info": 20,
    "information": 20,
    "notice": 25,
    "warn": 30,
    "warning": 30,
    "error": 40,
    "err": 40,
    "severe": 40,
    "fatal": 50,
    "critical": 50,
    "crit": 50,
    "alert": 50,
    "emerg": 50,
    "emergency": 50,
    "panic": 50,
}
"""Level numbers of `logging` by the words that log files use."""

_NAMES = {5: "TRACE", 10: "DEBUG", 15: "VERBOSE", 20: "INFO", 30: "WARNING", 40: "ERROR"}
_NAMES[50] = "CRITICAL"

SEVERITIES = {1: 10, 2: 15, 3: 20, 4: 30, 5: 40, 6: 50}
"""Level numbers by severity, 1 (debug) to 6 (critical), as fields named ``severity`` hold it."""

PINO = {10: 5, 20: 10, 30: 20, 40: 30, 50: 40, 60: 50}
"""Level numbers by those of pino and bunyan, which a field named ``level`` holds."""

_WORDS = "|".join(sorted(LEVELS, key=len, reverse=True))
_LEVEL = re.compile(
    rf"(?i:(?:level|lvl|severity)[\"']?\s*[=:]\s*[\"']?(?P<named>{_WORDS})\b"
    rf"|[\[<(|]\s*(?P<bracketed>{_WORDS})\s*[\]>)|])"
    rf"|(?<![\w.-])(?P<capitals>{_WORDS.upper()})(?![\w-])"
)


class LevelType(click.ParamType):  # type: ignore[type-arg] # not generic before click 8.3
    """A severity: a common name in any case, a level number of `logging`, or 1 to 6."""

    name = "level"

    def convert(
        self, value: str | Severity, param: click.Parameter | None, ctx: click.Context | None
    ) -> Severity:
        """Return the severity of *value*; a number between two levels means the higher one."""
        if isinstance(value, Severity):
            return value
        word = value.strip().lower()
        number = {"notset": logging.NOTSET, **LEVELS}.get(word)
        if word.isascii() and word.isdigit():
            number = SEVERITIES.get(int(word), int(word))
        if number is None:
            names = ", ".join(each.name for each in Severity)
            self.fail(f"unknown level {value!r}: pass one of {names}, or a number.", param, ctx)
        at_least = (Severity(each) for each, level in SEVERITIES.items() if level >= number)
        return next(at_least, Severity.CRITICAL)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete the names of severities, in capitals if capitals were typed."""
        del ctx, param
        names = [each.name for each in Severity if each.name.startswith(incomplete.upper())]
        return [CompletionItem(each if incomplete.isupper() else each.lower()) for each in names]


def level_of_line(text: str) -> str | None:
    """Return the level named at the head of a line: ``ERROR``, ``[error]`` or ``level=error``."""
    found = _LEVEL.search(text[:HEAD_LENGTH])
    return None if found is None else found[found.lastgroup or 0]


def level_of_value(name: str, value: Any) -> tuple[int, str] | None:
    """
    Return the number and the name of the level in a field, or None if it holds no level.

    Args:
        name: The name of the field, which tells whose numbers it holds.
        value: A word or a number.
    """
    if isinstance(value, str):
        known = LEVELS.get(value.strip().lower())
        if known is not None:
            return known, value.strip().upper()
        value = int(value) if value.strip().isascii() and value.strip().isdigit() else None
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    last = name.rpartition(".")[2].lower()
    table = {"levelno": {n: n for n in range(1, 101)}, "severity": SEVERITIES}.get(last, PINO)
    number = table.get(value)
    return None if number is None else (number, _NAMES.get(number, f"LEVEL {number}"))
