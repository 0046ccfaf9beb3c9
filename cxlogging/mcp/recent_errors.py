"""Errors grouped by the type of their exception and the place where it was raised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..dataprime import times
from ..devserver.events.groups import pattern_of
from ..devserver.events.tracebacks import parts_of
from .events import RESERVED, heading
from .source import LogEvent, LogSource, Search
from .text import block, counted, fitting, joined, quoted

SCANNED = 1_000
"""Errors that are grouped, the newest ones."""

LOOKED_AT = 40
"""Kinds of errors whose newest event is read whole, to find where it was raised."""


@dataclass
class ErrorGroup:
    """
    Errors of one kind.

    Attributes:
        kind: The type of the exception, or the message where there is none.
        newest: The newest of them.
        events: How many there are.
        first: The time of the oldest one, in nanoseconds.
        place: Where the exception was raised; empty where that is not known.
    """

    kind: str
    newest: LogEvent
    events: int
    first: int
    place: str = ""


def recent_errors(
    source: LogSource, search: Search, condition: str, limit: int, budget: int
) -> str:
    """Return the kinds of errors, each with its newest traceback."""
    found = source.search(search)
    if not found.events:
        return joined([f"Found no errors {condition}. {source.absence()}", *found.notes], budget)
    groups = _by_place(source, _by_text(found.events))
    events = counted(len(found.events), "event")
    scanned = f"the newest {events}" if found.more else events
    head = f"{counted(len(groups), 'kind')} of error in {scanned} {condition}, newest first:"
    kept = groups[:limit]
    room = (budget - RESERVED) // len(kept)
    shown = fitting(
        [_shown(number, each, room) for number, each in enumerate(kept, 1)], budget - RESERVED
    )
    missing = len(groups) - len(shown)
    hint = f"Cut: {counted(missing, 'older kind')} not shown; raise limit, or pass query."
    last = hint if missing else ""
    return joined([head, *_copies(found.events), *shown, last], budget)


def _copies(events: Sequence[LogEvent]) -> Iterator[str]:
    vendors = sorted({str(each["vendor"]) for each in events})
    if len(vendors) > 1:
        named = ", ".join(vendors)
        yield f"Note: a record that was sent to several of {named} is counted once for each."


def _by_text(events: Sequence[LogEvent]) -> list[ErrorGroup]:
    groups: dict[tuple[str, ...], ErrorGroup] = {}
    for event in events:
        kind = _kind(event)
        key = (kind, pattern_of(event["exception"] or event["message"]), event["logger"])
        group = groups.setdefault(key, ErrorGroup(kind, event, 0, 0))
        group.events += 1
        group.first = int(event["time"])
    return list(groups.values())


def _by_place(source: LogSource, groups: Sequence[ErrorGroup]) -> list[ErrorGroup]:
    """Read the newest event of each group, and join groups of one type and place."""
    joined_groups: dict[object, ErrorGroup] = {}
    for number, group in enumerate(groups):
        if number < LOOKED_AT and group.newest["exception"]:
            group.newest = source.event(str(group.newest["id"]))
            group.place = _place(group.newest["traces"])
        key: object = (group.kind, group.place) if group.place else number
        other = joined_groups.setdefault(key, group)
        if other is not group:
            other.events += group.events
            other.first = min(other.first, group.first)
    return list(joined_groups.values())


def _kind(event: LogEvent) -> str:
    name, _, _ = event["exception"].partition(":")
    return name or f"no exception: {pattern_of(event['message'])}"


def _place(traces: Sequence[str]) -> str:
    """Return the last frame of the application in the first traceback, else its last frame."""
    parts = parts_of(traces[0]) if traces else []
    frames = [each for each in parts if each["kind"] == "frame"]
    own = [each for each in frames if not each["library"]]
    for frame in (own or frames)[-1:]:
        return f"{frame['file']}:{frame['line']} in {frame['function']}"
    return ""


def _shown(number: int, group: ErrorGroup, room: int) -> str:
    newest = group.newest
    lines = list(_lines(number, group))
    traces = newest.get("traces") or ()
    room -= sum(map(len, lines))
    return "\n".join([*lines, *(block(each, max(300, room)) for each in traces[:1])])


def _lines(number: int, group: ErrorGroup) -> Iterator[str]:
    newest = group.newest
    place = f" at {quoted(group.place)}" if group.place else ""
    yield f"{number}) {quoted(group.kind, 150)}{place}"
    last = times.iso(int(newest["time"]))
    period = last if group.events == 1 else f"{times.iso(group.first)} to {last}"
    yield f"{counted(group.events, 'time')}, {period}; the newest:"
    yield f"{heading(newest)} {quoted(newest['message'])}"
    if newest["exception"]:
        yield f"exception {quoted(newest['exception'], 500)}"
