"""dictConfig and fileConfig: from plain strings, repeatedly, and while threads log."""

from __future__ import annotations

import json

from tests.conftest import VENDORS

from .conftest import about_a_vendor

CONFIG = """
import logging.config
config = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "coralogix": {
            "class": "cxlogging.CoralogixHandler", "api_key": "k", "url": URL,
            "application_name": "shop", "level": "INFO", "flush_interval": "0.5", **SPOOL,
        },
        "honeycomb": {
            "class": "cxlogging.HoneycombHandler", "api_key": "k", "url": URL,
            "dataset": "shop", "sample_rate": "1", "buffer_bytes": "16MiB", **SPOOL,
        },
        "betterstack": {
            "class": "cxlogging.BetterStackHandler", "source_token": "k", "url": URL,
            "format": "ndjson", "fields": {"team": "payments"}, **SPOOL,
        },
    },
    "root": {"level": "INFO", "handlers": ["coralogix", "honeycomb", "betterstack"]},
}
"""


def test_dict_config_with_plain_strings(program, server):
    """Three handlers configured by plain strings deliver, each in its format."""
    ended = program(
        CONFIG
        + """
logging.config.dictConfig(config)
logging.getLogger("other").info("hello", extra={"user": 7})
"""
    )

    assert (ended.code, ended.err) == (0, "")
    assert {vendor: server.count(vendor) for vendor in VENDORS} == dict.fromkeys(VENDORS, 1)
    assert '"team": "payments"' in json.dumps(server.events("betterstack"))


def test_dict_config_again_in_the_middle(program, server):
    """Further calls of dictConfig lose nothing and do not hang while threads log."""
    ended = program(
        CONFIG
        + """
def busy():
    for n in range(500): logging.getLogger("busy").info("busy %d", n)
logging.config.dictConfig(config)
threads = [threading.Thread(target=busy) for _ in range(4)]
for thread in threads: thread.start()
for n in range(20):
    logging.getLogger("main").info("main %d", n)
    logging.config.dictConfig(config)
for thread in threads: thread.join()
""",
        "coralogix",
    )

    assert (ended.code, ended.err) == (0, "")
    for vendor in VENDORS:
        kept = [event["message"] for event in server.events(vendor)]
        assert len([m for m in kept if m.startswith("main")]) == 20
    # A logger has no handler for a moment while dictConfig replaces them: the standard
    # library drops what is logged just then, so the threads' records are an upper bound.
    assert server.count("honeycomb") <= 2020


def test_a_handler_that_the_new_configuration_does_not_name(program, server):
    """
    A handler that stays attached after dictConfig closed it continues to deliver,
    also at exit.
    """
    ended = program(
        """
        import logging.config
        log.info("before")
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
        log.info("after")
        """,
        options="flush_interval=60",
    )

    assert (ended.code, ended.err) == (0, "")
    assert [event["message"] for event in server.events()] == ["before", "after"]


@about_a_vendor
def test_dict_config_with_a_dead_server_does_not_wait(program, server):
    """A second dictConfig with a server that hangs takes no time: nothing is waited for."""
    server.faults.add(hang=True)
    ended = program(
        """
        import logging.config
        log.info("x")
        started = time.monotonic()
        for n in range(5):
            logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
        print(time.monotonic() - started)
        """,
        options="close_timeout=3",
    )

    assert float(ended.out) < 2.5


def test_a_hundred_configurations_leave_one_worker_each(program, server):
    """100 rounds of dictConfig leak no thread and no descriptor, and deliver in order."""
    ended = program(
        """
        import logging.config
        config = {"version": 1, "disable_existing_loggers": False, "handlers": {"h": {
            "class": "cxlogging.BetterStackHandler", "source_token": "k", "url": URL, **SPOOL}},
            "loggers": {"shop": {"handlers": ["h"]}}}
        for n in range(100):
            logging.config.dictConfig(config)
            log.info("%03d", n)
        log.handlers[0].flush(10)
        deadline = time.monotonic() + 10
        def threads(): return len(os.listdir("/proc/self/task")) - OURS
        def files(): return len(os.listdir("/proc/self/fd"))
        while (threads() > 2 or files() >= 20) and time.monotonic() < deadline:
            cxlogging.flush_all(0.05); import gc; gc.collect()
        print(threads(), files() < 20)
        """
    )

    assert ended.out.split() == ["2", "True"]
    assert sorted(event["message"] for event in server.events()) == [f"{n:03}" for n in range(100)]


def test_file_config(program, server, tmp_path):
    """A handler configured by fileConfig delivers."""
    ini = tmp_path / "logging.ini"
    ini.write_text(
        f"""
[loggers]
keys=root
[handlers]
keys=cx
[formatters]
keys=
[logger_root]
level=INFO
handlers=cx
[handler_cx]
class=cxlogging.HoneycombHandler
args=("key",)
kwargs={{"dataset": "ini", "url": "{server.url}"}}
level=INFO
"""
    )
    ended = program(
        f"import logging.config; logging.config.fileConfig({str(ini)!r}); logging.info('from ini')"
    )

    assert (ended.code, ended.err) == (0, "")
    assert [event["message"] for event in server.events("honeycomb")] == ["from ini"]


def test_a_closed_handler_takes_records_again(program, server):
    """close() twice, then a record: it is delivered."""
    program("log.info('a'); handler.close(); handler.close(); log.info('b')")

    assert [event["message"] for event in server.events()] == ["a", "b"]


def test_a_collected_handler_delivers(program, server):
    """A handler that is collected without close() delivers, and its worker ends."""
    ended = program(
        """
        import gc
        log.info("x")
        log.removeHandler(handler)
        del handler
        gc.collect()
        deadline = time.monotonic() + 10
        while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        print(len(os.listdir("/proc/self/task")))
        """,
        options="flush_interval=60",
    )

    assert ended.out.strip() == "1"
    assert server.count() == 1
