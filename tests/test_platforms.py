"""The package where POSIX is not: memory mode works, and `spool` says what it needs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cxlogging.devserver import DevServer
from tests.conftest import HANDLERS

HIDE = """
import os, select, signal, socket, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {"fcntl", "resource", "termios", "tty", "pty", "pwd", "grp", "syslog"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
for name in ("fcntl", "resource", "termios", "pwd", "grp"):
    sys.modules.pop(name, None)
HIDDEN = {
    os: '''fork forkpty register_at_fork getuid geteuid getgid getegid setsid killpg pread pwrite
        writev preadv O_DIRECTORY O_NOFOLLOW O_CLOEXEC O_NONBLOCK O_NOCTTY O_SYNC O_DSYNC
        fdatasync statvfs fstatvfs uname sched_getaffinity sysconf''',
    signal: '''SIGKILL SIGHUP SIGUSR1 SIGUSR2 SIGALRM SIGCHLD SIGPIPE SIGQUIT SIGSTOP SIGBUS
        SIGSYS SIGTRAP pthread_sigmask pthread_kill sigwait sigpending setitimer''',
    select: "poll epoll PIPE_BUF",
    socket: "AF_UNIX MSG_DONTWAIT TCP_USER_TIMEOUT SO_REUSEPORT",
}
for module, names in HIDDEN.items():
    for name in names.split():
        vars(module).pop(name, None)
os.supports_dir_fd = set()
os.supports_follow_symlinks = set()
"""
"""Removes from Python what Windows does not have, before anything else is imported."""

PROGRAM = """
import logging
import cxlogging

log = logging.getLogger("shop")
log.setLevel(logging.INFO)
handler = {handler}, url={url!r})
log.addHandler(handler)
log.info("order %d", 7, extra={{"user": "ada"}})
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed")
assert handler.flush(20), handler.stats()
assert handler.check(), handler.check()
log.warning("later")
handler.close()
stats = handler.stats()
assert (stats.accepted, stats.delivered, stats.balanced) == (3, 3, True), stats
log.info("at exit")
"""


def run(code: str, before: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", before + HIDE + code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("vendor", HANDLERS)
def test_memory_mode_needs_no_posix(vendor: str, server: DevServer):
    """A handler delivers, flushes, checks, closes, and delivers what is logged before the exit."""
    done = run(PROGRAM.format(handler=HANDLERS[vendor], url=server.url))

    assert (done.returncode, done.stderr) == (0, "")
    messages = [event["message"] for event in server.events(vendor)]
    assert messages == ["order 7", "failed", "cxlogging check", "later", "at exit"]


SPOOL = """
import cxlogging
try:
    {handler}, url="http://127.0.0.1:9", spool={folder!r})
except cxlogging.ConfigurationError as error:
    print(error)
"""


@pytest.mark.parametrize("vendor", HANDLERS)
def test_a_spool_needs_posix(vendor: str, tmp_path):
    """The option `spool` is refused with one sentence that says what it needs."""
    done = run(SPOOL.format(handler=HANDLERS[vendor], folder=str(tmp_path)))

    assert (done.returncode, done.stderr) == (0, "")
    (sentence,) = done.stdout.splitlines()
    assert sentence.startswith("spool needs a POSIX system: ")


IMPORT_ALL = """
import importlib, pkgutil
import cxlogging
for module in pkgutil.walk_packages(cxlogging.__path__, "cxlogging."):
    if ".integrations" not in module.name and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def test_every_module_can_be_imported():
    """No module needs POSIX to be imported; integrations need their frameworks."""
    # Python 3.15's asyncio and the MCP SDK look at `sys.platform`: they are imported before.
    before = ("import asyncio", "import contextlib", "with contextlib.suppress(ImportError):")
    done = run(IMPORT_ALL, before="\n".join([*before, " import mcp.server.stdio", ""]))

    assert (done.returncode, done.stderr) == (0, "")
