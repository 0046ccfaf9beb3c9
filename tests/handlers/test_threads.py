"""Many threads log at once, and are interrupted wherever that is possible."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from cxlogging.devserver import DevServer
from tests.conftest import HANDLERS

THREADS = 8
RECORDS = 400
"""Of each thread."""

FEW_VENDORS = [
    "betterstack",
    *(pytest.param(each, marks=pytest.mark.slow) for each in HANDLERS if each != "betterstack"),
]
"""Threads share the same code whatever the vendor: one of them shows it quickly."""

PROGRAM = """
import logging, sys, threading

{without_gil}

import cxlogging

handler = {handler}, url={url!r}, sequence=True, batch_count=100{options})
log = logging.getLogger("shop")
log.setLevel(logging.DEBUG)
log.addHandler(handler)
begin = threading.Barrier({threads} + 1)
unbalanced = []

def work(thread):
    begin.wait()
    for number in range({records}):
        key = f"{{thread}}-{{number}}"
        with cxlogging.bound(worker=thread):
            if number % 50:
                log.info("order %s", key, extra={{"order": key}})
            else:
                try:
                    {{}}[key]
                except KeyError:
                    log.exception("failed", extra={{"order": key}})

def watch():
    while not done.wait(0.001):
        stats = handler.stats()
        if not stats.balanced:
            unbalanced.append(stats)

done = threading.Event()
threads = [threading.Thread(target=work, args=(each,)) for each in range({threads})]
watcher = threading.Thread(target=watch)
interval = sys.getswitchinterval()
sys.setswitchinterval(1e-6)
for each in (*threads, watcher):
    each.start()
begin.wait()
handler.flush(0.01)
for each in threads:
    each.join()
done.set()
watcher.join()
sys.setswitchinterval(interval)
assert not unbalanced, unbalanced[0]
assert handler.flush(60), handler.stats()
handler.close()
stats = handler.stats()
assert stats.balanced, stats
assert stats.accepted == stats.delivered == {threads} * {records}, stats
"""

WITHOUT_GIL = "sys._is_gil_enabled = lambda: False"
"""Lets the package take the locks that it needs on a build without the GIL."""


@pytest.mark.parametrize("without_gil", ["", WITHOUT_GIL], ids=["gil", "locks"])
@pytest.mark.parametrize("spool", [False, True], ids=["memory", "spool"])
@pytest.mark.parametrize("vendor", FEW_VENDORS)
def test_threads_lose_nothing(
    vendor: str, spool: bool, without_gil: str, server: DevServer, tmp_path
):
    """Each record of eight threads arrives once, with its own sequence id; the ledger balances."""
    code = PROGRAM.format(
        handler=HANDLERS[vendor],
        url=server.url,
        options=f", spool={str(tmp_path)!r}" if spool else "",
        threads=THREADS,
        records=RECORDS,
        without_gil=without_gil,
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    fields = [event["data"] for event in server.events(vendor)]
    orders = Counter(each["order"] for each in fields)
    expected = [f"{thread}-{number}" for thread in range(THREADS) for number in range(RECORDS)]
    assert orders == Counter(expected)
    assert all(each["order"].startswith(f"{each['worker']}-") for each in fields)
    numbers = sorted(int(each["cx_seq"].rpartition("-")[2]) for each in fields)
    assert numbers == list(range(1, THREADS * RECORDS + 1))
