"""Keeps the records of the traces that a tracer keeps."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ..handlers.context import captured
from ..handlers.selection.rates import Chance, chance, parsed_share, whole
from ..handlers.tracing import trace_of
from ..wire import option_parsers as values

OTEL = "otel"
BITS = 64

Rule = Callable[[str], bool]
"""Returns whether the records of a trace are kept; the id is in hexadecimal digits."""


class TraceSampler:
    """
    Keeps the records of the traces that a tracer, or a vendor's sampler of traces, keeps.

    A record belongs to the OpenTelemetry span that is active, or to the one that it names itself
    (``otelTraceID``). A record without a trace is kept, and stands for itself.

    Args:
        rate: A float up to 1 is the part that is kept, as ``TraceIdRatioBased`` takes it: 0.1; a
            whole number from 1 means one trace in so many: 10. A kept record stands for the
            inverse of the part; where that is not a whole number, for one of its neighbours at
            random, so that sums are right on average.
        like: ``"otel"`` decides as OpenTelemetry's ``TraceIdRatioBased``; the name of a vendor as
            that vendor's sampler of traces, for one trace in a whole number.
        chance: Returns a random number from 0 to 1.

    Raises:
        ConfigurationError: An argument is impossible.
    """

    def __init__(self, rate: float, like: str = OTEL, *, chance: Chance = chance) -> None:
        share = parsed_share("rate", rate)
        weight = 1 / share
        is_whole = abs(weight - round(weight)) < 1e-9 * weight
        self._weight: int | float = round(weight) if is_whole else weight
        self._chance = chance
        if values.word(like) == OTEL:
            self._keeps = _otel_rule(share)
            return
        from .registry import VENDORS  # noqa: PLC0415 - few samplers need it

        names = [vendor.name for vendor in VENDORS.values() if vendor.samples_traces]
        name = values.choice(OTEL, *names)("like", like)
        if type(self._weight) is not int:
            raise values.refused("rate", f"one trace in a whole number with like={name!r}", rate)
        self._keeps = VENDORS[name].trace_rule(self._weight)

    def __call__(self, record: logging.LogRecord) -> int:
        attributes = record.__dict__
        known = captured(attributes)
        trace: Any = trace_of(attributes) if known is None else known.get("trace")
        if not trace:
            return 1
        return whole(self._weight, self._chance) if self._keeps(trace[0]) else 0


def _otel_rule(share: float) -> Rule:
    """Return the rule of ``opentelemetry.sdk.trace.sampling.TraceIdRatioBased``."""
    bound, mask = round(share * 2**BITS), 2**BITS - 1
    return lambda trace_id: int(trace_id, 16) & mask < bound
