"""An exception as fields: its type, message, stack text, causes and group members."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from ...wire.values.guard import is_external
from ...wire.values.sanitize import Cleaner
from ...wire.values.text import cut, cut_middle
from .parsing import parse
from .tracebacks import HEADER, format_exception

STACK_CHARACTERS = 32 * 1024
MESSAGE_CHARACTERS = 8 * 1024
MOST_CAUSES = 20
MOST_MEMBERS = 50
MOST_MEMBERS_IN_ALL = 500
DEEPEST_GROUP = 5
NO_EXCEPTION = ("", "NoneType: None", "NoneType")

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def failure(error: BaseException, trace: TracebackType | None, cleaner: Cleaner) -> dict[str, Any]:
    """
    Return the fields of *error*.

    ``type``, ``message`` and ``stacktrace`` (the text that Python prints, cut in
    the middle at 32 KiB); ``causes``, from the nearest, where there are any;
    ``exceptions`` for the members of a group; ``notes``.
    """
    fields = _head(error, cleaner)
    # Cut first: of a text of many megabytes a copy without its last newline would be dear.
    stack = _bounded(_stack(error, trace), STACK_CHARACTERS, cut_middle, cleaner)
    fields["stacktrace"] = stack.rstrip("\n")
    if _has_more(error):
        _tell_more(fields, error, cleaner)
    return fields


def _has_more(error: BaseException) -> bool:
    """Return False for an exception that has no causes, members or notes, as most."""
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


def _tell_more(fields: dict[str, Any], error: BaseException, cleaner: Cleaner) -> None:
    """Add to *fields* the causes, members and notes of *error*."""
    causes = [{**_head(cause, cleaner), "relation": relation} for cause, relation in _causes(error)]
    if causes:
        fields["causes"] = causes
    members = _members(error, cleaner, DEEPEST_GROUP, iter(range(MOST_MEMBERS_IN_ALL)))
    if members:
        fields["exceptions"] = members
    notes = _safely(lambda: [str(note) for note in getattr(error, "__notes__", ())][:20])
    if isinstance(notes, list) and notes:
        fields["notes"] = cleaner.value(notes)


def failure_of(record: logging.LogRecord, cleaner: Cleaner) -> dict[str, Any] | None:
    """Return the fields of the exception of *record*, in whatever form it has come."""
    info: Any = record.exc_info
    if isinstance(info, tuple) and len(info) == 3 and isinstance(info[1], BaseException):
        return failure(info[1], info[2], cleaner)
    if isinstance(info, BaseException):
        return failure(info, info.__traceback__, cleaner)
    if record.exc_text:
        return failure_of_text(str(record.exc_text), cleaner)
    if info is True:
        error = sys.exc_info()[1]
        return None if error is None else failure(error, error.__traceback__, cleaner)
    return None


def failure_of_text(text: str, cleaner: Cleaner) -> dict[str, Any] | None:
    """
    Return the fields of an exception of which only the formatted text has come here.

    Of a text that is no exception, the message alone; None where there was none,
    as ``log.exception()`` prints it outside of an ``except`` block.
    """
    if text.strip() in NO_EXCEPTION:
        return None
    read = parse(text) or {"message": text.strip()}
    members, causes = read.pop("exceptions", None), read.pop("causes", None)
    fields = {
        **_bounded_head(read, cleaner),
        "stacktrace": cleaner.text(cut_middle(text, STACK_CHARACTERS)),
    }
    if causes:
        fields["causes"] = [_bounded_head(cause, cleaner) for cause in causes[:MOST_CAUSES]]
    if members:
        left = iter(range(MOST_MEMBERS_IN_ALL))
        fields["exceptions"] = _members_of_text(members, cleaner, left)
    return fields


def _bounded_head(read: dict[str, Any], cleaner: Cleaner) -> dict[str, Any]:
    """Return what was *read* of one exception, cut and clean."""
    fields = {**read, "message": _bounded(read["message"], MESSAGE_CHARACTERS, cut, cleaner)}
    if "type" in read:
        fields["type"] = cut(read["type"], 256)
    return fields


def _members_of_text(
    members: list[dict[str, Any]], cleaner: Cleaner, left: Iterator[int]
) -> list[dict[str, Any]]:
    result = []
    for member in members[:MOST_MEMBERS]:
        if next(left, None) is None:
            break
        inner = member.pop("exceptions", None)
        fields = _bounded_head(member, cleaner)
        if inner:
            fields["exceptions"] = _members_of_text(inner, cleaner, left)
        result.append(fields)
    return result


def _head(error: BaseException, cleaner: Cleaner) -> dict[str, Any]:
    kind = type(error)
    module = kind.__module__
    name = kind.__qualname__ if module in {"builtins", "__main__"} else None
    message = _safely(lambda: str(error))
    if type(message) is not str:
        message = f"<unrepresentable {kind.__name__}>"
    return {
        "type": name or f"{module}.{kind.__qualname__}",
        "message": _bounded(message, MESSAGE_CHARACTERS, cut, cleaner),
    }


def _bounded(text: str, most: int, cut: Callable[[str, int], str], cleaner: Cleaner) -> str:
    """Return the clean form of *text*, of which *cut* leaves at most so many characters."""
    if len(text) <= most and cleaner.edit is None:
        return text
    return cleaner.text(cut(text, most))


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
    Return the text of *error*, without source lines where Python warns that it has none.

    Since version 3.15 `linecache` warns of some modules, and ``-W error`` makes
    that an exception.
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
    for _ in range(MOST_CAUSES):
        following, relation = current.__cause__, "cause"
        if following is None and not current.__suppress_context__:
            following, relation = current.__context__, "context"
        if following is None or id(following) in seen:
            return
        seen.add(id(following))
        yield following, relation
        current = following


def _members(
    error: BaseException, cleaner: Cleaner, depth: int, left: Iterator[int]
) -> list[dict[str, Any]]:
    members = _safely(lambda: getattr(error, "exceptions", None))
    if not isinstance(members, (tuple, list)) or depth == 0:
        return []
    result = []
    for member in members[:MOST_MEMBERS]:
        if isinstance(member, BaseException) and next(left, None) is not None:
            fields = _head(member, cleaner)
            inner = _members(member, cleaner, depth - 1, left)
            result.append({**fields, "exceptions": inner} if inner else fields)
    return result


def _safely(make: Callable[[], Any]) -> Any:
    """Return what *make* does, or None where the exception's own code fails."""
    try:
        return make()
    except BaseException as problem:
        if is_external(problem):
            raise
        return None
