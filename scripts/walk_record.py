"""
Follow one record from `emit` to its ledger entry, and print the files it passes through.

    python scripts/walk_record.py [--vendor NAME] [--json]

A local server answers. The record is warm: an equal one was delivered before, so the worker
waits, the connection is open and every import has happened. It is followed in memory and with
a spool, by `sys.setprofile` on two threads: the one that logs, from the call of `emit` to its
return; and the worker's, from the moment it wakes to the change of ``ledger.delivered``.

How it counts:
- A file is a file of cxlogging in which a Python function ran.
- A move is a call, or a return, that goes from one of these files to another. A call into
  another file and the return from it are two moves.
- Other code (the standard library, urllib3) is looked through: a function of cxlogging that it
  calls counts as called by the function of cxlogging that called it.
- C functions, attribute accesses and the generated methods of named tuples are no files.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import cxlogging
from cxlogging.delivery.process.state import OWN_THREADS
from cxlogging.devserver import DevServer

ROOT = Path(cxlogging.__file__).parent
PREFIX = f"{ROOT}/"
WAIT_SECONDS = 30

HANDLERS: dict[str, Any] = {
    "coralogix": lambda **more: cxlogging.CoralogixHandler("key", application_name="shop", **more),
    "honeycomb": lambda **more: cxlogging.HoneycombHandler("key", dataset="shop", **more),
    "betterstack": lambda **more: cxlogging.BetterStackHandler("key", **more),
}


class Walk(NamedTuple):
    """
    The way of one record.

    Attributes:
        files: Relative to the package, in the order in which they are first entered.
        moves: From file to file, in order.
    """

    files: list[str]
    moves: list[tuple[str, str]]


class Recorder:
    """Collects the moves of two threads; `record` is a profile function."""

    def __init__(self) -> None:
        self._caller = threading.get_ident()
        self._paths: dict[int, list[str]] = {}
        self._ledger: Any = None
        self._before = 0
        self.arrived = threading.Event()

    def begin(self, ledger: Any) -> None:
        """Follow the next record."""
        self._paths.clear()
        self._before = ledger.delivered
        self._ledger = ledger

    def record(self, frame: FrameType, event: str, argument: Any) -> None:
        """Note where a thread goes, until the ledger has the record's outcome."""
        ledger, ident = self._ledger, threading.get_ident()
        if ledger is None or self.arrived.is_set():
            return
        if ident != self._caller and ident not in OWN_THREADS:  # the local server's
            return
        if event == "c_return" and argument.__name__ == "acquire" and ident != self._caller:
            self._paths[ident] = []  # it has waited: what it did before is no part of the way
            return
        if event not in {"call", "return"}:
            return
        if ident != self._caller and ledger.delivered > self._before:
            self.arrived.set()
            return
        path = self._paths.setdefault(ident, [])
        here, above = _own(frame), _own(frame.f_back)
        if frame.f_code.co_filename.startswith(PREFIX):
            for each in (above, here) if event == "call" else (here, above):
                if each is not None and (not path or path[-1] != each):
                    path.append(each)

    def walk(self) -> Walk:
        """Return the way of the record that has arrived."""
        caller = self._paths.pop(self._caller)
        paths = [caller, *self._paths.values()]
        moves = [move for path in paths for move in itertools.pairwise(path)]
        files = list(dict.fromkeys(each for path in paths for each in path))
        return Walk(files, moves)


def _own(frame: FrameType | None) -> str | None:
    """Return the file of the nearest function of cxlogging, from *frame* outwards."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(PREFIX):
            return frame.f_code.co_filename.removeprefix(PREFIX)
        frame = frame.f_back
    return None


def walk(vendor: str, spool: str | None = None) -> Walk:
    """Deliver records to a local server until they are warm; return the way of the next one."""
    recorder = Recorder()
    threading.setprofile(recorder.record)
    with DevServer() as server:
        handler = HANDLERS[vendor](url=server.url, spool=spool, flush_interval=0)
        try:
            record = logging.getLogger("shop").makeRecord(
                "shop", logging.INFO, __file__, 1, "order %d shipped", (4711,), None, "f"
            )
            for _ in range(3):
                handler.handle(record)
                if not handler.flush(WAIT_SECONDS):
                    raise RuntimeError(f"no record was delivered: {handler.stats()}")
            recorder.begin(handler.delivery.ledger)
            sys.setprofile(recorder.record)
            handler.emit(record)
            sys.setprofile(None)
            if not recorder.arrived.wait(WAIT_SECONDS):
                raise RuntimeError(f"the record did not arrive: {handler.stats()}")
        finally:
            threading.setprofile(None)  # type: ignore[arg-type]
            handler.close()
    return recorder.walk()


def main() -> None:
    """Print the ways of a record in memory and with a spool."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--vendor", choices=[*HANDLERS], default="coralogix")
    parser.add_argument("--json", action="store_true", help="print the ways as JSON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ways = {"memory": walk(given.vendor), "spool": walk(given.vendor, folder)}
    if given.json:
        print(json.dumps({name: way._asdict() for name, way in ways.items()}))
        return
    for name, (files, moves) in ways.items():
        print(f"{name}: {len(files)} files, {len(moves)} moves")
        for number, file in enumerate(files, 1):
            print(f"  {number:2} {file}")


if __name__ == "__main__":
    main()
