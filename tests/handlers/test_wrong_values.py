"""Each wrong value is one sentence when a handler is made: what was typed, and under what name."""

from __future__ import annotations

import logging.config

import pytest

import cxlogging
from cxlogging.errors import ConfigurationError
from cxlogging.wire.values import shown

HONEYCOMB, CORALOGIX, BETTERSTACK = (
    f"cxlogging.{vendor}Handler" for vendor in ("Honeycomb", "Coralogix", "BetterStack")
)
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
}
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
IN_FILES = [(name, value) for name, wrong in WORDS.items() for value in wrong]
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
    if isinstance(value, tuple):
        parts |= {shown(each) for each in value}
    return name in sentence and any(part in sentence for part in parts if part)


def test_the_table_is_large():
    """There are at least 150 wrong values, and each way of configuration has its share."""
    assert len(IN_CODE) + len(IN_FILES) + len(IN_VARIABLES) >= 150


@pytest.mark.parametrize(("name", "value"), IN_CODE)
def test_in_code(name, value):
    """A keyword argument that is impossible is named, with what was given."""
    with pytest.raises(ConfigurationError) as caught:
        cxlogging.HoneycombHandler("k", **{name: value})

    assert names_both(str(caught.value), name, value), str(caught.value)


@pytest.mark.parametrize(("name", "value"), IN_FILES)
def test_in_a_configuration(name, value):
    """A string under a key of dictConfig is named as it was written."""
    handler = {"class": HONEYCOMB, "api_key": "k", name: value}
    with pytest.raises(ValueError, match="Unable to configure handler 'h'") as caught:
        logging.config.dictConfig({"version": 1, "handlers": {"h": handler}})

    cause = caught.value.__cause__
    assert isinstance(cause, ConfigurationError)
    assert names_both(str(cause), name, value), str(cause)


@pytest.mark.parametrize(("handler", "name", "value"), IN_VARIABLES)
def test_in_the_environment(handler, name, value, monkeypatch):
    """A variable is named by its own name, not by that of the argument that it stands for."""
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
    """What is off is off in code and in strings."""
    handler = cxlogging.HoneycombHandler("k", sigterm=value, sequence=value, redact=value)

    assert handler.delivery.options.sigterm is False
    handler.close()


@pytest.mark.parametrize("value", [None, "none", "Null"])
def test_words_for_none(value):
    """Every option that may be None takes its words too."""
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
    """Two options that do not go together are named both."""
    with pytest.raises(ConfigurationError, match=r"(retry_initial|close_timeout).* is above "):
        cxlogging.HoneycombHandler("k", **given)
