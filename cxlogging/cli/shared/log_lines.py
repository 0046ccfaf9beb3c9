"""
A log as text: time, severity, source, logger, message, and the fields that the application added.

Texts of several lines, such as exceptions, are printed below. The fields that a handler adds to
every event (file, thread, process and so on) are left out unless all are wanted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...dataprime import Row, Severity
from ...dataprime.times import iso
from ...vendors.emulation.event_fields import logger_of
from ...vendors.registry import QUERIED, VENDORS
from .screen import painted, safe, symbol
from .tracebacks import styled

MESSAGE_NAMES = ("message", "body", "msg", "event", "text", "log")
TRACE_NAMES = ("exception", "exception.stacktrace", "stack_info")
"""Fields with stack traces, which are printed first and without their name."""

MAX_LINES = 24
HEAD, TAIL = 8, 12
"""How many lines of a longer text are shown, from its beginning and from its end."""

STYLES: Mapping[Severity | None, tuple[str, ...]] = {
    Severity.DEBUG: ("dim",),
    Severity.VERBOSE: ("dim",),
    Severity.INFO: ("green",),
    Severity.WARNING: ("yellow",),
    Severity.ERROR: ("red",),
    Severity.CRITICAL: ("red", "bold"),
}


@dataclass(frozen=True)
class LogLine:
    """
    A log as people read it. The texts are as they were sent; `text` escapes them.

    Attributes:
        time: When it was logged.
        level: The name of its level; a ``-`` is printed where it is empty.
        severity: Decides about the colour of the level.
        source: Where it came from.
        logger: The name of the logger.
        message: The message, of one or more lines.
        fields: Further fields.
        traces: Exceptions and stacks.
    """

    time: str
    level: str
    severity: Severity | None
    source: str
    logger: str
    message: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    traces: Iterable[str] = ()

    def text(self, *, coloured: bool, full: bool = False, width: int | None = None) -> str:
        """
        Return the text; further lines begin with a mark, so that they do not look like new logs.

        Args:
            coloured: Use colours.
            full: Show every line of long texts.
            width: Cut longer lines, and say how much is missing; None for whole lines.
        """
        paint = painted if coloured else _plain
        first, *others = self.message.split("\n")
        fields, long_texts = _split_long(self.fields)
        listed = " ".join(f"{safe(name)}={_field_text(value)}" for name, value in fields.items())
        parts = [
            paint(self.time, "dim"),
            paint(f"{safe(self.level) or '-':<8}", *STYLES.get(self.severity, ())),
            paint(safe(self.source), "cyan"),
            paint(safe(self.logger), "dim"),
            safe(_cut(first.rstrip("\r"), width)),
            paint(_cut(listed, width), "dim"),
        ]
        blocks = [others, *map(_lines, self.traces)]
        blocks += [[f"{name}:", *_lines(long_text)] for name, long_text in long_texts.items()]
        below = (
            paint(safe_line(_cut(line, width)), *styles)
            for block in blocks
            for line, styles in styled(block if full else folded(block))
        )
        return "\n".join(["  ".join(filter(None, parts)), *(f"    | {line}" for line in below)])


def line_of(row: Row, *, coloured: bool, full: bool = False) -> str:
    """
    Return *row* as text.

    Args:
        row: A log.
        coloured: Use colours.
        full: Show all fields, those of the application first, and every line of long texts.
    """
    message, rest = _parts(row.data)
    traces = tuple(_exceptions(rest))
    chosen = _without_own(row, rest)
    severity = row.severity
    return LogLine(
        time=_moment(row),
        level=severity.name if severity else "",
        severity=severity,
        source=_source(row),
        logger=logger_of(rest, row.labels.get("category")),
        message=message,
        fields={**{name: rest[name] for name in chosen}, **rest} if full else chosen,
        traces=traces,
    ).text(coloured=coloured, full=full)


def folded(lines: list[str]) -> list[str]:
    """Return *lines*; of many lines, the first and last ones and how many are left out."""
    if len(lines) <= MAX_LINES:
        return lines
    left_out = len(lines) - HEAD - TAIL
    return [*lines[:HEAD], f"{symbol('…', '...')} {left_out} more lines", *lines[-TAIL:]]


def safe_line(line: str) -> str:
    """Return a line with its tabs expanded and control characters escaped."""
    return safe(line.rstrip("\r").replace("\t", "    "))


def _plain(text: str, *styles: str) -> str:
    del styles
    return text


def _lines(text: str) -> list[str]:
    return text.strip("\n").split("\n")


def _cut(text: str, width: int | None) -> str:
    if width is None or len(text) <= width:
        return text
    return f"{text[:width]}{symbol('…', '...')} {len(text) - width:,} more characters"


def _moment(row: Row) -> str:
    at = row.timestamp_ns
    if at is None:
        return ""
    return f"{iso(at)[:19].replace('T', ' ')}.{at // 1_000_000 % 1_000:03}Z"


def _source(row: Row) -> str:
    names = [row.labels.get(each) for each in ("vendor", "applicationname", "subsystemname")]
    return "/".join(dict.fromkeys(str(name) for name in names if name))


def _parts(data: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(data, dict):
        return (data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)), {}
    name = next((each for each in MESSAGE_NAMES if isinstance(data.get(each), str)), None)
    rest = {key: value for key, value in data.items() if key != name}
    return ("" if name is None else str(data[name]).rstrip("\n")), rest


def _exceptions(rest: dict[str, Any]) -> Iterator[str]:
    """Remove exceptions and stacks from *rest*, and yield the text of each."""
    for name in TRACE_NAMES:
        held = rest.get(name)
        text = held.get("stacktrace") if isinstance(held, dict) else held
        if isinstance(text, str):
            yield text
        elif isinstance(held, dict) and isinstance(held.get("type"), str):
            yield f"{held['type']}: {held.get('message', '')}"
        else:
            continue
        del rest[name]


def _without_own(row: Row, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that the application added."""
    profile = VENDORS.get(str(row.labels.get("vendor")), QUERIED).profile
    own = profile.handler_fields
    kept = {name: value for name, value in fields.items() if name not in own}
    context = fields.get("context")
    if "context" in own and isinstance(context, dict):
        more = {name: value for name, value in context.items() if name not in profile.own_context}
        kept |= {"context": more} if more else {}
    return kept


def _split_long(
    fields: Mapping[str, Any], prefix: str = ""
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return *fields* without texts of several lines, and those texts by their keypaths."""
    short: dict[str, Any] = {}
    long: dict[str, str] = {}
    for name, value in fields.items():
        if isinstance(value, str) and "\n" in value.strip("\n"):
            long[f"{prefix}{name}"] = value
        elif isinstance(value, dict):
            inner, deeper = _split_long(value, f"{prefix}{name}.")
            long |= deeper
            if inner or not deeper:
                short[name] = inner
        else:
            short[name] = value
    return short, long


def _field_text(value: Any) -> str:
    if isinstance(value, str) and value and " " not in value and '"' not in value:
        return safe(value)
    return safe(json.dumps(value, ensure_ascii=False, default=str))
