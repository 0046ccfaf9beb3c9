"""The ids of the active OpenTelemetry span, if the application uses OpenTelemetry."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from ..wire.external_errors import is_external

MODULES = sys.modules
OPENTELEMETRY = "opentelemetry.trace"
"""Used only if the application has imported it."""
OPENTELEMETRY_CONTEXT = "opentelemetry.context"
"""Where it keeps the active span."""

Trace = tuple[str, str]
"""The ids of a trace and of one of its spans, in lower-case hexadecimal digits."""

_DIGITS = frozenset("0123456789abcdef")

_NOTHING: tuple[object, Trace | None] = (None, None)
_latest = ContextVar("cxlogging_trace", default=_NOTHING)
"""The OpenTelemetry context of the last record, and its ids: the next often has the same one."""


def trace_of(attributes: Mapping[str, Any]) -> Trace | None:
    """
    Return the ids of the active span, or those that OpenTelemetry has set on a record.

    Args:
        attributes: Those of the record; ``otelTraceID`` and ``otelSpanID`` are used.
    """
    module: Any = MODULES.get(OPENTELEMETRY)
    if module is not None:
        try:
            # A context is never changed: as long as it is the same object, so is its span.
            context = MODULES[OPENTELEMETRY_CONTEXT].get_current()
            known, trace = _latest.get()
            if known is not context:
                span = module.get_current_span(context).get_span_context()
                trace = _valid(f"{span.trace_id:032x}", f"{span.span_id:016x}")
                _latest.set((context, trace))
            if trace is not None:
                return trace
        except BaseException as error:  # partly imported, or another library of this name
            if is_external(error):
                raise
    return _valid(attributes.get("otelTraceID"), attributes.get("otelSpanID"))


def _valid(trace: Any, span: Any) -> Trace | None:
    """Return both ids if they are valid; ids of zeros mean that no span is active."""
    for value, digits in ((trace, 32), (span, 16)):
        if type(value) is not str or len(value) != digits or not _DIGITS.issuperset(value):
            return None
        if not value.strip("0"):
            return None
    return trace, span
