"""The command line, run: in this process where nothing crosses a border, else in one of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from cxlogging.cli import group

from ..dataprime.conftest import service

__all__ = ["service"]

COMMAND = [sys.executable, "-c", "from cxlogging.cli import main; main()"]
NAMES = ("CORALOGIX_", "CX_", "HONEYCOMB_", "BETTER_STACK_", "CXLOGGING_", "LIBHONEY_", "LOGTAIL_")
PLAIN = {"NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"}


def environment(**more: str | None) -> dict[str, str]:
    """Return this process' environment without what would steer a command, and with *more*."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(NAMES) and name not in PLAIN
    }
    return {**kept, **{name: value for name, value in more.items() if value is not None}}


@pytest.fixture
def run(monkeypatch, service) -> Callable[..., Result]:
    """Run a command against the scripted service."""

    def invoke(*arguments: str, given: str | bytes | None = None, **variables: str) -> Result:
        for name in os.environ.keys() - environment().keys():
            monkeypatch.delenv(name)
        for name, value in {"CXLOGGING_URL": service.url, **variables}.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(group.command, arguments, given, prog_name="cxlogging")

    return invoke


@pytest.fixture
def start(service) -> Callable[..., subprocess.Popen[str]]:
    """Start a command as a process of its own."""
    started = []

    def begin(*arguments: str, **more) -> subprocess.Popen[str]:
        variables = {"CXLOGGING_URL": service.url, **more.pop("variables", {})}
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **more}
        process = subprocess.Popen([*COMMAND, *arguments], env=environment(**variables), **options)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def interrupt(process: subprocess.Popen[str]) -> None:
    """Press Ctrl-C, and again where it hit a finalizer, whose exceptions Python drops."""
    for _ in range(5):
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
            return


class Terminal:
    """A command on a pseudo-terminal: what it shows, and how it ends."""

    def __init__(self, *arguments: str, **variables: str | None) -> None:
        import pty

        ours, theirs = pty.openpty()
        self._file = os.fdopen(ours, "rb", buffering=0)
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(TERM="xterm", COLUMNS="120", LINES="40", **variables),
            start_new_session=True,
        )
        os.close(theirs)

    def read(self) -> str:
        """Return all that it shows until its end."""
        shown = b""
        while True:
            try:
                piece = self._file.read(65536)
            except OSError:  # how Linux says that the other side is closed
                piece = b""
            if not piece:
                break
            shown += piece
        self.code = self.process.wait(30)
        self._file.close()
        return shown.decode().replace("\r\n", "\n")


@pytest.fixture
def terminal(service) -> Callable[..., tuple[int, str]]:
    """Run a command on a terminal; return its exit code and what was shown."""

    def invoke(*arguments: str, **variables: str | None) -> tuple[int, str]:
        screen = Terminal(*arguments, **{"CXLOGGING_URL": service.url, **variables})
        shown = screen.read()
        return screen.code, shown

    return invoke
