"""The processes of a fleet as a test controls them: producers, and relays."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..nats.servers import DEADLINE, free_ports, get, wait_for
from .producing import COUNT

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"}
SAMPLE = re.compile(r"^cxlogging_relay_(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)

HANDLERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "betterstack": ("BetterStackHandler", {}),
    "coralogix": ("CoralogixHandler", {"application_name": "shop", "subsystem_name": "web"}),
    "honeycomb": ("HoneycombHandler", {"dataset": "shop"}),
}
"""By vendor: the handler and its arguments. There is no key: only relays have one."""


class Producer:
    """
    A process with a handler whose records go to a stream.

    Args:
        folder: For its files.
        name: It begins the ids of its records.
        vendor: Whose handler it has.
        spool: The stream's address.
        payload: Bytes of each record beside its text.
        options: Further ones of the handler.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        vendor: str,
        spool: str,
        payload: int = 100,
        **options: Any,
    ) -> None:
        self.name = name
        self.vendor = vendor
        self._counter = folder / f"{name}.count"
        self._counter.write_bytes(bytes(COUNT.size))
        handler, arguments = HANDLERS[vendor]
        settings = {
            "name": name,
            "handler": handler,
            "options": {**arguments, "spool": spool, **options},
            "counter": str(self._counter),
            "payload": payload,
        }
        self.log_file = folder / f"{name}.log"
        with self.log_file.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fleet.producing", json.dumps(settings)],
                env=ENVIRONMENT,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _ask(self, line: str) -> dict[str, Any]:
        self._send(line)
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        assert answer, self.log_file.read_text()
        found: dict[str, Any] = json.loads(answer)
        return found

    def log(self, count: int, rate: float = 1e6) -> None:
        """Have it log *count* more records, *rate* a second; do not wait for that."""
        self._send(f"log {count} {rate}")

    def stats(self) -> dict[str, Any]:
        """Return its statistics at this moment."""
        return self._ask("stats")

    def end(self, seconds: float = 60) -> dict[str, Any]:
        """Let it log what is left, flush, and end; return its statistics."""
        found = self._ask(f"end {seconds:g}")
        self._process.communicate(timeout=DEADLINE)
        assert self._process.returncode == 0, self.log_file.read_text()
        return found

    def kill(self) -> None:
        """SIGKILL it, unless it has ended."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.communicate()

    @property
    def logged(self) -> int:
        """The number of log calls that have returned."""
        return int(COUNT.unpack(self._counter.read_bytes())[0])

    @property
    def promised(self) -> list[str]:
        """The ids of the records whose log calls have returned."""
        return [f"{self.name}:{number}" for number in range(self.logged)]


class Relay:
    """
    A process ``cxlogging relay``.

    Args:
        folder: For its files.
        name: Tells it from others.
        config: What is in its relay.toml, but for the address of the metrics; it may take its
            keys from `RELAY_KEY`.
    """

    def __init__(self, folder: Path, name: str, config: str) -> None:
        self.name = name
        (self._port,) = free_ports(1)
        self._path = folder / f"{name}.toml"
        self._path.write_text(f'listen = "127.0.0.1:{self._port}"\n{config}')
        self.log_file = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.kills = 0

    def command(self, *words: str) -> str:
        """Run a command of `cxlogging relay` with its configuration; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "cxlogging", "relay", *words, "--config", str(self._path)],
            env={**ENVIRONMENT, "RELAY_KEY": "relay-key"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *, wait: bool = True) -> Relay:
        """Start it, and wait until it is connected."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cxlogging", "relay", "--config", str(self._path)],
                env={**ENVIRONMENT, "RELAY_KEY": "relay-key"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if wait:
            self.wait()
        return self

    def wait(self) -> None:
        """Wait until it is connected."""
        wait_for(lambda: self.is_healthy, f"{self.name} is healthy: {self.log_file}", 60)

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_healthy(self) -> bool:
        """Whether `/healthz` answers 200."""
        assert self._process is not None
        assert self._process.poll() is None, self.log_file.read_text()
        return get(self._port, "/healthz")[0] == 200

    @property
    def is_up(self) -> bool:
        """Whether it runs."""
        return self._process is not None

    def total(self, name: str, label: str = "") -> float:
        """Return the sum of a metric over all samples with this *label*; 0 without an answer."""
        found = SAMPLE.findall(get(self._port, "/metrics")[1])
        values = (value for each, labels, value in found if each == name and label in labels)
        return sum(map(float, values))

    def kill(self) -> None:
        """SIGKILL it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(DEADLINE)
        self._process = None
        self.kills += 1

    def stop(self) -> int:
        """End it in good order; return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(DEADLINE * 2)
        finally:
            process.kill()
