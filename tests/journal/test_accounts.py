"""Accounts of a spool: the key decides who owns records, and is not stored."""

from __future__ import annotations

import importlib
import json
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import cxlogging
from cxlogging.delivery.journal.disk import Disk
from cxlogging.delivery.journal.spool import account_of, directory_name, fingerprint
from cxlogging.wire.http import Secret
from tests.faults.backend import Backend
from tests.faults.harness import until

FIRST, SECOND = "key-of-the-first-account", "key-of-the-second-account"
REFUSING = "http://127.0.0.1:9"

PROGRAM = """
import logging, os, signal, sys
import cxlogging
from tests.fakes import hold_back
url, spool, name, end, *keys = sys.argv[1:]
logging.root.setLevel(logging.INFO)
for key in keys:
    logging.getLogger(key).addHandler(cxlogging.HoneycombHandler(
        key, dataset="shop", url=url, spool=spool, retry_initial=0.01, retry_maximum=0.1,
        flush_interval=60 if end == "kill" else 0.01))
    hold_back(logging.getLogger(key).handlers[0]._delivery)
number = 0
while number < 20 or end == "wait":
    for key in keys:
        logging.getLogger(key).info("<%s-%s:%d>", key, name, number)
        print(f"{key}-{name}:{number}", flush=True)
    number += 1
if end == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
"""


def program(spool: Path, url: str, name: str, *keys: str, end: str = "kill") -> subprocess.Popen:
    """Start a process with a handler for each of *keys*, which logs and then dies."""
    arguments = [sys.executable, "-c", PROGRAM, url, str(spool), name, end, *keys]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(arguments, **pipes)


def handler(spool: Path, url: str, key: str, said: list[str]):
    return cxlogging.HoneycombHandler(
        key,
        dataset="shop",
        url=url,
        spool=str(spool),
        flush_interval=0.01,
        on_error=said.append,
    )


def send(spool: Path, key: str, *more: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", "from cxlogging.cli import main; main()", "spool", "send"]
    environment = {**os.environ, "HONEYCOMB_API_KEY": key}
    return subprocess.run(
        [*command, str(spool), *more],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Vendor(Backend):
    """A backend that accepts Zstandard too, which the commands use."""

    def _note(self, raw, client):
        head, _, body = raw.partition(b"\r\n\r\n")
        if b"content-encoding: zstd" in head.lower():
            module = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
            zstd = importlib.import_module(module)
            raw = head + b"\r\n\r\n" + zstd.decompress(body)
        return super()._note(raw, client)


def crossed(backend: Backend) -> list[str]:
    """Return the ids that arrived with another key than the one they were logged with."""
    wrong = []
    for request in backend.requests:
        key = re.search(r"(?i)x-honeycomb-team: *(\S+)", request.head)
        assert key is not None
        wrong += [each for each in request.ids if not each.startswith(key[1])]
    return wrong


@pytest.fixture
def backend():
    with Vendor() as made:
        yield made


@pytest.fixture
def spool(tmp_path) -> Path:
    return tmp_path / "spool"


@pytest.mark.slow
def test_two_accounts_through_kills(spool, backend):
    """Two accounts share a spool, in one process and in several, which are killed again and again:
    every record arrives, and none with the other's key.
    """
    promised = []
    for turn in range(4):
        running = [
            program(spool, backend.url, f"both{turn}", FIRST, SECOND, end="wait"),
            program(spool, backend.url, f"first{turn}", FIRST, end="wait"),
            program(spool, backend.url, f"second{turn}", SECOND, end="wait"),
        ]
        for each in running:
            promised += [each.stdout.readline().strip() for _ in range(150)]
            each.send_signal(signal.SIGKILL)
            promised += each.stdout.read().split("\n")[:-1]
            each.communicate()
    handlers = [handler(spool, backend.url, key, []) for key in (FIRST, SECOND)]
    until(lambda: set(promised) <= set(backend.accepted), 60)
    for each in handlers:
        each.close()

    assert crossed(backend) == []
    assert len(promised) >= 4 * 3 * 150


def test_what_another_key_left_is_named(spool, backend):
    """After a change of keys, one line reports the waiting records, and the command that it prints
    sends them with the new key; until then they stay.
    """
    program(spool, backend.url, "old", FIRST).communicate()
    said: list[str] = []
    new = handler(spool, backend.url, SECOND, said)
    for number in range(2):
        text = f"<{SECOND}-new:{number}>"
        new.handle(logging.makeLogRecord({"msg": text, "levelno": 30}))
    assert new.flush(20)
    until(lambda: said)
    new.close()

    assert crossed(backend) == []
    assert len(backend.accepted) == 2
    (line,) = said
    command = re.search(r"`cxlogging spool send (\S+) --account (\w+)`", line)
    assert command is not None
    assert command[1] == str(spool)
    assert FIRST not in line

    refused = send(spool, SECOND)
    assert (refused.returncode, len(backend.accepted)) == (3, 2)
    assert f"--account {command[2]}" in refused.stderr

    done = send(spool, SECOND, "--account", command[2])
    assert (done.returncode, len(backend.accepted)) == (0, 22)
    assert not list(spool.rglob("*.seg"))


def test_what_another_handler_of_the_process_sends_is_not_named(spool, backend):
    """If a process has a handler for each of two keys, both keys' records are sent, and nothing is
    reported.
    """
    program(spool, backend.url, "old", FIRST, SECOND).communicate()
    said: list[str] = []
    both = [handler(spool, backend.url, key, said) for key in (FIRST, SECOND)]
    for each in both:
        each.handle(logging.makeLogRecord({"msg": "hello", "levelno": 30}))
    assert backend.wait_accepted(40)
    for each in both:
        each.close()

    assert (said, crossed(backend)) == ([], [])


def test_a_key_that_is_set_sends_its_own_alone(spool, backend):
    """With records of two accounts, `spool send` sends those of the current key."""
    program(spool, backend.url, "old", FIRST, SECOND).communicate()

    done = [send(spool, FIRST), send(spool, FIRST)]

    assert [each.returncode for each in done] == [3, 3]
    assert (crossed(backend), len(backend.accepted)) == ([], 20)
    assert send(spool, SECOND).returncode == 0
    assert (crossed(backend), len(backend.accepted)) == ([], 40)


def test_a_spool_of_an_earlier_version(spool, backend):
    """Records without an account are not adopted, but reported; `--account unknown` sends them."""
    program(spool, backend.url, "old", FIRST).communicate()
    (folder,) = spool.glob("honeycomb-*")
    identity = json.loads((folder / "about.json").read_text())
    del identity["account"]
    (folder / "about.json").write_text(json.dumps(identity))
    folder.rename(spool / directory_name(identity))

    said: list[str] = []
    with_key = handler(spool, backend.url, FIRST, said)
    with_key.handle(logging.makeLogRecord({"msg": "hello", "levelno": 30}))
    until(lambda: said)
    with_key.close()

    assert not backend.accepted
    assert f"cxlogging spool send {spool} --account unknown" in said[0]
    assert send(spool, FIRST, "--account", "unknown").returncode == 0
    assert len(backend.accepted) == 20


def test_the_salt_is_made_once(spool, backend):
    """Processes that create a spool at the same moment agree on its salt, which only their user can
    read.
    """
    running = [program(spool, REFUSING, f"p{n}", FIRST) for n in range(6)]
    for each in running:
        each.communicate()

    assert len(list(spool.glob("honeycomb-*"))) == 1
    assert sorted(each.name for each in spool.iterdir() if each.is_file()) == ["salt"]
    assert stat.S_IMODE((spool / "salt").stat().st_mode) == 0o600


def test_the_key_is_nowhere_in_the_spool(spool):
    """No name and no file in a spool contains the key, or a hash that is the same in
    another spool.
    """
    program(spool, REFUSING, "p", FIRST).communicate()
    for path in spool.rglob("*"):
        assert FIRST not in path.name
        # The messages hold it: this program logs it.
        assert path.suffix == ".seg" or path.is_dir() or FIRST.encode() not in path.read_bytes()
    (one,) = [each.name for each in spool.glob("honeycomb-*")]
    shutil.rmtree(spool)
    program(spool, REFUSING, "p", FIRST).communicate()

    (two,) = [each.name for each in spool.glob("honeycomb-*")]
    assert one != two


@pytest.mark.parametrize("found", [b"", b"short", bytes(32), None])
def test_a_damaged_salt_is_made_anew(tmp_path, found):
    """A salt that is missing, truncated or zero after a power failure is created again, once."""
    disk = Disk()
    base = disk.enter(str(tmp_path / "spool"))
    if found is not None:
        (tmp_path / "spool" / "salt").write_bytes(found)
        (tmp_path / "spool" / "salt").chmod(0o600)
    account = account_of(Secret("key"), None)

    assert fingerprint(disk, base, account) == fingerprint(disk, base, account)
    assert len((tmp_path / "spool" / "salt").read_bytes()) == 32
    disk.close(base)


def test_headers_count_too(tmp_path):
    """Gateways read tenants from headers: different headers are a different account; their case
    does not matter.
    """
    disk = Disk()
    base = disk.enter(str(tmp_path / "spool"))

    def of(**headers):
        return fingerprint(disk, base, account_of(Secret("key"), headers))

    assert of(tenant="one") == of(Tenant="one") != of(tenant="two")
    assert of() != of(tenant="one")
    disk.close(base)
