"""`cxlogging mcp` as a command: its options, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from .conftest import COMMAND

pytest.importorskip("mcp")


def run(*arguments, given="", **variables):
    names = ("CX_", "CXLOGGING_", "CORALOGIX_")
    clean = {name: held for name, held in os.environ.items() if not name.startswith(names)}
    return subprocess.run(
        [*COMMAND, "mcp", *arguments],
        input=given,
        env={**clean, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "variables", "sentence"),
    [
        ("--url ftp://a", {}, "--url takes a scheme, a host and a port"),
        ("", {"CXLOGGING_URL": "ftp://a"}, "CXLOGGING_URL takes a scheme"),
        ("--url http://a --port 1", {}, "--url and --port both say"),
        ("--service --port 1", {}, "--service and --domain need no --url"),
        ("--service", {}, "pass --domain (such as 'eu2'), or set CORALOGIX_DOMAIN"),
        ("--domain eu2", {}, "no key: set CX_API_KEY"),
        ("--domain nowhere", {"CX_API_KEY": "key"}, "--domain 'nowhere' is not a Coralogix region"),
        ("--max-chars 5", {}, "--max-chars"),
    ],
)
def test_a_wrong_option_is_explained(arguments, variables, sentence):
    """The command names the option or the variable, and exits before it serves."""
    done = run(*arguments.split(), **variables)

    assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr
    assert done.stdout == ""


def test_it_ends_with_its_input():
    """When the assistant closes stdin, the command ends with 0 and has printed nothing."""
    done = run()

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(os.name == "nt", reason="a signal of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it(number):
    """Ctrl-C and SIGTERM end the command while it waits for its assistant, without a traceback."""
    process = subprocess.Popen(
        [*COMMAND, "mcp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        request = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
        process.stdin.write(request)
        process.stdin.flush()
        assert "jsonrpc" in process.stdout.readline()

        process.send_signal(number)

        assert process.wait(30) in {130, -number}
        assert "Traceback" not in process.stderr.read()
