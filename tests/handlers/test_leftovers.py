"""Attributes set by other libraries, and formatters that add nothing, do not change events."""

from __future__ import annotations

import logging
import sys

import pytest

import cxlogging
from cxlogging.handlers.events import EventMaker
from cxlogging.handlers.extras import level_name
from cxlogging.handlers.formatters import adds_nothing
from cxlogging.wire.sanitizing.sanitizer import Sanitizer

NOWHERE = "http://127.0.0.1:9"


def event_of(record, formatter=None):
    return EventMaker(Sanitizer(), {}, None, None, lambda *note: None).make(record, formatter)


def a_record(message="hello %s", args=("you",), **attributes):
    record = logging.LogRecord("shop", 20, "/srv/o.py", 7, message, args, None)
    record.__dict__.update(attributes)
    return record


@pytest.mark.parametrize(
    ("number", "name", "arrives"),
    [
        (20, "INFO", "INFO"),
        (20, "\x1b[32mINFO\x1b[0m", "INFO"),
        (30, "WARN    ", "WARNING"),
        (40, "E", "ERROR"),
        (33, "NOTICE", "NOTICE"),
        (33, "\x1b[1;35mNOTICE\x1b[0m ", "NOTICE"),
        (33, "Level 33", "Level 33"),
        (20, None, "INFO"),
        (33, None, "Level 33"),
        ("INFO", "INFO", "INFO"),
        (None, "x", "x"),
        ([1], 5, 5),
    ],
)
def test_a_level_s_name_is_that_of_its_number(number, name, arrives):
    """A level name changed by a formatter is ignored, unless the number has no name."""
    assert level_name(number, name) == arrives
    if type(arrives) is str:
        assert event_of(a_record(levelno=number, levelname=name)).level_name == arrives


def test_a_name_that_addlevelname_gave_is_kept_without_its_colours():
    """AddLevelName with escape sequences, as many recipes do, names the level itself."""
    try:
        logging.addLevelName(27, "\x1b[36mAUDIT\x1b[0m")
        assert level_name(27, "whatever") == "AUDIT"
    finally:
        logging._levelToName.pop(27)


@pytest.mark.parametrize("name", ["level", "levelname", "log_level", "severity", "level_name"])
@pytest.mark.parametrize("value", ["INFO", "info", "\x1b[32mINFO\x1b[0m", " info ", 20])
def test_a_level_that_the_record_has_is_not_shipped_twice(name, value):
    """The level in an extra or in a structured message is the record's own."""
    assert event_of(a_record(**{name: value, "order": 7})).fields == {"order": 7}
    record = a_record({"event": "paid", name: value, "order": 7}, None)
    assert event_of(record).fields == {"order": 7}


@pytest.mark.parametrize(
    ("name", "value"),
    [("level", "gold"), ("level", 7), ("severity", True), ("logger", "till"), ("color", "red")],
)
def test_another_value_of_such_a_name_is_shipped(name, value):
    """A field with another value than the record's is shipped."""
    assert event_of(a_record(**{name: value})).fields == {name: value}


def test_names_of_loggers_and_colours_are_left_out():
    """The logger's name and the colour codes of tornado and colorlog are left out."""
    record = a_record(
        logger="shop", color="\x1b[34m", end_color="\x1b[m", log_color="", color_message="hi"
    )

    assert event_of(record).fields == {}


FORMATS = [
    ("%(message)s", True),
    ("%(asctime)s %(message)s", True),
    ("[%(asctime)s] %(levelname)-8s | %(name)s:%(lineno)d - %(message)s", True),
    ("%(asctime)s.%(msecs)03d %(levelname)s [%(process)d:%(threadName)s] %(message)s\n", True),
    ("level=%(levelname)s ts=%(asctime)s msg=%(message)s", True),
    ('{"time": "%(asctime)s", "level": "%(levelname)s", "message": "%(message)s"}', True),
    ("\x1b[1m%(levelname)s\x1b[0m %(message)s", True),
    ("%(levelname)s:%(name)s:%(message)s", True),
    ("100%% %(levelname)s %(message)s", False),
    ("myapp %(levelname)s: %(message)s", False),
    ("%(request_id)s %(message)s", False),
    ("%(levelname)s %(name)s", False),
    ("%(levelname)s %(message).100s", False),
    ("<%(message)s>", False),
]
OTHER_STYLES = [
    ("{asctime} {levelname:<8} {message}", "{", True),
    ("{levelname} {message:>30}", "{", True),
    ("{levelname} {message:.30}", "{", False),
    ("{tenant} {message}", "{", False),
    ("shop: {levelname} {message}", "{", False),
    ("$asctime ${levelname} $message", "$", True),
    ("$tenant $message", "$", False),
    ("$$ $levelname $message", "$", True),
]


@pytest.mark.parametrize(
    ("text", "style", "adds"), [*((text, "%", adds) for text, adds in FORMATS), *OTHER_STYLES]
)
def test_a_format_adds_nothing_where_all_of_it_is_a_field(text, style, adds):
    """A format of standard attributes, punctuation and labels adds nothing; any other does."""
    assert adds_nothing(logging.Formatter(text, style=style)) is adds


class Times(logging.Formatter):
    def formatTime(self, record, datefmt=None):  # noqa: N802 - logging's name
        return "now"


class Own(logging.Formatter):
    def format(self, record):
        return f"[{record.levelname}] {super().format(record)}"


def test_a_subclass_is_judged_by_what_it_overrides():
    """A subclass that overrides only formatTime adds nothing; one that overrides format may."""
    assert adds_nothing(Times("%(asctime)s %(message)s"))
    assert not adds_nothing(Own("%(message)s"))
    assert not adds_nothing(None)
    patched = logging.Formatter("%(levelname)s %(message)s")
    patched.format = lambda record: "x"
    assert not adds_nothing(patched)
    assert not adds_nothing(logging.Formatter("%(levelname)s %(who)s %(message)s", defaults={}))


def test_the_handler_ships_the_plain_message():
    """A handler with such a formatter ships the message, and the traceback once."""
    handler = cxlogging.HoneycombHandler("k", url=NOWHERE)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    assert handler.formatter is None
    other = logging.Formatter("shop %(message)s")
    handler.setFormatter(other)
    assert handler.formatter is other
    handler.close()


def test_well_known_formatters_are_known():
    """Those of colorlog, coloredlogs, uvicorn and django print fields and colours alone."""
    uvicorn = pytest.importorskip("uvicorn.logging")
    access = '%(asctime)s %(levelprefix)s %(client_addr)s - "%(request_line)s" %(status_code)s'
    assert adds_nothing(uvicorn.DefaultFormatter("%(levelprefix)s %(message)s"))
    assert adds_nothing(uvicorn.AccessFormatter(access))
    assert not adds_nothing(uvicorn.DefaultFormatter("%(levelprefix)s %(tenant)s %(message)s"))


@pytest.mark.parametrize(
    ("module", "name", "text"),
    [
        (
            "colorlog",
            "ColoredFormatter",
            "%(log_color)s%(levelname)s%(reset)s %(bold_red)s %(message)s",
        ),
        ("coloredlogs", "ColoredFormatter", "%(asctime)s %(hostname)s %(name)s %(message)s"),
        ("django.utils.log", "ServerFormatter", "[%(server_time)s] %(message)s"),
        ("tornado.log", "LogFormatter", "%(color)s[%(levelname)1.1s]%(end_color)s %(message)s"),
    ],
)
def test_a_colour_formatter_is_known(module, name, text):
    """A formatter that overrides format for colours prints what are fields already."""
    kind = getattr(pytest.importorskip(module), name)

    assert adds_nothing(kind(text))


def an_error():
    try:
        {}["wrong"]
    except KeyError:
        return sys.exc_info()


class Json(logging.Formatter):
    def format(self, record):
        import json

        members = {"message": record.getMessage(), "exc": self.formatException(record.exc_info)}
        return json.dumps({**members, "service": "shop"})


class Shouting(logging.Formatter):
    def format(self, record):
        return super().format(record) + "\n-- end"


@pytest.mark.parametrize(
    ("formatter", "message"),
    [
        (logging.Formatter("shop %(message)s"), "shop hello you"),
        (Own(), "[INFO] hello you"),
        (Shouting(), "hello you\n-- end"),
        (Json(), "hello you"),
    ],
)
def test_what_a_formatter_appends_is_not_shipped_twice(formatter, message):
    """The exception's and the stack's text that a formatter puts below its message are fields."""
    event = event_of(a_record(exc_info=an_error(), stack_info="Stack:\n  here"), formatter)

    assert event.message == message
    assert event.error["type"] == "KeyError"
    assert event.stack == "Stack:\n  here"
    assert event.fields in ({}, {"service": "shop"})


def test_no_exception_is_printed_by_no_formatter():
    """The words NoneType: None, which log.exception() outside of except prints, do not arrive."""
    record = a_record(exc_info=(None, None, None))

    assert event_of(record, logging.Formatter("shop %(message)s")).message == "shop hello you"
    assert event_of(record).error is None


def test_a_formatter_of_another_handler_does_not_matter():
    """The exception that it left as text on the record is the exception."""
    record = a_record(exc_info=an_error())
    logging.Formatter().format(record)
    record.exc_info = None

    assert (event_of(record).error["type"], event_of(record).message) == ("KeyError", "hello you")
