"""A direct query: its arguments checked against the documented ranges, and its request body."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ...errors import ConfigurationError
from .. import times
from ..language.parameters import with_parameters
from ..language.query_text import needs_window
from .arguments import boolean, choice, optional_text, query_text, window

Tier: TypeAlias = Literal["frequent", "archive", "TIER_FREQUENT_SEARCH", "TIER_ARCHIVE"]
Syntax: TypeAlias = Literal["dataprime", "lucene", "QUERY_SYNTAX_DATAPRIME", "QUERY_SYNTAX_LUCENE"]
Preset: TypeAlias = Literal[
    "accuracy",
    "performance",
    "EXECUTION_PROFILE_PRESET_ACCURACY",
    "EXECUTION_PROFILE_PRESET_PERFORMANCE",
]
"""Short names, and those of the API."""

TIERS = {"frequent": "TIER_FREQUENT_SEARCH", "archive": "TIER_ARCHIVE"}
SYNTAXES = {"dataprime": "QUERY_SYNTAX_DATAPRIME", "lucene": "QUERY_SYNTAX_LUCENE"}
PRESETS = {
    "accuracy": "EXECUTION_PROFILE_PRESET_ACCURACY",
    "performance": "EXECUTION_PROFILE_PRESET_PERFORMANCE",
}
ROW_LIMITS: Mapping[str, int] = {"frequent": 15_000, "archive": 50_000}
DEFAULT_LIMIT = 2_000
"""Rows that the service returns where no limit is given."""


@dataclass(frozen=True)
class DirectQuery:
    """
    A direct query.

    Attributes:
        query: Its text.
        start: First instant of its window in nanoseconds; None leaves it to the service.
        end: Last instant of its window in nanoseconds.
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
        """Return the same query for another window."""
        return dataclasses.replace(self, start=start, end=end)

    def body(self) -> dict[str, Any]:
        """Return the JSON document of the request."""
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
    """Return the largest limit of each tier: the account's own, else the documented one."""
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


def direct_query(
    query: object,
    arguments: Mapping[str, Any],
    *,
    clock: int,
    row_limits: Mapping[str, int] = ROW_LIMITS,
) -> DirectQuery:
    """Return the checked query for a call's keyword *arguments*; *clock* is the current time."""
    now = arguments["now"]
    now = None if now is None else times.instant("now", now, clock)
    start, end = window(arguments, clock if now is None else now)
    tier = choice("tier", arguments["tier"], TIERS)
    preset = arguments["preset"]
    syntax = choice("syntax", arguments["syntax"], SYNTAXES)
    text = query_text(with_parameters(query, arguments.get("params"), syntax))
    if start is None and syntax == "dataprime" and needs_window(text):
        raise ConfigurationError(
            "the query reads $p.timeRange, the window of the request: pass since=, or start= and"
            " end=."
        )
    return DirectQuery(
        query=text,
        start=start,
        end=end,
        now=now,
        tier=tier,
        syntax=syntax,
        limit=_limit(arguments["limit"], tier, row_limits[tier]),
        default_source=optional_text("default_source", arguments["default_source"]),
        strict_fields=boolean("strict_fields", arguments["strict_fields"]),
        preset=None if preset is None else choice("preset", preset, PRESETS),
    )


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
