"""Behind a queue a record is what it was when it was logged."""

from __future__ import annotations

import dataclasses
import logging
import logging.config
import logging.handlers
import multiprocessing
import pickle
import queue
import sys
import threading

import pytest

import cxlogging
from cxlogging.devserver import DevServer
from cxlogging.handlers.context import CAPTURED, bound
from cxlogging.handlers.events import EventMaker
from cxlogging.handlers.queueing import ContextQueueHandler
from cxlogging.handlers.redaction.rules import DefaultRules, build_sanitizer
from cxlogging.handlers.selection.samplers import FieldSampler
from cxlogging.wire.sanitizing.sanitizer import Sanitizer


def event_of(record, rules=None):
    return EventMaker(rules or Sanitizer(), {}, None, None, lambda *note: None).make(record, None)


class Text(str):  # noqa: SLOT000 - has attributes, as such classes do
    def __init__(self, *_: object) -> None:
        self.lock = threading.Lock()


class Leaving:
    def __repr__(self) -> str:
        raise SystemExit


@dataclasses.dataclass
class Order:
    number: int
    token: str = "canary"


def an_error():
    try:
        try:
            {}["deep"]
        except KeyError as error:
            raise ValueError("wrong") from error
    except ValueError:
        return sys.exc_info()


def a_record(message="paid %s", args=("7",), **attributes):
    record = logging.LogRecord("shop", 40, "/srv/o.py", 7, message, args, None, "pay")
    record.__dict__.update(attributes)
    return record


def through(record):
    """Return *record* as it arrives from a queue between processes."""
    return pickle.loads(pickle.dumps(ContextQueueHandler(queue.Queue()).prepare(record)))


def test_an_event_is_the_same_behind_a_queue():
    """Message, context, exception, stack, extras, origin and time are those of the log call."""
    attributes = {"exc_info": an_error(), "stack_info": "Stack", "order": Order(7), "n": [1, {2}]}
    record = a_record(**attributes)
    with bound(tenant="acme", order="bound"):
        direct = event_of(record, build_sanitizer(DefaultRules()))
        queued = through(record)
    with bound(tenant="the listener's"):
        behind = event_of(queued, build_sanitizer(DefaultRules()))

    for name in ("time_ns", "level", "level_name", "message", "fields", "error", "stack", "task"):
        assert getattr(behind, name) == getattr(direct, name), name
    for name in ("name", "lineno", "funcName", "thread", "threadName", "process", "processName"):
        assert getattr(behind.origin, name) == getattr(record, name)
    assert behind.fields["order"] == {"number": 7, "token": "[redacted]"}
    assert [each["type"] for each in behind.error["causes"]] == ["KeyError"]


def test_the_record_itself_is_left_as_it_is():
    """Other handlers of the same logger find arguments, exception and extras unchanged."""
    record = a_record(exc_info=an_error(), order=Order(7))
    before = dict(record.__dict__)

    ContextQueueHandler(queue.Queue()).prepare(record)

    assert record.__dict__ == before


@pytest.mark.parametrize(
    "attributes",
    [
        {"msg": {"event": "paid", "lock": threading.Lock()}, "args": None},
        {"msg": "%d items", "args": ("many", threading.Lock())},
        {"msg": threading.Lock(), "args": None},
        {"lock": threading.Lock(), "deep": [threading.Lock()]},
        {"exc_text": "Traceback (most recent call last):\n  x\nshop.Wrong: so"},
        {"exc_info": (None, None, None)},
        {"exc_info": None},
        {"args": ({"a": 1},), "msg": "%s"},
        {"leaving": Leaving()},
        {"name": Text("shop"), "levelname": Text("ERROR"), "stack_info": Text("Stack")},
        {"threadName": threading.Lock(), "pathname": threading.Lock()},
        {"_logger": threading.Lock(), "_record": threading.Lock(), "color_message": Text("x")},
        {"exc_text": Text("shop.Wrong: so")},
        {"created": threading.Lock()},
    ],
)
def test_whatever_a_record_holds_can_cross(attributes):
    """A value that cannot be pickled becomes its repr, as it would without a queue."""
    record = a_record()
    record.__dict__.update(attributes)

    behind, direct = event_of(through(record)), event_of(record)

    assert (behind.fields, behind.error) == (direct.fields, direct.error)
    assert behind.message.partition("0x")[0] == direct.message.partition("0x")[0]


def test_what_changes_after_the_call_does_not_change_the_record():
    """In a queue between threads, extras and structured messages are captured too."""
    items, message = [1], {"event": "paid", "items": [1]}
    waiting = ContextQueueHandler(queue.Queue()).prepare(a_record(message, None, order=items))
    items.append(2)
    message["items"].append(2)

    assert event_of(waiting).fields == {"order": [1], "items": [1]}


def test_a_record_that_passes_two_queues_keeps_its_first_context():
    """What a first queue has captured is kept by a second one."""
    with bound(tenant="acme"):
        first = through(a_record())

    assert event_of(through(first)).fields == {"tenant": "acme"}


def test_other_handlers_print_the_exception():
    """A formatter behind the queue prints the same as before it."""
    record = a_record(exc_info=an_error())

    assert logging.Formatter().format(through(record)) == logging.Formatter().format(record)


def test_a_sampler_sees_the_captured_context():
    """FieldSampler uses the field that was bound where the record was logged."""
    sampler = FieldSampler("trace_id", 1_000_000_000)
    with bound(trace_id="t"):
        record = through(a_record())
        decided = sampler(a_record())

    assert sampler(record) == decided == 0


def test_the_attribute_is_no_field():
    """The attribute that carries the context is never shipped, even if it was tampered with."""
    for value in ("x", {}, {"context": 5, "error": 5, "trace": ()}, None):
        assert event_of(a_record(**{CAPTURED: value})).fields == {}


CONFIG = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "betterstack": {"class": "cxlogging.BetterStackHandler", "source_token": "key"},
        "queued": {"class": "cxlogging.ContextQueueHandler", "handlers": ["betterstack"]},
    },
    "loggers": {"queued.shop": {"handlers": ["queued"], "level": "INFO"}},
}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="dictConfig makes queues since 3.12")
def test_dictconfig_makes_the_queue():
    """Since Python 3.12 dictConfig creates queue and listener for the class."""
    with DevServer() as server:
        CONFIG["handlers"]["betterstack"]["url"] = server.url
        logging.config.dictConfig(CONFIG)
        (handler,) = logging.getLogger("queued.shop").handlers
        handler.listener.start()
        with bound(tenant="acme"):
            logging.getLogger("queued.shop").info("paid")
        handler.listener.stop()
        logging.getLogger("queued.shop").removeHandler(handler)
        assert cxlogging.flush_all(timeout=30)
        (event,) = server.store.oldest("betterstack")

    assert (event["message"], event["data"]["tenant"]) == ("paid", "acme")


def work(channel, number):
    logger = logging.getLogger("queued.work")
    logger.addHandler(cxlogging.ContextQueueHandler(channel))
    logger.setLevel(logging.INFO)
    threading.current_thread().name = f"caller-{number}"
    with bound(job=number):
        logger.info("done", extra={"order": Order(number)})
        try:
            1 / 0  # noqa: B018 - raises
        except ZeroDivisionError:
            logger.exception("failed")


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_records_of_other_processes(method):
    """Processes log through one multiprocessing queue: each record arrives with the context, the
    exception's structure, and the thread and process of the call that logged it.
    """
    context = multiprocessing.get_context(method)
    channel = context.Queue()
    with DevServer() as server:
        handler = cxlogging.BetterStackHandler("key", url=server.url)
        listener = logging.handlers.QueueListener(channel, handler)
        children = [context.Process(target=work, args=(channel, each)) for each in range(3)]
        for child in children:
            child.start()
        listener.start()
        for child in children:
            child.join(60)
        listener.stop()
        assert handler.flush(timeout=30)
        handler.close()
        events = [event["data"] for event in server.store.oldest("betterstack")]

    assert sorted((event["message"], event["job"]) for event in events) == sorted(
        (message, number) for message in ("done", "failed") for number in range(3)
    )
    for event in events:
        assert event["context"]["runtime"]["thread_name"] == f"caller-{event['job']}"
        assert event["context"]["system"]["process_name"] != "MainProcess"
        if event["message"] == "done":
            assert event["order"] == {"number": event["job"], "token": "[redacted]"}
        else:
            assert event["exception"]["type"] == "ZeroDivisionError"
