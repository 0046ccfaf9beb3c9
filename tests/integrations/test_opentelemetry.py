"""Beside OpenTelemetry and its logging instrumentation: the ids once, and no zeros."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("opentelemetry.sdk")

PROGRAM = """
import logging, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
if sys.argv[2] == "instrumented":
    from opentelemetry.instrumentation.logging import LoggingInstrumentor
    LoggingInstrumentor().instrument(set_logging_format=False, inject_trace_context=True)
import cxlogging
log = logging.getLogger("shop")
log.setLevel("INFO")
log.addHandler(cxlogging.HoneycombHandler("key", dataset="shop", url=sys.argv[1]))
log.info("outside")
with trace.get_tracer("shop").start_as_current_span("ship") as span:
    log.info("inside")
    ids = span.get_span_context()
    print(f"{ids.trace_id:032x} {ids.span_id:016x}")
"""


@pytest.mark.parametrize("kind", ["bare", "instrumented"])
def test_the_ids_of_the_active_span_arrive_once(server, kind):
    """Inside a span both ids, outside none; the instrumentation's own attributes are not sent."""
    if kind == "instrumented":
        pytest.importorskip("opentelemetry.instrumentation.logging")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, server.url, kind],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    outside, inside = sorted(
        (each["data"] for each in server.events("honeycomb")),
        key=lambda each: each["body"] != "outside",
    )
    trace_id, span_id = done.stdout.split()
    assert (inside["trace.trace_id"], inside["trace.parent_id"]) == (trace_id, span_id)
    assert list(inside.values()).count(trace_id) == 1
    assert not [name for name in outside if "trace" in name.lower() or "otel" in name.lower()]
    assert not [name for name in inside if "otel" in name.lower()]
