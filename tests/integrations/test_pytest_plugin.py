"""The pytest plugin, in a pytest of its own, as an application's suite has it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cxlogging.devserver import DevServer

PLUGINS = ("-p", "cxlogging.pytest_plugin", "-p", "no:cxlogging", "-p", "no:cacheprovider")

APP = """
import logging
import cxlogging

log = logging.getLogger("shop.cart")

def configure(**options):
    for handler in list(log.handlers):
        log.removeHandler(handler)
    handlers = [
        cxlogging.CoralogixHandler(application_name="shop", subsystem_name="web", **options),
        cxlogging.HoneycombHandler("key", dataset="shop", **options),
        cxlogging.BetterStackHandler("token", ingesting_host="s1.betterstackdata.com", **options),
    ]
    for handler in handlers:
        log.addHandler(handler)
    log.setLevel("INFO")
    return handlers
"""


@pytest.fixture
def suite(tmp_path):
    """Run a suite of one file; return what pytest printed."""

    def run(code, *arguments, passes=True, **environment):
        (tmp_path / "app.py").write_text(APP)
        (tmp_path / "test_app.py").write_text(f"import logging\nimport app\n{code}")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *PLUGINS, *arguments, "test_app.py"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode == 0) == passes, done.stdout + done.stderr
        return done.stdout

    return run


def test_events_are_found_by_their_fields_for_every_vendor(suite):
    """Nested and flat fields have one name; message, level and logger are the same for all."""
    suite("""
def test_it(cxlogging_events):
    app.configure()
    app.log.error("card declined", extra={"order": {"id": 4711}})
    app.log.info("other")
    for vendor in ("coralogix", "honeycomb", "betterstack"):
        [event] = cxlogging_events.find(vendor, message="card declined", level="error",
                                        logger="shop.cart", order__id=4711)
        assert event.vendor == vendor
    assert len(cxlogging_events) == 6
    cxlogging_events.assert_none(message="nothing of the kind")
    assert cxlogging_events.refused == []
""")


def test_each_test_sees_its_own_events(suite):
    """Also those of handlers that an earlier test has created."""
    suite("""
app.configure()

def test_first(cxlogging_events):
    app.log.info("first")
    assert len(cxlogging_events) == 3

def test_second(cxlogging_events):
    cxlogging_events.assert_none()
    app.log.info("second")
    assert {each.message for each in cxlogging_events} == {"second"}
""")


def test_events_of_other_threads_are_waited_for(suite):
    """`wait` returns as soon as they are there, and tells what was logged if they are not."""
    suite("""
import threading
import pytest

def test_it(cxlogging_events):
    app.configure()
    threading.Timer(0.2, app.log.info, ["later"]).start()
    assert len(cxlogging_events.wait(3, message="later")) == 3
    with pytest.raises(AssertionError, match="0 of 1 events with .'message': 'never'.*later"):
        cxlogging_events.wait(message="never", timeout=0.1)
    with pytest.raises(AssertionError, match="found 3, the first: info 'later'"):
        cxlogging_events.assert_none(message="later")
""")


def test_a_server_hears_nothing(suite):
    """Whatever the code of the application says, in this process and in those that it starts."""
    with DevServer() as server:
        suite(
            f"""
import subprocess, sys

def test_it():
    url = {server.url!r}
    app.configure(url=url)
    app.log.info("from the test")
    code = "import app, sys; h = app.configure(url=sys.argv[1]); app.log.info('x');" \\
        " assert [each.stats().suppressed for each in h] == [1, 1, 1]"
    subprocess.run([sys.executable, "-c", code, url], check=True)
"""
        )
        assert server.requests() == []


def test_sending_is_asked_for_and_said(suite):
    """With the flag records go where the handlers send them, and the header says so."""
    with DevServer() as server:
        shown = suite(
            f"""
def test_it():
    for handler in app.configure(url={server.url!r}):
        app.log.info("from the test")
        assert handler.flush(5)
""",
            "-v",
            "--cxlogging-send",
        )
        assert "cxlogging: handlers send records to the vendors (--cxlogging-send)" in shown
        assert server.count() == 9


def test_the_fixture_of_events_needs_records_in_memory(suite):
    """With the flag it fails, and says what to do."""
    shown = suite("def test_it(cxlogging_events): pass", "--cxlogging-send", passes=False)

    assert "leave --cxlogging-send out" in shown


def test_a_failed_test_shows_what_was_not_delivered(suite):
    """A section of its report has the records that no vendor took, and why."""
    shown = suite(
        """
def test_it():
    app.log.handlers[:] = []
    import cxlogging
    handler = cxlogging.HoneycombHandler("key", dataset="shop", context=lambda: {})
    handler.delivery.ledger.dropped.add(20)
    assert False
""",
        passes=False,
    )

    assert "cxlogging: logged, not delivered" in shown
    assert "1 dropped" in shown


def test_the_server_fixture_takes_events_and_faults(suite):
    """Handlers that are created in the test send to it; afterwards records stay in memory."""
    suite("""
def test_server(cxlogging_server):
    cxlogging_server.faults.add(vendor="honeycomb", status=503, times=1)
    for handler in app.configure(retry_initial=0.01):
        pass
    app.log.info("to the server")
    assert cxlogging_server.wait_for("honeycomb", 1, 10)

def test_memory(cxlogging_events):
    app.configure()
    app.log.info("in memory")
    assert len(cxlogging_events) == 3
""")


def test_a_spool_of_the_application_is_left_alone(suite, tmp_path):
    """Records that wait there are the application's: no test sends or writes any."""
    suite(f"""
def test_it(cxlogging_events):
    app.configure(spool={str(tmp_path / "spool")!r})
    app.log.info("x")
    assert len(cxlogging_events) == 3
""")

    assert not (tmp_path / "spool").exists()


def test_frozen_clocks_and_captured_logs_change_nothing(suite):
    """With freezegun, time-machine and caplog beside it."""
    suite("""
import datetime
import freezegun
import pytest

@freezegun.freeze_time("2001-01-01 12:00:00")
def test_freezegun(cxlogging_events, caplog):
    app.configure()
    app.log.info("frozen")
    assert len(cxlogging_events.wait(3)) == 3
    assert caplog.messages == ["frozen"]

def test_time_machine(cxlogging_events):
    time_machine = pytest.importorskip("time_machine")
    with time_machine.travel(datetime.datetime(2001, 1, 1), tick=False):
        app.configure()
        app.log.info("frozen")
        assert len(cxlogging_events.wait(3)) == 3
""")


def test_the_plugin_imports_nothing_of_weight():
    """A suite that uses no handler pays for two small modules."""
    code = """
import sys, pytest
before = set(sys.modules)
import cxlogging.pytest_plugin
new = set(sys.modules) - before
print(sorted(each for each in new if not each.startswith("cxlogging")))
print(len([each for each in new if each.startswith("cxlogging")]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    foreign, own = done.stdout.splitlines()

    assert foreign == "[]"
    assert int(own) <= 4
