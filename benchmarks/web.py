"""The mode ``web``: gunicorn with the application of `application`, under load."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from .application import RECORDS_A_REQUEST, SPEC
from .load import CONNECTIONS
from .processes import CHILD_SECONDS, LOUD, ROOT, ProcessEndedError, environment

GUNICORN = [
    *(sys.executable, "-m", "gunicorn", "benchmarks.application:application()"),
    *("--worker-class", "gthread", "--workers", "1", "--threads", str(CONNECTIONS)),
    *("--keep-alive", str(CHILD_SECONDS), "--timeout", str(CHILD_SECONDS), "--no-control-socket"),
]


PLAIN_PART = 4
"""So many times fewer requests than the measured ones go to a no-op handler, before and after."""


class WebChild:
    """Controlled like `processes.Child`: ``ready``, ``flushed``, and the figures."""

    def __init__(self, spec: dict[str, Any], target: dict[str, Any]) -> None:
        self._directory = tempfile.TemporaryDirectory(
            prefix="cxlogging-", ignore_cleanup_errors=True
        )
        spec = {**spec, "target": {**target, "directory": self._directory.name}}
        # Requests wait in the listener's backlog until gunicorn is up, or fail when it has ended.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = listener.getsockname()[1]
            self._process = subprocess.Popen(
                [*GUNICORN, "--bind", f"fd://{listener.fileno()}"],
                cwd=ROOT,
                env={**environment(), SPEC: json.dumps(spec)},
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=None if LOUD else subprocess.DEVNULL,
                stderr=None if LOUD else subprocess.DEVNULL,
                start_new_session=True,
            )
        self._said = self._steps(max(1, spec["count"] // RECORDS_A_REQUEST))

    def send(self, line: str) -> None:
        """Do nothing: the next `receive` continues."""

    def receive(self) -> dict[str, Any]:
        """
        Go on, and return what there is to say.

        Raises:
            ProcessEndedError: gunicorn has ended, or has not answered in time.
        """
        return next(self._said)

    def end(self) -> None:
        """Kill gunicorn and its worker, and remove the directory."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._directory.cleanup()

    def _steps(self, requests: int) -> Iterator[dict[str, Any]]:
        yield self._ask("ready")
        plain, records = max(1, requests // PLAIN_PART), requests * RECORDS_A_REQUEST
        self._load("plain", plain)
        before = self._load("plain", plain)
        cpu = self._ask("figures")["cpu"]
        loaded = self._load("orders", requests)
        flushed = self._ask("flush")
        yield {"at": "flushed", "records": records}
        figures = self._ask("figures")
        # Everything has been delivered, so the subject does not slow these down.
        after = self._load("plain", plain)
        yield {
            **loaded,
            **flushed,
            **figures,
            "records": records,
            "cpu": figures["cpu"] - cpu,
            "plain_served": statistics.harmonic_mean([before["served"], after["served"]]),
        }

    def _ask(self, what: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=CHILD_SECONDS)
        try:
            connection.request("GET", f"/{what}")
            said: dict[str, Any] = json.load(connection.getresponse())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise ProcessEndedError(
                f"{what}: gunicorn does not answer ({error}); are Flask and gunicorn installed?"
            ) from None
        finally:
            connection.close()
        return said

    def _load(self, path: str, requests: int) -> dict[str, Any]:
        command = [sys.executable, "-m", "benchmarks.load", str(self._port), path, str(requests)]
        try:
            done = subprocess.run(
                command, cwd=ROOT, stdout=subprocess.PIPE, timeout=CHILD_SECONDS, check=True
            )
        except subprocess.SubprocessError as error:
            raise ProcessEndedError(f"the load ended early: {error}") from None
        figures: dict[str, Any] = json.loads(done.stdout)
        if "failed" in figures:
            raise ProcessEndedError(figures["failed"])
        return figures
