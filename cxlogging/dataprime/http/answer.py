"""
The lines of an answer, without a socket: bytes in, rows and findings out.

A line is a JSON object; those of unknown kinds are passed over. What ends
before its statistics is not whole, and an error line ends the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import (
    PartialResult,
    QueryError,
    QueryFailed,
    QuerySyntaxError,
    QueryTimeout,
    RateLimited,
    is_compilation,
    message_of,
)
from ..findings import (
    COMPILE_WARNING,
    LIMIT_WARNINGS,
    QueryWarning,
    Statistics,
    statistics,
    warning,
)
from ..hints import severity_hints
from ..rows import Row, pairs

LINE_BYTES = 256 * 1024 * 1024
"""No line is longer than this: what has no line ends is no NDJSON."""


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Yield the lines of a body, split at line feeds alone; the last may have none.

    Other separators stand inside of JSON strings.
    """
    pending: list[bytes] = []
    size = 0
    for chunk in chunks:
        first, *more = chunk.split(b"\n")
        pending.append(first)
        size += len(first)
        if size > LINE_BYTES:
            raise PartialResult(f"a line of the answer is longer than {LINE_BYTES} bytes.")
        if more:
            yield b"".join(pending)
            yield from more[:-1]
            pending, size = [more[-1]], len(more[-1])
    yield b"".join(pending)


class Answer:
    """
    What an answer has said so far.

    Args:
        query: The query's text, for a caret below it.
        limit: Rows at which the answer is cut, or None.
        asked: True where it was the caller who set that limit.
        has_statistics: True where a statistics line must end it.

    Attributes:
        ceiling: The documented row limit, where a higher one was asked for: the service may
            have cut the rows there without a word.
        nothing: True until a row came; what aggregates make of no rows is nothing too.
        window: Where the query's window begins and ends, nanoseconds, as far as it was given.
    """

    def __init__(
        self,
        query: str = "",
        limit: int | None = None,
        *,
        asked: bool = False,
        has_statistics: bool = True,
    ) -> None:
        self.query = query
        self.limit = limit
        self.asked = asked
        self.told = False
        self.nothing = True
        self.ceiling: int | None = None
        self.window: tuple[int | None, int | None] = (None, None)
        self.cut: list[str] = []
        self.has_statistics = has_statistics
        self.query_id = ""
        self.count = 0
        self.warnings: list[QueryWarning] = []
        self.statistics: Statistics | None = None

    @property
    def limits_reached(self) -> tuple[str, ...]:
        """The limits that cut this answer, in the service's names; ``rows`` is the row limit."""
        found = [each.kind for each in self.warnings if each.kind in LIMIT_WARNINGS]
        if self.statistics is not None:
            reached = (name for name, each in self.statistics.limits.items() if each.reached)
            found += [f"limits.{name}" for name in reached]
        if self.count == self.ceiling or (self.limit is not None and self.count >= self.limit):
            found.append("rows")
        return tuple(dict.fromkeys([*found, *self.cut]))

    @property
    def unasked_limits(self) -> tuple[str, ...]:
        """Those of `limits_reached` that the caller did not set."""
        asked = self.asked and self.count != self.ceiling
        return tuple(each for each in self.limits_reached if each != "rows" or not asked)

    @property
    def mistakes(self) -> tuple[str, ...]:
        """Why nothing may have been found, in sentences; none where something was."""
        if not self.nothing:
            return ()
        found = [each.message for each in self.warnings if each.kind == COMPILE_WARNING]
        return tuple(dict.fromkeys(filter(None, [*found, *severity_hints(self.query)])))

    def take(self, line: bytes) -> list[Row]:
        """Return the rows of a line, and note what else it says."""
        if not line.strip():
            return []
        document = self._decoded(line)
        if not isinstance(document, dict):
            return []
        try:
            return self._noted(document)
        except (TypeError, AttributeError, KeyError, ValueError):
            raise PartialResult(
                f"a line of the answer has a shape of its own: {_excerpt(line)}",
                query_id=self.query_id,
            ) from None

    def _decoded(self, line: bytes) -> Any:
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise PartialResult(
                f"the answer was cut, or is none: a line is no JSON: {_excerpt(line)}",
                query_id=self.query_id,
            ) from None

    def _noted(self, document: dict[str, Any]) -> list[Row]:
        if document.get("error") is not None:
            raise self._failure(document["error"])
        if "queryId" in document:
            found = document["queryId"]
            self.query_id = str(found["queryId"] if isinstance(found, dict) else found)
        if "warning" in document:
            self.warnings.append(warning(document["warning"]))
        if "statistics" in document:
            self.statistics = statistics(document["statistics"])
        batches: Any = []
        if "result" in document:
            batches = document["result"].get("results") or []
        elif "response" in document:
            batches = document["response"]["results"].get("results") or []
        rows = [
            Row(each.get("userData"), pairs(each.get("metadata")), pairs(each.get("labels")))
            for each in batches
        ]
        if rows and self.nothing:
            self.nothing = self.count + len(rows) == 1 and _is_nothing(rows[0])
        self.count += len(rows)
        return rows

    def _failure(self, error: Any) -> QueryError:
        message = message_of(error) or "the service gives no reason"
        code = error.get("code") if isinstance(error, dict) else None
        if isinstance(code, dict) and "rateLimitReached" in code:
            return RateLimited(message)
        if is_compilation(message):
            return QuerySyntaxError(message, self.query)
        return QueryFailed(f"the query failed: {message}", status="FAILED", query_id=self.query_id)

    def end(self) -> None:
        """Raise unless the answer is whole and the query completed."""
        if not self.has_statistics:
            return
        if self.statistics is None:
            raise PartialResult(
                f"the answer ended after {self.count} rows, before its statistics: it was cut.",
                query_id=self.query_id,
            )
        status = self.statistics.status
        if status == "COMPLETED":
            return
        kind = {"TIMED_OUT": QueryTimeout, "INCOMPLETE": PartialResult}.get(status, QueryFailed)
        raise kind(
            f"the query ended as {status or 'nothing known'} after {self.count} rows.",
            status=status,
            query_id=self.query_id,
        )


def _is_nothing(row: Row) -> bool:
    """Return True for an aggregate of nulls and zeros."""
    return row.is_aggregate and isinstance(row.data, dict) and not any(row.data.values())


def _excerpt(line: bytes) -> str:
    text = line[:120].decode("utf-8", "replace")
    return repr(text + ("..." if len(line) > 120 else ""))
