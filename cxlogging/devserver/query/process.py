"""A process in which queries run one after another, seen from the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from . import worker

_BOOT = (
    "import sys; sys.path[:] = sys.argv[3:];"
    " from cxlogging.devserver.query.worker import main; main(sys.argv[1], int(sys.argv[2]))"
)


class WorkerFrame(NamedTuple):
    """A message of a process; `worker` defines its kinds."""

    kind: bytes
    content: bytes
    rows: int
    bytes_read: int


class QueryProcess:
    """
    A process that runs one query after another.

    Attributes:
        ready: True once the process has reported that it has started, which takes a while.
    """

    def __init__(self, path: Path, memory: int) -> None:
        self.ready = False
        paths = [one for one in sys.path if isinstance(one, str)]
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, with its own paths
            [sys.executable or "python3", "-c", _BOOT, str(path.absolute()), str(memory), *paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C in a terminal must reach the server only.
            start_new_session=True,
        )
        assert self._process.stdin is not None  # noqa: S101 - a pipe, see above
        assert self._process.stdout is not None  # noqa: S101 - a pipe, see above
        self._in, self._out = self._process.stdin, self._process.stdout
        _PROCESSES.add(self)

    def send(self, task: dict[str, Any]) -> None:
        """Send *task*; where the process has ended, `read_frame` returns None."""
        with suppress(OSError, ValueError):
            self._in.write(json.dumps(task).encode() + b"\n")
            self._in.flush()

    def read_frame(self) -> WorkerFrame | None:
        """The next message; None where the process has ended."""
        header = self._out.read(worker.HEADER.size)
        if len(header) < worker.HEADER.size:
            return None
        kind, length, rows, bytes_read = worker.HEADER.unpack(header)
        content = self._out.read(length)
        return WorkerFrame(kind, content, rows, bytes_read) if len(content) == length else None

    def kill(self) -> None:
        """Kill the process; may be called from any thread."""
        self._process.kill()

    def wait(self) -> int:
        """Wait for the process to end, and return its exit status; nobody may read its frames."""
        with suppress(OSError):
            self._in.close()
        self._out.close()
        return self._process.wait()

    def release_pipes(self) -> None:
        """In a forked child: release the pipes, so that the process ends with its parent."""
        null = os.open(os.devnull, os.O_RDWR)
        for pipe in (self._in, self._out):
            if not pipe.closed:
                os.dup2(null, pipe.fileno(), inheritable=False)
        os.close(null)


_PROCESSES: weakref.WeakSet[QueryProcess] = weakref.WeakSet()


def _release_after_fork() -> None:
    for process in list(_PROCESSES):
        with suppress(OSError, ValueError):
            process.release_pipes()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_after_fork)
