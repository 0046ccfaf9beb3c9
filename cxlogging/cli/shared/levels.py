"""`--level`: a severity as people and programs name it."""

from __future__ import annotations

import logging

import click
from click.shell_completion import CompletionItem

from ...dataprime import Severity
from ..send.times import LEVELS, SEVERITIES


class Level(click.ParamType):  # type: ignore[type-arg] # generic since click 8.3 alone
    """A severity: by any usual name in any case, or by the number of `logging` or of Coralogix."""

    name = "level"

    def convert(
        self, value: str | Severity, param: click.Parameter | None, ctx: click.Context | None
    ) -> Severity:
        """Return the severity of *value*; a number between two levels is the higher one."""
        if isinstance(value, Severity):
            return value
        word = value.strip().lower()
        number = {"notset": logging.NOTSET, **LEVELS}.get(word)
        if word.isascii() and word.isdigit():
            number = SEVERITIES.get(int(word), int(word))
        if number is None:
            names = ", ".join(each.name for each in Severity)
            self.fail(f"unknown level {value!r}: pass one of {names}, or a number.", param, ctx)
        above = (Severity(each) for each, level in SEVERITIES.items() if level >= number)
        return next(above, Severity.CRITICAL)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete the names of severities."""
        del ctx, param
        names = (each.name for each in Severity)
        upper = incomplete.isupper()
        return [
            CompletionItem(name if upper else name.lower())
            for name in names
            if name.startswith(incomplete.upper())
        ]
