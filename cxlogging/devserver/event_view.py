"""
What a reader looks for in an event, wherever its vendor's format keeps it.

The logger, the exception, the ids by which events belong together, the line of code that logged
it, and the fields that the application chose. Texts are as they were sent: whoever shows them
escapes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..handlers.exceptions.parsing import parse
from ..vendors.emulation.event_fields import MESSAGE_FIELDS, logger_of
from ..vendors.profile import TRACE_FIELDS
from ..vendors.registry import VENDORS

CONTEXT = "context"
STACK = "stack_info"
"""The field of a stack that belongs to no exception."""

TRACES = sorted(TRACE_FIELDS - {STACK})
MAX_ID = 256
"""Characters of an id; a longer text is none."""

MAX_LINE = 1_000
"""Characters of an exception's line, of a logger and of a call site."""


class Places:
    """
    Where a value may be: fields with a flat name with dots, or nested members of that path.

    It is asked for each event that arrives: most have none of the fields, which one look tells.
    """

    def __init__(self, *paths: str) -> None:
        parts = [(path, *path.partition(".")[::2]) for path in paths]
        self._parts = tuple(parts)
        self._fields = frozenset((*paths, *(first for _, first, _ in parts)))

    def values(self, data: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the values that *data* has in these places; None for places where there is none."""
        if self._fields.isdisjoint(data):
            return
        for path, first, rest in self._parts:
            yield data[path] if path in data else _nested(data.get(first), rest)


def _nested(value: Any, path: str) -> Any:
    while path and isinstance(value, dict):
        if path in value:
            return value[path]
        first, _, path = path.partition(".")
        value = value.get(first)
    return None


_TRACE_IDS = Places(
    "trace_id", "trace.trace_id", "trace.id", "traceId", "otelTraceID", "dd.trace_id",
    "context.trace_id", "context.trace.id",
)  # fmt: skip
_SPAN_IDS = Places(
    "span_id", "trace.span_id", "span.id", "spanId", "otelSpanID", "dd.span_id",
    "trace.parent_id", "context.span_id",
)  # fmt: skip
_REQUEST_IDS = Places(
    "request_id", "request.id", "requestId", "http.request_id", "http.request.id",
    "context.request_id", "correlation_id", "invocation_id",
)  # fmt: skip
_TASK_IDS = Places(
    "task_id", "task.id", "taskId", "context.task_id", "celery.task_id", "job_id"
)  # fmt: skip
_FILES = Places(
    "file", "code.filepath", "code.file.path", "context.runtime.file", "log.origin.file.name",
    "filename", "pathname",
)  # fmt: skip
_LINES = Places(
    "line", "code.lineno", "code.line.number", "context.runtime.line", "log.origin.file.line",
    "lineno", "lineno",
)  # fmt: skip
_FUNCTIONS = Places(
    "code.function", "code.function.name", "context.runtime.function", "log.origin.function",
    "funcName", "function",
)  # fmt: skip


class IndexedFields(NamedTuple):
    """
    What the store keeps of an event in columns of their own; empty where there is none.

    Attributes:
        logger: The name of the logger.
        trace_id: The id of the trace.
        request_id: The id of the application's request.
        task_id: The id of the application's task or job.
        call_site: As ``file.py:12 function``.
        exception: Type and message, on one line.
    """

    logger: str
    trace_id: str
    request_id: str
    task_id: str
    call_site: str
    exception: str


@dataclass(frozen=True, slots=True)
class EventView:
    """
    An event as a reader sees it.

    Attributes:
        logger: The name of the logger; empty where there is none, like all texts here.
        exception: Type and message of its exception, on one line.
        traces: The texts of its tracebacks and stacks, whole.
        fields: What the sender chose, without the message and what the handlers always write.
        trace_id: The id of the trace.
        span_id: The id of the span.
        request_id: The id of the application's request.
        task_id: The id of the application's task or job.
        call_site: The line of code that logged it, as ``file.py:12 function``.
    """

    logger: str
    exception: str
    traces: tuple[str, ...]
    fields: Mapping[str, Any]
    trace_id: str
    span_id: str
    request_id: str
    task_id: str
    call_site: str


def view(event: Mapping[str, Any]) -> EventView:
    """Return the view of *event*, a dict with the fields of `StoredEvent`."""
    data = event["data"]
    indexed = indexed_fields(data, event["source"])
    return EventView(
        logger=indexed.logger,
        exception=indexed.exception,
        traces=tuple(text for _, text in _traces(data)),
        fields=_chosen(event),
        trace_id=indexed.trace_id,
        span_id=_id(data, _SPAN_IDS),
        request_id=indexed.request_id,
        task_id=indexed.task_id,
        call_site=indexed.call_site,
    )


def indexed_fields(data: Mapping[str, Any], source: Mapping[str, Any]) -> IndexedFields:
    """Return what the store indexes of an event with this data and this envelope."""
    return IndexedFields(
        logger=logger_of(data, source.get("category"))[:MAX_LINE],
        trace_id=_id(data, _TRACE_IDS),
        request_id=_id(data, _REQUEST_IDS),
        task_id=_id(data, _TASK_IDS),
        call_site=_call_site(data, source),
        exception=_exception(data),
    )


def _id(data: Mapping[str, Any], places: Places) -> str:
    for found in places.values(data):
        if type(found) is int and abs(found) < 2**64:
            return str(found)
        if isinstance(found, str) and 0 < len(found) <= MAX_ID:
            return found
    return ""


def _call_site(data: Mapping[str, Any], source: Mapping[str, Any]) -> str:
    for file, line in zip(_FILES.values(data), _LINES.values(data), strict=False):
        if isinstance(file, str) and file and type(line) is int:
            break
    else:
        return ""
    name = file.replace("\\", "/").rpartition("/")[2]
    found = (*_FUNCTIONS.values(data), source.get("methodName"))
    function = next((one for one in found if isinstance(one, str) and one), "")
    return f"{name}:{line} {function}".rstrip()[:MAX_LINE]


def _said(data: Mapping[str, Any], name: str) -> str:
    """Return type and message of the exception in the field *name*."""
    held = data.get(name)
    nested = held if isinstance(held, dict) else {}
    kind = nested.get("type", data.get("exception.type"))
    if not isinstance(kind, str) or not kind:
        return ""
    message = nested.get("message", data.get("exception.message"))
    return f"{kind}: {message}" if isinstance(message, str) and message else kind


def _traces(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in (*TRACES, STACK):
        held = data.get(name)
        text = held.get("stacktrace") if isinstance(held, dict) else held
        if not isinstance(text, str) and isinstance(held, dict):
            text = _said(data, name)
        if isinstance(text, str) and text:
            yield name, text


def _exception(data: Mapping[str, Any]) -> str:
    for name in TRACES:
        said = _said(data, name)
        if not said and isinstance(held := data.get(name), str):
            said = _type_and_message(held)
        if said:
            return " ".join(said[: 2 * MAX_LINE].split())[:MAX_LINE]
    return ""


def _type_and_message(trace: str) -> str:
    found = parse(trace) if "Traceback" in trace else None
    if found is None:
        return trace.strip().rpartition("\n")[2]
    return ": ".join(filter(None, (found["type"], found["message"])))


def _chosen(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of *event* that the sender chose."""
    data, vendor = event["data"], VENDORS.get(event["vendor"])
    own = vendor.profile.handler_fields if vendor else frozenset[str]()
    own_context = vendor.profile.own_context if vendor else frozenset[str]()
    message = next((each for each in MESSAGE_FIELDS if data.get(each) == event["message"]), None)
    left_out = {name for name, _ in _traces(data)} | own | {message}
    kept = {name: value for name, value in data.items() if name not in left_out}
    context = data.get(CONTEXT)
    if own_context and isinstance(context, dict):
        more = {name: value for name, value in context.items() if name not in own_context}
        kept |= {CONTEXT: more} if more else {}
    return kept
