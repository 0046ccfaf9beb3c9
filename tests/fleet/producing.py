"""
A program that logs on command: ``python -m tests.fleet.producing SETTINGS``.

The settings are JSON: `name`, the vendor's `handler`, its `options`, the path of a `counter`, and
the length of each record's `payload`. Each line of standard input is a command; ``stats`` and
``end`` answer with a line of JSON:

    log COUNT RATE   log COUNT more records, RATE a second, beside the other commands
    stats            the statistics
    end SECONDS      log what is left, flush for SECONDS at most, print the statistics, and exit

The counter has the number of records whose log call has returned; it survives a kill.
"""

from __future__ import annotations

import json
import logging
import mmap
import queue
import random
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

import cxlogging

COUNT = struct.Struct("=Q")
LEVELS = (logging.DEBUG, logging.INFO, logging.INFO, logging.WARNING, logging.ERROR)


class Load:
    """Logs as many records as the commands ask for, on a thread of its own."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._name = settings["name"]
        self._payload = random.Random(self._name).randbytes(settings["payload"]).hex()
        self._counter = _mapped(Path(settings["counter"]))
        make = getattr(cxlogging, settings["handler"])
        self.handler = make(**settings["options"])
        self._log = logging.Logger(self._name)  # noqa: LOG001 - out of the tree
        self._log.addHandler(self.handler)
        self._asked: queue.SimpleQueue[tuple[int, float] | None] = queue.SimpleQueue()
        self._number = 0
        self.longest = 0.0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def ask(self, count: int, rate: float) -> None:
        """Log *count* more records, *rate* a second."""
        self._asked.put((count, rate))

    def finish(self) -> None:
        """Wait until everything that was asked for has been logged."""
        self._asked.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (asked := self._asked.get()) is not None:
            count, rate = asked
            began = time.monotonic()
            for done in range(count):
                early = began + done / rate - time.monotonic()
                if early > 0:
                    time.sleep(early)
                self._one()

    def _one(self) -> None:
        number, level = self._number, LEVELS[self._number % len(LEVELS)]
        began = time.perf_counter()
        self._log.log(level, "<%s:%d>", self._name, number, extra={"payload": self._payload})
        self.longest = max(self.longest, time.perf_counter() - began)
        self._number += 1
        COUNT.pack_into(self._counter, 0, self._number)

    def figures(self) -> dict[str, Any]:
        """Return the statistics, the CPU seconds of the process, and the longest log call."""
        stats = self.handler.stats()
        shown = {name: value for name, value in stats._asdict().items() if isinstance(value, int)}
        return {
            **shown,
            "balanced": stats.balanced,
            "last_error": stats.last_error,
            "logged": self._number,
            "cpu": time.process_time(),
            "longest": self.longest,
        }


def _mapped(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), COUNT.size)


def main() -> None:
    load = Load(json.loads(sys.argv[1]))
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "log":
            load.ask(int(arguments[0]), float(arguments[1]))
            continue
        if command == "end":
            load.finish()
            load.handler.flush(float(arguments[0]))
        sys.stdout.write(f"{json.dumps(load.figures())}\n")
        sys.stdout.flush()
        if command == "end":
            break


if __name__ == "__main__":
    main()
