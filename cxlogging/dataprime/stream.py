"""Rows as they arrive, and the warning at their end where some may be missing."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Generator, Iterator

from .errors import CxQueryWarning, QueryError
from .exports import Exports
from .results import Findings, QueryResult
from .rows import Row
from .summary import AnswerSummary


class RowStream(Findings, Exports, Iterator[Row]):
    """Rows as they arrive; closing it, or leaving its ``with``, ends the request."""

    def __init__(self, summary: AnswerSummary, rows: Generator[Row, None, None]) -> None:
        self._summary = summary
        self._rows = rows
        self._warning_depth = 3
        self._warns = True

    def suppress_warnings(self) -> AnswerSummary:
        """Return the summary; the caller now decides whether to call `warn_truncated`."""
        self._warns = False
        return self._summary

    def collect(self) -> QueryResult:
        """Return all rows; an error on the way carries those that were read before it."""
        result = QueryResult(self._summary, [])
        self._warning_depth = 5  # the warning names the line that called query()
        try:
            with contextlib.closing(self):
                result.rows.extend(self)
        except QueryError as error:
            error.result = result
            raise
        return result

    def __iter__(self) -> RowStream:
        return self

    def __next__(self) -> Row:
        try:
            return next(self._rows)
        except StopIteration:
            if self._warns and not self._summary.warned:
                warn_truncated(self._summary, self._warning_depth)
            raise

    def close(self) -> None:
        """Stop reading, and release the connection."""
        self._rows.close()

    def __enter__(self) -> RowStream:  # noqa: PYI034 - Self is younger than Python 3.10
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def warn_truncated(summary: AnswerSummary, depth: int) -> None:
    """
    Warn once of limits that the caller did not set, of likely mistakes in the query, and of
    everything else that the service warns of.

    Args:
        summary: What the answer said.
        depth: Number of calls between this function and the line that the warning names.
    """
    summary.warned = True
    found = summary.unrequested_limits
    if found:
        said = dict.fromkeys(each.message for each in summary.warnings if each.limit)
        words = "".join(f" The service says: {text}." for text in said if text)
        warnings.warn(
            f"{summary.count} rows, and there may be more: {', '.join(found)} reached.{words}"
            " Narrow the window, pass limit= or split_on_limit=True, or submit a background query.",
            CxQueryWarning,
            stacklevel=depth,
        )
    mistakes = summary.likely_mistakes
    others = (each for each in summary.warnings if not each.limit and each.message not in mistakes)
    for text in dict.fromkeys(map(str, others)):
        warnings.warn(f"the service warns: {text}", CxQueryWarning, stacklevel=depth)
    for sentence in mistakes:
        warnings.warn(f"nothing was found: {sentence}.", CxQueryWarning, stacklevel=depth)
