"""What a query gives: rows as they arrive, or all of them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Generator, Iterator, Sequence
from types import TracebackType
from typing import overload

from .errors import CxQueryWarning, QueryError
from .exports import Exports
from .findings import QueryWarning, Statistics
from .http.answer import Answer
from .rows import Row


class Findings:
    """What the service said beside the rows."""

    _answer: Answer

    @property
    def query_id(self) -> str:
        """The service's name for the query; empty before its first line."""
        return self._answer.query_id

    @property
    def warnings(self) -> tuple[QueryWarning, ...]:
        """The service's warnings so far."""
        return tuple(self._answer.warnings)

    @property
    def statistics(self) -> Statistics | None:
        """What the query cost; known once every row was read."""
        return self._answer.statistics

    @property
    def limits_reached(self) -> tuple[str, ...]:
        """The limits that cut the rows: warnings by type, ``limits.scan`` and such, ``rows``."""
        return self._answer.limits_reached

    @property
    def truncated(self) -> bool:
        """True where a limit was reached, so that there may be more rows than these."""
        return bool(self._answer.limits_reached)


class RowStream(Findings, Exports, Iterator[Row]):
    """Rows as they arrive; closing it, or leaving its ``with``, ends the request."""

    def __init__(self, answer: Answer, rows: Generator[Row, None, None]) -> None:
        self._answer = answer
        self._rows = rows
        self._depth = 3
        self._tells = True

    def untold(self) -> Answer:
        """Return the answer, and leave it to the caller to `tell` of its limits."""
        self._tells = False
        return self._answer

    def __iter__(self) -> RowStream:
        return self

    def __next__(self) -> Row:
        try:
            return next(self._rows)
        except StopIteration:
            if self._tells and not self._answer.told:
                tell(self._answer, self._depth)
            raise

    def close(self) -> None:
        """Stop reading, and let go of the connection."""
        self._rows.close()

    def __enter__(self) -> RowStream:  # noqa: PYI034 - Self is younger than Python 3.10
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class QueryResult(Findings, Exports, Sequence[Row]):
    """All rows of a query, in the order in which they came."""

    def __init__(self, answer: Answer, rows: list[Row]) -> None:
        self._answer = answer
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

    def __repr__(self) -> str:
        cut = f", truncated by {', '.join(self.limits_reached)}" if self.truncated else ""
        return f"<QueryResult {self.query_id or 'without id'}: {len(self)} rows{cut}>"


def tell(answer: Answer, depth: int) -> None:
    """Warn once, *depth* calls up, of a limit that the caller did not set, and of mistakes."""
    answer.told = True
    found = answer.unasked_limits
    if found:
        warnings.warn(
            f"{answer.count} rows, and there may be more: {', '.join(found)} reached. Narrow the"
            " window, pass limit= or split_on_limit=True, or submit a background query.",
            CxQueryWarning,
            stacklevel=depth,
        )
    for sentence in answer.mistakes:
        warnings.warn(f"nothing was found: {sentence}.", CxQueryWarning, stacklevel=depth)


def collected(stream: RowStream) -> QueryResult:
    """Return all rows; an error on the way carries those that were read before it."""
    result = QueryResult(stream._answer, [])  # noqa: SLF001 - they share one answer
    stream._depth = 5  # noqa: SLF001 - the warning names the line that called query()
    try:
        with contextlib.closing(stream):
            result.rows.extend(stream)
    except QueryError as error:
        error.result = result
        raise
    return result
