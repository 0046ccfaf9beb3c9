"""
The store: events and the request log in one SQLite file of limited size.

Readers never wait for writers (https://www.sqlite.org/wal.html): there is one connection for each,
with its own lock. A request is one transaction, unless it is very large.
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
from .requestlog import log
from .schema import (
    EVENT_COLUMNS,
    INSERT_EVENT,
    RequestRecord,
    event_dict,
    event_row,
    prepare,
)

MAX_BYTES = 256 * 1024 * 1024
MAX_REQUESTS = 10_000
CLEARED = ("all", "events", "requests")
"""What can be removed: events and the request log, or one of them."""

TRANSACTION_EVENTS = 2_000
"""Maximum number of events of one transaction."""

_EVENT = ", ".join(("id", *EVENT_COLUMNS))


class Store:
    """
    Events and requests of all vendors.

    Args:
        path: The database file, which is kept when the store closes; None for a temporary one,
            which is removed.
        max_bytes: Maximum size; above it the oldest events are removed. The file may be larger by
            one request and about 4 MiB of the write-ahead log.
        max_requests: Maximum length of the request log; the oldest entries are removed.

    Attributes:
        identity: A random text that tells this store from others; a file keeps it.
        last_event: The id of the newest event that ever came; ids are never used again.
        last_request: The id of the newest request.
        cleared_until: Events up to this id were removed by `clear`.
        requests_cleared_until: The same of requests.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        max_bytes: int = MAX_BYTES,
        max_requests: int = MAX_REQUESTS,
    ) -> None:
        self.max_bytes = max_bytes
        self._log = log.RequestLog(max_requests)
        self._folder = tempfile.mkdtemp(prefix="cxlogging-dev-") if path is None else None
        self.path = Path(self._folder or "", "events.db") if path is None else Path(path)
        self._owner = os.getpid()
        # Removes the file even where the process exits without closing the store.
        self._remove = weakref.finalize(self, _remove, self._folder, self._owner)
        self._writer, self._writing = _connect(self.path, sync=path is not None), threading.Lock()
        prepare(self._writer)
        self._reader, self._reading = _connect(self.path, sync=False), threading.Lock()
        self._page_size: int = self._writer.execute("PRAGMA page_size").fetchone()[0]
        (self.identity,) = self._writer.execute("SELECT value FROM identity").fetchone()
        self.last_event, self.last_request = map(self._last_id, ("events", "requests"))
        self.cleared_until = self.requests_cleared_until = 0
        self._counts = self._counted()
        self._arrival = threading.Condition()

    def add(self, events: Iterable[StoredEvent], request: RequestRecord | None = None) -> None:
        """
        Store *events*, and *request* in the log, and wake the threads that `wait`.

        Up to `TRANSACTION_EVENTS` events are one transaction; more are several, so that other
        requests are stored in between.
        """
        rest = iter(events)
        rows = [event_row(event) for event in islice(rest, TRANSACTION_EVENTS)]
        number = self._insert(rows, request)
        while rows := [event_row(event) for event in islice(rest, TRANSACTION_EVENTS)]:
            self._insert(rows, number)

    def _insert(
        self, rows: list[tuple[object, ...]], request: RequestRecord | int | None
    ) -> int | None:
        """Store events of *request*, which is new or the id of one in the log; return its id."""
        with self._writing:
            with self._writer:
                number = (
                    self._log.add(self._writer, request)
                    if isinstance(request, RequestRecord)
                    else request
                )
                self._writer.executemany(INSERT_EVENT, ((*row, number) for row in rows))
                counts = self._prune(self._with(rows))
            self._publish(counts)
        return number

    def _publish(self, counts: dict[str, int]) -> None:
        # Called with the writer's lock held: the next writer continues from these counts.
        last_event, last_request = map(self._last_id, ("events", "requests"))
        with self._arrival:
            self._counts = counts
            self.last_event, self.last_request = last_event, last_request
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
        Return the newest events, in reverse order of arrival.

        Args:
            limit: Maximum number of events.
            vendor: Only events of this vendor.
            before_id: Only events older than the one with this id.
            contains: Only events whose message or JSON data contains this text; the case of ASCII
                letters is ignored.
        """
        parts, values = _where(vendor, before_id, contains)
        columns, rows = self._read(
            f"SELECT {_EVENT} FROM events{parts} ORDER BY id DESC LIMIT ?",  # noqa: S608 - no values
            (*values, limit),
        )
        return [event_dict(columns, row) for row in rows]

    def oldest(self, vendor: str | None = None, limit: int = -1) -> list[dict[str, Any]]:
        """Return events in the order of arrival; all of them by default."""
        parts, values = _where(vendor, None, None)
        columns, rows = self._read(
            f"SELECT {_EVENT} FROM events{parts} ORDER BY id LIMIT ?",  # noqa: S608 - no values
            (*values, limit),
        )
        return [event_dict(columns, row) for row in rows]

    def since(self, last_id: int, limit: int) -> list[dict[str, Any]]:
        """Return at most *limit* events that came after the one with the id *last_id*, in order."""
        columns, rows = self._read(
            f"SELECT {_EVENT} FROM events WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608 - no values
            (last_id, limit),
        )
        return [event_dict(columns, row) for row in rows]

    def requests(self, limit: int = 100, *, vendor: str | None = None) -> list[dict[str, Any]]:
        """Return the newest entries of the request log, newest first."""
        parts, values = _where(vendor, None, None)
        columns, rows = self._read(
            f"{log.SELECT}{parts} ORDER BY id DESC LIMIT ?", (*values, limit)
        )
        return [log.request_dict(columns, row) for row in rows]

    def request(self, number: int) -> dict[str, Any] | None:
        """Return one entry of the request log, with its `body` as bytes or None."""
        columns, rows = self._read(f"{log.SELECT} WHERE id = ?", (number,))
        if not rows:
            return None
        _, bodies = self._read("SELECT body FROM requests WHERE id = ?", (number,))
        return {**log.request_dict(columns, rows[0]), "body": bodies[0][0] if bodies else None}

    def rejected(self, limit: int = 100, *, vendor: str | None = None) -> list[dict[str, Any]]:
        """Return the newest requests of which a rule refused something, newest first."""
        parts, values = _where(vendor, None, None)
        where = f"{parts} AND {log.REJECTED}" if parts else f" WHERE {log.REJECTED}"
        columns, rows = self._read(
            f"{log.SELECT}{where} ORDER BY id DESC LIMIT ?", (*values, limit)
        )
        return [log.rejected_dict(columns, row) for row in rows]

    def count(self) -> dict[str, int]:
        """Return the current number of events of each vendor."""
        with self._arrival:
            return dict(self._counts)

    def count_requests(self) -> dict[str, int]:
        """Return the number of requests in the log, of the vendors that have any."""
        _, rows = self._read("SELECT vendor, COUNT(*) FROM requests GROUP BY vendor", ())
        return dict(rows)

    def wait(self, enough: Callable[[dict[str, int]], bool], timeout: float) -> bool:
        """Return True once *enough* is true of the counts, False after *timeout* seconds."""
        with self._arrival:
            return self._arrival.wait_for(lambda: enough(self._counts), timeout)

    def sizes(self) -> dict[str, int]:
        """Return the number of `events`, `bytes` in use, `file_bytes` on disk, and `max_bytes`."""
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

    def clear(self, what: str = "all") -> dict[str, int]:
        """
        Remove *what*, one of `CLEARED`.

        Returns:
            How many `events` and `requests` there were.
        """
        gone = {"events": 0, "requests": 0}
        with self._writing:
            counts = self._counts
            with self._writer:
                if what in ("all", "events"):
                    self._writer.execute("DELETE FROM events")
                    gone["events"] = sum(self._counts.values())
                    counts = dict.fromkeys(VENDORS, 0)
                if what in ("all", "requests"):
                    gone["requests"] = self._log.clear(self._writer)
            if what != "requests":
                self.cleared_until = self.last_event
            if what != "events":
                self.requests_cleared_until = self.last_request
            self._publish(counts)
        return gone

    def close(self) -> None:
        """Close the file, and remove a temporary one; does nothing in a forked child."""
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

    def _last_id(self, table: str) -> int:
        sql = "SELECT seq FROM sqlite_sequence WHERE name = ?"
        row = self._writer.execute(sql, (table,)).fetchone()
        return int(row[0]) if row else 0

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
        # Removes a little more than needed, so that not every request has to prune.
        used = self._used()
        if used <= self.max_bytes:
            return counts
        self._log.drop_bodies(self._writer, int(used - self.max_bytes * 0.95))
        used = self._used()
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
    # A forked child runs this too when it exits, but the folder belongs to its parent.
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
