"""The ids of the active OpenTelemetry span, where the application uses OpenTelemetry."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ..wire.values.guard import is_external

MODULES = sys.modules
OPENTELEMETRY = "opentelemetry.trace"
"""It is looked up where it is loaded, and never imported."""

Trace = tuple[str, str]
"""The ids of a trace and of one of its spans, in lower-case hexadecimal digits."""

_DIGITS = frozenset("0123456789abcdef")


def trace_of(attributes: Mapping[str, Any]) -> Trace | None:
    """
    Return the ids of the active span, else those that OpenTelemetry has left on a record.

    Args:
        attributes: Of the record; ``otelTraceID`` and ``otelSpanID`` are looked at.
    """
    return _active() or _ids(attributes.get("otelTraceID"), attributes.get("otelSpanID"))


def _active() -> Trace | None:
    module: Any = MODULES.get(OPENTELEMETRY)
    if module is None:
        return None
    try:
        span = module.get_current_span().get_span_context()
        return _ids(f"{span.trace_id:032x}", f"{span.span_id:016x}")
    except BaseException as error:  # half loaded; another library of this name
        if is_external(error):
            raise
        return None


def _ids(trace: Any, span: Any) -> Trace | None:
    """Return both ids where they are whole; ids of zeros mean that there is none."""
    for each, digits in ((trace, 32), (span, 16)):
        if type(each) is not str or len(each) != digits or not _DIGITS.issuperset(each):
            return None
        if not each.strip("0"):
            return None
    return trace, span
