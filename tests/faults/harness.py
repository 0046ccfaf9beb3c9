"""
Programs that promise records, and the comparison with what the backend acknowledged.

A program writes the id of each record to a file right after its log call has returned: the
record is promised from then on, however the program ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fakes import HOLD_BACK

from .backend import Backend

ROOT = Path(__file__).parent.parent.parent
WALL_SECONDS = 60
"""A program that runs longer hangs: it prints the stacks of its threads and is killed."""

START_SECONDS = 3.0
"""What it may take to start and end an interpreter that has nothing to deliver."""

PREAMBLE = """
import faulthandler
faulthandler.enable()  # SIGABRT prints the stacks of all threads
import logging, os, signal, sys, threading, time
import cxlogging
URL = os.environ["TEST_URL"]
PROMISES = os.open(os.environ["TEST_PROMISES"], os.O_WRONLY | os.O_APPEND)

def new_handler(url=URL, **options):
    given = dict(format="ndjson", compression=None, sequence=True)
    return cxlogging.BetterStackHandler("canary-token", url=url, **{{**given, **options}})

handler = new_handler({options})
log = logging.getLogger("shop")
log.setLevel(logging.DEBUG)
log.addHandler(handler)

def promise(run, number, level=logging.INFO):
    log.log(level, "<%s:%d>", run, number)
    os.write(PROMISES, b"%s:%d\\n" % (run.encode(), number))

def leaving():
    os.write(PROMISES, b"leaving %f\\n" % time.monotonic())

def tasks():
    return len(os.listdir("/proc/self/task"))

def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not become true"
        time.sleep(0.005)
"""


class Child:
    """
    A program with a handler on the logger ``log`` and a function ``promise``.

    Args:
        body: Its code, after `PREAMBLE`.
        url: Where its records go.
        options: Keyword arguments of its handler, as code.
        arguments: Of the interpreter.
        environment: Further variables.
        before: Code that runs before `PREAMBLE`, before anything is imported.
        command: A command that runs the interpreter.
    """

    def __init__(
        self,
        body: str,
        url: str,
        options: str = "",
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        before: str = "",
        command: Sequence[str] = (),
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="faults-")
        folder = Path(self._folder.name)
        self._promises = folder / "promises"
        self._promises.touch()
        preamble = PREAMBLE.format(options=options)
        if "flush_interval=60" in options:
            preamble += HOLD_BACK
        script = folder / "app.py"
        script.write_text(textwrap.dedent(before) + preamble + textwrap.dedent(body))
        variables = {
            "PYTHONPATH": str(ROOT),
            "TEST_URL": url,
            "TEST_PROMISES": str(self._promises),
        }
        self._stalls = Stalls()
        self._started = time.monotonic()
        with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
            self.process = subprocess.Popen(
                [*command, sys.executable, *arguments, str(script)],
                env={**os.environ, **variables, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def __enter__(self) -> Child:  # noqa: PYI034 - typing.Self came with 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self._stalls.after(0)
        self._signal_all(signal.SIGKILL)
        self.process.wait()
        self._folder.cleanup()

    def _signal_all(self, number: int) -> None:
        """Send a signal to the program and all processes that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def _lines(self) -> list[str]:
        # A line that is being written is no promise yet.
        return self._promises.read_text().rpartition("\n")[0].splitlines()

    @property
    def promised(self) -> list[str]:
        """The ids whose log call has returned, in order."""
        return [line for line in self._lines() if not line.startswith("leaving")]

    @property
    def out(self) -> str:
        """What it has printed so far."""
        return (self._promises.parent / "out").read_text()

    @property
    def err(self) -> str:
        """What it has written to stderr so far."""
        return (self._promises.parent / "err").read_text()

    def wait_promised(self, count: int, seconds: float = 30) -> None:
        """Wait for *count* promises."""
        until(lambda: len(self.promised) >= count, seconds)

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def kill(self) -> Ended:
        """SIGKILL it, as the system does when memory runs out."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        return self.wait()

    def wait(self, seconds: float = WALL_SECONDS) -> Ended:
        """Wait for its end; fail with the stacks of all threads after *seconds*."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._signal_all(signal.SIGABRT)
            self.process.wait(20)
            raise AssertionError((self._promises.parent / "err").read_text()) from None
        ended = time.monotonic()
        left = [line for line in self._lines() if line.startswith("leaving")]
        since = float(left[-1].split()[1]) if left else self._started
        out, err = ((self._promises.parent / name).read_text() for name in ("out", "err"))
        return Ended(code, out, err, ended - since - self._stalls.after(since), self.promised)


class Stalls:
    """Detects periods in which the machine ran nothing, as happens to virtual machines."""

    LOOK_SECONDS = 0.02
    LEAST_SECONDS = 0.1

    def __init__(self) -> None:
        self._found: list[tuple[float, float]] = []
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        before, asked = time.monotonic(), False
        while not asked:
            asked = self._asked.wait(self.LOOK_SECONDS)
            now = time.monotonic()
            late = now - before - self.LOOK_SECONDS
            if late > self.LEAST_SECONDS:
                self._found.append((now, late))
            before = now

    def after(self, moment: float) -> float:
        """Return the seconds lost since monotonic *moment*, and stop measuring."""
        self._asked.set()
        self._thread.join()
        return sum(late for now, late in self._found if now > moment)


@dataclass(frozen=True)
class Ended:
    """
    The result of a program.

    Attributes:
        code: Its exit code, negative for a signal.
        out: Its standard output.
        err: Its standard error.
        seconds: From its call of ``leaving()``, or from its start if there is none, to its end,
            without those in which the machine ran nothing.
        promised: The ids whose log call had returned.
    """

    code: int
    out: str
    err: str
    seconds: float
    promised: list[str]


@dataclass(frozen=True)
class Oracle:
    """
    The outcome of promised records.

    Attributes:
        lost: Promised, and never acknowledged.
        duplicated: Acknowledged more than once.
        extra: Acknowledged, and never promised.
    """

    lost: list[str]
    duplicated: list[str]
    extra: list[str]

    @classmethod
    def judge(cls, promised: Iterable[str], backend: Backend) -> Oracle:
        wanted, accepted = dict.fromkeys(promised), backend.accepted
        return cls(
            [each for each in wanted if each not in accepted],
            [each for each, count in accepted.items() if count > 1],
            [each for each in accepted if each not in wanted],
        )


def until(condition, seconds: float = 20.0) -> None:
    """Wait for *condition*; fail after *seconds*."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not become true"
        time.sleep(0.005)
