"""The three handlers as users see them: arguments, filters, checks, statistics, secrets."""

from __future__ import annotations

import logging
import pickle
import sys

import pytest

import cxlogging
from cxlogging.devserver import DevServer, Keys
from tests.conftest import VENDORS

CANARY = "canary-0123456789-canary"
CLASSES = {
    "coralogix": cxlogging.CoralogixHandler,
    "honeycomb": cxlogging.HoneycombHandler,
    "betterstack": cxlogging.BetterStackHandler,
}
SETTINGS = {
    "coralogix": ("CORALOGIX_API_KEY", "CORALOGIX_DOMAIN"),
    "honeycomb": ("HONEYCOMB_API_KEY",),
    "betterstack": ("BETTER_STACK_SOURCE_TOKEN", "BETTER_STACK_INGESTING_HOST"),
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for names in (*SETTINGS.values(), ("CXLOGGING_URL",)):
        for name in names:
            monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make():
    """Make handlers that are closed after the test."""
    made = []

    def make(vendor, *args, **options):
        made.append(CLASSES[vendor](*args, **options))
        return made[-1]

    yield make
    for handler in made:
        handler._delivery.workers.abandon()
        handler.close()


def logger(handler):
    result = logging.Logger("shop", logging.DEBUG)  # noqa: LOG001 - out of the tree
    result.addHandler(handler)
    return result


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("flush_intervall", "flush_interval"),
        ("buffer_size", "buffer_bytes"),
        ("levle", "level"),
        ("feilds", "fields"),
    ],
)
def test_a_misspelt_argument(vendor, wrong, right):
    """An unknown argument raises one sentence with the nearest right name."""
    with pytest.raises(cxlogging.ConfigurationError) as caught:
        CLASSES[vendor]("key", **{wrong: 1})

    name = CLASSES[vendor].__name__
    assert str(caught.value) == f"{name} takes no argument {wrong!r}. Did you mean {right!r}?"


def test_a_misspelt_argument_of_the_vendor():
    """The hint knows the vendor's own arguments too."""
    with pytest.raises(cxlogging.ConfigurationError, match="'application_name'"):
        cxlogging.CoralogixHandler("key", aplication_name="shop")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"fields": 7}, "fields takes a mapping"),
        ({"context": 7}, "context takes a callable"),
        ({"sequence": 7}, "sequence takes True, False"),
        ({"redact": 7}, "redact takes field names"),
        ({"spool": 7}, "spool takes the path of a directory"),
        ({"spool": "redis://host/STREAM"}, "URLs are not supported here"),
        ({"durability": "system"}, "needs spool="),
        ({"compression": "zstd"}, "this vendor takes 'gzip'"),
        ({"level": "LOUD"}, "LOUD"),
    ],
)
def test_impossible_arguments(options, sentence):
    """An invalid argument raises at construction, in a message that names it."""
    with pytest.raises(ValueError, match=sentence):
        cxlogging.BetterStackHandler("key", ingesting_host="s1.example.com", **options)


@pytest.mark.parametrize("vendor", VENDORS)
def test_nothing_is_set(make, capfd, vendor):
    """Without a key nothing raises: one line says what to set, and records are counted."""
    handler = make(vendor)
    log = logger(handler)
    for _ in range(3):
        log.info("x")

    stats = handler.stats()
    assert (stats.accepted, stats.dropped, stats.state, stats.balanced) == (3, 3, "off", True)
    (line,) = capfd.readouterr().err.splitlines()
    assert all(name in line for name in SETTINGS[vendor])
    assert handler.flush(1)
    assert not handler.check().ok
    assert SETTINGS[vendor][0] in handler.check().cure


@pytest.mark.parametrize("vendor", VENDORS)
def test_settings_from_the_environment(monkeypatch, server, make, vendor):
    """A handler without arguments takes its settings from the environment."""
    for name in SETTINGS[vendor]:
        monkeypatch.setenv(name, "eu2.coralogix.com" if "DOMAIN" in name else "value.example")
    monkeypatch.setenv("CXLOGGING_URL", server.url)
    handler = make(vendor)
    logger(handler).info("x")

    assert handler.flush(10)
    assert server.count(vendor) == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_check(server, make, vendor):
    """check() sends one real event, and is true when the vendor took it."""
    result = make(vendor, "key", url=server.url).check()

    assert result
    assert result.seconds > 0
    assert server.events(vendor)[0]["message"] == "cxlogging check"


@pytest.mark.parametrize("vendor", VENDORS)
def test_check_with_a_wrong_key(make, vendor):
    """check() names the vendor's words and the cure for a wrong key."""
    keys = Keys(coralogix={"right"}, honeycomb={"right"}, betterstack={"right"})
    with DevServer(keys=keys) as server:
        result = make(vendor, "wrong", url=server.url).check()

    assert not result
    assert result.cause.startswith(("HTTP 401", "HTTP 403"))
    assert result.cure


def test_check_with_nobody_there(make):
    """check() shows the system's error if nobody answers, and says what to check."""
    result = make("honeycomb", "key", url="http://127.0.0.1:9").check()

    assert "Nothing listens" in result.cause
    assert result.cure == "Start the server there, or give its address."


def test_check_of_a_refused_event(server, make):
    """check() is false if the vendor accepts the batch but rejects the event."""
    server.faults.add(items=(400,))
    result = make("honeycomb", "key", url=server.url).check()

    assert not result
    assert result.cause.startswith("status 400")


def test_filters(server, make):
    """Filters decide, may replace a record, and one that fails loses its record, counted."""
    handler = make("betterstack", "key", url=server.url)

    def decide(record):
        if record.msg == "fails":
            raise RuntimeError("filter")
        return record.msg != "out"

    handler.addFilter(decide)
    log = logger(handler)
    for message in ("in", "out", "fails"):
        log.info(message)
    if sys.version_info >= (3, 12):
        handler.addFilter(lambda record: logging.makeLogRecord({**record.__dict__, "msg": "new"}))
        log.info("in")

    assert handler.flush(10)
    arrived = [event["message"] for event in server.events()]
    assert arrived == (["in", "new"] if sys.version_info >= (3, 12) else ["in"])
    assert handler.stats().dropped == 1
    assert handler.stats().pending == 0


def test_levels(server, make):
    """A handler's level is honoured, as a number, a name or later."""
    handler = make("betterstack", "key", url=server.url, level="ERROR")
    log = logger(handler)
    log.info("no")
    log.error("yes")
    handler.setLevel(logging.INFO)
    log.info("now")

    assert handler.flush(10)
    assert [event["message"] for event in server.events()] == ["yes", "now"]


def test_the_formatter_of_basic_config(server, make):
    """The default format of basicConfig is left out; a format of one's own is honoured."""
    handler = make("betterstack", "key", url=server.url)
    log = logger(handler)
    handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
    log.info("plain")
    handler.setFormatter(logging.Formatter("<%(message)s>"))
    log.info("mine")

    assert handler.flush(10)
    assert [event["message"] for event in server.events()] == ["plain", "<mine>"]


@pytest.mark.parametrize("missing", ["created", "levelno", "exc_info", "process", "name", "msg"])
def test_a_record_that_cannot_be_read(server, make, capfd, missing):
    """A record that lacks an attribute ships as what is left of it, and nothing is raised."""
    handler = make("betterstack", "key", url=server.url)
    record = logging.makeLogRecord({"msg": "hostile", "levelno": 40, "levelname": "ERROR"})
    delattr(record, missing)
    handler.handle(record)

    assert handler.flush(10)
    event = server.events()[0]
    assert event["message"] == ("<NoneType>" if missing == "msg" else "hostile")
    assert "cx_error" in event["data"]
    assert "a record could not be read" in capfd.readouterr().err or missing == "name"


def test_a_record_with_a_level_that_is_none(server, make):
    """A record whose level is not a number is shipped as an error."""
    handler = make("betterstack", "key", url=server.url)
    handler.handle(logging.makeLogRecord({"msg": "odd", "levelno": None}))

    assert handler.flush(10)
    assert [(each["message"], each["level"]) for each in server.events()] == [("odd", "error")]


@pytest.mark.parametrize("wrong", [lambda record: 1 / 0, lambda record: "many", lambda record: -1])
def test_a_sampler_that_fails(server, make, wrong):
    """A sampler that fails, or returns an invalid rate, keeps the record."""
    handler = make("honeycomb", "key", url=server.url, dataset="d", sample_rate=wrong)
    logger(handler).info("x")

    assert handler.flush(10)
    assert server.count() == 1


def test_sampling_is_counted_and_reported(server, make):
    """A record that is left out is counted as sampled; a kept one carries its rate."""
    rates = iter([0, 5, 0, 1])
    handler = make(
        "honeycomb", "key", url=server.url, dataset="d", sample_rate=lambda record: next(rates)
    )
    log = logger(handler)
    for number in range(4):
        log.info("%d", number)

    assert handler.flush(10)
    stats = handler.stats()
    assert (stats.sampled, stats.accepted, stats.delivered) == (2, 2, 2)
    assert [event["source"]["samplerate"] for event in server.events()] == [5, 1]


def test_functions_over_all_handlers(server, make):
    """flush_all() flushes all handlers, and stats() returns the statistics of each."""
    for vendor in VENDORS:
        logger(make(vendor, "key", url=server.url)).info("x")
    second = make("betterstack", "key", url=server.url)
    logger(second).info("y")

    assert cxlogging.flush_all(10)
    accounts = {name: stats for name, stats in cxlogging.stats().items() if "127.0.0.1" in name}
    assert sum(stats.delivered for stats in accounts.values()) >= 4
    assert any(name.endswith("#2") for name in accounts)


def test_a_dead_vendor_does_not_delay_another(server, make):
    """While one vendor hangs, the others get their records."""
    server.faults.add(vendor="honeycomb", hang=True)
    handlers = [make(vendor, "key", url=server.url, flush_interval=0) for vendor in VENDORS]
    for handler in handlers:
        logger(handler).info("x")

    assert handlers[0].flush(10)
    assert handlers[2].flush(10)
    assert handlers[1].stats().pending == 1


def test_flush_under_loggings_own_lock(server, make):
    """A thread that holds the lock of logging does not wait: flush returns whether all was done."""
    server.faults.add(hang=True)
    handler = make("betterstack", "key", url=server.url)
    logger(handler).info("x")
    with logging._lock:
        assert not handler.flush()
        handler.close()

    assert handler.stats().pending == 1


def test_context_with_and_without_the_record(server, make):
    """The function of context= may take the record, or no argument."""
    taking = make("betterstack", "key", url=server.url, context=lambda record: {"n": record.name})
    plain = make("betterstack", "key", url=server.url, context=lambda: {"n": "none"})
    for handler in (taking, plain):
        logger(handler).info("x")
        assert handler.flush(10)

    assert [event["data"]["n"] for event in server.events()] == ["shop", "none"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_key_shows_nowhere(server, make, capfd, vendor):
    """The key is in no repr, diagnostic, statistics, check result, error or pickle."""
    server.faults.add(status=401)
    handler = make(vendor, CANARY, url=server.url)
    logger(handler).info("x")
    handler.flush(0.5)
    seen = [
        repr(handler),
        repr(vars(handler)),
        repr(handler._delivery.destination),
        repr(handler._delivery.destination.request([b""])),
        repr(handler.stats()),
        repr(handler.check()),
        capfd.readouterr().err,
        handler.get_name() or "",
    ]

    assert handler.stats().requests >= 1
    assert not [text for text in seen if CANARY in text]
    with pytest.raises(TypeError):
        pickle.dumps(handler._delivery.destination)


def test_a_key_with_a_newline_shows_nowhere():
    """A key that is not valid in a header raises at construction, and is not shown."""
    with pytest.raises(cxlogging.ConfigurationError) as caught:
        cxlogging.HoneycombHandler(f"{CANARY}\n{CANARY}")

    assert CANARY not in repr(caught.value)
