"""What a reader sees of an event, wherever its vendor's format keeps it."""

from __future__ import annotations

import logging

import pytest

import cxlogging
from cxlogging.devserver.event_view import view

TRACEBACK = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'x'"


def event(data, vendor="coralogix", message="m", source=()):
    return {"vendor": vendor, "message": message, "data": data, "source": dict(source)}


def handlers(url):
    return [
        cxlogging.CoralogixHandler("k", application_name="a", subsystem_name="s", url=url),
        cxlogging.HoneycombHandler("k", dataset="d", url=url),
        cxlogging.BetterStackHandler("k", url=url),
    ]


def test_the_handlers_of_all_vendors_are_read_alike(server):
    """Logger, exception, ids, call site and the application's fields are found in each format."""
    log = logging.getLogger("shop.pay")
    log.propagate = False
    made = handlers(server.url)
    for handler in made:
        log.addHandler(handler)
    try:
        with cxlogging.bound(request_id="r-1", task_id="t-1", trace_id="4bf9", span_id="00f0"):
            try:
                {}["no\nroom"]
            except KeyError:
                log.exception("bad %d", 3, extra={"user": {"id": 7}})
    finally:
        for handler in made:
            log.removeHandler(handler)
            handler.close()

    views = [view(one) for one in server.events()]
    assert len(views) == 3
    for seen in views:
        assert seen.logger == "shop.pay"
        assert seen.exception == r"KeyError: 'no\nroom'"
        assert (seen.trace_id, seen.span_id) == ("4bf9", "00f0")
        assert (seen.request_id, seen.task_id) == ("r-1", "t-1")
        place, function = seen.call_site.split(" ")
        assert place.startswith("test_event_view.py:")
        assert function == "test_the_handlers_of_all_vendors_are_read_alike"
        (trace,) = seen.traces
        assert trace.startswith("Traceback (most recent call last):")
        fields = {name: held for name, held in seen.fields.items() if name != "user.id"}
        ids = {"request_id": "r-1", "task_id": "t-1", "trace_id": "4bf9", "span_id": "00f0"}
        assert {name: held for name, held in fields.items() if name != "user"} == ids
        assert seen.fields.get("user.id", 7) == seen.fields.get("user", {"id": 7})["id"] == 7


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"trace": {"trace_id": "a", "parent_id": "b"}}, ("a", "b")),
        ({"trace.trace_id": "a", "trace.parent_id": "b"}, ("a", "b")),
        ({"otelTraceID": "a", "otelSpanID": "b"}, ("a", "b")),
        ({"dd": {"trace_id": 12, "span_id": 13}}, ("12", "13")),
        ({"traceId": "", "trace_id": None, "spanId": True}, ("", "")),
        ({"trace_id": "x" * 1000, "span_id": 2**70}, ("", "")),
        ({"trace": "text", "span_id": ["b"]}, ("", "")),
    ],
)
def test_ids_are_found_in_the_usual_places(data, found):
    """Ids of a trace are found nested and flat; what cannot be an id is none."""
    seen = view(event(data))
    assert (seen.trace_id, seen.span_id) == found


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"exception": TRACEBACK}, "KeyError: 'x'"),
        (
            {"exception": f"{TRACEBACK}\n\n(see: https://x.example)\nhint: y"},
            "KeyError: 'x' (see: https://x.example) hint: y",
        ),
        ({"exception": {"type": "E", "message": "a\n  b"}}, "E: a b"),
        ({"exception": {"type": "E"}}, "E"),
        ({"exception.type": "E", "exception.message": "m", "exception.stacktrace": "T"}, "E: m"),
        ({"exception": {"type": 1, "message": "m"}}, ""),
        ({"exception": 5, "stack_info": "Stack"}, ""),
        ({"exception": "\ud800" * 5000}, "\ud800" * 1000),
    ],
)
def test_an_exception_is_one_line(data, line):
    """Type and message of an exception are on one line of at most a thousand characters."""
    assert view(event(data)).exception == line


@pytest.mark.parametrize(
    ("data", "source", "site"),
    [
        ({"file": "/srv/shop/pay.py", "line": 12}, {"methodName": "charge"}, "pay.py:12 charge"),
        ({"code.file.path": r"C:\shop\pay.py", "code.line.number": 3}, {}, "pay.py:3"),
        ({"log": {"origin": {"file": {"name": "a.py", "line": 4}}}}, {}, "a.py:4"),
        ({"file": "report.pdf"}, {}, ""),
        ({"file": "a.py", "line": True}, {}, ""),
    ],
)
def test_a_call_site_needs_a_file_and_a_line(data, source, site):
    """A field that is only called `file` is no call site."""
    assert view(event(data, source=source)).call_site == site


def test_what_the_application_did_not_choose_is_left_out():
    """Message, traceback and the handlers' own fields are no fields; renamed ones are."""
    seen = view(
        event(
            {"message": "m", "msg": "other", "pid": 3, "extra_pid": 4, "exception": TRACEBACK,
             "exception_id": 5},
            message="m",
        )
    )  # fmt: skip
    assert seen.fields == {"msg": "other", "extra_pid": 4, "exception_id": 5}
    assert seen.traces == (TRACEBACK,)


def test_an_unknown_vendor_has_all_its_fields():
    """Events of a vendor that is no longer there can still be read."""
    assert view(event({"pid": 1}, vendor="gone")).fields == {"pid": 1}
