"""Events as text, and the answers of the tools that return events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..dataprime import times
from .source import ID_FIELDS, Found, LogEvent, LogSource, Search, ToolError
from .text import block, compact, counted, fitting, joined, quoted, slice_of, word

RESERVED = 500
"""Characters of an answer for its first and its last line."""

TITLES = ("application", "subsystem")


def search_logs(source: LogSource, search: Search, condition: str, budget: int) -> str:
    """Return the events that match, or the table of an aggregating query."""
    found = source.search(search)
    if found.table is not None:
        return _table(found, found.table, budget)
    if not found.events:
        return joined([f"Found no events {condition}. {source.absence()}", *found.notes], budget)
    shown = fitting([brief(each) for each in found.events], budget - RESERVED)
    count = len(shown)
    of_all = counted(count if found.total is None else found.total, "event")
    events = of_all if found.total is None else f"{count:,} of {of_all}"
    head = f"{events} {condition}, newest first:"
    return joined(
        [head, *shown, *_notes(found), *_continuation(source, found, count)],
        budget,
    )


def _continuation(source: LogSource, found: Found, count: int) -> Iterator[str]:
    missing = len(found.events) - count
    if missing:
        yield f"Cut: {counted(missing, 'further event')} did not fit into this answer."
    if missing or found.more:
        before = source.cursor(found.events[count - 1])
        yield f'Older events: the same search with before="{before}".'


def _notes(found: Found) -> Iterator[str]:
    return (f"Note: {quoted(each, 500)}" for each in found.notes)


def _table(found: Found, table: Sequence[Mapping[str, Any]], budget: int) -> str:
    shown = fitting([compact(row, 1_000) for row in table], budget - RESERVED)
    cut = len(shown) < len(table) or found.more
    last = "Cut: there are more rows. Add `| limit` or a filter to the query." if cut else ""
    return joined([f"{counted(len(shown), 'row')}:", *shown, *_notes(found), last], budget)


def brief(event: LogEvent) -> str:
    """Return an event in a few lines."""
    lines = [f"{heading(event)} {quoted(event['message'])}"]
    if event["exception"]:
        lines.append(f"  exception {quoted(event['exception'])}")
    fields = _fields(event)
    details = [*_ids(event), *([f"fields {compact(fields)}"] if fields else [])]
    return "\n".join([*lines, f"  {' '.join(details)}"] if details else lines)


def heading(event: LogEvent) -> str:
    """Return id, time, level, application, logger and vendor of an event."""
    application = "/".join(word(event[name]) for name in TITLES if event[name])
    names = {"app": application, "logger": word(event["logger"]) if event["logger"] else ""}
    parts = [f"{name}={held}" for name, held in names.items() if held]
    level = word((event["level"] or "no level").upper())
    moment = times.iso(int(event["time"]))
    return " ".join([f"#{event['id']}", moment, level, *parts, f"via={event['vendor']}"])


def _ids(event: LogEvent) -> Iterator[str]:
    return (f"{name}={word(event[name])}" for name in ID_FIELDS if event[name])


def _fields(event: LogEvent) -> Mapping[str, Any]:
    """Return the fields of an event, without those that are shown as its ids."""
    return {name: held for name, held in event["fields"].items() if name not in ID_FIELDS}


def get_event(source: LogSource, event_id: str, part: str, offset: int, budget: int) -> str:
    """Return one event: the most important of everything, or one part whole."""
    event = source.event(event_id)
    if part == "summary":
        return joined(_summary(event, budget), budget)
    text = _PARTS[part](event)
    if not text:
        raise ToolError(f"event {event_id} has no {part}.")
    if offset >= len(text):
        raise ToolError(f"offset takes 0 to {len(text) - 1}, where the {part} ends.")
    shown, end = slice_of(text, offset, budget - RESERVED)
    rest = f" Cut: continue with offset={end}." if end < len(text) else ""
    head = f"{part} of #{event['id']}, characters {offset:,} to {end:,} of {len(text):,}.{rest}"
    return joined([head, shown], budget)


def _summary(event: LogEvent, budget: int) -> Sequence[str]:
    """Return the lines of a summary; tracebacks get the room that the others leave."""
    lines = [heading(event), *_message(event, budget // 5)]
    if event["call_site"]:
        lines.append(f"logged at {quoted(event['call_site'])}")
    if ids := " ".join(_ids(event)):
        lines.append(f'{ids} (related_events(id="{event["id"]}") has the events that share them)')
    if fields := _fields(event):
        lines.append(f"fields {compact(fields, budget // 5)}")
    lines += [f"warning {quoted(str(each))}" for each in event.get("warnings") or ()]
    if request := event.get("request"):
        events = counted(request["events"], "event")
        lines.append(f"sent with request {request['id']} of {events}: HTTP {request['status']}")
    traces = event["traces"]
    room = budget - RESERVED - sum(len(each) + 1 for each in lines)
    return [*lines, *(f"traceback:\n{block(each, room // len(traces))}" for each in traces)]


def _message(event: LogEvent, limit: int) -> Iterator[str]:
    message = event["message"]
    if "\n" in message.strip() and len(message) <= limit:
        yield f"message:\n{block(message, limit)}"
    else:
        yield f"message {quoted(message, limit)}"
    if len(message) > limit:
        yield f'  cut: get_event(id="{event["id"]}", part="message") has all of it'


def _all_traces(event: LogEvent) -> str:
    return "\n\n".join(event["traces"])


def _data(event: LogEvent) -> str:
    return compact(event["data"], 2**31)


def _wire(event: LogEvent) -> str:
    wire = event.get("wire") or {}
    return wire.get("json") or wire.get("hex") or ""


_PARTS = {
    "message": lambda event: event["message"],
    "traceback": _all_traces,
    "data": _data,
    "wire": _wire,
}
PARTS = ("summary", *_PARTS)


def related_events(source: LogSource, event_id: str, budget: int) -> str:
    """Return the events of the same trace, request or task, oldest first."""
    event = source.event(event_id)
    groups: dict[tuple[Any, ...], tuple[list[str], list[LogEvent]]] = {}
    for name, related in source.related(event).items():
        by_id: dict[Any, LogEvent] = {each["id"]: each for each in (*related, event)}
        rows = sorted(by_id.values(), key=lambda each: (int(each["time"]), each["id"]))
        # The events of a request are often those of its trace: they are shown once.
        names, _ = groups.setdefault(tuple(each["id"] for each in rows), ([], rows))
        names.append(f"{name}={word(event[name])}")
    found = [(names, rows) for names, rows in groups.values() if len(rows) > 1]
    if not found:
        ids = " ".join(_ids(event)) or "it has no trace_id, request_id or task_id"
        return f"No other event belongs to #{event['id']}: {ids}."
    parts: list[str] = []
    for names, rows in found:
        parts.append(f"{len(rows)} events with {' '.join(names)}, oldest first:")
        blocks = [_marked(each, event) for each in rows]
        at = next(place for place, each in enumerate(rows) if each["id"] == event["id"])
        parts += _around(blocks, at, (budget - RESERVED) // len(found))
    return joined(parts, budget)


def _marked(each: LogEvent, event: LogEvent) -> str:
    return f"{'> ' if each['id'] == event['id'] else ''}{brief(each)}"


def _around(blocks: Sequence[str], at: int, budget: int) -> Iterator[str]:
    """Yield the blocks around the one at *at* that fit, and how many are missing."""
    start, end, left = at, at + 1, budget - len(blocks[at])
    while start > 0 or end < len(blocks):
        candidates = [n for n in (start - 1, end) if 0 <= n < len(blocks)]
        best = min(candidates, key=lambda n: abs(n - at))
        left -= len(blocks[best]) + 1
        if left < 0:
            break
        start, end = min(start, best), max(end, best + 1)
    if start:
        yield f"({counted(start, 'earlier event')} did not fit into this answer)"
    yield from blocks[start:end]
    if end < len(blocks):
        yield f"({counted(len(blocks) - end, 'later event')} did not fit into this answer)"
