"""The answers of the tools that return no events: refusals, fields, volume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..dataprime import times
from .events import RESERVED
from .source import LogSource, Search
from .text import compact, counted, fitting, joined, quoted, word


def rejected(source: LogSource, limit: int, budget: int) -> str:
    """Return the requests that were refused, each with the rule and the fix."""
    rows = source.rejected(limit)
    if not rows:
        return "No request was rejected."
    blocks = ["\n".join(_refusal(number, row)) for number, row in enumerate(rows, 1)]
    head = f"The newest {counted(len(rows), 'rejected request')}, newest first:"
    return _listed(head, blocks, budget, "pass a smaller limit for the newest alone")


def _refusal(number: int, row: Mapping[str, Any]) -> Iterator[str]:
    moment = times.iso(int(row["time_ns"]))
    status = f"HTTP {row['status']}" if row["status"] else "no answer"
    yield f"{number}) {moment} {row['vendor']} {row['method']} {word(row['path'])}: {status}"
    yield f"  reason {quoted(row['error'], 500)}"
    if rule := row.get("rule"):
        yield f"  rule {quoted(rule['text'], 500)} ({rule['link']})"
        yield f"  fix {quoted(rule['fix'], 500)}"
    if item := row.get("item"):
        yield f"  offending item {quoted(item, 600)}"
    elif answer := row.get("answer"):
        yield f"  answer {quoted(answer, 600)}"


def fields(source: LogSource, search: Search, condition: str, limit: int, budget: int) -> str:
    """Return the keypaths of the events that match."""
    rows = source.fields(search)
    if not rows:
        return f"Found no events {condition}. {source.absence()}"
    blocks = [_field(row) for row in rows[:limit]]
    paths = counted(len(rows), "keypath")
    head = (
        f"{paths} of the newest {source.sample:,} events {condition}; each with the number of"
        " events that have it, its types and examples:"
    )
    missing = max(0, len(rows) - limit)
    rarer = f"({missing:,} rarer keypaths not listed: raise limit)" if missing else ""
    return _listed(head, blocks, budget, "pass query to ask about fewer events", rarer)


def _field(row: Mapping[str, Any]) -> str:
    examples = ", ".join(compact(each, 60) for each in list(row["examples"])[:3])
    path = row["path"] if row["path"].isprintable() else quoted(row["path"])
    return f"{path} {row['count']:,} {'|'.join(row['types'])} {examples}"


def volume(source: LogSource, by: str, since: int | None, condition: str, budget: int) -> str:
    """Return which loggers or lines of code make the most bytes."""
    answer = source.volume(by, since)
    rows: Sequence[Mapping[str, Any]] = answer["rows"]
    if not rows:
        return f"Found no events {condition}. {source.absence()}"
    vendors = {row["vendor"] for row in rows}
    billed = [
        f"{name} bills {text}"
        for name, text in sorted(answer.get("billed", {}).items())
        if name in vendors
    ]
    notes = [*billed, *answer.get("notes", ())]
    head = f"Volume by {by} of events {condition}; events, bytes, share of the vendor's bytes:"
    return _listed("\n".join([*notes, head]), [_volume(row) for row in rows], budget, "pass since")


def _volume(row: Mapping[str, Any]) -> str:
    share = "" if row.get("share") is None else f" {row['share']:.1%}"
    size = "" if row.get("bytes") is None else f" {row['bytes']:,} bytes"
    name, events = quoted(row["name"] or "(none)", 150), counted(row["count"], "event")
    return f"{name} {events}{size}{share} {row['vendor']}"


def _listed(head: str, blocks: Sequence[str], budget: int, advice: str, last: str = "") -> str:
    shown = fitting(blocks, budget - RESERVED - len(head))
    cut = counted(len(blocks) - len(shown), "further line")
    note = f"Cut: {cut} did not fit into this answer; {advice}."
    return joined([head, *shown, last, note if len(shown) < len(blocks) else ""], budget)
