"""Processes that die, fork or end: what the stream, or the local directory, has afterwards."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap

import pytest

from .servers import Node, create_stream, items, one_node, take_all

PREAMBLE = """
import logging, os, sys, threading, time
import cxlogging
handler = cxlogging.BetterStackHandler(spool=os.environ["TEST_SPOOL"], {options})
log = logging.getLogger("shop")
log.setLevel("DEBUG")
log.addHandler(handler)
def wait_for(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, handler.stats()
        time.sleep(0.01)
"""


def start(address, body, options=""):
    """Start a program with a handler on the logger ``log``."""
    code = PREAMBLE.format(options=options) + textwrap.dedent(body)
    return subprocess.Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        env={**os.environ, "TEST_SPOOL": address},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(address, body, options=""):
    """Run a program, and return its code and what it printed."""
    running = start(address, body, options)
    out, _ = running.communicate(timeout=60)
    return running.returncode, out


def numbers(address):
    found = re.findall(rb"record (\d+)", b"\n".join(items(address)))
    return sorted(map(int, found))


LOG = "for n in range(1000): log.info('record %d', n)\nprint('logged', flush=True)\n"


def test_a_local_directory_keeps_everything_when_the_process_is_killed(tmp_path):
    """Killed with -9 while no server runs: the next process publishes each record."""
    node = Node(tmp_path / "nats")
    address, options = f"{node.url}/LOGS", f"spool_local={str(tmp_path / 'local')!r}"
    running = start(address, LOG + "sys.stdin.readline()", options)
    assert running.stdout.readline() == "logged\n"
    running.kill()
    running.communicate()
    with_server = node.start()
    try:
        create_stream(address)
        code, _ = run(address, "wait_for(lambda: handler.stats().spooled >= 1000)", options)
        assert code == 0
        assert numbers(address) == list(range(1_000))
    finally:
        with_server.kill()


def test_in_memory_only_what_was_not_acknowledged_dies_with_the_process(address):
    """Killed with -9 after the stream has acknowledged 1,000 records: these are there."""
    body = LOG + "handler.flush(20); print('flushed', flush=True); sys.stdin.readline()"
    running = start(address, body)
    assert [running.stdout.readline() for _ in range(2)] == ["logged\n", "flushed\n"]
    running.kill()
    running.communicate()

    assert numbers(address) == list(range(1_000))


def test_what_is_published_again_after_a_crash_has_the_same_ids(tmp_path):
    """
    A process dies after the stream has acknowledged its records, and before its directory says
    so: the next one publishes them again, under the same ids.
    """
    node = Node(tmp_path / "nats")
    address, local = f"{node.url}/LOGS", tmp_path / "local"
    options = f"spool_local={str(local)!r}"
    running = start(address, LOG + "sys.stdin.readline(); handler.flush(20)", options)
    assert running.stdout.readline() == "logged\n"
    shutil.copytree(local, tmp_path / "before")
    node.start()
    try:
        create_stream(address)
        running.communicate("go on\n", timeout=60)
        first = {item.id: item.data for message in take_all(address) for item in message.items}
        shutil.rmtree(local)
        shutil.copytree(tmp_path / "before", local)
        run(address, "log.info('new'); wait_for(lambda: handler.stats().spooled >= 1001)", options)
        again = {item.id: item.data for message in take_all(address) for item in message.items}
    finally:
        node.kill()

    assert len(first) == 1_000
    assert len({**first, **again}) == 1_001  # the server, too, drops messages that come again
    assert all(first[each] == again[each] for each in first.keys() & again.keys())


def test_the_exit_says_what_is_left_and_where(tmp_path):
    """Without servers the exit takes its budget; records in the directory are no loss."""
    node = Node(tmp_path / "nats")
    options = f"close_timeout=0.3, spool_local={str(tmp_path / 'local')!r}, on_error=print"
    code, out = run(f"{node.url}/LOGS", "log.info('x')", options)

    assert code == 0
    assert f"it waits in the spool {tmp_path / 'local'}" in out
    assert "refused the connection" in out


def test_sigterm_publishes_what_waits(address):
    """With sigterm=True a terminated process has published what it logged."""
    running = start(address, LOG + "sys.stdin.readline()", "sigterm=True, flush_interval=60")
    assert running.stdout.readline() == "logged\n"
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=30)

    assert running.returncode == -signal.SIGTERM
    assert numbers(address) == list(range(1_000))


@pytest.mark.parametrize("local", [False, True], ids=["memory", "local"])
def test_a_child_of_a_fork_in_c_publishes_its_own(address, tmp_path, local):
    """A fork that runs no hook: parent and child publish each their own records, once."""
    options = f"spool_local={str(tmp_path / 'local')!r}" if local else ""
    code, _ = run(
        address,
        """
        import ctypes
        log.info("record 0")
        assert handler.flush(20)
        pid = ctypes.PyDLL(None).fork()
        if pid == 0:
            log.info("record 1")
            os._exit(0 if handler.flush(20) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        log.info("record 2")
        assert handler.flush(20)
        """,
        options,
    )

    assert code == 0
    found = take_all(address)
    assert len({item.run for message in found for item in message.items}) >= 2
    assert sum(len(message.items) for message in found) == 3


def test_a_process_that_has_no_descriptors_any_more_goes_on(address):
    """
    A program that closes all descriptors, as daemons do, publishes afterwards; and files that got
    their numbers are neither read, nor written, nor closed.
    """
    code, _ = run(
        address,
        """
        import socket
        log.info("record 0")
        assert handler.flush(20)
        os.closerange(3, 256)
        pairs = [socket.socketpair() for _ in range(12)]
        for one, other in pairs:
            one.send(b"mine")
            one.setblocking(False)
        log.info("record 1")
        assert handler.flush(20)
        for one, other in pairs:
            assert other.recv(100) == b"mine"
            try:
                assert one.recv(100) is None
            except BlockingIOError:
                pass
        handler.close()
        os._exit(0)
        """,
    )

    assert code == 0
    assert numbers(address) == [0, 1]


def test_an_idle_process_computes_nothing(address):
    """With a connection open and nothing logged, a process uses no time of the processor."""
    code, out = run(
        address,
        """
        log.info("record 0")
        assert handler.flush(20)
        before = time.process_time()
        time.sleep(3)
        print(time.process_time() - before)
        """,
    )

    assert code == 0
    assert float(out) < 0.03


def test_nothing_is_imported_while_records_are_published(tmp_path):
    """All modules of the client are there when a handler was made; without a stream none is."""
    with one_node(tmp_path) as node:
        address = f"{node.url}/LOGS"
        create_stream(address)
        code, out = run(
            address,
            """
            before = set(sys.modules)
            log.info("record 0")
            assert handler.flush(20)
            handler.close()
            print(sorted(set(sys.modules) - before))
            """,
        )
    assert (code, out) == (0, "[]\n")
    code = "import cxlogging, sys; cxlogging.BetterStackHandler('k'); print('nats' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_worker_that_forks_beside_an_idle_connection_is_alone(address):
    """Python warns of no thread at a fork: the loop's thread leaves as workers do."""
    code, out = run(
        address,
        """
        import warnings
        warnings.simplefilter("error")
        for n in range(4):
            log.info("record %d", n)
            assert handler.flush(20)
            if os.fork() == 0:
                log.info("record %d", n + 100)
                sys.exit(0)
            os.wait()
        print("done")
        """,
    )

    assert (code, out) == (0, "done\n")
    assert numbers(address) == [0, 1, 2, 3, 100, 101, 102, 103]


def test_an_idle_connection_carries_the_next_record(node, address):
    """A connection without traffic stays, and its process goes on with it."""
    running = start(
        address,
        """
        log.info("record 0")
        assert handler.flush(20)
        print("first", flush=True)
        sys.stdin.readline()
        log.info("record 1")
        """,
    )
    assert running.stdout.readline() == "first\n"
    assert node.connections() >= 1
    running.communicate("go on\n", timeout=30)

    assert numbers(address) == [0, 1]


def test_records_are_published_while_time_is_frozen(address):
    """The clocks that tests replace are not those of the loop."""
    code, _ = run(
        address,
        """
        import freezegun
        with freezegun.freeze_time("2020-01-01"):
            log.info("record 0")
            assert handler.flush(20)
            log.info("record 1")
            assert handler.flush(20)
            handler.close()
        """,
    )

    assert code == 0
    assert numbers(address) == [0, 1]


def test_objects_that_log_while_the_interpreter_ends_are_heard(address):
    """A __del__ at the very end publishes in the log call, on a loop of its own."""
    code, _ = run(
        address,
        """
        class Thing:
            def __init__(self, name):
                self.name, self.me = name, self
            def __del__(self):
                log.warning("record %d", self.name)
        import gc
        gc.disable()
        things = [Thing(n) for n in range(3)]
        """,
    )

    assert code == 0
    assert numbers(address) == [0, 1, 2]
