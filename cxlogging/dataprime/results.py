"""The result of a query: all of its rows, and what the service said about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from .exports import Exports, column_types, table
from .findings import QueryWarning, Statistics
from .html import html_table
from .rows import Row
from .summary import AnswerSummary


class Findings:
    """What the service said beside the rows."""

    _summary: AnswerSummary

    @property
    def query_id(self) -> str:
        """The service's id of the query; empty before the first line of the answer."""
        return self._summary.query_id

    @property
    def warnings(self) -> tuple[QueryWarning, ...]:
        """The service's warnings so far."""
        return tuple(self._summary.warnings)

    @property
    def statistics(self) -> Statistics | None:
        """What the query cost; known once every row was read."""
        return self._summary.statistics

    @property
    def limits_reached(self) -> tuple[str, ...]:
        """The limits that cut the rows: warnings by type, ``limits.scan`` and such, ``rows``."""
        return self._summary.limits_reached

    @property
    def truncated(self) -> bool:
        """True where a limit was reached, so that there may be more rows than these."""
        return bool(self._summary.limits_reached)


class QueryResult(Findings, Exports, Sequence[Row]):
    """All rows of a query, in the order in which they arrived."""

    def __init__(self, summary: AnswerSummary, rows: list[Row]) -> None:
        self._summary = summary
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        return self.rows[index]

    @property
    def columns(self) -> dict[str, type | None]:
        """The columns of the exports: each keypath and the type of its values; None for nulls."""
        return column_types(table(self.rows))

    def _repr_html_(self) -> str:
        cut = [f"truncated by {', '.join(self.limits_reached)}"] if self.truncated else []
        return html_table(self.rows, cut)

    def __repr__(self) -> str:
        cut = f", truncated by {', '.join(self.limits_reached)}" if self.truncated else ""
        return f"<QueryResult {self.query_id or 'without id'}: {len(self)} rows{cut}>"
