"""Access records of servers as fields: read from the records as the servers make them."""

from __future__ import annotations

import logging
import socket

import pytest

from cxlogging.integrations import gunicorn, uvicorn
from cxlogging.integrations.server_logs import AccessFields


def read(name, msg, args, **extra):
    """Return the message and the attributes of a record after the filter."""
    record = logging.LogRecord(name, logging.INFO, "", 0, msg, args, None)
    record.__dict__.update(extra)
    passed = AccessFields().filter(record)
    assert passed
    seen = passed if isinstance(passed, logging.LogRecord) else record
    return seen.getMessage(), seen.__dict__


GUNICORN = {
    "h": "192.0.2.7",
    "r": "GET /orders?token=hidden HTTP/1.1",
    "s": "200",
    "m": "GET",
    "U": "/orders",
    "q": "token=hidden",
    "B": 5,
    "D": 1500,
    "f": "http://hidden",
    "a": "hidden",
    "{authorization}i": "hidden",
}
LINE = '%(h)s "%(r)s" %(s)s "%(f)s" "%(a)s"'
STYLED = "\x1b[31m\x1b[1mGET /orders?token=hidden HTTP/1.1\x1b[0m"

RECORDS = {
    "uvicorn": (
        "uvicorn.access",
        '%s - "%s %s HTTP/%s" %d',
        ("192.0.2.7:5000", "GET", "/orders?token=hidden", "1.1", 200),
        '192.0.2.7:5000 - "GET /orders HTTP/1.1" 200',
    ),
    "gunicorn": ("gunicorn.access", LINE, (GUNICORN,), "GET /orders 200"),
    "hypercorn": (
        "hypercorn.access",
        LINE,
        ({**GUNICORN, "h": "192.0.2.7:5000", "B": "5"},),
        "GET /orders 200",
    ),
    "werkzeug": (
        "werkzeug",
        '192.0.2.7 - - [29/Nov/2026] "%s" %s %s',
        (STYLED, "200", "-"),
        "GET /orders 200",
    ),
    "django": (
        "django.server",
        '"%s" %s %s',
        ("GET /orders?token=hidden HTTP/1.1", "200", "5"),
        "GET /orders 200",
    ),
}


@pytest.mark.parametrize("server", RECORDS)
def test_access_records_have_their_fields(server):
    """Method, path and status as fields; neither headers nor the query string anywhere."""
    name, msg, args, shown = RECORDS[server]
    message, attributes = read(name, msg, args)

    assert message == shown
    assert attributes["http"]["request"] == {"method": "GET"}
    assert attributes["http"]["response"]["status_code"] == 200
    assert attributes["url"] == {"path": "/orders"}
    if server != "django":  # it leaves the connection on the record instead
        assert attributes["client"] == {"address": "192.0.2.7"}
    if "gunicorn" in server or "hypercorn" in server:
        assert attributes["http"]["response"]["body"] == {"size": 5}
        assert attributes["duration"] == 0.0015
    assert "hidden" not in str({**attributes, "args": attributes["args"]})


def test_the_connection_leaves_a_record_of_django():
    """Its peer's address stays, where there is one."""
    line = ("GET / HTTP/1.1", "404", "5")
    left = {"status_code": 404, "server_time": "now"}
    here, there = socket.socketpair(socket.AF_UNIX)
    with here, there, socket.create_server(("127.0.0.1", 0)) as listening:
        _, local = read("django.server", '"%s" %s %s', line, request=here, **left)
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            _, attributes = read("django.server", '"%s" %s %s', line, request=accepted, **left)
    assert "client" not in local
    assert attributes["client"] == {"address": "127.0.0.1"}
    assert not {"request", "server_time", "status_code"} & attributes.keys()


def test_the_attributes_of_aiohttp_become_fields():
    """What its formatter has left on the record, headers among it, is gone."""
    message, attributes = read(
        "aiohttp.access",
        '192.0.2.7 "GET /orders?token=hidden HTTP/1.1" 200 5 "hidden"',
        (),
        remote_address="192.0.2.7",
        first_request_line="GET /orders?token=hidden HTTP/1.1",
        response_status=200,
        response_size=5,
        request_header={"User-Agent": "hidden"},
    )
    assert message == "GET /orders 200"
    assert attributes["http"]["response"] == {"status_code": 200, "body": {"size": 5}}
    assert attributes["client"] == {"address": "192.0.2.7"}
    assert "hidden" not in str(attributes)


def test_the_attributes_of_sanic_become_fields():
    """Its access records have no message: the fields become one."""
    message, attributes = read(
        "sanic.access",
        "",
        (),
        host="192.0.2.7:5000",
        request="GET http://shop.example/orders?token=hidden",
        status=200,
        byte=5,
        duration="1.5ms",
    )
    assert message == "GET /orders 200"
    assert attributes["http"]["request"] == {"method": "GET"}
    assert attributes["http"]["response"] == {"status_code": 200, "body": {"size": 5}}
    assert attributes["client"] == {"address": "192.0.2.7"}
    assert not {"host", "request", "status", "byte", "duration"} & attributes.keys()


def test_the_atoms_of_granian_become_fields():
    """Whatever its format shows; it measures in milliseconds."""
    atoms = {
        "addr": "192.0.2.7",
        "method": "GET",
        "path": "/orders",
        "query_string": "token=hidden",
        "status": 200,
        "dt_ms": 1.5,
    }
    message, attributes = read("granian.access", "%(path)s?%(query_string)s", (atoms,))
    assert message == "GET /orders 200"
    assert attributes["http"] == {"request": {"method": "GET"}, "response": {"status_code": 200}}
    assert attributes["client"] == {"address": "192.0.2.7"}
    assert attributes["duration"] == 0.0015


def test_a_websocket_of_uvicorn_loses_its_query_string():
    """What is accepted, and what is refused."""
    client = "192.0.2.7:5000"
    message, attributes = read(
        "uvicorn.error", '%s - "WebSocket %s" [accepted]', (client, "/ws?token=hidden")
    )
    assert message == f'{client} - "WebSocket /ws" [accepted]'
    assert attributes["url"] == {"path": "/ws"}
    message, _ = read("uvicorn.error", '%s - "WebSocket %s" %d', (client, "/ws?token=hidden", 403))
    assert message == f'{client} - "WebSocket /ws" 403'


@pytest.mark.parametrize(
    ("name", "msg", "args"),
    [
        ("uvicorn.access", "%s", ("else",)),
        ("uvicorn.error", "started", ()),
        ("gunicorn.access", "plain", ()),
        ("werkzeug", "%s is running on %s at %s", ("a", "b", "c")),
        ("django.server", "%s", ("else",)),
        ("aiohttp.access", "else", ()),
        ("granian.access", "else", ()),
        ("sanic.access", "else", ()),
        ("shop", "%s %s", ("GET", "/orders?token=kept")),
    ],
)
def test_other_records_pass_as_they_are(name, msg, args):
    """Of the same loggers, and of others."""
    message, attributes = read(name, msg, args)
    assert message == (msg % args if args else msg)
    assert "http" not in attributes


@pytest.mark.parametrize("module", [uvicorn, gunicorn])
def test_a_configuration_takes_a_class_or_an_entry(module):
    """With the arguments of the handler; anything else is refused."""
    config = module.log_config("cxlogging.HoneycombHandler", dataset="shop", level="DEBUG")
    entry = {"class": "cxlogging.HoneycombHandler", "dataset": "shop"}
    assert config == module.log_config(entry, level="DEBUG")
    assert config["handlers"]["cxlogging"]["sigterm"] is True
    assert config["root"]["level"] == "DEBUG"
    with pytest.raises(TypeError, match="not 3"):
        module.log_config(3)
