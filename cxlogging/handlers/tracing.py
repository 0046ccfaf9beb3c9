"""The ids of the active OpenTelemetry span, if the application uses OpenTelemetry."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ..wire.external_errors import is_external

MODULES = sys.modules
OPENTELEMETRY = "opentelemetry.trace"
"""Used only if the application has imported it."""

Trace = tuple[str, str]
"""The ids of a trace and of one of its spans, in lower-case hexadecimal digits."""

_DIGITS = frozenset("0123456789abcdef")


class _Latest:
    """The span of the last record, by its numbers: that of the next is often the same."""

    span: tuple[int, int, Trace | None] = (0, 0, None)


def trace_of(attributes: Mapping[str, Any]) -> Trace | None:
    """
    Return the ids of the active span, or those that OpenTelemetry has set on a record.

    Args:
        attributes: Those of the record; ``otelTraceID`` and ``otelSpanID`` are used.
    """
    module: Any = MODULES.get(OPENTELEMETRY)
    if module is not None:
        try:
            span = module.get_current_span().get_span_context()
            known = _Latest.span
            if known[0] != span.span_id or known[1] != span.trace_id:
                ids = _valid(f"{span.trace_id:032x}", f"{span.span_id:016x}")
                _Latest.span = known = (span.span_id, span.trace_id, ids)
            if known[2] is not None:
                return known[2]
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
