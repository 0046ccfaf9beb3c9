"""`cxlogging dev` as a process."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from cxlogging import BetterStackHandler, CoralogixHandler, HoneycombHandler
from cxlogging.cli.dev.welcome import welcome
from cxlogging.devserver import DevServer
from cxlogging.vendors.registry import VENDORS

PREFIXES = ("CXLOGGING_", "CORALOGIX_", "CX_", "HONEYCOMB_", "LIBHONEY_", "BETTER_STACK_")
COMMAND = [sys.executable, "-c", "from cxlogging.cli import main; main()"]


def finished(*arguments, timeout=60, **more):
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=timeout, check=False, **more
    )


@contextmanager
def serving(*arguments):
    process = subprocess.Popen(
        [*COMMAND, "dev", "--port", "0", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith("Ctrl-C"):
                break
        yield process, re.fullmatch(r"The page: (http://\S+)/", lines[0])[1], lines
    finally:
        process.kill()
        process.communicate()


def post(url, path, body, **headers):
    named = {name.replace("_", "-"): held for name, held in headers.items()}
    request = urllib.request.Request(
        url + path, body, {"Content-Type": "application/json", **named}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_coralogix_may_take_plain_bodies_only():
    """With `--coralogix-plain-only`, that vendor answers gzip with 415, and others accept it."""
    with serving("--coralogix-plain-only") as (_, url, _):
        named = {"Content_Encoding": "gzip", "Authorization": "Bearer dev"}
        body = (
            b'{"applicationName":"a","subsystemName":"s","logEntries":[{"severity":3,"text":""}]}'
        )
        assert post(url, "/logs/v1/bulk", gzip.compress(body), **named) == 415
        assert post(url, "/logs/v1/bulk", body, Authorization="Bearer dev") == 200
        assert post(url, "/", gzip.compress(b"{}"), **named) == 202


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_where_it_is_and_ends_when_told(number):
    """It prints the page's address and the variables to export, and exits 0 on Ctrl-C, SIGTERM."""
    with serving("--variables", "--quiet") as (process, url, lines):
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9][0-9]+", url)
        assert f"export CXLOGGING_URL={url}" in lines
        assert f"export CORALOGIX_LOG_URL={url}/logs/v1/singles" in lines
        assert f"export HONEYCOMB_API_ENDPOINT={url}" in lines
        assert "export BETTER_STACK_SOURCE_TOKEN=dev" in lines
        assert post(url, "/", b'{"message":"hi"}', Authorization="Bearer dev") == 202
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (out, err, process.returncode) == ("stopped\n", "", 0)


def test_sigterm_ends_it_amid_a_query():
    """An endless query with a long time limit does not delay the exit."""
    with serving("--query-timeout", "3600") as (process, url, _):
        event = b'{"a": "' + b"a" * 60 + b'b"}'
        assert post(url, "/", event, Authorization="Bearer dev") == 202
        query = json.dumps({"query": "filter matches(a, /(a+)+$/) | count"}).encode()
        request = urllib.request.Request(
            f"{url}/api/v1/dataprime/query",
            query,
            {"Content-Type": "application/json", "Authorization": "Bearer dev"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.readline()
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
    assert process.returncode == 0


def test_sigterm_ends_it_amid_a_large_body():
    """A body of a million empty events, which takes long to parse, does not delay the exit."""
    with serving() as (process, url, _):
        body = b"[%s]" % b",".join([b"{}"] * 1_000_000)
        head = "POST / HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer k\r\nContent-Length: {}\r\n"
        head += "Content-Type: application/json\r\n\r\n"
        host = url.removeprefix("http://")
        with socket.create_connection(host.split(":")) as line:
            line.sendall(head.format(host, len(body)).encode() + body)
            # It has come whole, and is at work on it, when these are answered.
            for _ in range(50):
                assert post(url, "/", b"{}", Authorization="Bearer dev") == 202
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=10)
    assert (out.splitlines()[-1], err, process.returncode) == ("stopped", "", 0)


def test_each_refused_request_is_one_line_on_stderr():
    """A line on stderr gives the reason, without control characters for the terminal."""
    with serving() as (process, url, _):
        assert post(url, "/", b"{", Authorization="Bearer dev") == 406
        assert post(url, "/1/batch/d%1b%0as", b"[]", X_Honeycomb_Team="dev") == 400
        body = b'[{"data":{"a":1},"time":"\\u001b[31m\\u202e"},{"data":{}}]'
        assert post(url, "/1/batch/ds", body, X_Honeycomb_Team="dev") == 200
        encoding = {"Content_Encoding": "\x9b31m", "Authorization": "Bearer dev"}
        assert post(url, "/", b"{}", **encoding) == 406
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    lines = err.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("betterstack POST / -> 406: not JSON")
    assert "honeycomb POST /1/batch/d%1b%0as -> 400: Request body should not" in lines[1]
    assert "1 of 2 items" in lines[2]
    assert all(line.isprintable() for line in lines)


def test_keys_are_asked_for_and_not_shown():
    """With `--…-key`, other keys are refused, and the output contains no key."""
    keys = ("--coralogix-key", "CANARY1", "--honeycomb-key", "CANARY2",
            "--honeycomb-key", "CANARY3", "--betterstack-token", "CANARY4")  # fmt: skip
    with serving(*keys) as (process, url, lines):
        assert post(url, "/", b"{}", Authorization="Bearer CANARY4") == 202
        assert post(url, "/", b"{}", Authorization="Bearer CANARY5") == 403
        sound = b'[{"data":{"a":1}}]'
        assert post(url, "/1/batch/ds", sound, X_Honeycomb_Team="CANARY3") == 200
        assert post(url, "/logs/v1/bulk", b"{}", Authorization="Bearer CANARY2") == 401
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert "CANARY" not in "\n".join([*lines, out, err])
    assert "export CORALOGIX_API_KEY='<the key you gave>'" in lines


def test_a_database_is_kept_for_the_next_run(tmp_path):
    """The database of `--db` is kept when the server exits."""
    for n in range(2):
        with serving("--db", str(tmp_path / "dev.db")) as (process, url, _):
            with urllib.request.urlopen(f"{url}/api/counts", timeout=10) as answer:
                assert json.load(answer)["counts"]["betterstack"] == n
            assert post(url, "/", b"{}", Authorization="Bearer dev") == 202
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def test_a_taken_port_is_one_sentence():
    """A port in use exits 1 without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = finished("dev", "--port", port)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"cannot listen on 127.0.0.1, port {port}" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--host", "0.0.0.0"], 1, "not a loopback address"),
        (["--host", "no.such.host.invalid", "--allow-remote"], 1, "cannot listen"),
        (["--db", "/no/such/folder/x.db"], 1, "cannot use the database file"),
        (["--max-size", "lots"], 2, "--max-size takes a number"),
        (["--max-size", "0"], 2, "--max-size takes a number"),
        (["--port", "70000"], 2, "--port"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(arguments, code, says):
    """Impossible options are reported without a traceback."""
    done = finished("dev", "--port", "0", *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert says in done.stderr


def test_a_file_that_is_no_database_is_said_in_a_sentence(tmp_path):
    """A file that is not a database is reported, and left as it was."""
    (tmp_path / "x.db").write_text("precious " * 1000)
    done = finished("dev", "--port", "0", "--db", str(tmp_path / "x.db"))
    assert (done.returncode, "cannot use the database" in done.stderr) == (1, True)
    assert (tmp_path / "x.db").read_text() == "precious " * 1000


def test_help_names_every_option():
    """The help names every option, and the list of commands imports none of them."""
    done = finished("dev", "--help")
    for option in ("--port", "--open", "--quiet", "--variables", "--host", "--allow-remote",
                   "--db", "--max-size", "--coralogix-key", "--honeycomb-key",
                   "--betterstack-token", "--query-key", "--query-timeout",
                   "--coralogix-plain-only", "--nats", "--nats-port"):  # fmt: skip
        assert option in done.stdout
    script = "import sys; from cxlogging.cli import main\ntry: main()\n"
    script += "finally: print('uvicorn' in sys.modules)"
    listed = subprocess.run(
        [sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert re.search(r"demo .*\n +dev .*\n +fault ", listed.stdout)
    assert listed.stdout.endswith("False\n")
    assert finished("nonsense").returncode == 2
    assert finished("--version").stdout.startswith("cxlogging ")


@pytest.mark.parametrize("missing", ["click", "uvicorn"])
def test_without_the_extra_one_sentence_names_it(tmp_path, missing):
    """Without the extra, the command names it and exits 2."""
    (tmp_path / f"{missing}.py").write_text(f"raise ModuleNotFoundError(name='{missing}')")
    done = finished("dev", "--port", "0", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("The command line needs more packages: pip install 'cxlogging[dev]'\n")


@pytest.mark.parametrize(
    ("title", "handler"),
    [
        ("cxlogging, all handlers", CoralogixHandler),
        ("cxlogging, all handlers", HoneycombHandler),
        ("cxlogging, all handlers", BetterStackHandler),
        ("Coralogix", CoralogixHandler),
        ("Honeycomb", HoneycombHandler),
        ("Better Stack", BetterStackHandler),
    ],
)
def test_each_block_alone_leads_to_the_local_server(title, handler, monkeypatch):
    """Copying one block of the welcome text sends to the local server only, without warnings."""
    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        monkeypatch.delenv(name)
    with DevServer() as server:
        text = welcome(server.url, variables=True)
        block = text.partition(f"# {title}\n")[2].partition("\n\n")[0]
        for line in block.splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            monkeypatch.setenv(name, *shlex.split(value))
        made = handler()

        assert made.delivery.destination.endpoint.origin == server.url
        assert made.delivery.destination.warnings == ()
        assert made.check().ok
        made.close()


SHIP = """
import logging, sys, cxlogging
handler = getattr(cxlogging, sys.argv[1])()
logging.getLogger().addHandler(handler)
logging.getLogger().warning("from the block")
sys.exit(not handler.flush(30))
"""


@pytest.mark.parametrize(
    ("title", "vendor"),
    [
        ("cxlogging, all handlers", "coralogix"),
        ("cxlogging, all handlers", "honeycomb"),
        ("cxlogging, all handlers", "betterstack"),
        ("Coralogix", "coralogix"),
        ("Honeycomb", "honeycomb"),
        ("Better Stack", "betterstack"),
    ],
)
def test_a_process_with_a_block_alone_ships_to_the_local_server(title, vendor):
    """Every variable under the heading of a handler is read by it, and its record arrives."""
    handler = VENDORS[vendor].handler
    clean = {name: held for name, held in os.environ.items() if not name.startswith(PREFIXES)}
    with serving("--variables") as (_, url, lines):
        start = lines.index(f"# {title}") + 1
        block = [line.removeprefix("export ") for line in lines[start : lines.index("", start)]]
        pairs = dict(shlex.split(line)[0].split("=", 1) for line in block)
        shipped = subprocess.run(
            [sys.executable, "-c", SHIP, handler.__name__],
            env={**clean, **pairs},
            capture_output=True,
            text=True,
            check=False,
        )
        with urllib.request.urlopen(f"{url}/api/events?vendor={vendor}") as answer:
            arrived = answer.read().decode()

    assert (shipped.returncode, shipped.stderr) == (0, "")
    assert "from the block" in arrived
    read = {name for names in VENDORS[vendor].profile.variables.values() for name in names}
    assert pairs.keys() <= read


def test_variables_of_a_vendor_s_own_sdk_are_labelled():
    """Variables that no handler reads are under a heading that says so."""
    _, _, block = welcome("http://127.0.0.1:8765", variables=True).partition("own SDK")

    assert "export CORALOGIX_TIME_DELTA_URL=http://127.0.0.1:8765/sdk/v1/time\n\n" in block
