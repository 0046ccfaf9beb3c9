"""
What has arrived: events and the log of requests, in one SQLite file, bounded in bytes.

Reading never waits for writing (https://www.sqlite.org/wal.html): one connection each, with a
lock of its own. One request is one transaction, unless it is very large.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from ..vendors.emulation.types import StoredEvent
from ..vendors.registry import VENDORS
from .schema import (
    INSERT_EVENT,
    INSERT_REQUEST,
    SCHEMA,
    RequestRecord,
    event_dict,
    event_row,
    request_row,
)

MAX_BYTES = 256 * 1024 * 1024
MAX_REQUESTS = 10_000
AT_ONCE = 2_000
"""Events of one transaction."""


class Store:
    """
    Events and requests of all vendors.

    Args:
        path: The database file, kept when the store closes. None: a temporary one, removed.
        max_bytes: Above this the oldest events go. On disk there may be one request more, and
            about 4 MiB of the write-ahead log.
        max_requests: Of the log; the oldest go.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        max_bytes: int = MAX_BYTES,
        max_requests: int = MAX_REQUESTS,
    ) -> None:
        self.max_bytes = max_bytes
        self.max_requests = max_requests
        self._folder = tempfile.mkdtemp(prefix="cxlogging-dev-") if path is None else None
        self.path = Path(self._folder or "", "events.db") if path is None else Path(path)
        self._owner = os.getpid()
        # Also for a process that ends without closing.
        self._remove = weakref.finalize(self, _remove, self._folder, self._owner)
        self._writer, self._writing = _connect(self.path, sync=path is not None), threading.Lock()
        self._writer.executescript(SCHEMA)
        self._reader, self._reading = _connect(self.path, sync=False), threading.Lock()
        self._page_size: int = self._writer.execute("PRAGMA page_size").fetchone()[0]
        self._counts = self._counted()
        self._arrival = threading.Condition()

    def add(self, events: Iterable[StoredEvent], request: RequestRecord | None = None) -> None:
        """
        Keep *events*, and *request* in the log; wake who waits.

        It is one transaction up to `AT_ONCE` events, and several above: what else arrives is kept
        between them.
        """
        rest, last = iter(events), False
        while not last:
            rows = [event_row(event) for event in islice(rest, AT_ONCE)]
            last = len(rows) < AT_ONCE
            self._keep(rows, request if last else None)

    def _keep(self, rows: list[tuple[object, ...]], request: RequestRecord | None) -> None:
        with self._writing:
            with self._writer:
                if rows:
                    self._writer.executemany(INSERT_EVENT, rows)
                if request is not None:
                    self._log(request)
                counts = self._with(rows)
                if rows:
                    counts = self._prune(counts)
            self._publish(counts)

    def _publish(self, counts: dict[str, int]) -> None:
        # Within the lock of the writer: the next one counts on from here.
        with self._arrival:
            self._counts = counts
            self._arrival.notify_all()

    def newest(
        self,
        limit: int = 100,
        *,
        vendor: str | None = None,
        before_id: int | None = None,
        contains: str | None = None,
    ) -> list[dict[str, Any]]:
        """
        The newest events first, in the order of arrival.

        Args:
            limit: At most so many.
            vendor: Of this vendor only.
            before_id: Older than the event of this id.
            contains: In the message or in the JSON of the data; ASCII letters of either case.
        """
        parts, values = _where(vendor, before_id, contains)
        columns, rows = self._read(
            f"SELECT * FROM events{parts} ORDER BY id DESC LIMIT ?",  # noqa: S608 - no values
            (*values, limit),
        )
        return [event_dict(columns, row) for row in rows]

    def oldest(self, vendor: str | None = None, limit: int = -1) -> list[dict[str, Any]]:
        """The events in the order of arrival; all of them by default."""
        parts, values = _where(vendor, None, None)
        columns, rows = self._read(
            f"SELECT * FROM events{parts} ORDER BY id LIMIT ?",  # noqa: S608 - no values
            (*values, limit),
        )
        return [event_dict(columns, row) for row in rows]

    def requests(self, limit: int = 100, *, vendor: str | None = None) -> list[dict[str, Any]]:
        """The newest entries of the log of requests, newest first."""
        parts, values = _where(vendor, None, None)
        columns, rows = self._read(
            f"SELECT * FROM requests{parts} ORDER BY id DESC LIMIT ?",  # noqa: S608 - no values
            (*values, limit),
        )
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def count(self) -> dict[str, int]:
        """How many events of each vendor are kept now."""
        with self._arrival:
            return dict(self._counts)

    def wait(self, enough: Callable[[dict[str, int]], bool], timeout: float) -> bool:
        """True once *enough* holds for the counts, False after *timeout* seconds."""
        with self._arrival:
            return self._arrival.wait_for(lambda: enough(self._counts), timeout)

    def sizes(self) -> dict[str, int]:
        """Events kept, and bytes: `bytes` in use, `file_bytes` on disk, `max_bytes`."""
        files = (self.path, Path(f"{self.path}-wal"))
        on_disk = sum(one.stat().st_size for one in files if one.exists())
        with self._writing:
            used = self._used()
        total = sum(self.count().values())
        return {
            "events": total,
            "bytes": used,
            "file_bytes": on_disk,
            "max_bytes": self.max_bytes,
        }

    def clear(self) -> int:
        """Forget all events and requests; how many events there were."""
        with self._writing:
            with self._writer:
                self._writer.execute("DELETE FROM events")
                self._writer.execute("DELETE FROM requests")
            gone = sum(self._counts.values())
            self._publish(dict.fromkeys(VENDORS, 0))
        return gone

    def close(self) -> None:
        """Close the file; a temporary one is removed, unless this is a forked child."""
        if os.getpid() != self._owner:
            return
        with self._reading, self._writing:
            self._reader.close()
            self._writer.close()
        self._remove()

    def _read(self, sql: str, values: tuple[object, ...]) -> tuple[tuple[str, ...], list[Any]]:
        with self._reading:
            cursor = self._reader.execute(sql, values)
            return tuple(one[0] for one in cursor.description), cursor.fetchall()

    def _log(self, request: RequestRecord) -> None:
        last = self._writer.execute(INSERT_REQUEST, request_row(request)).lastrowid or 0
        if last % 64 == 0 or self.max_requests < 64:
            self._writer.execute("DELETE FROM requests WHERE id <= ?", (last - self.max_requests,))

    def _with(self, rows: list[tuple[object, ...]]) -> dict[str, int]:
        counts = dict(self._counts)
        for row in rows:
            counts[str(row[0])] = counts.get(str(row[0]), 0) + 1
        return counts

    def _used(self) -> int:
        pages: int = self._writer.execute("PRAGMA page_count").fetchone()[0]
        free: int = self._writer.execute("PRAGMA freelist_count").fetchone()[0]
        return (pages - free) * self._page_size

    def _prune(self, counts: dict[str, int]) -> dict[str, int]:
        # A little more than needed goes at once, so that not every request has to prune.
        used = self._used()
        if used <= self.max_bytes:
            return counts
        while used > self.max_bytes * 0.95 and (total := sum(counts.values())) > 1:
            share = (used - self.max_bytes * 0.95) / used
            gone = min(total - 1, max(1, int(total * share) + 1))
            (last,) = self._writer.execute(
                "SELECT id FROM events ORDER BY id LIMIT 1 OFFSET ?", (gone - 1,)
            ).fetchone()
            self._writer.execute("DELETE FROM events WHERE id <= ?", (last,))
            counts, used = self._counted(), self._used()
        return counts

    def _counted(self) -> dict[str, int]:
        rows = self._writer.execute("SELECT vendor, COUNT(*) FROM events GROUP BY vendor")
        return {**dict.fromkeys(VENDORS, 0), **dict(rows.fetchall())}


def _remove(folder: str | None, owner: int) -> None:
    # A forked child runs this too when it ends, and the folder is not its own.
    if folder is not None and os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _connect(path: Path, *, sync: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if sync else 'OFF'}")
    connection.execute("PRAGMA journal_size_limit = 16777216")
    return connection


def _where(
    vendor: str | None, before_id: int | None, contains: str | None
) -> tuple[str, tuple[object, ...]]:
    parts: list[str] = []
    values: list[object] = []
    if vendor is not None:
        parts.append("vendor = ?")
        values.append(vendor)
    if before_id is not None:
        parts.append("id < ?")
        values.append(before_id)
    if contains:
        parts.append(r"(message LIKE ? ESCAPE '\' OR data LIKE ? ESCAPE '\')")
        values += [_pattern(contains)] * 2
    return (f" WHERE {' AND '.join(parts)}" if parts else ""), tuple(values)


def _pattern(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"
