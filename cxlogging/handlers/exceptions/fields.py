"""An exception as fields: its type, message, stack trace, causes and group members."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from ...wire.external_errors import is_external
from ...wire.sanitizing.sanitizer import Sanitizer
from ...wire.sanitizing.truncation import cut, cut_middle
from .parsing import parse
from .tracebacks import HEADER, format_exception

STACK_CHARACTERS = 32 * 1024
MESSAGE_CHARACTERS = 8 * 1024
MAX_CAUSES = 20
MAX_MEMBERS = 50
MAX_TOTAL_MEMBERS = 500
MAX_GROUP_DEPTH = 5
NO_EXCEPTION = ("", "NoneType: None", "NoneType")
"""What Python prints if there is no exception."""


def failure(
    error: BaseException, trace: TracebackType | None, sanitizer: Sanitizer
) -> dict[str, Any]:
    """
    Return the fields of *error*.

    ``type``, ``message`` and ``stacktrace`` (the text that Python prints, cut in the
    middle at 32 KiB); and if there are any, ``causes`` beginning with the nearest,
    ``exceptions`` for the members of a group, and ``notes``.
    """
    fields = _head(error, sanitizer)
    # Cut first: removing the last newline copies the text, which may be many megabytes.
    stack = _bounded(_stack(error, trace), STACK_CHARACTERS, cut_middle, sanitizer)
    fields["stacktrace"] = stack.rstrip("\n")
    if _may_have_causes(error):
        _add_causes(fields, error, sanitizer)
    return fields


def _may_have_causes(error: BaseException) -> bool:
    """Return False for an exception without causes, members and notes, as most are."""
    try:
        return (
            error.__cause__ is not None
            or error.__context__ is not None
            or hasattr(error, "exceptions")
            or hasattr(error, "__notes__")
        )
    except BaseException as problem:
        if is_external(problem):
            raise
        return True


def _add_causes(fields: dict[str, Any], error: BaseException, sanitizer: Sanitizer) -> None:
    """Add the causes, members and notes of *error* to *fields*."""
    causes = [
        {**_head(cause, sanitizer), "relation": relation} for cause, relation in _causes(error)
    ]
    if causes:
        fields["causes"] = causes
    members = _members(error, sanitizer, MAX_GROUP_DEPTH, iter(range(MAX_TOTAL_MEMBERS)))
    if members:
        fields["exceptions"] = members
    notes = _safely(lambda: [str(note) for note in getattr(error, "__notes__", ())][:20])
    if isinstance(notes, list) and notes:
        fields["notes"] = sanitizer.value(notes)


def failure_of(record: logging.LogRecord, sanitizer: Sanitizer) -> dict[str, Any] | None:
    """Return the fields of the exception of *record*, in any form that a record may hold it."""
    info: Any = record.exc_info
    if isinstance(info, tuple) and len(info) == 3 and isinstance(info[1], BaseException):
        return failure(info[1], info[2], sanitizer)
    if isinstance(info, BaseException):
        return failure(info, info.__traceback__, sanitizer)
    if record.exc_text:
        return failure_of_text(str(record.exc_text), sanitizer)
    if info is True:
        error = sys.exc_info()[1]
        return None if error is None else failure(error, error.__traceback__, sanitizer)
    return None


def failure_of_text(text: str, sanitizer: Sanitizer) -> dict[str, Any] | None:
    """
    Return the fields of an exception of which only the formatted text is available.

    A text that is not an exception becomes the message. Returns None for what
    ``log.exception()`` prints outside of an ``except`` block.
    """
    if text.strip() in NO_EXCEPTION:
        return None
    parsed = parse(text) or {"message": text.strip()}
    members, causes = parsed.pop("exceptions", None), parsed.pop("causes", None)
    fields = {
        **_bounded_head(parsed, sanitizer),
        "stacktrace": sanitizer.text(cut_middle(text, STACK_CHARACTERS)),
    }
    if causes:
        fields["causes"] = [_bounded_head(cause, sanitizer) for cause in causes[:MAX_CAUSES]]
    if members:
        budget = iter(range(MAX_TOTAL_MEMBERS))
        fields["exceptions"] = _members_of_text(members, sanitizer, budget)
    return fields


def _bounded_head(parsed: dict[str, Any], sanitizer: Sanitizer) -> dict[str, Any]:
    """Return the *parsed* fields of one exception, cut and sanitized."""
    fields = {**parsed, "message": _bounded(parsed["message"], MESSAGE_CHARACTERS, cut, sanitizer)}
    if "type" in parsed:
        fields["type"] = cut(parsed["type"], 256)
    return fields


def _members_of_text(
    members: list[dict[str, Any]], sanitizer: Sanitizer, budget: Iterator[int]
) -> list[dict[str, Any]]:
    result = []
    for member in members[:MAX_MEMBERS]:
        if next(budget, None) is None:
            break
        inner = member.pop("exceptions", None)
        fields = _bounded_head(member, sanitizer)
        if inner:
            fields["exceptions"] = _members_of_text(inner, sanitizer, budget)
        result.append(fields)
    return result


def _head(error: BaseException, sanitizer: Sanitizer) -> dict[str, Any]:
    kind = type(error)
    module = kind.__module__
    name = kind.__qualname__ if module in {"builtins", "__main__"} else None
    message = _safely(lambda: str(error))
    if type(message) is not str:
        message = f"<unrepresentable {kind.__name__}>"
    return {
        "type": name or f"{module}.{kind.__qualname__}",
        "message": _bounded(message, MESSAGE_CHARACTERS, cut, sanitizer),
    }


def _bounded(text: str, limit: int, cut: Callable[[str, int], str], sanitizer: Sanitizer) -> str:
    """Return *text* sanitized, and shortened by *cut* to at most *limit* characters."""
    if len(text) <= limit and sanitizer.edit is None:
        return text
    return sanitizer.text(cut(text, limit))


def _formatted(error: BaseException, trace: TracebackType | None) -> str:
    try:
        return format_exception(error, trace)
    except Warning:
        return _frame_by_frame(error, trace)


def _stack(error: BaseException, trace: TracebackType | None) -> str:
    text = _safely(lambda: _formatted(error, trace))
    if type(text) is str:
        return text
    frames = _safely(lambda: "".join(traceback.format_tb(trace)))
    return f"{frames or ''}{type(error).__qualname__}: <unrepresentable>"


def _frame_by_frame(error: BaseException, trace: TracebackType | None) -> str:
    """
    Return the text of *error*, without source lines for modules of which Python warns.

    Since version 3.15 `linecache` warns of modules whose ``__spec__`` lacks a loader,
    and ``-W error`` turns the warning into an exception.
    """
    lines = [HEADER]
    while trace is not None:
        try:
            lines += traceback.format_tb(trace, 1)
        except Warning:
            code = trace.tb_frame.f_code
            lines += traceback.format_list([(code.co_filename, trace.tb_lineno, code.co_name, "")])
        trace = trace.tb_next
    return "".join((*lines, *traceback.format_exception_only(type(error), error)))


def _causes(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    seen = {id(error)}
    current = error
    for _ in range(MAX_CAUSES):
        following, relation = current.__cause__, "cause"
        if following is None and not current.__suppress_context__:
            following, relation = current.__context__, "context"
        if following is None or id(following) in seen:
            return
        seen.add(id(following))
        yield following, relation
        current = following


def _members(
    error: BaseException, sanitizer: Sanitizer, depth: int, budget: Iterator[int]
) -> list[dict[str, Any]]:
    members = _safely(lambda: getattr(error, "exceptions", None))
    if not isinstance(members, (tuple, list)) or depth == 0:
        return []
    result = []
    for member in members[:MAX_MEMBERS]:
        if isinstance(member, BaseException) and next(budget, None) is not None:
            fields = _head(member, sanitizer)
            inner = _members(member, sanitizer, depth - 1, budget)
            result.append({**fields, "exceptions": inner} if inner else fields)
    return result


def _safely(make: Callable[[], Any]) -> Any:
    """Return what *make* returns, or None if the exception's own code fails."""
    try:
        return make()
    except BaseException as problem:
        if is_external(problem):
            raise
        return None
