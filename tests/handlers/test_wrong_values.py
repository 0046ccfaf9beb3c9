"""Each wrong value is one sentence when a handler is made: what was typed, and under what name."""

from __future__ import annotations

import configparser
import gc
import logging.config
import multiprocessing
import queue as queues
import re
import threading

import pytest

import cxlogging
from cxlogging.dataprime import DataPrimeClient
from cxlogging.delivery.process.registry import registered
from cxlogging.devserver import DevServer
from cxlogging.errors import ConfigurationError
from cxlogging.handlers.redaction.rules import build_sanitizer
from cxlogging.wire.option_parsers import shown

HONEYCOMB, CORALOGIX, BETTERSTACK = (
    f"cxlogging.{vendor}Handler" for vendor in ("Honeycomb", "Coralogix", "BetterStack")
)
KEYS = {HONEYCOMB: "api_key", CORALOGIX: "api_key", BETTERSTACK: "source_token"}
SECONDS = ["-1", "soon", "1s", "nan", "inf", "", "true", "1e9"]
SIZES = ["-1", "0", "1 XB", "lots", "", "nan", "1.5", "true"]
NUMBERS = ["0", "-3", "2.5", "many", "nan", "true"]
WORDS = {
    "flush_interval": SECONDS,
    "block_timeout": SECONDS,
    "close_timeout": SECONDS,
    "close_maximum": SECONDS,
    "timeout": [*SECONDS, "0"],
    "retry_initial": [*SECONDS, "0"],
    "retry_maximum": [*SECONDS, "0"],
    "buffer_bytes": SIZES,
    "spool_bytes": SIZES,
    "batch_bytes": [each for each in SIZES if each],
    "batch_count": NUMBERS,
    "concurrency": [*NUMBERS, "1000", ""],
    "durability": ["disk", "true", "", "none", "systen"],
    "overflow": ["drop", "true", "", "none", "drop-oldest"],
    "compression": ["br", "gz", "true", "deflate"],
    "sigterm": ["maybe", "2", "truee", "SIGTERM"],
    "allow_plain_http": ["maybe", "2", "truee", "http"],
    "spool": ["", "true", "s3://bucket/logs", "${SPOOL}", "/dev/null", "/dev/null/spool"],
    "ca_file": ["/no/such.pem", "/", "/dev/null", "${CA}", "~nobody-here/ca.pem"],
    "client_cert": ["/no/such.pem", "/", "/dev/null", "${CERT}"],
    "ssl_context": ["true", "context", "/"],
    "proxy": ["proxy:3128", "socks5://proxy:1", "http://", "http://p:0", "http://p/x", "${PROXY}"],
    "headers": ["X-A: 1", "true", "{}"],
    "on_drop": ["print", "true"],
    "on_error": ["print", "true"],
    "context": ["print", "true"],
    "fields": ["shop", "true"],
    "sequence": ["my field", "${SEQUENCE}"],
    "redact": ["password,,iban", "/[/", "_"],
    "redact_except": ["true", "session_id,", "_", "on"],
    "sql_parameters": ["maybe", "2", "falsee", "hide"],
    "strip_ansi": ["maybe", "2", "truee", "colours"],
    "sample_rate": ["0", "-1", "1.5", "10%", "none", ""],
    "url": [
        "ftp://a.example",
        "a.example:1",
        "https://",
        "http://a.example",
        "https://a.example/x",
    ],
}
"""Strings, as a configuration file gives them; in code they are as wrong."""

VALUES = {
    "flush_interval": [True, None, [], b"1", float("nan")],
    "timeout": [True, None, [], b"1", float("nan")],
    "buffer_bytes": [True, None, [], b"1", 1.5],
    "spool_bytes": [True, None, [], b"1", 1.5],
    "batch_count": [True, 0, [], b"1"],
    "concurrency": [True, None, 257, b"1"],
    "overflow": [True, None, 1],
    "compression": [True, 9],
    "sigterm": [2, [], 1.0],
    "allow_plain_http": [2, [], object()],
    "spool": [True, 5, b"/tmp"],
    "ca_file": [True, 5, b"/tmp"],
    "client_cert": [True, 5, ("/no/a.pem",), ("/no/a.pem", "/no/b.pem")],
    "ssl_context": [True, 5, object],
    "proxy": [True, 5, b"http://p:1"],
    "headers": [
        [("X-A", "1")],
        {"X A": "1"},
        {"X-A": "1\r\nX-B: 2"},
        {"X-A": None},
        {"X-A": b"1"},
        {"Host": "a"},
        {"content-length": "1"},
        {"CONTENT-TYPE": "text/plain"},
        {"Content-Encoding": "gzip"},
        {"Transfer-Encoding": "chunked"},
        {"Accept-Encoding": "br"},
        {"Connection": "close"},
        {"Proxy-Authorization": "Basic x"},
        {"x-honeycomb-team": "other"},
        {"X-A": "1", "x-a": "2"},
        {1: "1"},
    ],
    "on_drop": [True, 5],
    "on_error": [True, 5],
    "fields": [True, [("a", 1)], {1: 2}],
    "context": [True, 5, {"a": 1}],
    "sequence": [2, [], 1.0, b"cx"],
    "redact": [5, 1.5, ["a", 5], [b"x"], [""], object()],
    "redact_except": [5, 1.5, ["a", 5], b"x", [""], True],
    "sql_parameters": [2, [], "x", object()],
    "strip_ansi": [2, [], "x", object()],
    "sample_rate": [0, 1.5, True, None, [], [0], [[2]]],
    "level": [None, True, 1.5, b"INFO", "LOUD", "infoo", "", "10.5"],
    "dataset": [5, b"shop", ["shop"], "a\nb", "${DATASET}"],
    "service_name": [5, b"shop", "a\0b", "{{ service }}"],
    "url": [5, b"https://a.example", ["https://a.example"]],
}
VENDOR_WORDS = [
    (CORALOGIX, "text", ["xml", "true", "", "jsno"]),
    (CORALOGIX, "domain", ["eu22", "eu2..com", "frankfurt", "https://proxy.example", "${DOMAIN}"]),
    (CORALOGIX, "application_name", ["a\nb", "${APP}"]),
    (CORALOGIX, "computer_name", ["%HOST%", "a\tb"]),
    (BETTERSTACK, "format", ["xml", "true", "", "msgpak"]),
    (BETTERSTACK, "ingesting_host", ["a b.example", "http://a.example", "a.b:1", "${HOST}"]),
]
VARIABLES = [
    (CORALOGIX, "CORALOGIX_DOMAIN", ["eu22", "eu2..com", "http://eu2.coralogix.com", "${DOMAIN}"]),
    (CORALOGIX, "CORALOGIX_REGION", ["frankfurt", "${REGION}"]),
    (CORALOGIX, "CX_DOMAIN", ["eu 2.coralogix.com", "eu22"]),
    (CORALOGIX, "CX_REGION", ["mars"]),
    (BETTERSTACK, "BETTER_STACK_INGESTING_HOST", ["a b.example", "http://a.example", "a.b:1"]),
    (BETTERSTACK, "INGESTING_HOST", ["a_b.example"]),
    (BETTERSTACK, "BETTER_STACK_INGESTING_URL", ["a.example", "ftp://a.example"]),
    (HONEYCOMB, "HONEYCOMB_API_ENDPOINT", ["eu2", "api.example", "http://api.example"]),
    (HONEYCOMB, "HONEYCOMB_API_HOST", ["eu2", "api.example"]),
    (HONEYCOMB, "LIBHONEY_API_HOST", ["https://api.example/x"]),
    *[
        (handler, "CXLOGGING_URL", ["http://a.example", "127.0.0.1:8765", "https://a.example/x"])
        for handler in (HONEYCOMB, CORALOGIX, BETTERSTACK)
    ],
    *[
        (handler, "CXLOGGING_ALLOW_PLAIN_HTTP", ["maybe", "2"])
        for handler in (HONEYCOMB, CORALOGIX, BETTERSTACK)
    ],
    (HONEYCOMB, "SSL_CERT_FILE", ["/no/such.pem", "/dev/null", "/"]),
    (HONEYCOMB, "REQUESTS_CA_BUNDLE", ["/no/such.pem", "/dev/null"]),
    (HONEYCOMB, "HTTPS_PROXY", ["socks5://proxy:1", "http://proxy:0"]),
]
IN_CODE = [(name, value) for name, wrong in VALUES.items() for value in wrong]
IN_CODE += [(name, value) for name, wrong in WORDS.items() for value in wrong]
IN_FILES = [(HONEYCOMB, name, value) for name, wrong in WORDS.items() for value in wrong]
IN_FILES += [(*where, value) for *where, wrong in VENDOR_WORDS for value in wrong]
IN_VARIABLES = [(*where, value) for *where, wrong in VARIABLES for value in wrong]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for _, name, _ in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def names_both(sentence: str, name: str, value: object) -> bool:
    """Whether *sentence* names *name* and shows *value*, or the part of it that is wrong."""
    parts = {shown(value), str(value)}
    if isinstance(value, dict):
        parts |= {shown(each) for each in value}
    if name in {"url", "CXLOGGING_URL", "LIBHONEY_API_HOST"} or "URL" in name or "API" in name:
        parts |= {f"'{str(value).rpartition('//')[2].partition('/')[0]}'", "'/x'"}
    if name == "spool":
        parts.add("'/dev/null'")
    if isinstance(value, (tuple, list)):
        parts |= {shown(each) for each in value}
    if name.startswith("redact") and isinstance(value, str):
        parts |= {shown(each.strip()) for each in value.strip("/").split(",")}
    if isinstance(value, str) and not value.isprintable():
        parts.add("control characters")
    if isinstance(value, (bytes, int, list)):
        parts.add(type(value).__name__)
    return name in sentence and any(part in sentence for part in parts if part)


def test_the_table_is_large():
    """There are at least 150 invalid values, some for each way of configuration."""
    assert len(IN_CODE) + len(IN_FILES) + len(IN_VARIABLES) >= 150


@pytest.mark.parametrize(("name", "value"), IN_CODE)
def test_in_code(name, value):
    """The error for an invalid keyword argument names it and shows its value."""
    with pytest.raises(ConfigurationError) as caught:
        cxlogging.HoneycombHandler("k", **{name: value})

    assert names_both(str(caught.value), name, value), str(caught.value)


@pytest.mark.parametrize(("vendor", "name", "value"), IN_FILES)
def test_in_a_configuration(vendor, name, value):
    """The error for a key of dictConfig names the key as it was written."""
    handler = {"class": vendor, KEYS[vendor]: "k", name: value}
    with pytest.raises(ValueError, match="Unable to configure handler 'h'") as caught:
        logging.config.dictConfig({"version": 1, "handlers": {"h": handler}})

    cause = caught.value.__cause__
    assert isinstance(cause, ConfigurationError)
    assert names_both(str(cause), name, value), str(cause)


@pytest.mark.parametrize(("vendor", "name", "value"), IN_FILES)
def test_in_an_ini_file(vendor, name, value):
    """The error for a keyword of fileConfig names it as it was written."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_dict(
        {
            "loggers": {"keys": "root"},
            "handlers": {"keys": "h"},
            "formatters": {"keys": ""},
            "logger_root": {"handlers": "h"},
            "handler_h": {"class": vendor, "args": "('k',)", "kwargs": repr({name: value})},
        }
    )
    with pytest.raises(ConfigurationError) as caught:
        logging.config.fileConfig(parser, disable_existing_loggers=False)

    assert names_both(str(caught.value), name, value), str(caught.value)


def test_nothing_is_left_behind():
    """A refused handler leaves nothing behind: no handler, no delivery, no thread."""
    deliveries, threads = set(registered()), set(threading.enumerate())
    for vendor, name, value in IN_FILES:
        with pytest.raises(ConfigurationError):
            getattr(cxlogging, vendor.rpartition(".")[2])("k", **{name: value})
    gc.collect()

    assert set(registered()) <= deliveries
    assert set(threading.enumerate()) <= threads


@pytest.mark.parametrize(
    "arguments", [(5, str), ("Decimal", str), (None, str), (int,), (int, 5), (int, "str")]
)
def test_types_that_are_none(arguments):
    """The error of register_type names the wrong argument and shows its value."""
    with pytest.raises(TypeError, match="register_type") as caught:
        cxlogging.register_type(*arguments)

    assert len(arguments) < 2 or any(repr(each) in str(caught.value) for each in arguments)


@pytest.mark.parametrize("queue", [None, "queue", 5, [], object(), print])
def test_what_is_no_queue(queue):
    """ContextQueueHandler says what it takes, in code and in dictConfig."""
    with pytest.raises(ConfigurationError, match="queue takes a queue") as caught:
        cxlogging.ContextQueueHandler(queue)
    assert shown(queue) in str(caught.value)


@pytest.mark.parametrize(
    "make", [queues.Queue, queues.SimpleQueue, multiprocessing.Queue, lambda: Elsewhere([])]
)
def test_what_is_a_queue(make):
    """Queues of threads and processes are accepted, and anything for a subclass with enqueue."""
    made = make()
    handler = made if isinstance(made, logging.Handler) else cxlogging.ContextQueueHandler(made)
    handler.emit(logging.LogRecord("shop", 20, "shop.py", 1, "one", (), None))

    found = (
        handler.queue.pop() if isinstance(handler.queue, list) else handler.queue.get(timeout=10)
    )
    assert found.getMessage() == "one"


class Elsewhere(cxlogging.ContextQueueHandler):
    """Puts records into something else, as the documents of logging show it."""

    def enqueue(self, record):
        self.queue.append(record)


@pytest.mark.parametrize("rates", [{"LOUD": 2}, {"INFO": 0}, {None: 2}, {"INFO": "x"}])
def test_rates_that_are_none(rates):
    """The errors of LevelSampler and FieldSampler name what is wrong."""
    wrong = next(each for each in (*rates, *rates.values()) if each not in {"INFO", 2})
    with pytest.raises(ConfigurationError, match=re.escape(shown(wrong))):
        cxlogging.LevelSampler(rates)


@pytest.mark.parametrize(
    ("given", "number"), [("WARNING", 30), ("warn", 30), (" Error ", 40), ("25", 25), (5, 5)]
)
def test_levels_that_are_right(given, number):
    """A level is a number or a name in any case, as the argument and in dictConfig."""
    handler = cxlogging.HoneycombHandler("k", dataset="d", level=given)
    assert handler.level == number
    handler.close()


@pytest.mark.parametrize(
    ("given", "hidden"),
    [("iban, bic", {"iban", "bic"}), ("iban", {"iban"}), ("/a,b/", set()), (["iban,"], set())],
)
def test_names_in_one_string(given, hidden):
    """A string lists field names with commas; a pattern between slashes is one."""
    rules = build_sanitizer(given)
    fields = rules.fields({"iban": "x", "bic": "x"})
    assert {name for name, value in fields.items() if value == "[redacted]"} == hidden


@pytest.mark.parametrize("value", ["maybe", 2, [], "truee"])
def test_the_local_server_takes_true_or_false(value):
    """allow_remote takes True or False, or a word for it; "false" is False."""
    with pytest.raises(ConfigurationError, match="allow_remote takes true or false, not"):
        DevServer(host="0.0.0.0", allow_remote=value)
    with pytest.raises(ValueError, match="allow_remote=True to serve other machines"):
        DevServer(host="0.0.0.0", allow_remote="false")


@pytest.mark.parametrize("name", ["strict_fields", "split_on_limit"])
@pytest.mark.parametrize("value", ["false", "true", 0, None])
def test_a_query_takes_true_or_false(name, value):
    """A boolean argument of a query takes True or False, and no word for it."""
    with (
        DataPrimeClient("k", url="http://127.0.0.1:9") as client,
        pytest.raises(ConfigurationError, match=f"{name} takes True or False, not"),
    ):
        client.stream("source logs", since="1h", **{name: value})


@pytest.mark.parametrize(("handler", "name", "value"), IN_VARIABLES)
def test_in_the_environment(handler, name, value, monkeypatch):
    """The error for a variable names the variable, not the argument."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        getattr(cxlogging, handler.rpartition(".")[2])("k")

    assert names_both(str(caught.value), name, value), str(caught.value)


@pytest.mark.parametrize(
    ("vendor", "header"),
    [
        ("Coralogix", "authorization"),
        ("BetterStack", "AUTHORIZATION"),
        ("Honeycomb", "X-HONEYCOMB-Team"),
    ],
)
@pytest.mark.parametrize("key", ["k", None])
def test_a_header_that_carries_the_key(vendor, header, key):
    """The header that carries a vendor's key is the handler's alone, with a key and without."""
    with pytest.raises(ConfigurationError, match=f"headers: '{header}' is set by the handler"):
        getattr(cxlogging, f"{vendor}Handler")(key, headers={header: "Bearer other"})


def test_a_header_that_carries_another_vendor_s_key():
    """A gateway may ask for a header that another vendor's requests have."""
    handler = cxlogging.HoneycombHandler("k", headers={"Authorization": "Bearer gateway"})

    assert handler.delivery.options.headers == {"Authorization": "Bearer gateway"}
    handler.close()


@pytest.mark.parametrize("value", [False, None, 0, "false", "No", " off ", "0", "none", "null", ""])
def test_words_for_false(value):
    """An option is turned off by the same values in code and as strings."""
    handler = cxlogging.HoneycombHandler("k", sigterm=value, sequence=value, redact=value)

    assert handler.delivery.options.sigterm is False
    handler.close()


@pytest.mark.parametrize("value", [None, "none", "Null"])
def test_words_for_none(value):
    """Every option that may be None also accepts the words for it."""
    names = "batch_count batch_bytes spool compression ssl_context proxy headers ca_file"
    names += " client_cert on_drop on_error fields context redact redact_except sequence"
    handler = cxlogging.HoneycombHandler("k", **dict.fromkeys(names.split(), value))

    assert handler.delivery.options.spool is None
    handler.close()


@pytest.mark.parametrize(
    "given",
    [{"retry_initial": 60}, {"retry_initial": 5, "retry_maximum": "2"}, {"close_timeout": "20"}],
)
def test_a_part_above_its_whole(given):
    """The error for two options that exclude each other names both."""
    with pytest.raises(ConfigurationError, match=r"(retry_initial|close_timeout).* is above "):
        cxlogging.HoneycombHandler("k", **given)
