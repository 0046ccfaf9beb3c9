"""Errors grouped by the type of their exception and the place where it was raised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..dataprime import times
from ..devserver.events.groups import pattern_of
from .events import RESERVED, heading
from .source import LogEvent, LogSource, Search
from .text import block, counted, fitting, joined, quoted

SCANNED = 1_000
"""Errors that are grouped, the newest ones."""


@dataclass
class ErrorGroup:
    """
    Errors of one kind.

    Attributes:
        kind: The type of the exception, or the message where there is none.
        newest: The newest of them.
        events: How many there are.
        first: The time of the oldest one, in nanoseconds.
    """

    kind: str
    newest: LogEvent
    events: int = 0
    first: int = 0


def recent_errors(
    source: LogSource, search: Search, condition: str, limit: int, budget: int
) -> str:
    """Return the kinds of errors, each with its newest traceback."""
    found = source.search(search)
    if not found.events:
        return joined([f"Found no errors {condition}. {source.absence()}", *found.notes], budget)
    groups = _grouped(found.events)
    events = counted(len(found.events), "event")
    scanned = f"the newest {events}" if found.more else events
    head = f"{counted(len(groups), 'kind')} of error in {scanned} {condition}, newest first:"
    kept = groups[:limit]
    room = (budget - RESERVED) // len(kept)
    blocks = [_shown(source, number, each, room) for number, each in enumerate(kept, 1)]
    shown = fitting(blocks, budget - RESERVED)
    missing = len(groups) - len(shown)
    hint = f"Cut: {counted(missing, 'older kind')} not shown; raise limit, or pass query."
    last = hint if missing else ""
    return joined([head, *_copies(found.events), *shown, last], budget)


def _copies(events: Sequence[LogEvent]) -> Iterator[str]:
    vendors = sorted({str(each["vendor"]) for each in events})
    if len(vendors) > 1:
        named = ", ".join(vendors)
        yield f"Note: a record that was sent to several of {named} is counted once for each."


def _grouped(events: Sequence[LogEvent]) -> list[ErrorGroup]:
    groups: dict[tuple[str, ...], ErrorGroup] = {}
    for event in events:
        kind, _, _ = event["exception"].partition(":")
        said = pattern_of(event["exception"] or event["message"])
        # Without a traceback, errors are of one kind where they say the same.
        place = event["raised_at"]
        key = (kind, place) if place else (kind, said, event["logger"])
        group = groups.setdefault(key, ErrorGroup(kind or f"no exception: {said}", event))
        group.events += 1
        group.first = int(event["time"])
    return list(groups.values())


def _shown(source: LogSource, number: int, group: ErrorGroup, room: int) -> str:
    lines = list(_lines(number, group))
    newest = group.newest
    if newest["exception"] and "traces" not in newest:
        newest = source.event(str(newest["id"]))
    traces = newest.get("traces", ())
    room -= sum(map(len, lines))
    return "\n".join([*lines, *(block(each, max(300, room)) for each in traces[:1])])


def _lines(number: int, group: ErrorGroup) -> Iterator[str]:
    newest = group.newest
    place = f" at {quoted(newest['raised_at'])}" if newest["raised_at"] else ""
    yield f"{number}) {quoted(group.kind, 150)}{place}"
    last = times.iso(int(newest["time"]))
    period = last if group.events == 1 else f"{times.iso(group.first)} to {last}"
    yield f"{counted(group.events, 'time')}, {period}; the newest:"
    yield f"{heading(newest)} {quoted(newest['message'])}"
    if newest["exception"]:
        yield f"exception {quoted(newest['exception'], 500)}"
