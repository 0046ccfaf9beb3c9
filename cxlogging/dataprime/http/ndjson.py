"""
The lines of an answer: bytes in, rows and findings out.

Each line is a JSON object; lines of unknown kinds are ignored. An answer that ends
before its statistics is incomplete, and an error line ends the answer.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..errors import (
    PartialResult,
    QueryError,
    QueryFailed,
    QuerySyntaxError,
    QueryTimeout,
    RateLimited,
    is_compile_error,
    message_of,
)
from ..findings import statistics, warning
from ..rows import Row, pairs
from ..summary import AnswerSummary
from .transport import HttpClient, StreamedResponse

LINE_BYTES = 256 * 1024 * 1024
"""Longest line: a body without line ends is not NDJSON."""


def read_rows(
    client: HttpClient, response: StreamedResponse, summary: AnswerSummary
) -> Generator[Row, None, None]:
    """Yield the rows of *response* as they arrive, then close it; no error shows the key."""
    try:
        for line in split_lines(_chunks(response, summary)):
            known = len(summary.warnings)
            yield from parse_line(line, summary)
            for at in range(known, len(summary.warnings)):
                found = summary.warnings[at]
                summary.warnings[at] = replace(found, message=client.masked(found.message))
    except QueryError as error:
        error.args = tuple(client.masked(str(each)) for each in error.args)
        error.query_id = error.query_id or summary.query_id
        raise
    finally:
        response.close()


def _chunks(response: StreamedResponse, summary: AnswerSummary) -> Iterator[bytes]:
    try:
        yield from response.chunks()
    except QueryFailed:
        # Statistics end an answer: what happens to the connection after them does not matter.
        if not (summary.has_statistics and summary.statistics):
            raise


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Yield the lines of a body, split at line feeds alone; the last one may lack its line feed.

    JSON strings may contain the other line separators.
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


def parse_line(line: bytes, summary: AnswerSummary) -> list[Row]:
    """Return the rows of a line; *summary* gets what else it says."""
    if not line.strip():
        return []
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise PartialResult(
            f"the answer was cut, or is not NDJSON: a line is not JSON: {_excerpt(line)}",
            query_id=summary.query_id,
        ) from None
    if not isinstance(document, dict):
        return []
    try:
        return _parsed(document, summary)
    except (TypeError, AttributeError, KeyError, ValueError):
        raise PartialResult(
            f"a line of the answer has an unexpected shape: {_excerpt(line)}",
            query_id=summary.query_id,
        ) from None


def _parsed(document: dict[str, Any], summary: AnswerSummary) -> list[Row]:
    if document.get("error") is not None:
        raise _failure(document["error"], summary)
    if "queryId" in document:
        found = document["queryId"]
        summary.query_id = str(found["queryId"] if isinstance(found, dict) else found)
    if "warning" in document:
        summary.warnings.append(warning(document["warning"]))
    if "statistics" in document:
        summary.statistics = statistics(document["statistics"])
    batch: Any = []
    if "result" in document:
        batch = document["result"].get("results") or []
    elif "response" in document:
        batch = document["response"]["results"].get("results") or []
    rows = [
        Row(
            each.get("userData"),
            pairs(each.get("metadata")),
            pairs(each.get("labels")),
            time_fields=summary.time_fields,
        )
        for each in batch
    ]
    if rows and summary.found_nothing:
        is_only_row = summary.count + len(rows) == 1
        summary.found_nothing = is_only_row and _is_empty_aggregate(rows[0])
    summary.count += len(rows)
    return rows


def _failure(error: Any, summary: AnswerSummary) -> QueryError:
    message = message_of(error) or "the service gives no reason"
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, dict) and "rateLimitReached" in code:
        return RateLimited(message)
    if is_compile_error(message):
        return QuerySyntaxError(message, summary.query)
    return QueryFailed(f"the query failed: {message}", status="FAILED", query_id=summary.query_id)


def check_complete(summary: AnswerSummary) -> None:
    """Raise unless the answer is complete and the query succeeded."""
    if not summary.has_statistics:
        return
    if summary.statistics is None:
        raise PartialResult(
            f"the answer ended after {summary.count} rows, before its statistics: it was cut.",
            query_id=summary.query_id,
        )
    status = summary.statistics.status
    if status == "COMPLETED":
        return
    kind = {"TIMED_OUT": QueryTimeout, "INCOMPLETE": PartialResult}.get(status, QueryFailed)
    raise kind(
        f"the query ended with status {status or 'unknown'} after {summary.count} rows.",
        status=status,
        query_id=summary.query_id,
    )


def _is_empty_aggregate(row: Row) -> bool:
    """Return True for an aggregate of nulls and zeros."""
    return row.is_aggregate and isinstance(row.data, dict) and not any(row.data.values())


def _excerpt(line: bytes) -> str:
    text = line[:120].decode("utf-8", "replace")
    return repr(text + ("..." if len(line) > 120 else ""))
