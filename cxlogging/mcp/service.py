"""The service as a source: its query API, with a key that may query."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ..dataprime import DataPrimeClient, Row, Severity, Tier, times
from ..devserver.event_view import view
from ..devserver.events.fields import used_paths
from ..devserver.events.search_text import DATAPRIME, kind_of, runnable, words
from ..devserver.events.tracebacks import raised_at
from ..vendors.emulation.event_fields import message_of
from ..vendors.registry import QUERIED
from .source import ID_FIELDS, Found, LogEvent, LogSource, Search, ToolError

WINDOW = "1h"
SAMPLE = 500
"""Events whose fields are listed, the newest ones."""

AROUND = 15 * 60 * times.SECOND
"""How far before and after an event the related ones are looked for."""

_HAS_SOURCE = re.compile(r"\s*(source|from)\s")
_LOGGER = ("application", "subsystem", "logger")


class ServiceSource(LogSource):
    """
    The logs of an account.

    Args:
        client: Queries the account.
        name: The name of the service in answers.
        tier: The storage tier to read: ``"frequent"`` or ``"archive"``.
    """

    def __init__(self, client: DataPrimeClient, name: str, tier: Tier = "frequent") -> None:
        self.name = name
        self.window = "in the last hour (pass since for another window)"
        self.sample = SAMPLE
        self._client, self._tier = client, tier

    def search(self, search: Search) -> Found:
        """Return the newest events that match."""
        rows, notes = self._rows(
            _pipeline(search),
            _since(search.since),
            _end(search.before),
            limit=search.limit + 1,
        )
        more, kept = len(rows) > search.limit, rows[: search.limit]
        if any(row.is_aggregate for row in kept):
            return Found(table=[row.to_dict() for row in kept], more=more, notes=notes)
        return Found([_event(row) for row in kept], more, notes=notes)

    def cursor(self, event: LogEvent) -> str:
        """Return what continues a search after *event*: its time."""
        return times.iso(int(event["time"]))

    def event(self, event_id: str) -> LogEvent:
        """Return the whole event with this id."""
        log_id, _, moment = event_id.rpartition("@")
        when = times.parse_service_time(moment)
        if when is None or not log_id:
            raise ToolError(f"id takes the text after # in an answer, not {event_id!r}.")
        query = f"source logs | filter $m.logid == {_literal(log_id)} | limit 1"
        rows, _ = self._rows(query, *_around(when, times.SECOND), limit=1)
        if not rows:
            raise ToolError(f"{self.name} has no event {event_id!r}.")
        return _event(rows[0])

    def related(self, event: LogEvent) -> Mapping[str, Sequence[LogEvent]]:
        """Return by name of an id the events that share it."""
        window = _around(int(event["time"]), AROUND)
        found = {}
        for name in ID_FIELDS:
            if event[name]:
                query = f"source logs | wildfind {_literal(event[name])} | orderby $m.timestamp asc"
                rows, _ = self._rows(query, *window, limit=50)
                found[name] = [each for each in map(_event, rows) if each[name] == event[name]]
        return found

    def rejected(self, limit: int) -> NoReturn:
        """Raise: the service keeps nothing of what it refused."""
        del limit
        raise ToolError(
            f"{self.name} does not say what it refused. `cxlogging spool rejected` prints what"
            " handlers have kept; the local server shows each refusal with its rule."
        )

    def fields(self, search: Search) -> Sequence[Mapping[str, Any]]:
        """Return the keypaths of the newest events that match."""
        rows, _ = self._rows(_pipeline(search), _since(search.since), limit=SAMPLE)
        return used_paths((_data(row), row.labels) for row in rows if not row.is_aggregate)

    def volume(self, by: str, since: int | None) -> Mapping[str, Any]:
        """Return how many events each logger sent; in the archive, how many bytes too."""
        if by != "logger":
            raise ToolError(f"{self.name} counts by logger alone; the local server has {by} too.")
        whole = self._tier == "archive"
        query = (
            "source logs | groupby $l.applicationname as application,"
            " $l.subsystemname as subsystem, $l.category as logger aggregate count() as count"
            + (", sum(objectSize($d)) as bytes | orderby bytes" if whole else " | orderby count")
            + " desc"
        )
        rows, notes = self._rows(query, _since(since), limit=50)
        counted = [row.data for row in rows if isinstance(row.data, dict)]
        named = [
            {
                "name": "/".join(str(each.get(name) or "-") for name in _LOGGER),
                "vendor": QUERIED.name,
                "count": each["count"],
                "bytes": each.get("bytes"),
            }
            for each in counted
        ]
        unknown = "Bytes are not known here: with --tier archive they are."
        return {"rows": named, "notes": notes if whole else [*notes, unknown]}

    def absence(self) -> str:
        """Return why a search may have found nothing."""
        return "There may be older events: pass since, such as 1d."

    def _rows(
        self, query: str, since: str, end: str | None = None, *, limit: int
    ) -> tuple[list[Row], list[str]]:
        stream = self._client.stream(
            query, since=since, end=end, tier=self._tier, limit=limit, timeout=60.0
        )
        summary = stream.suppress_warnings()
        with stream:
            rows = list(stream)
        notes = [str(each) for each in stream.warnings]
        if summary.unrequested_limits:
            notes.append(f"events may be missing: {', '.join(summary.unrequested_limits)} reached")
        return rows, [*dict.fromkeys([*notes, *summary.likely_mistakes])]


def _pipeline(search: Search) -> str:
    is_query = kind_of(search.query) == DATAPRIME
    if is_query:
        query = runnable(search.query).text
        steps = [query] if _HAS_SOURCE.match(query) else ["source logs", query]
    else:
        steps = ["source logs", *(f"wildfind {_literal(each)}" for each in words(search.query))]
    if search.severity > 1:
        wanted = (each.name for each in Severity if each >= search.severity)
        steps.append("filter " + " || ".join(f"$m.severity == {name}" for name in wanted))
    if not is_query:
        steps.append("orderby $m.timestamp desc")
    return " | ".join(steps)


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _since(since: int | None) -> str:
    return WINDOW if since is None else times.iso(since)


def _end(before: str) -> str | None:
    return times.iso(times.instant("before", before, time.time_ns())) if before else None


def _around(moment: int, distance: int) -> tuple[str, str]:
    return times.iso(moment - distance), times.iso(moment + distance)


def _data(row: Row) -> dict[str, Any]:
    return row.data if isinstance(row.data, dict) else {"text": row.data}


def _event(row: Row) -> LogEvent:
    data = _data(row)
    when, severity = row.timestamp_ns or 0, row.severity or Severity.INFO
    message = message_of(data)
    labels = row.labels
    source = {"category": labels.get("category"), "methodName": labels.get("methodname")}
    seen = view({"vendor": QUERIED.name, "message": message, "data": data, "source": source})
    return {
        "id": f"{row.metadata.get('logid', '')}@{times.iso(when)}",
        "vendor": QUERIED.name,
        "time": str(when),
        "severity": int(severity),
        "level": severity.name.lower(),
        "application": labels.get("applicationname", ""),
        "subsystem": labels.get("subsystemname", ""),
        "message": message,
        "data": data,
        "raised_at": raised_at(seen.traces) if seen.exception else "",
        **{name: getattr(seen, name) for name in seen.__dataclass_fields__},
    }
