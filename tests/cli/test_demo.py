"""`cxlogging demo` as a person runs it: a process, its output, its exit code."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

TITLES = ("Coralogix", "Honeycomb", "Better Stack")
RUN = "from cxlogging.cli import main; main()"
HOSTILE = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "CORALOGIX_API_KEY": "${CORALOGIX_API_KEY}",
    "CORALOGIX_DOMAIN": "no such domain",
    "CXLOGGING_URL": "http://127.0.0.1:9",
    "HONEYCOMB_API_ENDPOINT": "https://api.honeycomb.io",
}


def demo(*arguments, before="", **environment):
    code = f"{before}\n{RUN}"
    return subprocess.run(
        [sys.executable, "-c", code, "demo", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=90,
        check=False,
    )


@contextlib.contextmanager
def running(*arguments):
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "demo", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(stream, words):
    lines = []
    for line in stream:
        lines.append(line)
        if words in line:
            return "".join(lines)
    pytest.fail(f"no {words!r} in {''.join(lines)!r}")


def figures(out, title):
    block = out.partition(f"\n{title} ")[2]
    rows = re.findall(r"^([a-z][a-z ]+?) +([\d,]+)(?:   |$)", block, re.MULTILINE)
    return {name: int(figure.replace(",", "")) for name, figure in rows[:10]}


def get(address):
    host, _, path = address.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request("GET", f"/{path}")
        return connection.getresponse().status
    finally:
        connection.close()


def test_once_ends_with_zero_when_all_arrived():
    """With --once it shows three vendors, whose numbers balance, and exits with 0."""
    done = demo("--once", "--seconds", "3", "--port", "0")

    assert done.returncode == 0, done.stdout + done.stderr
    for title in TITLES:
        found = figures(done.stdout, title)
        assert found["logged"] > 100
        assert found["logged"] == found["accepted"] == found["delivered"] == found["arrived"]
        assert found["lost"] == 0
        assert 0 < found["on the wire"] <= found["bytes"]
    assert done.stdout.count('"card_token": "[redacted]"') == 3
    assert "Everything logged arrived" in done.stdout
    answer = done.stdout.partition("Queried back with DataPrime")[2]
    for vendor, title in zip(("coralogix", "honeycomb", "betterstack"), TITLES, strict=True):
        records = figures(done.stdout, title)["logged"]
        assert re.search(rf"^{vendor} +{records:,} +[1-9][\d,]*$", answer, re.MULTILINE), answer
    costliest = r"The costliest line of code is \w+\.py:\d+ \w+ .*: \d+% of the bytes\."
    assert re.search(costliest, " ".join(done.stdout.split()))
    assert re.search(r"The outage refused \d+ requests: they were sent again.", done.stdout)
    assert "Traceback" not in done.stderr


def test_plain_in_a_pipe():
    """Output to a pipe has no escape sequences and no line longer than 80 columns."""
    out = demo("--once", "--seconds", "0.5", "--port", "0").stdout

    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_the_users_environment_is_ignored():
    """Proxies, keys and addresses of the user's environment change nothing."""
    done = demo("--once", "--seconds", "0.5", "--port", "0", **HOSTILE)

    assert done.returncode == 0, done.stdout + done.stderr


def test_ascii_output():
    """With the encoding ASCII, the output is ASCII."""
    done = demo("--once", "--seconds", "0.5", "--port", "0", PYTHONIOENCODING="ascii")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.isascii()


def test_once_ends_with_one_when_something_is_missing():
    """With --once, it names the vendor that did not get every record, and exits with 1."""
    less = (
        "from cxlogging.cli.demo.shop_logging import LOGGING\n"
        "LOGGING['handlers']['honeycomb']['level'] = 'WARNING'"
    )

    done = demo("--once", "--seconds", "0.5", "--port", "0", before=less)

    assert done.returncode == 1
    assert re.search(r"Honeycomb: [\d,]+ records logged, but [\d,]+ accepted\.", done.stdout)
    assert re.search(r"Honeycomb: [\d,]+ records logged, but [\d,]+ queried back\.", done.stdout)
    assert "Coralogix:" not in done.stdout
    assert "Everything logged arrived" not in done.stdout


def test_a_busy_port():
    """If the port is taken, it uses a free one and says so."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = demo("--once", "--seconds", "0.5", "--port", str(port))

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Port {port} is taken: the local server listens on " in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_ctrl_c(number):
    """It serves the page and the shop until Ctrl-C, and then exits with 0 and no message."""
    with running("--seconds", "0.5") as process:
        out = read_until(process.stdout, "Ctrl-C")
        first, page, shop = re.findall(r"^The (?:page|shop)  (http\S+)$", out, re.MULTILINE)
        assert out.startswith(f"The page  {first}\n")
        assert (first, get(page), get(shop)) == (page, 200, 200)

        process.send_signal(number)
        rest, err = process.communicate(timeout=30)

    assert (process.returncode, rest) == (0, "")
    assert "statistics" not in err
    assert "Traceback" not in err
    assert "Exception" not in err


def api(page, name):
    with urllib.request.urlopen(f"{page}api/{name}", timeout=10) as answer:
        return json.load(answer)[name]


def test_the_commands_at_the_end_work_and_traffic_goes_on():
    """After the report the printed commands work, and requests go on, also after an outage."""
    with running("--seconds", "0.5") as process:
        out = read_until(process.stdout, "Ctrl-C")
        page = re.search(r"^The page  (\S+)$", out, re.MULTILINE)[1]
        query, volume, tail, fault = (
            shlex.split(each) for each in re.findall(r"^  (cxlogging .*)$", out, re.MULTILINE)
        )
        query, volume, fault = (
            subprocess.run(
                [sys.executable, "-c", RUN, *each[1:]],
                capture_output=True, text=True, timeout=60, check=False,
            )
            for each in (query, volume, fault)
        )  # fmt: skip
        rows = [json.loads(line) for line in query.stdout.splitlines()]
        with subprocess.Popen(
            [sys.executable, "-c", RUN, *tail[1:]], stdout=subprocess.PIPE, text=True
        ) as tailing:
            row = json.loads(tailing.stdout.readline())
            tailing.terminate()
        before, reports = api(page, "counts"), api(page, "reports")
        deadline = time.monotonic() + 60
        while any(api(page, "counts")[name] <= before[name] for name in before):
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)

    assert {row["vendor"] for row in rows} == set(before)
    sites = [json.loads(line) for line in volume.stdout.splitlines()]
    assert (len(sites), volume.returncode) == (5, 0), volume.stderr
    assert sites[0]["bytes"] == max(site["bytes"] for site in sites)
    assert (sites[0]["logger"], sites[0]["file"]) != ("", "")
    assert {each["vendor"] for each in reports[0]["handlers"]} == set(before)
    assert row["severity"] in {"WARNING", "ERROR", "CRITICAL"}
    assert (fault.returncode, fault.stdout) == (0, "betterstack: status 503, for 3 requests\n")
    assert (process.returncode, "abandoned" in err) == (0, False)


def test_a_fault_that_is_left_does_not_delay_the_end():
    """At Ctrl-C, faults are cleared, and the last records are delivered."""
    with running("--seconds", "0.5") as process:
        out = read_until(process.stdout, "Ctrl-C")
        fault = shlex.split(re.search(r"^  cxlogging (fault .*)$", out, re.MULTILINE)[1])
        fault = [each for each in fault if each not in {"--times", "3"}]
        subprocess.run([sys.executable, "-c", RUN, *fault], check=True, capture_output=True)
        read_until(process.stderr, "503")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)

    assert process.returncode == 0
    assert not re.search("abandoned|dropped|lost", err), err


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("--once",), 130)])
def test_ctrl_c_amid_the_traffic(arguments, code):
    """Ctrl-C during the outage ends it cleanly; with --once the exit code is not 0."""
    with running("--seconds", "8", *arguments) as process:
        read_until(process.stderr, "503")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)

    assert process.returncode == code
    assert "Traceback" not in err
    assert "Exception" not in err


def test_nothing_is_imported_before_it_runs():
    """Its help imports neither Flask nor rich nor an HTTP library."""
    code = (
        "import sys, json, cxlogging.cli.demo.main as demo\n"
        "demo.command.main(['--help'], standalone_mode=False)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )

    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    loaded = set(json.loads(out.splitlines()[-1]))
    assert not loaded & {"flask", "werkzeug", "rich", "urllib3", "requests", "http.client"}
