"""
Encodes an event within the vendor's size limit, whatever it holds.

If an event cannot be encoded, the offending values are replaced. If it is too
large, its longest texts are truncated first, and it is marked with its original
size. No event is lost, and none exceeds the limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .codec import scrub
from .event import Event, SyntheticOrigin
from .external_errors import is_external
from .sanitizing.truncation import cut, cut_characters, cut_middle, unused

Build = Callable[[Event], bytes]

SMALLEST_TEXT = 256
KEPT_FIELDS = 50
ERROR = 40
"""`logging.ERROR`; this layer does not import `logging`."""


def encode(build: Build, event: Event, limit: int) -> bytes:
    """Return *event* encoded by *build*, truncated to at most *limit* bytes."""
    try:
        data = build(event)
    except BaseException as error:
        if is_external(error):
            raise
        event, data = _sanitized(build, event)
    return data if len(data) <= limit else _truncated(build, event, data, limit)


def _truncated(build: Build, event: Event, data: bytes, limit: int) -> bytes:
    size = len(data) + _cut_before(event)
    marks = {"cx_truncated": True, "cx_original_size": size}
    keep = limit // 2
    while keep >= SMALLEST_TEXT:
        data = build(_cut_texts(event, keep, marks))
        if len(data) <= limit:
            return data
        keep //= 2
    first = dict(list(event.fields.items())[:KEPT_FIELDS])
    few = {name: cut(str(value), SMALLEST_TEXT) for name, value in first.items()}
    data = build(_cut_texts(event.replace(fields=few), SMALLEST_TEXT, marks))
    return data if len(data) <= limit else build(_minimal(event, marks))


def _sanitized(build: Build, event: Event) -> tuple[Event, bytes]:
    """Return an event that can be encoded, as close to *event* as possible, and its bytes."""
    try:
        repaired = _repaired(event)
        return repaired, build(repaired)
    except BaseException as error:
        if is_external(error):
            raise
        minimal = _minimal(event, {"cx_error": f"<not encodable: {type(error).__name__}>"})
        return minimal, build(minimal)


def _repaired(event: Event) -> Event:
    """Return *event* with lone surrogates replaced, and values of the right types in its origin."""
    origin = event.origin
    return event.replace(
        level=_level(event.level),
        level_name=scrub(str(event.level_name)) if isinstance(event.level, int) else "ERROR",
        message=scrub(event.message),
        fields=_each_text(event.fields, scrub),
        error=_each_text(event.error, scrub),
        stack=_each_text(event.stack, scrub),
        task=_each_text(event.task, scrub),
        origin=SyntheticOrigin(
            name=scrub(str(origin.name)),
            pathname=scrub(str(origin.pathname)),
            filename=scrub(str(origin.filename)),
            module=scrub(str(origin.module)),
            lineno=origin.lineno if isinstance(origin.lineno, int) else 0,
            funcName=None if origin.funcName is None else scrub(str(origin.funcName)),
            thread=origin.thread if isinstance(origin.thread, int) else None,
            threadName=None if origin.threadName is None else scrub(str(origin.threadName)),
            process=origin.process if isinstance(origin.process, int) else None,
            processName=None if origin.processName is None else scrub(str(origin.processName)),
        ),
    )


def _minimal(event: Event, marks: dict[str, Any]) -> Event:
    """Return an event with only the time, the level and the start of the message."""
    message = cut(scrub(event.message), SMALLEST_TEXT)
    level = _level(event.level)
    return Event(event.time_ns, level, "ERROR", message, dict(marks), SyntheticOrigin())


def _level(level: Any) -> int:
    """Return *level* if it is a number, else `ERROR`."""
    return level if isinstance(level, int) else ERROR


def _cut_texts(event: Event, keep: int, marks: dict[str, Any]) -> Event:
    def shorter(text: str) -> str:
        return cut(text, keep)

    error = _each_text(event.error, shorter)
    if error is not None and event.error is not None:
        error["stacktrace"] = cut_middle(event.error.get("stacktrace", ""), keep)
    return event.replace(
        message=shorter(event.message),
        fields={**marks, **_each_text(event.fields, shorter), **marks},  # first: never dropped
        error=error,
        stack=None if event.stack is None else cut_middle(event.stack, keep),
    )


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """Return the sanitized *value* with every text in it changed, keys included."""
    if type(value) is str:
        return change(value)
    if type(value) is dict:
        result: dict[str, Any] = {}
        for key, member in value.items():
            result[unused(change(key), result)] = _each_text(member, change)
        return result
    if type(value) is list:
        return [_each_text(member, change) for member in value]
    return value


def _cut_before(event: Event) -> int:
    """Return how many characters of the event had been cut before."""
    lost = cut_characters(event.message)

    def count(text: str) -> str:
        nonlocal lost
        lost += cut_characters(text)
        return text

    _each_text(event.fields, count)
    return lost
