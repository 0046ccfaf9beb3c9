"""The commands that know directories and vendors, given a stream."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.conftest import COMMAND, environment

from .servers import items


def run(*arguments):
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", ["ls", "verify", "export", "send", "rejected", "purge"])
def test_the_commands_of_spools_name_those_of_streams(command):
    """An address in place of a directory: the commands to use are named, a password is not."""
    done = run("spool", command, "nats://ada:s3cret@h1:4222/LOGS")

    assert done.returncode == 2
    assert "`cxlogging relay status`" in done.stderr.replace("\n", " ")
    assert "s3cret" not in done.stderr


def test_what_waits_for_a_stream_is_not_sent_past_it(tmp_path):
    """`spool ls` lists what waits in spool_local; `spool send` says who publishes it."""
    subprocess.run(
        [sys.executable, "-c", LEAVES, str(tmp_path)], env=environment(), timeout=60, check=False
    )

    listed, sent = run("spool", "ls", str(tmp_path)), run("spool", "send", str(tmp_path))

    assert "1 waiting" in listed.stdout
    assert sent.returncode != 0
    assert "these records wait for the stream LOGS" in " ".join(sent.stderr.split())
    assert "1 waiting" in run("spool", "ls", str(tmp_path)).stdout


LEAVES = """
import logging, os, signal, sys
import cxlogging
log = logging.getLogger("shop")
spool = {"spool": "nats://127.0.0.1:9/LOGS", "spool_local": sys.argv[1]}
log.addHandler(cxlogging.BetterStackHandler(**spool))
log.warning("hello")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_doctor_examines_a_handler_with_a_stream(address, tmp_path):
    """Without a key nothing is missing, the event goes to the stream, and nothing breaks."""
    config = {
        "version": 1,
        "handlers": {
            "h": {
                "class": "cxlogging.CoralogixHandler",
                "spool": address,
                "spool_local": str(tmp_path / "local"),
            }
        },
        "root": {"handlers": ["h"]},
    }
    path = tmp_path / "logging.json"
    path.write_text(json.dumps(config))

    done = run("doctor", "--json", "--config", str(path), "--wait", "1", "--limit", "1")
    findings = {each["name"]: each for each in json.loads(done.stdout)["findings"]}

    assert "settings" not in findings
    assert findings["event sent"]["status"] == "ok"
    assert address in findings["spool"]["detail"]
    assert b"cx_check" in b"".join(items(address))
    assert run("doctor", "--offline", "--config", str(path)).returncode == 0
