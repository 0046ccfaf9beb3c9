"""Logs of an active OpenTelemetry span carry its ids, and nothing is imported for it."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import subprocess
import sys
import types

import pytest

from cxlogging.handlers import tracing
from cxlogging.handlers.events import EventMaker
from cxlogging.handlers.items import ItemMaker
from cxlogging.vendors.betterstack import destination as betterstack
from cxlogging.vendors.coralogix import destination as coralogix
from cxlogging.vendors.honeycomb import destination as honeycomb
from cxlogging.wire.sanitizing.sanitizer import Sanitizer

URL = "http://127.0.0.1:9"
DESTINATIONS = {
    "coralogix": coralogix.configure("k", application_name="shop", url=URL),
    "honeycomb": honeycomb.configure("k", dataset="shop", service_name="till", url=URL),
    "betterstack": betterstack.configure("k", url=URL, format="json"),
}
vendors = pytest.mark.parametrize("vendor", DESTINATIONS)
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def a_record(**attributes):
    record = logging.LogRecord("shop", 20, "/srv/o.py", 7, "hello", None, None)
    record.__dict__.update(attributes)
    return record


def members(vendor, item):
    document = json.loads(item)
    if vendor == "coralogix":
        return json.loads(document["text"])
    return document["data"] if vendor == "honeycomb" else document


def shipped(vendor, **attributes):
    """Return the members of an event, encoded on the slow path and twice on the fast path."""
    events = EventMaker(Sanitizer(), {}, None, None, lambda *note: None)
    destination = DESTINATIONS[vendor]
    maker = ItemMaker(events, destination)
    records = [a_record(**attributes) for _ in range(3)]
    for record in records:
        record.created = 1_700_000_000.0
    items = [maker.make(record, None) for record in records[:2]]
    items.append(destination.encode(events.make(records[2], None)))
    assert items[0] == items[1] == items[2]
    return members(vendor, items[0])


def expected(vendor, trace=TRACE, span=SPAN):
    if vendor == "honeycomb":
        return {
            "trace.trace_id": trace,
            "trace.parent_id": span,
            "meta.annotation_type": "span_event",
        }
    return {"trace_id": trace, "span_id": span}


@vendors
def test_a_log_of_an_active_span_has_its_ids(vendor):
    """Inside a span the event has the ids under the vendor's names, outside it has none."""
    trace = pytest.importorskip("opentelemetry.trace")
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    tracer = sdk.TracerProvider().get_tracer("shop")
    bare = shipped(vendor, user="ada")
    with tracer.start_as_current_span("checkout") as span:
        found = shipped(vendor, user="ada")
    context = span.get_span_context()
    ids = (f"{context.trace_id:032x}", f"{context.span_id:016x}")

    assert found == {**bare, **expected(vendor, *ids)}
    assert expected(vendor).keys().isdisjoint(bare)
    with trace.use_span(trace.INVALID_SPAN):
        assert shipped(vendor, user="ada") == bare


@vendors
def test_ids_that_the_application_sets_itself_win(vendor):
    """If an extra has one of the names, no id is added."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    name = next(iter(expected(vendor)))
    with sdk.TracerProvider().get_tracer("shop").start_as_current_span("checkout"):
        found = shipped(vendor, **{name: "mine"})

    assert {key: found[key] for key in expected(vendor) if key in found} == {name: "mine"}


@vendors
@pytest.mark.parametrize(
    ("trace", "span", "is_whole"),
    [
        (TRACE, SPAN, True),
        ("0", "0", False),
        ("0" * 32, "0" * 16, False),
        (TRACE, "0" * 16, False),
        (TRACE, None, False),
        (7, SPAN, False),
        (TRACE.upper(), SPAN, False),
    ],
)
def test_ids_that_opentelemetry_left_on_a_record_are_the_trace(vendor, trace, span, is_whole):
    """If no span is active, the ids that OpenTelemetry has set on the record are used."""
    bare = shipped(vendor)
    found = shipped(vendor, otelTraceID=trace, otelSpanID=span, otelTraceSampled=True)

    assert found == {**bare, **(expected(vendor) if is_whole else {})}


@pytest.mark.parametrize(
    "module",
    [
        None,
        types.ModuleType("half"),
        types.SimpleNamespace(get_current_span=lambda context: 1 / 0),
        types.SimpleNamespace(get_current_span=lambda context: None),
        types.SimpleNamespace(),
    ],
)
@pytest.mark.parametrize("name", [tracing.OPENTELEMETRY, tracing.OPENTELEMETRY_CONTEXT])
@vendors
def test_a_library_that_is_half_loaded_costs_nothing(vendor, name, module, monkeypatch):
    """If a module of OpenTelemetry is broken, the event is the same as without it."""
    pytest.importorskip("opentelemetry.trace")
    monkeypatch.setitem(tracing.MODULES, name, module)

    found = contextvars.Context().run(shipped, vendor)  # as the first record of a thread
    assert expected(vendor).keys().isdisjoint(found)


@vendors
def test_each_task_has_the_ids_of_its_own_span(vendor):
    """Records of tasks that take turns carry the span of their own task, nested spans included."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    tracer = sdk.TracerProvider().get_tracer("shop")

    async def task():
        found = []
        for name in ("outer", "inner"):
            with tracer.start_as_current_span(name) as span:
                context = span.get_span_context()
                ids = (f"{context.trace_id:032x}", f"{context.span_id:016x}")
                for _ in range(3):
                    found.append((shipped(vendor, user="ada"), expected(vendor, *ids)))
                    await asyncio.sleep(0)
                with tracer.start_as_current_span("child"):
                    child = shipped(vendor, user="ada")
                found.append((shipped(vendor, user="ada"), expected(vendor, *ids)))
                assert not expected(vendor, *ids).items() <= child.items()
        return found

    async def turns():
        return await asyncio.gather(*(task() for _ in range(3)))

    for found in asyncio.run(turns()):
        for event, ids in found:
            assert ids.items() <= event.items()


PROGRAM = """
import logging, sys
import cxlogging
handler = cxlogging.BetterStackHandler("k", url="http://127.0.0.1:9", close_timeout=0.1)
handler.handle(logging.makeLogRecord({"msg": "hello"}))
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""


def test_opentelemetry_is_not_imported():
    """Logging does not import OpenTelemetry."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "[]"


def test_a_span_keeps_a_record_on_the_fast_path():
    """With a span active, no event is made for an ordinary record."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    events = EventMaker(Sanitizer(), {}, None, None, lambda *note: None)
    maker = ItemMaker(events, DESTINATIONS["honeycomb"])
    found = set()
    with sdk.TracerProvider().get_tracer("shop").start_as_current_span("checkout"):
        maker.make(a_record(), None)
        sys.setprofile(lambda frame, event, _: found.add(frame.f_code.co_name))
        maker.make(a_record(), None)
        sys.setprofile(None)

    assert "event" not in found
    assert "trace_of" in found
    assert "get_current_span" not in found, "the span is looked up once, not for each record"


@pytest.mark.parametrize(
    ("environment", "argument", "name"),
    [
        ({}, "till", "till"),
        ({"OTEL_SERVICE_NAME": "otel", "HONEYCOMB_SERVICE_NAME": "bee"}, None, "otel"),
        ({"HONEYCOMB_SERVICE_NAME": "bee"}, None, "bee"),
        ({"OTEL_SERVICE_NAME": "otel"}, "till", "till"),
    ],
)
def test_the_service_s_name(environment, argument, name, monkeypatch):
    """The argument service_name, else the variables of OpenTelemetry and Honeycomb."""
    for variable in ("OTEL_SERVICE_NAME", "HONEYCOMB_SERVICE_NAME", "HONEYCOMB_SERVICE"):
        monkeypatch.delenv(variable, raising=False)
    for variable in environment:
        monkeypatch.setenv(variable, environment[variable])
    destination = honeycomb.configure("k", dataset="shop", service_name=argument, url=URL)

    assert destination.service_name == name


def test_without_any_the_service_is_the_program(monkeypatch):
    """The default service name is the name of the program."""
    for variable in ("OTEL_SERVICE_NAME", "HONEYCOMB_SERVICE_NAME", "HONEYCOMB_SERVICE"):
        monkeypatch.delenv(variable, raising=False)

    assert honeycomb.configure("k", dataset="shop", url=URL).service_name


@pytest.mark.parametrize("extra", [{"service.name": "mine"}, {"service": {"name": "mine"}}])
def test_a_service_that_the_application_names_wins(extra):
    """A field service.name, flat or nested, takes precedence over the handler's."""
    assert shipped("honeycomb")["service.name"] == "till"
    found = shipped("honeycomb", **extra)
    assert found["service.name"] == "mine"
    assert "extra_service.name" not in found


def test_a_honeycomb_event_is_a_log():
    """It has the fields by which Honeycomb's view of logs finds and sorts them."""
    found = shipped("honeycomb", body="mine")

    assert (found["body"], found["extra_body"]) == ("hello", "mine")
    assert (found["severity"], found["severity_code"]) == ("info", 9)
    assert found["meta.signal_type"] == "log"
    assert "message" not in found
