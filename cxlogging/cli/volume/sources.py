"""Where volume is measured: the local server, the processes that report to it, the service."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ...dataprime import DataPrimeClient, times
from ...vendors.registry import QUERIED
from ..shared.local_api import call
from .measurement import Measurement, SiteVolume

SIZES = {"archive": "objectSize($d)", "frequent": "byteLength($d.message)"}
"""The bytes of an event, by tier: only the archive knows the size of a whole event."""

LOWER_BOUND = (
    "The frequent tier knows the bytes of messages alone, without the other fields: these numbers"
    " are lower bounds."
)
SENDER = {
    "application": "$l.applicationname",
    "subsystem": "$l.subsystemname",
}
SITE = {
    "logger": "$d.logger",
    "file": "$d.file",
    "line": "$d.line",
    "function": "$l.methodname",
    "level": "$d.level",
}
"""Where events of our handler have their call site."""

ADVICE = "Start one: cxlogging dev. Or ask the service: --since 1d"


def stored(origin: str, since: str | None, end: str | None) -> Measurement:
    """Return the volume of the events that the local server has stored; of processes if none."""
    now = time.time_ns()
    window = {"from": ("--since", since), "to": ("--to", end)}
    bounds = {
        name: times.instant(option, text, now)
        for name, (option, text) in window.items()
        if text is not None
    }
    parameters = {"by": "call_site", **{name: str(bound) for name, bound in bounds.items()}}
    found = call(origin, "/api/volume", parameters=parameters, advice=ADVICE)
    if found.get("reported"):
        sentence = "No event is stored at the local server: these are counts of processes."
        return reported(origin)._replace(caveats=(sentence,))
    first = bounds.get("from", int(found["from"] or 0))
    last = min(bounds.get("to", now), now) if "from" in bounds else int(found["to"] or 0)
    rows = [
        SiteVolume({"vendor": row["vendor"]}, *_site(row), row["count"], row["bytes"],
                   row["share"], row["held_back"])
        for row in found["rows"]
    ]  # fmt: skip
    seconds = (last - first) / 1e9
    return Measurement(
        f"Events stored by the local server at {origin}",
        rows,
        found["count"],
        found["bytes"],
        seconds if seconds > 0 else None,
    )


def reported(origin: str) -> Measurement:
    """Return the volume that processes have counted themselves, and report to the local server."""
    reports = call(origin, "/api/reports", advice=ADVICE)["reports"]
    sites = [
        ({"vendor": handler["vendor"], "process": report["process"],
          "destination": handler["name"]}, site)
        for report in reports
        for handler in report["handlers"]
        for site in handler.get("volume", ())
    ]  # fmt: skip
    totals: dict[str, int] = {}
    for sender, site in sites:
        totals[sender["destination"]] = totals.get(sender["destination"], 0) + site["bytes"]
    rows = [
        SiteVolume(sender, *_site(site), site["events"], site["bytes"],
                   site["bytes"] / (totals[sender["destination"]] or 1), site["held_back"])
        for sender, site in sites
    ]  # fmt: skip
    rows.sort(key=lambda row: (row.bytes, row.held_back), reverse=True)
    return Measurement(
        f"Counted by the processes that report to the local server at {origin}, since they began",
        rows,
        sum(row.events for row in rows),
        sum(row.bytes for row in rows),
        None,
    )


def queried(
    client: DataPrimeClient, tier: str, since: str, end: str | None, top: int
) -> Measurement:
    """Return the volume of the events at the service, by two queries."""
    size = SIZES[tier]
    window = {"since": since, "end": end, "tier": tier}
    keys = ", ".join(f"{path} as {name}" for name, path in {**SENDER, **SITE}.items())
    counts = f"aggregate count() as events, sum({size}) as bytes"
    sums, _, _ = _rows(client, f"source logs | {counts}", window)
    whole = sums[0] if sums else {}
    found, limits, warnings = _rows(
        client, f"source logs | groupby {keys} {counts} | orderby bytes desc | limit {top}", window
    )
    total = whole.get("bytes") or 0
    rows = [
        SiteVolume({"vendor": QUERIED.name, **{name: _text(row.get(name)) for name in SENDER}},
                   *_site(row), int(row["events"]), int(row.get("bytes") or 0),
                   (row.get("bytes") or 0) / total if total else 0.0)
        for row in found
    ]  # fmt: skip
    now = time.time_ns()
    last = now if end is None else times.instant("--to", end, now)
    seconds = (last - times.instant("--since", since, now)) / 1e9
    return Measurement(
        f"Events of the {tier} tier since {since}",
        rows,
        int(whole.get("events") or 0),
        int(total),
        seconds if seconds > 0 else None,
        (*((LOWER_BOUND,) if tier == "frequent" else ()), *warnings),
        is_partial=bool(limits),
    )


def _rows(
    client: DataPrimeClient, query: str, window: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], tuple[str, ...], list[str]]:
    """Return the rows of a query, the limits that cut them, and warnings."""
    with client.stream(query, **window) as stream:
        answer = stream.suppress_warnings()
        rows = [row.to_dict() for row in stream]
        return rows, answer.unrequested_limits, [f"warning: {each}" for each in stream.warnings]


def _site(row: Mapping[str, Any]) -> tuple[str, str, int, str, str]:
    """Return logger, file, line, function and level of a row."""
    line = row.get("line")
    return (
        _text(row.get("logger")),
        _text(row.get("file")),
        int(line) if isinstance(line, (int, float)) else 0,
        _text(row.get("function")),
        _text(row.get("level")),
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)
