from __future__ import annotations

import datetime
import json
import logging
import subprocess
import sys

import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.handlers.context import bound
from cxlogging.handlers.events import EventMaker
from cxlogging.handlers.extras import extras
from cxlogging.handlers.sequence import SequenceIds
from cxlogging.wire.sanitizing.sanitizer import Sanitizer

from ..odd_values import Raising

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class Keeping(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def log():
    """A real logger whose handler keeps the records."""
    logger = logging.Logger("shop.orders")  # noqa: LOG001 - no part of the tree that others use
    logger.addHandler(Keeping())
    return logger


def last(logger: logging.Logger) -> logging.LogRecord:
    return logger.handlers[0].records[-1]


def maker(**options) -> EventMaker:
    options = {
        "sanitizer": Sanitizer(),
        "fields": {},
        "context_provider": None,
        "sequence": None,
    } | options
    return EventMaker(note=options.pop("note", lambda topic, words: None), **options)


def make(record: logging.LogRecord, formatter: logging.Formatter | None = None, **options):
    return maker(**options).make(record, formatter)


def a_record(message: object = "hello", *args: object, **attributes: object) -> logging.LogRecord:
    record = logging.LogRecord("shop", 20, "/srv/o.py", 7, message, args, None)
    record.__dict__.update(attributes)
    return record


def test_an_event_is_what_the_record_says(log):
    """Level, name, message and origin of the event are the record's."""
    log.warning("paid %d of %s", 3, "7")
    event = make(last(log))

    assert (event.level, event.level_name, event.message) == (30, "WARNING", "paid 3 of 7")
    assert (event.origin.name, event.origin.funcName) == ("shop.orders", last(log).funcName)
    assert (event.fields, event.error, event.stack, event.sample_rate) == ({}, None, None, 1)


def test_extras_of_a_real_logger_are_fields(log):
    """What extra= brings is a field, and nothing else is."""
    log.info("hello", extra={"order": 7, "user": {"id": 1}})

    assert make(last(log)).fields == {"order": 7, "user": {"id": 1}}


@pytest.mark.parametrize("task", [None, "Task-1"])
def test_a_task_s_name_is_no_extra(task):
    """Where Python or a user sets taskName, it is the event's task."""
    event = make(a_record(taskName=task, order=7))

    assert (event.task, event.fields) == (task, {"order": 7})


def test_what_another_handler_s_formatter_leaves_is_no_extra():
    """A formatter writes message, asctime and exc_text onto the record: none is an extra."""
    record = a_record("hello %s", "you", order=7)
    logging.Formatter("%(asctime)s %(message)s").format(record)

    assert make(record).fields == {"order": 7}
    plain = a_record()
    logging.Formatter("%(asctime)s %(message)s").format(plain)
    assert extras(plain) == {}


def test_what_other_libraries_leave_for_themselves_is_no_extra():
    """The attributes of structlog are not shipped."""
    record = a_record(_logger=object(), _name="x", _record=object(), _from_structlog=True, order=7)

    assert extras(record) == {"order": 7}


def test_attributes_may_be_missing():
    """Extras are found on a record that lost some of its own attributes."""
    for deleted in (["relativeCreated"], ["msecs", "stack_info"], ["process"], ["processName"]):
        record = a_record(order=7, user=8)
        for name in deleted:
            delattr(record, name)
        assert extras(record) == {"order": 7, "user": 8}, deleted


def test_as_many_extras_as_attributes_were_deleted_are_found():
    """A record of the usual number of attributes may still hold extras."""
    record = a_record(order=7)
    del record.relativeCreated
    lost = a_record()
    del lost.relativeCreated

    assert extras(record) == {"order": 7}
    assert extras(lost) == {}


@pytest.mark.parametrize("before", [True, False])
def test_a_record_factory_s_attributes_are_extras(before, log):
    """What setLogRecordFactory's factory adds is an extra, wherever it stands on the record."""

    class Record(logging.LogRecord):
        def __init__(self, *args, **kwargs) -> None:
            if before:
                self.region = "eu"
            super().__init__(*args, **kwargs)
            if not before:
                self.region = "eu"

    standard = logging.getLogRecordFactory()
    logging.setLogRecordFactory(Record)
    try:
        log.info("hello", extra={"order": 7})
        log.info("hello")
    finally:
        logging.setLogRecordFactory(standard)

    first, second = log.handlers[0].records
    assert make(first).fields == {"region": "eu", "order": 7}
    assert make(second).fields == {"region": "eu"}


def test_a_subclass_s_own_message_is_the_message():
    """A record whose class formats messages its own way is asked for its message."""

    class Braces(logging.LogRecord):
        def getMessage(self) -> str:  # noqa: N802 - the standard library names it
            return self.msg.format(*self.args)

    record = Braces("shop", 20, "/srv/o.py", 7, "{} of {}", (1, 2), None)

    assert make(record).message == "1 of 2"


def test_a_record_made_of_a_dict_is_read():
    """makeLogRecord, which sockets and queues use, gives whole events."""
    record = logging.makeLogRecord(
        {
            "name": "far",
            "msg": "from %s",
            "args": ("afar",),
            "levelno": 40,
            "levelname": "ERROR",
            "n": 1,
        }
    )

    event = make(record)
    assert (event.message, event.level, event.fields) == ("from afar", 40, {"n": 1})


@given(st.integers(946_684_800 * 10**6, 4_102_444_800 * 10**6))
def test_the_time_is_exact_to_the_microsecond(microseconds):
    """record.created, a float of seconds, gives back its very microsecond."""
    assert make(a_record(created=microseconds / 1e6)).time_ns == microseconds * 1_000


@freeze_time("2031-02-03T04:05:06.000007Z")
def test_a_frozen_clock_s_time_is_the_event_s(log):
    """A record made at a frozen time has that time."""
    log.info("hello")

    moment = datetime.datetime(2031, 2, 3, 4, 5, 6, 7, tzinfo=datetime.timezone.utc) - EPOCH
    assert make(last(log)).time_ns == moment // datetime.timedelta(microseconds=1) * 1_000


def test_making_an_event_does_not_change_the_record(log):
    """Other handlers find the record as it was, to the order of its attributes."""
    log.error("failed %s", "badly", extra={"order": [7]}, stack_info=True, exc_info=an_error())
    before = list(last(log).__dict__.items())

    make(last(log), fields={"a": 1}, sequence="cx_seq")

    assert list(last(log).__dict__.items()) == before


def test_what_changes_after_the_call_does_not_change_the_event():
    """Arguments and extras are captured when the event is made."""
    items, order = [1], {"lines": [1]}
    event = make(a_record("%s", items, order=order))
    items.append(2)
    order["lines"].append(2)

    assert (event.message, event.fields) == ("[1]", {"order": {"lines": [1]}})


def test_an_event_is_made_of_subclasses_of_text():
    """A message that is a subclass of str is plain text in the event."""

    class Marked(str):
        __slots__ = ()

    assert type(make(a_record(Marked("hello"))).message) is str
    assert type(make(a_record({"event": Marked("hello")})).message) is str


@pytest.mark.parametrize(
    ("message", "text", "fields"),
    [
        ({"message": "paid", "order": 7}, "paid", {"order": 7}),
        ({"event": "paid", "level": "odd"}, "paid", {"level": "odd"}),
        ({"event": "paid", "level": "info", "logger": "shop"}, "paid", {}),
        ({"msg": "paid"}, "paid", {}),
        ({"message": "a", "event": "b", "msg": "c"}, "a", {"event": "b", "msg": "c"}),
        ({"message": 5, "event": "b"}, "b", {"message": 5}),
        ({"order": 7}, "", {"order": 7}),
        ({1: 2}, "", {"1": 2}),
        ({}, "", {}),
    ],
)
def test_a_mapping_as_message_is_its_text_and_fields(message, text, fields):
    """logger.info({...}), and structlog's event dicts, are a message and fields."""
    event = make(a_record(message))

    assert (event.message, event.fields) == (text, fields)


def test_a_mapping_as_message_is_not_changed():
    """The application's own mapping keeps its message."""
    message = {"event": "paid", "order": 7}
    make(a_record(message))

    assert message == {"event": "paid", "order": 7}


def test_a_mapping_with_arguments_is_a_template():
    """Where there are arguments, a mapping is printed as the standard library would."""
    assert make(a_record({"a": "%s"}, "x")).message == "{'a': 'x'}"


def test_an_argument_that_is_a_mapping_is_an_argument(log):
    """%(name)s with one mapping is the standard library's own way."""
    log.info("hello %(name)s", {"name": "you"})

    event = make(last(log))
    assert (event.message, event.fields) == ("hello you", {})


class Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"message": record.getMessage(), "service": "shop", "level": "x"}) + "\n"


def test_a_json_formatter_s_members_become_fields():
    """A formatter that prints a JSON object gives the message and fields; extras go first."""
    event = make(a_record("hello", service="mine", order=7), Json())

    assert event.message == "hello"
    assert event.fields == {"service": "mine", "level": "x", "order": 7}


@pytest.mark.parametrize(
    "text",
    ["{not json}", "{", "}", "{} and more", '[{"a": 1}]', '{"a": 1} ', "{" * 5_000 + "}"],
)
def test_what_only_looks_like_json_is_text(text):
    """The output of a formatter that is not a JSON object is the message."""
    event = make(a_record("x"), logging.Formatter(text.replace("%", "%%"), validate=False))

    expected = ("", {"a": 1}) if text == '{"a": 1} ' else (text, {})
    assert (event.message, event.fields) == expected


def test_deeply_nested_json_is_text():
    """JSON nested beyond the recursion limit is used as the message."""
    text = '{"a":' * 100_000 + "1" + "}" * 100_000

    class Deep(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return text

    event = make(a_record(), Deep())

    assert event.message == text or list(event.fields) == ["a"]


def test_a_formatter_makes_the_message():
    """A formatter that prints text makes the event's message."""
    formatter = logging.Formatter("%(levelname)s: %(message)s")

    assert make(a_record("hello %s", "you"), formatter).message == "INFO: hello you"


class Failing(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        raise KeyError("canary")


class Silent(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return None


@pytest.mark.parametrize(("formatter", "error"), [(Failing(), "KeyError"), (Silent(), "TypeError")])
def test_a_formatter_that_fails_costs_nothing_but_its_form(formatter, error):
    """If a formatter fails, the record's own message is sent, and the failure is reported."""
    notes = []

    event = make(a_record("hello %s", "you", a=1), formatter, note=lambda *note: notes.append(note))

    assert (event.message, event.fields) == ("hello you", {"a": 1})
    assert notes == [("formatter", f"a formatter failed: {error}")]


@pytest.mark.parametrize(
    ("message", "args", "text"),
    [
        ("%d items", ("many",), "%d items <arguments do not fit: ['many']>"),
        ("no place", (1, 2), "no place <arguments do not fit: [1, 2]>"),
        ("%s and %s", (1,), "%s and %s <arguments do not fit: [1]>"),
        ("%", (1,), "% <arguments do not fit: [1]>"),
        (
            "%s",
            (Raising(ValueError("x")),),
            "%s <arguments do not fit: ['<unrepresentable Raising>']>",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_sent_beside_the_message(message, args, text):
    """A message that cannot be formatted arrives with its arguments, and the place is reported."""
    notes = []

    event = make(a_record(message, *args), note=lambda *note: notes.append(note))

    assert event.message == text
    ((topic, words),) = notes
    assert topic == "/srv/o.py:7"
    assert words.startswith("a message could not be formatted, at /srv/o.py:7: ")


def test_a_message_that_is_an_object_and_cannot_be_printed_is_marked():
    """An object logged as a message whose __str__ fails is marked."""
    event = make(a_record(Raising(ValueError("x")), order=7))

    assert event.message == "<unrepresentable Raising> <arguments do not fit: []>"
    assert event.fields == {"order": 7}


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (True, True),
        (None, None),
        (1.5, 1.5),
        (float("nan"), "NaN"),
        (2**63, "9223372036854775808"),
        ("x" * 100_000, "x" * 100_000),
        ([1], [1]),
    ],
)
def test_an_extra_of_every_kind_is_cleaned(value, arrives):
    """Plain values are passed on, others are sanitized, alone and next to others."""
    assert make(a_record(a=value)).fields == {"a": arrives}
    assert make(a_record(a=1, b=value, password=2)).fields == {"a": 1, "b": arrives, "password": 2}


def test_as_many_extras_as_any_are_a_thousand():
    """Extras beyond a thousand are cut, and the event says so."""
    fields = make(a_record(**{f"f{each}": each for each in range(1_500)})).fields

    assert (len(fields), fields["f999"]) == (1_001, 999)
    assert list(fields)[-1] == "<500 more>"


def test_a_long_message_is_cut_with_its_length():
    """A message larger than any vendor's event is cut at once."""
    message = make(a_record("x" * 3_000_000)).message

    assert len(message) <= 2_000_000
    assert message.endswith("… [cut from 3000000 characters]")


def test_sensitive_arguments_that_do_not_fit_are_hidden():
    """The arguments of a message that cannot be formatted are redacted like fields."""
    sanitizer = Sanitizer(lambda name: name == "password")

    event = make(a_record("%s %s", {"password": "canary"}), sanitizer=sanitizer)

    assert event.message == "%s %s <arguments do not fit: {'password': '[redacted]'}>"


def test_the_nearest_source_of_a_field_goes_first():
    """Constant, bound, context=, message fields, extras: each overrides those before it."""
    message = {"event": "x", "d": "message", "e": "message"}
    with bound(b="bound", c="bound", d="bound", e="bound"):
        event = make(
            a_record(message, e="extra"),
            fields=dict.fromkeys("abcde", "constant"),
            context_provider=lambda record: dict.fromkeys("cde", "context"),
        )

    assert event.fields == {
        "a": "constant",
        "b": "bound",
        "c": "context",
        "d": "message",
        "e": "extra",
    }


def test_context_is_asked_with_the_record():
    """context= is called with the record, and may return None."""
    assert make(a_record(), context_provider=lambda record: {"line": record.lineno}).fields == {
        "line": 7
    }
    assert make(a_record(a=1), context_provider=lambda record: None).fields == {"a": 1}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (lambda record: 1 / 0, "context= failed: ZeroDivisionError: division by zero"),
        (lambda record: [1], "context= failed: TypeError: "),
        (lambda record: 5, "context= failed: TypeError: "),
    ],
)
def test_a_context_that_fails_costs_its_fields_alone(more, words):
    """If context= raises or returns a wrong type, that is reported, and the record is complete."""
    notes = []

    event = make(
        a_record("hello", a=1), context_provider=more, note=lambda *note: notes.append(note)
    )

    assert (event.message, event.fields) == ("hello", {"a": 1})
    assert [(topic, note.startswith(words)) for topic, note in notes] == [("context", True)]


def test_ids_number_the_events_of_a_run():
    """With a sequence, every event has the run's id and the next number."""
    events = maker(sequence="cx_seq", fields={"a": 1})

    ids = [events.make(a_record(process=17), None).fields["cx_seq"] for _ in range(3)]

    runs, numbers = zip(*(each.split("-") for each in ids), strict=True)
    assert numbers == ("1", "2", "3")
    assert len(set(runs)) == 1
    assert len(runs[0]) == 12


@pytest.mark.parametrize("pids", [(1, 2), (None, 1), (1, None), (-1, 1)])
def test_another_process_begins_a_run_of_its_own(pids):
    """The child of a fork numbers from 1 in a new run, and so does its own child."""
    sequence = SequenceIds()

    first, again, other, more = (sequence.next(pids[each]) for each in (0, 0, 1, 1))

    assert [each.partition("-")[2] for each in (other, more)] == ["1", "2"]
    assert again.partition("-")[2] == str(int(first.partition("-")[2]) + 1)
    assert first.partition("-")[0] != other.partition("-")[0] == more.partition("-")[0]


def test_processes_that_take_turns_keep_their_runs():
    """Records of several processes through one listener: each has a run without gaps."""
    sequence = SequenceIds()

    ids = [sequence.next(pid).split("-") for pid in (1, 2, 1, 3, 2, None, 1)]

    assert [int(number) for _, number in ids] == [1, 1, 2, 1, 2, 1, 3]
    assert ids[0][0] == ids[2][0] == ids[6][0] != ids[1][0] == ids[4][0]


def test_the_runs_that_are_kept_are_bounded():
    """The number of counters is bounded, however many processes send records."""
    sequence = SequenceIds()

    ids = {sequence.next(pid) for pid in range(10_000)}

    assert len(ids) == 10_000
    assert len(sequence._runs) <= 4_096


def test_two_handlers_have_runs_of_their_own():
    """Ids are unique across the handlers of a process."""
    assert SequenceIds().next(1) != SequenceIds().next(1)


def test_stack_info_is_the_stack():
    """stack_info=True gives the event's stack, and a text is cleaned like others."""
    event = make(a_record(stack_info="Stack (most recent call last):\n  x"))

    assert event.stack == "Stack (most recent call last):\n  x"


def an_error() -> ValueError:
    with pytest.raises(ValueError) as raised:
        raise ValueError("wrong")
    return raised.value


@pytest.mark.parametrize(
    "info",
    [an_error(), (ValueError, an_error(), an_error().__traceback__), (None, an_error(), None)],
    ids=["instance", "tuple", "odd tuple"],
)
def test_exc_info_of_every_form_is_an_error(info):
    """An exception, or the three values about one, makes the event's error."""
    error = make(a_record(exc_info=info)).error

    assert (error["type"], error["message"]) == ("ValueError", "wrong")
    assert "ValueError: wrong" in error["stacktrace"]


@pytest.mark.parametrize("info", [(None, None, None), (), 5, "x", False, None])
def test_exc_info_without_an_exception_is_none(info):
    """logger.exception outside of an except block ships no error."""
    assert make(a_record(exc_info=info)).error is None


def test_exc_info_true_is_the_current_exception():
    """A record made by hand with exc_info=True is given what is being handled, if anything."""
    assert make(a_record(exc_info=True)).error is None
    try:
        {}["now"]
    except KeyError:
        error = make(a_record(exc_info=True)).error
    assert (error["type"], error["message"]) == ("KeyError", "'now'")


@pytest.mark.parametrize("info", [None, (None, None, None), True])
def test_of_an_exception_s_text_alone_an_error_is_made(info):
    """If a record has only exc_text, its last line gives the type and the message."""
    error = make(a_record(exc_info=info, exc_text="Traceback\n  x\nshop.Wrong: so: it\n")).error

    assert (error["type"], error["message"]) == ("shop.Wrong", "so: it")
    assert error["stacktrace"] == "Traceback\n  x\nshop.Wrong: so: it\n"


def test_a_rate_is_the_event_s():
    """The sample rate of a record is in its event."""
    assert maker().make(a_record(), None, 7).sample_rate == 7


RUNS = """
import logging, os
from cxlogging.handlers.sequence import SequenceIds
sequence = SequenceIds()
sequence.next(os.getpid())
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, sequence.next(os.getpid()).encode())
    os._exit(0)
os.wait()
print(os.read(read, 100).decode(), sequence.next(os.getpid()))
"""


def test_a_forked_child_s_ids_are_its_own():
    """After a real fork, child and parent go on with different runs."""
    done = subprocess.run([sys.executable, "-c", RUNS], capture_output=True, text=True, check=True)

    child, parent = done.stdout.split()
    assert child.partition("-")[0] != parent.partition("-")[0]
    assert (child.partition("-")[2], parent.partition("-")[2]) == ("1", "2")
