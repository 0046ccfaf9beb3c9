"""Services that log to a local server on another host over plain http, as in a compose file."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from cxlogging.dataprime import DataPrimeClient
from cxlogging.wire.settings import is_loopback

from .conftest import COMMAND

PREFIXES = ("CXLOGGING_", "CORALOGIX_", "CX_", "HONEYCOMB_", "LIBHONEY_", "BETTER_STACK_")
HOST = socket.gethostname()
CODE = "import cxlogging, logging; logging.getLogger().addHandler(cxlogging.{}Handler({}))"
DICT = """
import logging.config
logging.config.dictConfig({{
    "version": 1, "root": {{"handlers": ["h"]}},
    "handlers": {{"h": {{"class": "cxlogging.{}Handler", "allow_plain_http": "{}"}}}},
}})
"""
FILE = """
import io, logging.config
logging.config.fileConfig(io.StringIO('''
[loggers]
keys=root
[handlers]
keys=h
[formatters]
keys=
[logger_root]
level=INFO
handlers=h
[handler_h]
class=cxlogging.{}Handler
kwargs={{"allow_plain_http": "{}"}}
'''))
"""
LOG = "\nlogging.getLogger('shop').warning('from another service')\n"
VENDORS = ["Coralogix", "Honeycomb", "BetterStack"]


@pytest.fixture(scope="module")
def other_host():
    """The address of a local server under a host name that is not loopback."""
    try:
        socket.getaddrinfo(HOST, 80, family=socket.AF_INET)
    except OSError:
        pytest.skip(f"{HOST} has no address")
    if is_loopback(HOST):
        pytest.skip(f"{HOST} is this machine's loopback")
    command = [*COMMAND, "dev", "--host", "0.0.0.0", "--allow-remote", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        yield f"http://{HOST}:{first.rstrip().rpartition(':')[2].rstrip('/')}"
        process.terminate()
        process.communicate(timeout=30)


def environment(url: str, **more: str) -> dict[str, str]:
    plain = {name: held for name, held in os.environ.items() if not name.startswith(PREFIXES)}
    keys = dict.fromkeys(
        ["CORALOGIX_API_KEY", "HONEYCOMB_API_KEY", "BETTER_STACK_SOURCE_TOKEN", "CX_API_KEY"], "dev"
    )
    return {**plain, **keys, "CXLOGGING_URL": url, **more}


def run(code: str, url: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code + LOG],
        env=environment(url, **more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def found(url: str) -> list[str]:
    """Return the messages that have arrived at *url*."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXLOGGING_ALLOW_PLAIN_HTTP", "true")
        with DataPrimeClient("dev", url=url) as client:
            return [str(row) for row in client.query("source logs | limit 1000", since="1h")]


def finished(*arguments: str, **more) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("way", ["variable", "code", "dictConfig", "fileConfig"])
def test_a_service_logs_to_another_host(other_host, vendor, way):
    """The permission comes from the variable, the argument, or a configuration file."""
    code, variables = {
        "variable": (CODE.format(vendor, ""), {"CXLOGGING_ALLOW_PLAIN_HTTP": "1"}),
        "code": (CODE.format(vendor, "allow_plain_http=True"), {}),
        "dictConfig": (DICT.format(vendor, "true"), {}),
        "fileConfig": (FILE.format(vendor, "yes"), {}),
    }[way]
    before = len(found(other_host))
    done = run(code, other_host, **variables)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(found(other_host)) == before + 1


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("code", "variables"),
    [
        (CODE.replace("{}", "{vendor}", 1).replace("{}", ""), {}),
        (CODE.replace("{}", "{vendor}", 1).replace("{}", ""), {"CXLOGGING_ALLOW_PLAIN_HTTP": "0"}),
        (DICT.replace('"{}"', '"false"').replace("{}", "{vendor}", 1), {}),
        (FILE.replace('"{}"', '"no"').replace("{}", "{vendor}", 1), {}),
    ],
)
def test_without_permission_nothing_is_sent(other_host, vendor, code, variables):
    """Without permission, the program says at its start how to give it, and sends nothing."""
    before = len(found(other_host))
    done = run(code.format(vendor=vendor), other_host, **variables)

    assert done.returncode == 1
    assert f"CXLOGGING_URL sends keys and records to '{HOST}' in plain http" in done.stderr
    assert "allow_plain_http=True" in done.stderr
    assert "CXLOGGING_ALLOW_PLAIN_HTTP=1" in done.stderr
    assert len(found(other_host)) == before


def test_commands_reach_another_host(other_host):
    """check, send and doctor need the variable; without it, each says what to set."""
    allowed = environment(other_host, CXLOGGING_ALLOW_PLAIN_HTTP="1")
    assert finished("check", env=allowed).returncode == 0
    assert finished("send", "--to", "coralogix", env=allowed, input="one\n").returncode == 0
    for command in (["check"], ["query", "source logs"], ["doctor", "--offline"]):
        done = finished(*command, env=environment(other_host))
        assert "CXLOGGING_ALLOW_PLAIN_HTTP=1" in done.stderr
        assert "allow_plain_http" not in done.stderr
        assert "Traceback" not in done.stderr
