"""A log record in vendor-neutral form, as it was at the moment of the log call."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol


class Origin(Protocol):
    """Where a record was logged; a ``logging.LogRecord`` has these attributes."""

    @property
    def name(self) -> str: ...
    @property
    def pathname(self) -> str: ...
    @property
    def filename(self) -> str: ...
    @property
    def module(self) -> str: ...
    @property
    def lineno(self) -> int: ...
    @property
    def funcName(self) -> str | None: ...  # noqa: N802 - the standard library names it
    @property
    def thread(self) -> int | None: ...
    @property
    def threadName(self) -> str | None: ...  # noqa: N802 - the standard library names it
    @property
    def process(self) -> int | None: ...
    @property
    def processName(self) -> str | None: ...  # noqa: N802 - the standard library names it


SITE = (
    "name",
    "pathname",
    "filename",
    "module",
    "lineno",
    "funcName",
    "thread",
    "threadName",
    "process",
    "processName",
)
"""The attributes of an `Origin`."""

site = operator.itemgetter(*SITE)
"""
Return the values of an `Origin` from its ``__dict__``, as a key for what its events share.

One call is cheaper than access to ten attributes.
"""

Site = tuple[str, str, str, str, int, str | None, int | None, str | None, int | None, str | None]


_NOWHERE: dict[str, Any] = {
    **dict.fromkeys(SITE),
    "name": "cxlogging",
    "pathname": "",
    "filename": "",
    "module": "cxlogging",
    "lineno": 0,
}


class SyntheticOrigin(SimpleNamespace):
    """
    An `Origin` for events that were not made by a log call.

    Args:
        values: Attributes in the order of `SITE`.
        attributes: Further attributes by name; the others have neutral values.
    """

    name: str
    pathname: str
    filename: str
    module: str
    lineno: int
    funcName: str | None  # noqa: N815
    thread: int | None
    threadName: str | None  # noqa: N815
    process: int | None
    processName: str | None  # noqa: N815

    def __init__(self, *values: Any, **attributes: Any) -> None:
        given = dict(zip(SITE, values, strict=False))
        super().__init__(**{**_NOWHERE, **given, **attributes})


class Event(NamedTuple):
    """
    One log record, ready to be encoded in a vendor's format.

    Attributes:
        time_ns: Nanoseconds since 1970, UTC.
        level: The record's level number.
        level_name: The record's level name (``"WARNING"``).
        message: The formatted message.
        fields: Extras, context and constant fields, sanitized: text keys, JSON values.
        origin: Where it was logged.
        error: ``type``, ``message``, ``stacktrace`` and, if there are any, ``causes``
            and ``exceptions`` of the record's exception, sanitized.
        stack: The text of ``stack_info``.
        task: The name of the asyncio task.
        sample_rate: How many records this event stands for.
        trace: The ids of the trace and the span in which it was logged.
    """

    time_ns: int
    level: int
    level_name: str
    message: str
    fields: dict[str, Any]
    origin: Origin
    error: dict[str, Any] | None = None
    stack: str | None = None
    task: str | None = None
    sample_rate: int = 1
    trace: tuple[str, str] | None = None

    def replace(self, **changes: Any) -> Event:
        """Return a copy with *changes*."""
        return self._replace(**changes)


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return *values* without those that are None."""
    return {name: value for name, value in values.items() if value is not None}


SAMPLE_RATE = "cx_sample_rate"
"""The field for how many records one stands for, where the vendor has none of its own."""


def put_sample_rate(document: dict[str, Any], rate: int) -> None:
    """Add to *document* how many records it stands for, if it is more than one."""
    if rate > 1:
        document[SAMPLE_RATE] = rate


def put_trace(document: dict[str, Any], members: Mapping[str, str]) -> None:
    """Add the *members* of a trace to *document*, unless the application has set one of them."""
    if document.keys().isdisjoint(members):
        document.update(members)


def nested_trace(trace_id: str, span_id: str) -> dict[str, str]:
    """Return the ids of a trace and a span as most vendors name them."""
    return {"trace_id": trace_id, "span_id": span_id}


def nested_error_fields(error: dict[str, Any] | None, stack: str | None) -> dict[str, Any]:
    """Return the exception as a nested member, and the stack, if there are any."""
    if stack is None:
        return {} if error is None else {"exception": error}
    return present({"exception": error, "stack_info": stack})


def rename_reserved(fields: dict[str, Any], taken: frozenset[str]) -> dict[str, Any]:
    """
    Return *fields* with every name that is *taken* renamed to ``extra_<name>``.

    A user's field never overwrites one that the vendor reserves, and is never lost.
    """
    if taken.isdisjoint(fields):
        return fields
    moved: dict[str, Any] = {}
    for name, value in fields.items():
        free = name
        while free in taken or (free is not name and (free in fields or free in moved)):
            free = f"extra_{free}"
        moved[free] = value
    return moved
