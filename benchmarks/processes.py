"""The processes of a benchmark, as the main process starts and controls them."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CHILD_SECONDS = 180
"""How long one measurement may take."""

LOUD = "BENCHMARKS_LOUD" in os.environ
"""Whether what peers print, such as tracebacks of their senders, is shown."""


def environment() -> dict[str, str]:
    """Return the environment of a measured process: no proxy, no warnings."""
    return {**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONWARNINGS": "ignore"}


class ProcessEndedError(Exception):
    """A process has ended, or did not answer in time."""


class JsonProcess:
    """A process that is controlled over its standard input, and answers with lines of JSON."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if LOUD else subprocess.DEVNULL,
        )

    def send(self, line: str) -> None:
        """Write *line* to its standard input."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()

    def receive(self, seconds: float = CHILD_SECONDS) -> dict[str, Any]:
        """
        Return its next answer.

        Raises:
            ProcessEndedError: There was no answer for *seconds*, or the process has ended.
        """
        assert self._process.stdout
        # There is one answer at a time, so nothing is left in the buffer of the reader.
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            raise ProcessEndedError(f"no answer in {seconds:.0f} seconds")
        line = self._process.stdout.readline()
        if not line:
            raise ProcessEndedError(f"ended with status {self._process.wait()}")
        said: dict[str, Any] = json.loads(line)
        return said

    def end(self) -> None:
        """Kill it: peers install handlers of their own for other signals."""
        self._process.kill()
        self._process.communicate()


class Child(JsonProcess):
    """A measured process, and a temporary directory for its files."""

    def __init__(self, spec: dict[str, Any], target: dict[str, Any]) -> None:
        self._directory = tempfile.TemporaryDirectory(
            prefix="cxlogging-", ignore_cleanup_errors=True
        )
        places = {**target, "directory": self._directory.name}
        super().__init__("benchmarks.child", json.dumps({**spec, "target": places}))

    def end(self) -> None:
        """Kill it, and remove its directory."""
        super().end()
        self._directory.cleanup()


class Sink(JsonProcess):
    """The process that receives what the measured ones send."""

    def __init__(self) -> None:
        super().__init__("benchmarks.sink")
        self.target = {**self.receive(), "host": "127.0.0.1"}

    def ask(self, command: str) -> dict[str, Any]:
        """Return the answer to *command*."""
        self.send(command)
        return self.receive()

    def settled(
        self, wanted: dict[str, int], patience: float, what: str = "distinct"
    ) -> dict[str, Any]:
        """
        Wait until *what* has reached *wanted* for every service, and return the counts.

        Records that have not arrived after *patience* seconds without any traffic are lost.
        """
        deadline = time.monotonic() + CHILD_SECONDS
        seen = -1
        while True:
            state = self.ask("state")
            if state["quiet"] < QUIET and time.monotonic() < deadline:
                time.sleep(QUIET / 4)
                continue
            if state["requests"] != seen:
                counts, seen = self.ask("count"), state["requests"]
            found = counts[what]
            complete = all(found.get(service, 0) >= number for service, number in wanted.items())
            if complete or state["quiet"] > patience or time.monotonic() > deadline:
                return counts
            time.sleep(QUIET)


QUIET = 0.12
"""Seconds without traffic before bodies are decoded, so that decoding disturbs no measurement."""


def closed_target() -> dict[str, Any]:
    """Return a target where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return {"url": f"http://127.0.0.1:{port}", "host": "127.0.0.1", "logstash_port": port}
