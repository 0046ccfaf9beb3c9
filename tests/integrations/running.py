"""
Applications run as their users run them, and what of their records arrived.

An application says each record with ``say(logger, text)`` of the module ``saying``, which writes
the text to a file once the log call has returned. What was said is compared with what the local
server keeps: nothing missing, nothing twice.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cxlogging
from cxlogging.devserver import DevServer

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent
MODULE = "cxlogging.integrations"

SAYING = """
import logging, os

FILE = os.open(os.environ["TEST_SAID"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def say(log, text, **extra):
    log.info("item %s", text, extra=extra)
    os.write(FILE, f"item {text}\\n".encode())
"""

CONFIGURED = """
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"vendor": {"class": "cxlogging.BetterStackHandler", "sigterm": True}},
    "root": {"level": "INFO", "handlers": ["vendor"]},
}
"""


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until *condition* is true, and return what it has returned."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
    return value


@contextlib.contextmanager
def holding_handler(
    server: DevServer, log: logging.Logger
) -> Iterator[cxlogging.BetterStackHandler]:
    """Attach a handler to *log* that takes DEBUG where records are held."""
    made = cxlogging.BetterStackHandler("key", url=server.url, level="INFO", held_level="DEBUG")
    log.addHandler(made)
    log.setLevel(logging.DEBUG)
    try:
        yield made
    finally:
        log.removeHandler(made)
        made.close()


def is_listening(port: int) -> bool:
    """Return whether somebody takes connections on *port*."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Running:
    """
    A folder with an application, and the processes that run it.

    Args:
        folder: Where its files are written.
        server: The vendor.
        files: The text of each file by name.
    """

    def __init__(self, folder: Path, server: DevServer, **files: str) -> None:
        self.folder, self.server = folder, server
        self._processes: list[subprocess.Popen[bytes]] = []
        self._told_to_end: set[subprocess.Popen[bytes]] = set()
        self._said = folder / "said"
        (folder / "saying.py").write_text(SAYING)
        (folder / "configured.py").write_text(CONFIGURED)
        for name, text in files.items():
            (folder / f"{name}.py").write_text(textwrap.dedent(text))
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))),
            "PYTHONUNBUFFERED": "1",
            "CXLOGGING_URL": server.url,
            "BETTER_STACK_SOURCE_TOKEN": "key",
            "HONEYCOMB_API_KEY": "key",
            "CORALOGIX_API_KEY": "key",
            "TEST_SAID": str(self._said),
        }
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self, name: str, *arguments: str, cwd: Path | None = None) -> subprocess.Popen[bytes]:
        """Start the program *name* of this environment; ``python`` is this interpreter."""
        command = sys.executable if name == "python" else str(BIN / name)
        with (self.folder / "output").open("ab") as output:
            process = subprocess.Popen(
                [command, *arguments],
                cwd=cwd or self.folder,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def run(self, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run Python with *arguments* to its end."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def get(
        self, path: str, method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Make one request, as soon as the server takes it; names of headers have ``_`` for -."""

        def asked() -> tuple[int, dict[str, str], bytes] | None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                with contextlib.closing(connection):
                    named = {name.replace("_", "-"): value for name, value in headers.items()}
                    connection.request(method, path, headers=named)
                    answer = connection.getresponse()
                    found = {name.lower(): value for name, value in answer.getheaders()}
                    return answer.status, found, answer.read()
            ended = [each for each in self._processes if each.poll() is not None]
            assert self._told_to_end.issuperset(ended), self.output
            return None

        return until(asked)

    def leave_early(self, path: str, received: int) -> None:
        """Make a request, and close the connection once *received* bytes of its answer came."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
            while received > 0:
                received -= len(connection.recv(received))

    def end(self, process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
        """Send a signal, to its children too if it is SIGINT as of a terminal; return the code."""
        self._told_to_end.add(process)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        try:
            return process.wait(40)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end: {self.output}") from None

    def change(self, name: str, path: str, says: str) -> None:
        """
        Change "first" in the application's file *name* to "changed", as a reloader notices it.

        Args:
            name: Of the file.
            path: Is asked for until the changed application has said what is wanted.
            says: What that is.
        """
        source = self.folder / name
        source.write_text(source.read_text().replace("{number} first", "{number} changed"))
        touched = time.monotonic()

        def changed() -> bool:
            nonlocal touched
            if time.monotonic() - touched > 5:  # the reloader had not yet looked when it changed
                touched = time.monotonic()
                source.touch()
            self.get(path)
            return says in self.said()

        until(changed)

    def end_reloader(self, process: subprocess.Popen[bytes]) -> int:
        """
        End a reloader as Ctrl-C does, once all has arrived.

        It gives its child a quarter of a second, then kills it: the last records may be lost.
        """
        until(lambda: len(self.events("item ")) >= len(self.said()))
        return self.end(process, signal.SIGINT)

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text(errors="replace")

    def said(self) -> list[str]:
        return self._said.read_text().splitlines() if self._said.exists() else []

    def events(self, start: str = "") -> list[dict[str, Any]]:
        """The events that have arrived whose message begins with *start*."""
        return [each for each in self.server.events() if str(each["message"]).startswith(start)]

    def named(self, name: str) -> list[dict[str, Any]]:
        """The events of the logger *name*, as a Better Stack handler sends it."""
        return [each for each in self.server.events() if logger_of(each) == name]

    def judge(self, at_least: int = 1) -> list[dict[str, Any]]:
        """Demand that what was said has arrived, all of it and once; return those events."""
        with contextlib.suppress(AssertionError):  # the comparison tells more
            until(lambda: len(self.events("item ")) >= len(self.said()) >= at_least, 20)
        events = self.events("item ")
        came, said = Counter(each["message"] for each in events), Counter(self.said())
        assert said.total() >= at_least, self.output
        assert came == said, (said - came, came - said, self.output)
        return events

    def stop(self) -> None:
        """Kill what still runs, with all its children."""
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def logger_of(event: dict[str, Any]) -> str:
    """Return the name of the logger of an event of Better Stack."""
    context = event["data"].get("context", {})
    return str(context.get("runtime", {}).get("logger_name", ""))


def whole(event: dict[str, Any]) -> str:
    """Return everything that an event holds, as a text to search."""
    return json.dumps(event)


def only(server: DevServer, number: int = 1) -> list[dict[str, Any]]:
    """Return the fields of the *number* events at Better Stack, and no more, once they arrived."""
    cxlogging.flush_all(10)
    assert server.wait_for("betterstack", number)
    assert server.count("betterstack") == number
    return [each["data"] for each in server.events("betterstack")]
