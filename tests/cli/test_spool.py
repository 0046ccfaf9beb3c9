"""`cxlogging spool`: list, verify, export, send and remove what a killed process left on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import COMMAND, environment

REFUSING = "http://127.0.0.1:9"

LEAVES = """
import logging, os, signal, sys
import cxlogging
from tests.fakes import hold_back
url, spool, count = sys.argv[1:]
log = logging.getLogger("shop")
log.setLevel(logging.INFO)
options = dict(url=url, spool=spool, flush_interval=60)
log.addHandler(cxlogging.BetterStackHandler("token-canary", **options))
log.addHandler(cxlogging.HoneycombHandler("key-canary", dataset="shop", **options))
log.addHandler(cxlogging.CoralogixHandler("key-canary", application_name="shop", **options))
for handler in log.handlers:
    hold_back(handler._delivery)
for number in range(int(count)):
    log.info("order %d \\x1b[31m", number)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def spool(tmp_path) -> Path:
    return tmp_path / "spool"


def leave(spool: Path, url: str = REFUSING, count: int = 30) -> None:
    """Run a process that logs to *spool* and is then killed."""
    arguments = [sys.executable, "-c", LEAVES, url, str(spool), str(count)]
    done = subprocess.run(arguments, env=environment(), timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "spool", *arguments],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def segments(spool: Path) -> list[Path]:
    return sorted(spool.glob("*/*/*.seg"))


def test_what_waits_is_listed(spool):
    """`ls` names every destination and process, and how many records wait, without a secret."""
    leave(spool)

    shown = run("ls", str(spool))
    lines = [json.loads(each) for each in run("ls", "--json", str(spool)).stdout.splitlines()]

    assert shown.stdout.count("30 waiting, 0 rejected") == 3
    assert "honeycomb http://127.0.0.1:9 shop" in shown.stdout
    assert shown.stdout.count("ended") == 3
    assert [each["processes"][0]["waiting"] for each in lines] == [30, 30, 30]
    assert not any(each["processes"][0]["running"] for each in lines)
    assert b"canary" not in b"".join(
        path.read_bytes() for path in spool.rglob("*") if path.is_file()
    )


def test_one_destination_is_selected(spool):
    """`--to` selects the destinations whose name or URL contains the text."""
    leave(spool)

    shown = run("ls", "--to", "honey", str(spool))

    assert shown.stdout.count("waiting") == 1


def test_an_intact_spool_is_verified(spool):
    """`verify` reads every record, and exits with 0 if all are intact."""
    leave(spool)

    done = run("verify", str(spool))

    assert done.returncode == 0
    assert done.stdout.count("intact  1 segments  30 records") == 3


def test_damage_is_found(spool):
    """`verify` reports a damaged segment and how many of its records are readable; exits with 1."""
    leave(spool)
    path = segments(spool)[0]
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(whole)

    done = run("verify", str(spool))

    assert done.returncode == 1
    assert "damaged  1 segments  29 records  (1 damaged ranges)" in done.stdout


def test_what_waits_is_exported(spool):
    """`export` prints every record as a line of JSON, with control characters escaped."""
    leave(spool)

    done = run("export", str(spool))
    lines = [json.loads(each) for each in done.stdout.splitlines()]

    assert len(lines) == 90
    assert "\x1b" not in done.stdout
    packed = [each["event"] for each in lines if each["to"]["vendor"] == "betterstack"]
    assert [each["message"] for each in packed] == [f"order {n} \x1b[31m" for n in range(30)]
    assert len(segments(spool)) == 3


def test_an_empty_spool_has_nothing_to_export(spool):
    """`export` exits with 4 if nothing waits."""
    spool.mkdir(0o700)

    assert run("export", str(spool)).returncode == 4


def test_a_missing_directory(tmp_path):
    """A directory that does not exist is an error in one sentence, and is not created."""
    done = run("ls", str(tmp_path / "nowhere"))

    assert done.returncode == 1
    assert "cannot be used as a spool: No such file or directory" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_what_waits_is_sent(spool, server):
    """`send` delivers what a killed process left, each record once, and leaves nothing behind."""
    leave(spool, server.url)

    done = run("send", str(spool))

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("30 delivered, 0 rejected") == 3
    for vendor in ("coralogix", "honeycomb", "betterstack"):
        texts = [event["message"] for event in server.store.oldest(vendor)]
        assert sorted(texts) == sorted(f"order {n} \x1b[31m" for n in range(30))
    assert segments(spool) == []


def test_what_cannot_be_sent_stays(spool):
    """`send` to a vendor that is down exits with 5, and all records stay in the spool."""
    leave(spool, count=5)

    done = run("send", "--to", "honeycomb", str(spool))

    assert done.returncode == 5
    assert "0 delivered, 0 rejected. The rest stays in the spool." in done.stderr
    assert run("ls", str(spool)).stdout.count("5 waiting") == 3


def test_a_key_that_is_missing(spool):
    """`send` without a key in the environment exits with 3, and says which variable to set."""
    leave(spool, "https://ingress.example.invalid", count=5)

    done = run("send", "--to", "honeycomb", str(spool))

    assert done.returncode == 3
    assert "set HONEYCOMB_API_KEY" in done.stderr


def test_rejected_records_are_kept_and_sent_again(spool, server):
    """A rejected record is kept with the vendor's reason; `rejected --send` delivers it."""
    server.faults.add(vendor="betterstack", status=422, times=1)
    leave(spool, server.url, count=1)
    assert run("send", "--to", "betterstack", str(spool)).returncode == 1

    shown = run("rejected", "--to", "betterstack", str(spool))
    kept = json.loads(run("rejected", "--json", str(spool)).stdout)
    again = run("rejected", "--send", "--to", "betterstack", str(spool))

    assert "betterstack  INFO  HTTP 422" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert kept["event"]["message"] == "order 0 \x1b[31m"
    assert again.returncode == 0, again.stderr
    assert [each["message"] for each in server.store.oldest("betterstack")] == ["order 0 \x1b[31m"]
    assert run("rejected", str(spool)).returncode == 4


def test_purging_asks(spool):
    """`purge` says what it would remove, and removes nothing without confirmation."""
    leave(spool)

    done = subprocess.run(
        [*COMMAND, "spool", "purge", str(spool)],
        env=environment(),
        input="n\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "Permanently remove 90 waiting, 0 rejected, 0 damaged?" in done.stderr
    assert len(segments(spool)) == 3


def test_purging(spool):
    """`purge --yes` removes what ended processes left behind."""
    leave(spool)

    done = run("purge", "--yes", "--only", "waiting", str(spool))

    assert done.returncode == 0
    assert done.stdout == "removed: 90 waiting\n"
    assert segments(spool) == []


def test_running_processes_are_left_alone(spool):
    """A running process is shown as running, and its records are not purged."""
    code = LEAVES.replace("os.kill(os.getpid(), signal.SIGKILL)", "print(flush=True); input()")
    arguments = [sys.executable, "-c", code, REFUSING, str(spool), "4"]
    process = subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    )
    try:
        assert process.stdout.readline()
        shown = run("ls", str(spool)).stdout
        run("purge", "--yes", str(spool))
        kept = segments(spool)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()

    assert shown.count("running  4 records") == 3
    assert len(kept) == 3


def test_exit_codes(tmp_path):
    """A missing directory is exit code 1, an unknown command 2, nothing to send 0."""
    (tmp_path / "spool").mkdir(mode=0o700)

    assert run("ls", str(tmp_path / "nowhere")).returncode == 1
    assert run("list", str(tmp_path)).returncode == 2
    assert run("send", str(tmp_path / "spool")).returncode == 0
    assert run("export", str(tmp_path / "spool")).returncode == 4
    assert run("rejected", "--send", str(tmp_path / "spool")).returncode == 4


def test_progress_is_shown_on_terminals_only(spool, server):
    """Even with FORCE_COLOR, a pipe gets sentences and no progress bars."""
    leave(spool, server.url, count=3)

    done = run("send", str(spool), FORCE_COLOR="1")

    assert done.returncode == 0, done.stderr
    assert "3 delivered" in done.stderr
    assert "\x1b[?25" not in done.stderr
    assert "100%" not in done.stderr
