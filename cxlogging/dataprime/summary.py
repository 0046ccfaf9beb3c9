"""What an answer says beside its rows: limits, warnings, statistics and likely mistakes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from .findings import COMPILE_WARNING, RESULTS_WARNING, QueryWarning, Statistics
from .language.hints import severity_hints
from .language.query_text import own_limit
from .language.time_fields import TimeFields, time_fields


@dataclass
class AnswerSummary:
    """
    What an answer has said so far.

    Attributes:
        query: The query's text, for a caret below it.
        limit: Number of rows at which the answer is cut, or None.
        limit_is_explicit: True where the caller set that limit.
        documented_limit: The documented row limit, where the caller asked for more: the service
            may have cut the rows there without saying so.
        has_statistics: True where a statistics line must end the answer.
        window: Start and end of the query's window in nanoseconds, as far as they were given.
        count: Rows so far.
        found_nothing: True until a row came; an aggregate of nulls and zeros counts as nothing.
        limits_of_parts: Limits that cut the parts of a split query.
        warned: True once the caller was warned of limits and mistakes.
    """

    query: str = ""
    limit: int | None = None
    limit_is_explicit: bool = False
    documented_limit: int | None = None
    has_statistics: bool = True
    window: tuple[int | None, int | None] = (None, None)
    query_id: str = ""
    count: int = 0
    found_nothing: bool = True
    warnings: list[QueryWarning] = field(default_factory=list)
    statistics: Statistics | None = None
    limits_of_parts: list[str] = field(default_factory=list)
    warned: bool = False

    @cached_property
    def own_limit(self) -> int | None:
        """The most rows that the query's own ``limit`` or ``top`` returns: they are no fewer."""
        return own_limit(self.query)

    @cached_property
    def time_fields(self) -> TimeFields:
        """Which fields of an aggregate are times."""
        return time_fields(self.query)

    @property
    def limits_reached(self) -> tuple[str, ...]:
        """The limits that cut this answer, in the service's names; ``rows`` is the row limit."""
        is_whole = self.count == self.own_limit
        found = [
            each.limit
            for each in self.warnings
            if each.limit and not (is_whole and each.limit == RESULTS_WARNING)
        ]
        if self.statistics is not None:
            reached = (name for name, each in self.statistics.limits.items() if each.reached)
            found += [f"limits.{name}" for name in reached]
        has_limit = self.limit is not None and self.count >= self.limit
        if not is_whole and (self.count == self.documented_limit or has_limit):
            found.append("rows")
        return tuple(dict.fromkeys([*found, *self.limits_of_parts]))

    @property
    def unrequested_limits(self) -> tuple[str, ...]:
        """Those of `limits_reached` that the caller did not set."""
        requested = self.limit_is_explicit and self.count != self.documented_limit
        return tuple(each for each in self.limits_reached if each != "rows" or not requested)

    @property
    def likely_mistakes(self) -> tuple[str, ...]:
        """Why nothing may have been found, in sentences; empty where something was found."""
        if not self.found_nothing:
            return ()
        found = [each.message for each in self.warnings if each.kind == COMPILE_WARNING]
        return tuple(dict.fromkeys(filter(None, [*found, *severity_hints(self.query)])))
