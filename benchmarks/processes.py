"""The sink's process and the measured ones, seen from the one that leads them."""

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
    """Return the variables of a measured process: no proxy, no warnings."""
    return {**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONWARNINGS": "ignore"}


class EndedError(Exception):
    """A process has ended, or has not answered in time."""


class Speaker:
    """A process that is spoken with in lines of JSON."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if LOUD else subprocess.DEVNULL,
        )

    def tell(self, line: str) -> None:
        """Write *line* to it."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()

    def hear(self, seconds: float = CHILD_SECONDS) -> dict[str, Any]:
        """
        Return the next thing that it says.

        Raises:
            EndedError: It said nothing in *seconds*, or will say nothing more.
        """
        assert self._process.stdout
        # One line at a time is under way, so nothing waits in the reader's buffer.
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            raise EndedError(f"no answer in {seconds:.0f} seconds")
        line = self._process.stdout.readline()
        if not line:
            raise EndedError(f"ended with status {self._process.wait()}")
        said: dict[str, Any] = json.loads(line)
        return said

    def end(self) -> None:
        """Let it end, at once: peers replace the handlers of gentler signals."""
        self._process.kill()
        self._process.communicate()


class Child(Speaker):
    """A measured process, with a directory of its own that goes with it."""

    def __init__(self, spec: dict[str, Any], target: dict[str, Any]) -> None:
        self._directory = tempfile.TemporaryDirectory(
            prefix="cxlogging-", ignore_cleanup_errors=True
        )
        places = {**target, "directory": self._directory.name}
        super().__init__("benchmarks.child", json.dumps({**spec, "target": places}))

    def end(self) -> None:
        """Let it end, and remove its directory."""
        super().end()
        self._directory.cleanup()


class Sink(Speaker):
    """The sink."""

    def __init__(self) -> None:
        super().__init__("benchmarks.sink")
        self.target = {**self.hear(), "host": "127.0.0.1"}

    def ask(self, command: str) -> dict[str, Any]:
        """Return the answer to *command*."""
        self.tell(command)
        return self.hear()

    def settled(
        self, wanted: dict[str, int], patience: float, what: str = "distinct"
    ) -> dict[str, Any]:
        """
        Return the account when *what* of it is as much as *wanted*, by door.

        What has not come when nothing moved for *patience* seconds is lost.
        """
        deadline = time.monotonic() + CHILD_SECONDS
        seen = -1
        while True:
            state = self.ask("state")
            if state["quiet"] < QUIET and time.monotonic() < deadline:
                time.sleep(QUIET / 4)
                continue
            if state["requests"] != seen:
                account, seen = self.ask("count"), state["requests"]
            found = account[what]
            complete = all(found.get(door, 0) >= number for door, number in wanted.items())
            if complete or state["quiet"] > patience or time.monotonic() > deadline:
                return account
            time.sleep(QUIET)


QUIET = 0.12
"""Seconds without a movement after which bodies are decoded: never beside a busy peer."""


def nobody() -> dict[str, Any]:
    """Return a target where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return {"url": f"http://127.0.0.1:{port}", "host": "127.0.0.1", "logstash_port": port}
