"""Helpers for programs that share a spool."""

from __future__ import annotations

import os
from pathlib import Path

from cxlogging.delivery.journal.disk import Disk
from cxlogging.delivery.journal.journal import Journal
from cxlogging.delivery.queue.factory import spool_of

DELIVER = """
promise("next", 0)
wait_until(lambda: not handler.stats().pending + handler.stats().spooled and not left(), 40)
leaving()
"""
"""The next process: it logs one record, and delivers what others left."""

LEFT = """
import contextlib, itertools, os, pathlib
def left():
    found = []
    for folder, _, names in os.walk({spool!r}):
        folder = pathlib.Path(folder)
        if folder.name == "damaged" or folder.name.startswith(f"{{os.getpid()}}-"):
            continue
        for each in names:
            with contextlib.suppress(FileNotFoundError):
                if each.endswith(".seg") and (folder / each).stat().st_size > 20:
                    found.append(each)
    return found
"""
KILLED = """
from tests.faults.spooling import use_disk
from tests.journal.killing import KillingDisk
use_disk(handler, KillingDisk({step!r}), {spool!r})
handler.delivery.workers.look_for_backlog()
"""
"""Run before anything is logged: the process is killed at a step of its work with the spool."""

QUICK = "flush_interval=0.05, retry_initial=0.01, retry_maximum=0.1"


def files(spool: Path) -> list[str]:
    # Unlike a glob, a walk continues when a folder is removed meanwhile.
    return sorted(name for _, _, names in os.walk(spool) for name in names)


def nothing_left(spool: Path) -> bool:
    return set(files(spool)) <= {"about.json", "salt"}


def batches(backend, ids) -> int:
    """Return the number of requests in which the given ids arrived for the first time."""
    first = {}
    for request in backend.requests:
        for each in request.ids:
            first.setdefault(each, request.number)
    return len({first[each] for each in ids})


def use_disk(handler, disk: Disk, path: str, **more) -> None:
    """Give *handler*, which has logged nothing yet, the spool at *path* on *disk*."""
    delivery = handler.delivery
    options = delivery.options
    spool = spool_of(delivery.destination, path, options, disk)
    delivery.lane.replace(
        make_queue=lambda clock, evicted, lock: Journal(
            spool, options, clock, evicted, lock, disk=disk, **more
        )
    )
    delivery.workers.reset()
