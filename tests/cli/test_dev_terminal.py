"""What `cxlogging dev` prints: real processes, pipes and terminals."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from .conftest import COMMAND, Terminal, environment

DEADLINE = 30
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer dev"}
LOG = """
import json, logging, sys, cxlogging
handler = cxlogging.HoneycombHandler(dataset="shop")
log = logging.getLogger("shop.orders")
log.addHandler(handler)
log.setLevel("DEBUG")
log.info("order %d placed", 4711, extra={"customer": {"name": "Ada"}, "note": "two words"})
try:
    json.loads("{")
except ValueError:
    log.exception("order is not JSON")
log.warning("first\\x1b[2J\\u202e line\\nsecond line")
sys.exit(not handler.flush(30))
"""


class Dev:
    """A running `cxlogging dev`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        if process.stdout is not None:
            self.welcomed()

    def welcomed(self) -> None:
        """Read what is printed first."""
        self.url = self.read_until("Ctrl-C")[0].removeprefix("The page: ").rstrip("/")

    def read_until(self, words: str) -> list[str]:
        """Return the lines up to one with *words*."""
        found: list[str] = []
        watch = threading.Timer(DEADLINE, self.process.kill)
        watch.start()
        try:
            for line in self.process.stdout or ():
                found.append(line.rstrip("\n"))
                if words in line:
                    return found
        finally:
            watch.cancel()
        pytest.fail(f"no {words!r} in {found!r}")

    def post(self, events: object, path: str = "/") -> int:
        """Send *events* to Better Stack, and return the status."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=DEADLINE)
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps(events), HEADERS)
            return connection.getresponse().status

    def log(self) -> None:
        """Run a program that logs with a real handler."""
        subprocess.run(
            [sys.executable, "-c", LOG], env=environment(CXLOGGING_URL=self.url), check=True
        )

    def end(self) -> tuple[str, str]:
        """Press Ctrl-C, and return what else was printed."""
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=DEADLINE)


@contextlib.contextmanager
def dev(*arguments: str, output: int = subprocess.PIPE, **variables: str) -> Iterator[Dev]:
    process = subprocess.Popen(
        [*COMMAND, "dev", "--port", "0", *arguments],
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**variables),
    )
    try:
        yield Dev(process)
    finally:
        process.kill()
        process.communicate()


def test_events_are_printed_as_they_arrive():
    """A line has the time, the level, the logger, the message and the sender's fields alone."""
    with dev() as running:
        running.log()
        found = running.read_until("second line")
        out, err = running.end()

    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.\d\d\d  INFO      honeycomb  shop\.orders  order 4711 placed"
        r'  customer\.name=Ada note="two words"',
        found[0],
    ), found[0]
    assert found[1].endswith("ERROR     honeycomb  shop.orders  order is not JSON")
    assert found[2] == "    | Traceback (most recent call last):"
    assert found[3].startswith('    |   File "<string>", line ')
    assert found[-3].startswith("    | json.decoder.JSONDecodeError: Expecting property name")
    assert found[-2].endswith(r"first\x1b[2J\u202e line")
    assert found[-1] == "    | second line"
    assert (out, err) == ("stopped\n", "")


def test_quiet_prints_no_events():
    """With --quiet, rejections alone are printed."""
    with dev("--quiet") as running:
        running.log()
        assert running.post("not an object") != 202
        out, err = running.end()

    assert out == "stopped\n"
    assert re.fullmatch(r"betterstack POST / -> \d+: .*\n", err)


def shown_on_terminal(**variables: str | None) -> str:
    screen = Terminal("dev", "--port", "0", **variables)
    found = b""
    while b"Ctrl-C" not in found:
        found += screen._file.read(65536)
    url = re.search(r"http://[\d.:]+", found.decode())[0]
    subprocess.run([sys.executable, "-c", LOG], env=environment(CXLOGGING_URL=url), check=True)
    while b"second line" not in found:
        found += screen._file.read(65536)
    screen.process.send_signal(signal.SIGINT)
    return found.decode() + screen.read()


def test_colours_on_a_terminal():
    """Levels have colours; frames of the application are bold, those of libraries dim."""
    shown = shown_on_terminal()

    assert "\x1b[32mINFO    \x1b[0m" in shown
    assert "\x1b[31mERROR   \x1b[0m" in shown
    assert re.search(r'\x1b\[1m +File "<string>", line \d+', shown)
    assert re.search(r'\x1b\[2m +File "[^"]*/json/decoder\.py", line \d+', shown)
    assert "\x1b[2J" not in shown


def test_no_colours_where_they_are_not_wanted():
    """NO_COLOR turns them off on a terminal, FORCE_COLOR on in a pipe."""
    assert "\x1b" not in shown_on_terminal(NO_COLOR="1")
    with dev(FORCE_COLOR="1") as running:
        assert running.post({"message": "hello", "level": "warn"}) == 202
        (line,) = running.read_until("hello")

    assert "\x1b[33mWARN    \x1b[0m" in line


def test_long_lines_are_cut():
    """Of a line of a million characters the beginning is printed, and how many are missing."""
    with dev() as running:
        running.post({"message": "x" * 900_000, "field": "y" * 90_000})
        (line,) = running.read_until("more characters")

    assert len(line) < 5_000
    assert "898,000 more characters" in line


def test_an_old_event_has_its_date():
    """The date is printed unless it is today."""
    with dev() as running:
        running.post({"message": "old", "dt": "2020-02-03T12:00:00Z"})
        (line,) = running.read_until("old")

    assert line.startswith("2020-02-0")


def test_a_closed_pipe_ends_the_printing_and_not_the_server():
    """As with `| head`: the server answers on, stderr says so, and Ctrl-C ends it with 0."""
    with dev() as running:
        running.process.stdout.close()
        running.process.stdout = None
        for _ in range(20):
            assert running.post({"message": "x"}) == 202
        said = running.process.stderr.readline()
        assert running.post({"message": "x"}) == 202
        _, err = running.end()

    assert said == "stdout is closed: events are no longer printed, the server runs on\n"
    assert (running.process.returncode, err) == (0, "")


BURST = 20_000


def burst(running: Dev) -> None:
    """Send `BURST` events in requests of 500."""
    for first in range(0, BURST, 500):
        events = [{"message": f"event {n} {'x' * 50}"} for n in range(first, first + 500)]
        assert running.post(events) == 202


def counted(text: str) -> tuple[int, int]:
    """Return how many events *text* has, and how many it says were left out."""
    left_out = re.findall(r"events not printed: ([\d,]+) \(", text)
    return len(re.findall(r" event \d+ x", text)), sum(
        int(each.replace(",", "")) for each in left_out
    )


@pytest.mark.slow
def test_a_burst_is_printed_or_counted():
    """Of 20,000 events at once, each is printed or counted as left out."""
    with dev() as running:
        reading = threading.Thread(
            target=lambda: running.lines.extend(running.read_until(f" event {BURST - 1} "))
        )
        reading.start()
        burst(running)
        reading.join(DEADLINE)
        running.end()

    printed, left_out = counted("\n".join(running.lines))
    assert printed + left_out == BURST
    assert printed >= 500


@pytest.mark.slow
def test_an_output_that_nobody_reads_holds_nothing_up():
    """While the pipe is full, 20,000 events are answered; once it is read, the rest is counted."""
    with dev() as running:
        burst(running)
        assert running.post("not an object") != 202
        found = running.read_until(f" event {BURST - 1} ")
        running.end()

    printed, left_out = counted("\n".join(found))
    assert printed + left_out == BURST
    assert left_out > 10_000


@pytest.mark.slow
def test_a_non_blocking_output_is_waited_for():
    """Where another program made the pipe non-blocking, nothing of what is printed is missing."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with dev(output=writing) as running:
        os.close(writing)
        with os.fdopen(reading) as running.process.stdout:
            running.welcomed()
            burst(running)
            found = running.read_until(f" event {BURST - 1} ")
            running.end()

    printed, left_out = counted("\n".join(found))
    assert printed + left_out == BURST


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_while_its_output_is_full(number):
    """Ctrl-C and SIGTERM end the server with 0, though its printing waits for the pipe."""
    with dev() as running:
        burst(running)
        running.process.send_signal(number)
        assert running.process.wait(DEADLINE) == 0
        out, err = running.process.communicate(timeout=DEADLINE)

    assert (counted(out)[0] > 0, err) == (True, "")
    assert "stopped" not in out  # a write of it could wait, too


@pytest.mark.slow
def test_rejections_that_nobody_reads_hold_nothing_up():
    """While stderr is full, rejected requests are answered; the oldest are counted then."""
    with dev("--quiet") as running:
        connection = http.client.HTTPConnection(running.url.removeprefix("http://"))
        for _ in range(3_000):
            connection.request("POST", "/", b"{", HEADERS)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 406
        connection.close()
        _, err = running.end()

    (left_out,) = re.findall(r"rejected requests not printed: ([\d,]+) ", err)
    assert len(re.findall(r"-> 406", err)) + int(left_out.replace(",", "")) == 3_000


def test_open_opens_the_page(tmp_path):
    """With --open, the browser gets the page's address."""
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}.part\nmv {seen}.part {seen}\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    with dev("--open", BROWSER=f"{browser} %s") as running:
        deadline = threading.Event()
        for _ in range(DEADLINE * 10):
            if seen.exists() or deadline.wait(0.1):
                break
        _, err = running.end()

    assert seen.read_text() == f"{running.url}/\n"
    assert err == ""


def test_open_without_a_browser_is_a_sentence(tmp_path):
    """Where no browser is found, a sentence names the address; the server runs on."""
    nothing = {"PATH": str(tmp_path), "DISPLAY": "", "WAYLAND_DISPLAY": "", "BROWSER": ""}
    with dev("--open", **nothing) as running:
        said = running.process.stderr.readline()
        assert running.post({"message": "x"}) == 202

    assert said == f"no browser could be started here: open {running.url}/ in yours.\n"


def test_events_of_a_kept_database_are_not_printed_again(tmp_path):
    """Only what arrives in this run is printed, from its first event on."""
    path = str(tmp_path / "dev.db")
    for message in ("first run", "second run"):
        with dev("--db", path) as running:
            assert running.post({"message": message}) == 202
            found = running.read_until(message)
            running.end()
            assert len(found) == 1, found
