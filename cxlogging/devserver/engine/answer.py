"""
The lines of an answer: query id, rows in batches, warnings, an error perhaps, statistics.

Follows https://coralogix.com/docs/dataprime/API/direct-archive-query-http/: one JSON object a line,
64-bit numbers as strings.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .commands.grouping import MAX_GROUPS
from .errors import QueryEndedError
from .plan import Plan
from .row import QueryRow
from .scan import Scan
from .syntax.nodes import KeyPath

BATCH_ROWS = 100
BATCH_CHARACTERS = 256 * 1024
ROW_CHARACTERS = 16 * 1024 * 1024
SCAN_LIMIT = 50_000_000_000
SHUFFLE_LIMIT = 1_000_000_000


@dataclass
class EngineAnswer:
    """
    One answer, a line at a time.

    Args:
        plan: What runs.
        scan: Reads the store.
        most_rows: No more rows go out.
        tells: True where a warning tells that *most_rows* cut it: the limit was not asked for.
        warnings: Known before.
        unknown: Gives sentences about keypaths that no event has, asked where nothing was found.
    """

    plan: Plan
    scan: Scan
    most_rows: int
    tells: bool = True
    warnings: Sequence[dict[str, Any]] = ()
    unknown: Callable[[Iterable[KeyPath]], Iterable[str]] = lambda _: ()
    count: int = 0
    status: str = "COMPLETED"
    reason: str = ""
    found: bool = False
    _began: float = field(default_factory=time.perf_counter)

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """The rows as documents, in batches; afterwards `status` says how it ended."""
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
        try:
            rows = self.plan.rows(self.scan)
            for row in rows:
                if self.count == self.most_rows:
                    self._cut()
                    break
                self.count += 1
                self.found = self.found or self.count > 1 or not _is_nothing(row)
                yield _bounded(row.document())
        except QueryEndedError as error:
            self.status, self.reason = "FAILED", str(error)
        except RecursionError:
            self.status, self.reason = "FAILED", "the query, or a value, is nested too deeply"
        except MemoryError:
            raise
        except Exception as error:
            traceback.print_exc(file=sys.__stderr__)
            self.status, self.reason = "FAILED", f"the local engine failed: {type(error).__name__}"

    def _cut(self) -> None:
        if self.tells:
            warning = {"numberOfResultsLimitWarning": {"numberOfResultsLimit": self.most_rows}}
            self.warnings = [*self.warnings, warning]

    def final_warnings(self) -> list[dict[str, Any]]:
        """The warnings of the whole run."""
        found = list(self.warnings)
        if self.plan.shared.buckets:
            limit = {"aggregationBucketsLimit": MAX_GROUPS}
            found.append({"aggregationBucketsLimitWarning": limit})
        if not (self.found or self.reason):
            shared = self.plan.shared
            sentences = [*self.unknown(shared.paths.values()), *shared.hints]
            found += [{"compileWarning": {"warningMessage": each}} for each in sentences]
        return found

    def lines(self, query_id: str) -> Generator[bytes, None, None]:
        """The answer to a direct query."""
        yield line({"queryId": {"queryId": query_id}})
        for batch in self.batches():
            yield line({"result": {"results": batch}})
        for warning in self.final_warnings():
            yield line({"warning": warning})
        if self.reason:
            yield line({"error": {"message": self.reason}})
        seconds = time.perf_counter() - self._began
        yield line(statistics(self.status, self.count, self.scan.bytes_read, seconds))


def _bounded(document: dict[str, Any]) -> dict[str, Any]:
    if len(document["userData"]) > ROW_CHARACTERS:
        raise QueryEndedError(
            f"a row of the answer has more than {ROW_CHARACTERS:,} characters;"
            " shorten its texts, or collect fewer values"
        )
    return document


def statistics(status: str, rows: int, bytes_read: int, seconds: float) -> dict[str, Any]:
    """The last line of a direct answer: what the run cost."""
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


def _is_nothing(row: QueryRow) -> bool:
    """True for what an aggregation makes of no rows: nulls and zeros."""
    return row.record is None and type(row.data) is dict and not any(row.data.values())


def line(document: dict[str, Any]) -> bytes:
    """One line of NDJSON; ASCII, so that half a surrogate pair in an event breaks nothing."""
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
