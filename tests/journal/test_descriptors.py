"""Somebody closed all descriptors: numbers that were ours are other files' by now."""

from __future__ import annotations

import os
import subprocess
import sys

from cxlogging.delivery.journal.disk import Disk
from tests.faults.backend import Backend
from tests.journal.bench import Process

PROGRAM = """
import logging, os, sys
import cxlogging
from tests.fakes import hold_back
url, spool, victims = sys.argv[1:]
handler = cxlogging.HoneycombHandler(
    "key", dataset="shop", url=url, spool=spool, flush_interval=60, compression=None)
hold_back(handler._delivery)
def log(*numbers):
    for number in numbers:
        handler.handle(logging.makeLogRecord({"msg": f"<a:{number}>", "levelno": 40}))
log(1, 2, 3)
most = max(int(each) for each in os.listdir("/dev/fd"))
os.closerange(3, most + 1)
files = [open(f"{victims}/{n}", "a") for n in range(most + 8)]
log(4, 5, 6)
handler.flush(10)
for n, file in enumerate(files):
    file.write("mine")
    file.close()
print("done", flush=True)
os._exit(0)
"""


def test_all_descriptors_closed(tmp_path):
    """After `os.closerange` and with the numbers taken by files of the application, no frame is
    written to these, none of them is closed, and every record arrives.
    """
    victims = tmp_path / "victims"
    victims.mkdir()
    with Backend() as backend:
        arguments = [sys.executable, "-c", PROGRAM, backend.url, tmp_path / "spool", victims]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout == "done\n", done.stderr
        assert {path.read_text() for path in victims.iterdir()} == {"mine"}
        later = [
            sys.executable,
            "-c",
            PROGRAM.split("most =", maxsplit=1)[0] + "handler.flush(20)\n",
        ]
        subprocess.run([*later, *arguments[3:]], timeout=60, check=True)
        assert backend.wait(lambda it: {f"a:{n}" for n in range(1, 7)} <= set(it.accepted))


def test_a_number_that_is_another_file(tmp_path):
    """A descriptor whose number belongs to another file is not written to and not closed; what is
    logged then waits in memory, and in new files of the spool once these are made.
    """
    one = Process(Disk(), tmp_path / "spool")
    one.put(b"one")
    fd = one.journal._fd
    with (tmp_path / "mine").open("ab") as mine:
        os.dup2(mine.fileno(), fd)
        one.put(b"two")
        assert (tmp_path / "mine").read_bytes() == b""
        assert one.journal.spooled == 1
        one.tend(100)
        one.tend(100)
        one.put(b"three")
        one.journal.forget()
        assert os.fstat(fd).st_ino == os.fstat(mine.fileno()).st_ino
        os.close(fd)
    assert (tmp_path / "mine").read_bytes() == b""
