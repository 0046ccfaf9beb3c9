"""Records logged in ``__del__`` while the interpreter ends."""

from __future__ import annotations

import ssl

import pytest
import trustme

from cxlogging.devserver import DevServer
from tests.conftest import VENDORS
from tests.faults.proxy import FaultProxy

from .conftest import about_a_vendor

THING = """
import gc
class Thing:
    def __init__(self, name):
        self.name = name
        self.me = self if name % 2 else None
    def __del__(self):
        log.warning("gone %d", self.name)
"""
DEAD = "http://127.0.0.1:9"
in_memory = pytest.mark.queues("memory")
"""Marks a test of records that are lost: a journal keeps them."""


def message(event):
    return event.get("message") or event.get("body")


@pytest.mark.parametrize("vendor", VENDORS)
def test_records_of_finalizers_arrive(program, server, vendor):
    """
    Objects in the globals of a module, in cycles and not, log when they are destroyed: all records
    arrive.
    """
    ended = program(THING + "things = [Thing(n) for n in range(5)]\nlog.info('normal')", vendor)

    assert (ended.code, ended.err) == (0, "")
    assert sorted(map(message, server.events(vendor))) == [
        *(f"gone {n}" for n in range(5)),
        "normal",
    ]


def test_a_finalizer_s_record_is_the_first_of_all(program, server):
    """A program that logs only in a __del__ delivers the record, also if the collector is off."""
    ended = program(THING + "gc.disable()\nthings = [Thing(1), Thing(2)]")

    assert (ended.code, ended.err) == (0, "")
    assert sorted(map(message, server.events())) == ["gone 1", "gone 2"]


def test_records_of_finalizers_arrive_at_each_handler(program, server):
    """With two handlers, each delivers what is logged."""
    ended = program(
        THING
        + "log.addHandler(cxlogging.HoneycombHandler('k', dataset='d', url=URL))\n"
        + "things = [Thing(n) for n in range(3)]\nlog.info('normal')"
    )

    assert (ended.code, ended.err) == (0, "")
    for vendor in ("betterstack", "honeycomb"):
        assert len(server.events(vendor)) == 4


@in_memory
def test_what_exit_functions_lose_is_counted(program):
    """
    With a dead vendor, messages count each record of exit functions that run after the package's
    own.
    """
    ended = program(
        "",
        options="close_timeout=0.5",
        url=DEAD,
        before="import atexit\natexit.register(lambda: [log.info('y') for _ in range(5)])",
    )

    lines = [line for line in ended.err.splitlines() if "not delivered" in line]
    assert ended.code == 0
    assert sum(int(line.partition("): ")[2].split()[0]) for line in lines) == 5


@in_memory
@pytest.mark.parametrize("normal", ["", "log.info('normal')"])
def test_what_is_lost_is_counted_in_one_line(program, normal):
    """With a dead vendor each record of a finalizer is counted, once, in one message at the end."""
    ended = program(
        THING + f"things = [Thing(n) for n in range(5)]\n{normal}",
        options="close_timeout=0.5, on_drop=print",
        url=DEAD,
    )

    lines = [line for line in ended.err.splitlines() if "not delivered" in line]
    assert ended.code == 0
    assert lines[-1].endswith(
        "5 records were not delivered when the process ended: logged while it was ending"
    )
    assert len(lines) == 1 + bool(normal)
    assert "Exception" not in ended.err
    assert ended.out.splitlines().count("abandoned 1 30") == 5


@about_a_vendor
def test_a_spool_keeps_what_finalizers_log(program, server, tmp_path):
    """With a dead vendor and a spool nothing is lost: the next process delivers it."""
    server.faults.add(status=503)
    options = f"close_timeout=0.5, spool={str(tmp_path)!r}"
    ended = program(THING + "things = [Thing(n) for n in range(5)]", options=options)
    assert ended.code == 0
    assert "Exception" not in ended.err

    server.faults.clear()
    program("handler.close()", options=f"spool={str(tmp_path)!r}")

    assert sorted(map(message, server.events())) == [f"gone {n}" for n in range(5)]


@in_memory
def test_finalizers_take_a_bounded_time(program, server):
    """A vendor that answers none of the records of finalizers costs close_timeout, once."""
    server.faults.add(hang=True)
    ended = program(THING + "things = [Thing(n) for n in range(5)]", options="close_timeout=1")

    assert ended.code == 0
    assert ended.seconds < 10
    assert "5 records were not delivered" in ended.err


@about_a_vendor
@pytest.mark.parametrize("stream", ["None", "__import__('io').StringIO()"])
def test_where_there_is_no_stderr(program, stream):
    """If there is no stderr, nothing fails."""
    body = THING + f"sys.__stderr__ = {stream}\nthings = [Thing(n) for n in range(2)]"
    ended = program(body, options="close_timeout=0.5", url=DEAD)

    assert (ended.code, ended.err) == (0, "")


@about_a_vendor
def test_records_of_finalizers_arrive_over_tls(program, tmp_path):
    """A new TLS connection can be made while the interpreter ends."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with DevServer(allow_remote=True) as server, FaultProxy(server.port, tls=context) as proxy:
        ended = program(
            THING + "things = [Thing(n) for n in range(3)]",
            options=f"ca_file={str(tmp_path / 'ca.pem')!r}",
            url=f"https://127.0.0.1:{proxy.port}",
        )
        arrived = sorted(map(message, server.events()))

    assert (ended.code, ended.err) == (0, "")
    assert arrived == ["gone 0", "gone 1", "gone 2"]
