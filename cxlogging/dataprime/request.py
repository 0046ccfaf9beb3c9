"""What a direct query asks for, checked against the documented ranges."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigurationError, nearest
from ..wire.option_parsers import shown
from . import times

TIERS = {"frequent": "TIER_FREQUENT_SEARCH", "archive": "TIER_ARCHIVE"}
SYNTAXES = {"dataprime": "QUERY_SYNTAX_DATAPRIME", "lucene": "QUERY_SYNTAX_LUCENE"}
PRESETS = {
    "accuracy": "EXECUTION_PROFILE_PRESET_ACCURACY",
    "performance": "EXECUTION_PROFILE_PRESET_PERFORMANCE",
}
ROW_LIMITS: Mapping[str, int] = {"frequent": 15_000, "archive": 50_000}
SOFT_LIMIT = 2_000
"""Rows that the service returns where no limit is given."""


@dataclass(frozen=True)
class DirectQuery:
    """
    A direct query.

    Attributes:
        query: Its text.
        start: First instant of its window, nanoseconds; None leaves it to the service.
        end: Last instant of its window.
        now: What ``now()`` is in the query.
    """

    query: str
    start: int | None
    end: int | None
    now: int | None
    tier: str
    syntax: str
    limit: int | None
    default_source: str | None
    strict_fields: bool
    preset: str | None

    def within(self, start: int, end: int) -> DirectQuery:
        """Return the same question about another window."""
        return dataclasses.replace(self, start=start, end=end)

    def body(self) -> dict[str, Any]:
        """Return the JSON document that the service takes."""
        metadata: dict[str, Any] = {"tier": TIERS[self.tier], "syntax": SYNTAXES[self.syntax]}
        moments = {"startDate": self.start, "endDate": self.end, "nowDate": self.now}
        metadata |= {name: times.iso(each) for name, each in moments.items() if each is not None}
        if self.limit is not None:
            metadata["limit"] = self.limit
        if self.default_source is not None:
            metadata["defaultSource"] = self.default_source
        if self.strict_fields:
            metadata["strictFieldsValidation"] = True
        document: dict[str, Any] = {"query": self.query, "metadata": metadata}
        if self.preset is not None:
            document["executionProfile"] = {"preset": PRESETS[self.preset]}
        return document


def row_limits(given: object) -> dict[str, int]:
    """Return the largest limit of each tier: those of an account, else the documented ones."""
    if given is not None and not isinstance(given, Mapping):
        raise ConfigurationError(
            f"row_limits takes a dict of tiers, such as {{'frequent': 50_000}}, not {given!r}."
        )
    limits = dict(ROW_LIMITS)
    for tier, limit in (given or {}).items():
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise ConfigurationError(f"row_limits takes whole numbers from 1, not {limit!r}.")
        limits[choice("row_limits", tier, TIERS)] = limit
    return limits


def direct(
    query: object,
    arguments: Mapping[str, Any],
    *,
    clock: int,
    row_limits: Mapping[str, int] = ROW_LIMITS,
) -> DirectQuery:
    """Return the checked query of a call's keyword *arguments*; *clock* is this instant."""
    now = arguments["now"]
    now = None if now is None else times.instant("now", now, clock)
    start, end = window(arguments, clock if now is None else now)
    tier = choice("tier", arguments["tier"], TIERS)
    preset = arguments["preset"]
    if not isinstance(arguments["strict_fields"], bool):
        given = shown(arguments["strict_fields"])
        raise ConfigurationError(f"strict_fields takes True or False, not {given}.")
    return DirectQuery(
        query=query_text(query),
        start=start,
        end=end,
        now=now,
        tier=tier,
        syntax=choice("syntax", arguments["syntax"], SYNTAXES),
        limit=_limit(arguments["limit"], tier, row_limits[tier]),
        default_source=optional_text("default_source", arguments["default_source"]),
        strict_fields=arguments["strict_fields"],
        preset=None if preset is None else choice("preset", preset, PRESETS),
    )


def window(arguments: Mapping[str, Any], now: int) -> tuple[int | None, int | None]:
    """Return a call's window; one that begins and has no end given ends *now*."""
    since, start, end = (arguments.get(name) for name in ("since", "start", "end"))
    if since is not None and start is not None:
        raise ConfigurationError("since and start both say where the window begins: pass one.")
    name = "start" if since is None else "since"
    first = start if since is None else since
    begin = None if first is None else times.instant(name, first, now)
    open_end = None if begin is None else now
    finish = open_end if end is None else times.instant("end", end, now)
    if begin is not None and finish is not None and finish < begin:
        raise ConfigurationError(
            f"the window ends ({times.iso(finish)}) before it begins ({times.iso(begin)})."
        )
    return begin, finish


def query_text(query: object) -> str:
    """Return *query* where it can be one."""
    if not isinstance(query, str):
        raise ConfigurationError(f"query takes a string, not {type(query).__name__}.")
    if not query.strip():
        raise ConfigurationError("query is empty: pass such as 'source logs | limit 10'.")
    try:
        query.encode()
    except UnicodeEncodeError:
        raise ConfigurationError("query holds half a surrogate pair: it is no text.") from None
    return query


def choice(argument: str, value: object, table: Mapping[str, str]) -> str:
    """Return the short name of *value*, which is one of *table*'s names or of the API's own."""
    if isinstance(value, str):
        short = {long: name for name, long in table.items()}.get(value, value.lower())
        if short in table:
            return short
    names = ", ".join(repr(name) for name in table)
    raise ConfigurationError(
        f"{argument} takes one of {names}, not {value!r}.{nearest(str(value), table)}"
    )


def optional_text(argument: str, value: object) -> str | None:
    """Return *value* where it is a text or None."""
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ConfigurationError(f"{argument} takes a text that is not empty, or None.")
    return value


def _limit(value: object, tier: str, maximum: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigurationError(f"limit takes a whole number, not {value!r}.")
    if not 1 <= value <= maximum:
        raise ConfigurationError(
            f"limit takes 1 to {maximum} for tier {tier!r}, not {value}: narrow the window,"
            " pass split_on_limit=True, or submit a background query. Where the account has another"
            " limit, pass row_limits=."
        )
    return value
