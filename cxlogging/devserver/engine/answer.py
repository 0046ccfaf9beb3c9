"""
The lines of an answer: query id, batches of rows, warnings, an error if any, statistics.

Follows https://coralogix.com/docs/dataprime/API/direct-archive-query-http/: one JSON object per
line, 64-bit numbers as strings.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .commands.grouping import MAX_GROUPS
from .compile.scope import QueryState
from .errors import QueryEndedError
from .plan import Plan
from .row import QueryRow
from .scan import Scan

BATCH_ROWS = 100
BATCH_CHARACTERS = 256 * 1024
ROW_CHARACTERS = 16 * 1024 * 1024
SCAN_LIMIT = 50_000_000_000
SHUFFLE_LIMIT = 1_000_000_000

T = TypeVar("T")


@dataclass
class EngineAnswer:
    """
    The answer to one query, produced line by line.

    Args:
        plan: The compiled query.
        scan: Reads the store.
        max_rows: Maximum number of rows in the answer.
        warns_at_limit: True where a warning says that *max_rows* was reached, because the request
            did not set that limit itself.
        warnings: Warnings that are known before the query runs.
        unknown: Returns messages about keypaths that no event has, or has with another type, given
            what the query read and whether it found anything.
    """

    plan: Plan
    scan: Scan
    max_rows: int
    warns_at_limit: bool = True
    warnings: Sequence[dict[str, Any]] = ()
    unknown: Callable[[QueryState, bool], Iterable[str]] = lambda *_: ()
    count: int = 0
    status: str = "COMPLETED"
    reason: str = ""
    found: bool = False
    _started: float = field(default_factory=time.perf_counter)

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows as documents, in batches; afterwards `status` says how the query ended."""
        batch: list[dict[str, Any]] = []
        size = 0
        for document in self._documents():
            batch.append(document)
            size += len(document["userData"])
            if len(batch) >= BATCH_ROWS or size >= BATCH_CHARACTERS:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _documents(self) -> Iterator[dict[str, Any]]:
        return self.each(lambda row: _size_checked(row.document()))

    def each(self, made_of: Callable[[QueryRow], T]) -> Iterator[T]:
        """Yield what *made_of* returns for each row; afterwards `status` says how it ended."""
        try:
            rows = self.plan.rows(self.scan)
            for row in rows:
                if self.count == self.max_rows:
                    self._warn_of_limit()
                    break
                self.count += 1
                self.found = self.found or self.count > 1 or not _is_empty_aggregate(row)
                yield made_of(row)
        except QueryEndedError as error:
            self.status, self.reason = "FAILED", str(error)
        except RecursionError:
            self.status, self.reason = "FAILED", "the query, or a value, is nested too deeply"
        except MemoryError:
            raise
        except Exception as error:
            traceback.print_exc(file=sys.__stderr__)
            self.status, self.reason = (
                "FAILED",
                f"internal error of the local engine: {type(error).__name__}",
            )

    def _warn_of_limit(self) -> None:
        if self.warns_at_limit:
            warning = {"numberOfResultsLimitWarning": {"numberOfResultsLimit": self.max_rows}}
            self.warnings = [*self.warnings, warning]

    def final_warnings(self) -> list[dict[str, Any]]:
        """Return all warnings of the query."""
        found = list(self.warnings)
        for sentence in self.plan.shared.warnings:
            kind = "deprecationWarning" if ": deprecated" in sentence else "compileWarning"
            found.append({kind: {"warningMessage": sentence}})
        if self.plan.shared.groups_dropped:
            limit = {"aggregationBucketsLimit": MAX_GROUPS}
            found.append({"aggregationBucketsLimitWarning": limit})
        if not self.reason:
            shared = self.plan.shared
            sentences = [*self.unknown(shared, self.found), *(() if self.found else shared.hints)]
            found += [{"compileWarning": {"warningMessage": each}} for each in sentences]
        return found

    def lines(self, query_id: str) -> Generator[bytes, None, None]:
        """Yield the lines of the answer to a direct query."""
        yield line({"queryId": {"queryId": query_id}})
        for batch in self.batches():
            yield line({"result": {"results": batch}})
        for warning in self.final_warnings():
            yield line({"warning": warning})
        if self.reason:
            yield line({"error": {"message": self.reason}})
        seconds = time.perf_counter() - self._started
        yield line(statistics(self.status, self.count, self.scan.bytes_read, seconds))


def _size_checked(document: dict[str, Any]) -> dict[str, Any]:
    if len(document["userData"]) > ROW_CHARACTERS:
        raise QueryEndedError(
            f"a row of the answer has more than {ROW_CHARACTERS:,} characters;"
            " shorten its strings, or collect fewer values"
        )
    return document


def statistics(status: str, rows: int, bytes_read: int, seconds: float) -> dict[str, Any]:
    """Return the last line of a direct answer: what the query cost."""
    read = str(bytes_read)
    limits = {
        "scan": {"reached": False, "limit": str(SCAN_LIMIT), "measuredValue": read},
        "shuffleSize": {"reached": False, "limit": str(SHUFFLE_LIMIT), "measuredValue": "0"},
        "filesRead": {"reached": False, "measuredValue": "1"},
        "column": {"reached": False},
    }
    store = {"bytesRead": read, "crossRegionBytesRead": "0", "limits": limits}
    content = {
        "status": status,
        "e2eDurationMs": str(round(seconds * 1000)),
        "outputRowCount": str(rows),
        "storage": {"objectStore": store},
    }
    return {"statistics": content}


def _is_empty_aggregate(row: QueryRow) -> bool:
    """Return True for the result of an aggregation over no rows: nulls and zeros."""
    return row.record is None and type(row.data) is dict and not any(row.data.values())


def line(document: dict[str, Any]) -> bytes:
    """Return one line of NDJSON, in ASCII, as an event may contain half a surrogate pair."""
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
