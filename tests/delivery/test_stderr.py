"""
Writing a diagnostic never waits for a reader: pipes, terminals, files, sockets,
nothing at all.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pty
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from cxlogging.delivery.diagnostics import Diagnostics
from cxlogging.delivery.stderr import KEPT, LINE_BYTES, Stderr, report_at_last

SECONDS = 30


def fill(fd: int) -> int:
    """Fill the pipe or file of *fd*, and return how many bytes it took; its flags are as before."""
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    written = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            written += os.write(fd, b"x" * 4_096)
    with contextlib.suppress(BlockingIOError):
        while True:
            written += os.write(fd, b"x")
    fcntl.fcntl(fd, fcntl.F_SETFL, flags)
    return written


def drained(fd: int) -> bytes:
    """Return all that can be read from *fd* now."""
    os.set_blocking(fd, False)
    held = b""
    with contextlib.suppress(BlockingIOError):
        while piece := os.read(fd, 65_536):
            held += piece
    return held


@pytest.fixture
def pipe():
    read, write = os.pipe()
    with open(read, "rb", closefd=False), open(write, "w", closefd=False) as stream:
        yield read, stream
    for fd in (read, write):
        with contextlib.suppress(OSError):
            os.close(fd)


def test_a_full_pipe_takes_nothing_and_nobody_waits(pipe):
    """Messages for a full pipe are kept and counted, and written once somebody reads."""
    read, stream = pipe
    stderr = Stderr(lambda: stream)
    fill(stream.fileno())
    for number in range(KEPT + 3):
        stderr.say(f"line {number}")
    assert stderr.unsaid == KEPT + 3

    drained(read)
    stderr.say("now")

    said = drained(read).decode().splitlines()
    assert said[0] == (
        f"cxlogging: {KEPT + 3} messages could not be written to stderr: the last ones follow"
    )
    assert said[1:] == [*(f"line {number}" for number in range(3, KEPT + 3)), "now"]
    assert stderr.unsaid == 0


@pytest.mark.parametrize("reopened", [True, False], ids=["reopened", "polled"])
def test_flags_of_the_descriptor_stay(pipe, reopened, monkeypatch):
    """The application shares the descriptor: it blocks as before, and nothing is left open."""
    read, stream = pipe
    if not reopened:  # as where there is no /proc
        real = os.open
        monkeypatch.setattr(
            os, "open", lambda path, *rest: real(str(path).replace("/proc/", "/nowhere/"), *rest)
        )
    fill(stream.fileno())
    flags = fcntl.fcntl(stream.fileno(), fcntl.F_GETFL)
    before = {each.name for each in Path("/dev/fd").iterdir()}
    stderr = Stderr(lambda: stream)

    stderr.say("one")
    drained(read)
    stderr.say("two")

    assert fcntl.fcntl(stream.fileno(), fcntl.F_GETFL) == flags
    assert {each.name for each in Path("/dev/fd").iterdir()} == before
    assert drained(read).decode().splitlines()[1:] == ["one", "two"]


def test_a_terminal_that_is_stopped(monkeypatch):
    """A terminal stopped with Ctrl-S blocks nobody, and shows the messages when it continues."""
    import termios

    ours, theirs = pty.openpty()
    with open(theirs, "w", closefd=False) as stream:
        stderr = Stderr(lambda: stream)
        termios.tcflow(theirs, termios.TCOOFF)
        stderr.say("stopped")
        assert stderr.unsaid == 1

        termios.tcflow(theirs, termios.TCOON)
        assert stderr.catch_up()

    held, end = b"", time.monotonic() + SECONDS
    while b"stopped" not in held and time.monotonic() < end:
        held += os.read(ours, 4_096)
    assert b"stopped" in held
    os.close(ours)
    os.close(theirs)


def test_a_socket_that_nobody_reads():
    """A socket whose buffer is full, as systemd provides one, blocks nobody either."""
    ours, theirs = socket.socketpair()
    with ours, theirs, open(theirs.fileno(), "w", closefd=False) as stream:
        stderr = Stderr(lambda: stream)
        stderr.say("first")
        assert ours.recv(100) == b"first\n"
        fill(theirs.fileno())
        stderr.say("second")
        assert stderr.unsaid == 1


@pytest.mark.parametrize("how", ["closed", "descriptor closed", "/dev/full", "no reader"])
def test_a_stderr_that_takes_nothing(how, pipe):
    """A stream that fails raises nothing into the program; the messages are counted."""
    read, stream = pipe
    if how == "closed":
        stream = io.TextIOWrapper(io.BytesIO())
        stream.close()
    elif how == "descriptor closed":
        os.close(stream.fileno())
    elif how == "no reader":
        os.close(read)
    with Path("/dev/full").open("w") as full:
        stderr = Stderr(lambda: full if how == "/dev/full" else stream)
        stderr.say("lost")

    assert stderr.unsaid == 1


def test_a_file_is_appended_to(tmp_path: Path):
    """Messages are added at the end of a log file, opened for appending or not."""
    path = tmp_path / "log"
    with path.open("w") as stream:
        os.write(stream.fileno(), b"before\n")
        Stderr(lambda: stream).say("said")
        os.write(stream.fileno(), b"after\n")

    assert path.read_text() == "before\nsaid\nafter\n"


def test_a_stream_of_python_s_own():
    """An object that has no file descriptor is written to as by any program."""
    stream = io.StringIO()

    Stderr(lambda: stream).say("said")
    Stderr(lambda: None).say("nobody is there")

    assert stream.getvalue() == "said\n"


def test_a_line_is_one_line_of_bounded_length(pipe):
    """
    Control characters do not reach a terminal, and a long line is cut to what a
    pipe takes at once.
    """
    read, stream = pipe
    Stderr(lambda: stream).say("a\x1b[31m\r\nb" + "c" * 2 * LINE_BYTES)

    (line,) = drained(read).splitlines()
    assert line.startswith(b"a [31m  bccc")
    assert line.endswith(b"c...")
    assert len(line) < LINE_BYTES


def test_lines_are_relayed_while_a_command_shows_progress(pipe):
    """The relay gets them instead of stderr, and what it raises does not reach the worker."""
    read, stream = pipe
    one, got = Stderr(lambda: stream), []

    with one.relayed(got.append):
        assert one.say("shown above the bar")
    with one.relayed(lambda line: 1 / 0):
        assert one.say("lost")
    assert one.say("written")

    assert got == ["shown above the bar"]
    assert drained(read) == b"written\n"


@pytest.mark.parametrize("kind", ["file", "object", "none"])
def test_what_is_lost_at_the_very_end_is_one_line_for_each_destination(kind, tmp_path, monkeypatch):
    """Counts of a destination add up; they are written when the interpreter clears `sys`."""
    with (tmp_path / "stderr").open("w+") as file:
        stream = {"file": file, "object": io.StringIO(), "none": None}[kind]
        monkeypatch.setattr(sys, "__stderr__", stream)
        for name, count in (("Honeycomb", 1), ("Better Stack", 1), ("Honeycomb", 2)):
            report_at_last(name, count)
        del sys._cxlogging_report

        if stream is not None:
            stream.seek(0)
            what = "not delivered when the process ended: logged while it was ending"
            assert stream.read().splitlines() == [
                f"cxlogging: Honeycomb: 3 records were {what}",
                f"cxlogging: Better Stack: 1 record was {what}",
            ]


def test_on_error_is_not_told_in_a_log_call():
    """
    A message of a log call is written at once, and given to on_error later, by
    another caller.
    """
    heard, stream = [], io.StringIO()
    diagnostics = Diagnostics("x", heard.append, stderr=Stderr(lambda: stream))

    assert diagnostics.say("kind", "topic", "a sentence", in_log_call=True)
    assert (heard, stream.getvalue()) == ([], "cxlogging: x: a sentence\n")
    diagnostics.catch_up()
    assert heard == ["a sentence"]


PROGRAM = """
import logging, os, threading, time
import cxlogging
heard = []
handler = cxlogging.BetterStackHandler({arguments}, flush_interval=0.01, close_timeout=0.5,
    retry_initial=0.01, retry_maximum=0.02, on_error=lambda _: heard.append(threading.get_ident()))
log = logging.getLogger("shop")
log.setLevel("DEBUG")
log.addHandler(handler)
"""


def child(arguments: str, body: str, **streams) -> subprocess.Popen:
    code = PROGRAM.format(arguments=arguments) + textwrap.dedent(body)
    names = ("BETTER_STACK", "LOGTAIL", "SOURCE_TOKEN", "INGESTING", "CXLOGGING")
    environment = {name: held for name, held in os.environ.items() if not name.startswith(names)}
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment, **streams
    )


@pytest.fixture
def full():
    """A pipe that is full and that nobody reads."""
    read, write = os.pipe()
    fill(write)
    yield write
    os.close(read)
    os.close(write)


def ended(process: subprocess.Popen) -> str:
    """Return what *process* printed; it ends by itself."""
    watchdog = threading.Timer(SECONDS, process.kill)
    watchdog.start()
    out = process.communicate()[0].decode()
    watchdog.cancel()
    assert process.returncode == 0, out
    return out


def test_a_full_stderr_stops_no_delivery(server, full):
    """If nobody reads stderr, failures pass, records are delivered, and the process ends."""
    server.faults.add(status=503, times=3)
    process = child(
        f"'key', url={server.url!r}",
        """
        for number in range(50):
            log.info("record %d", number)
        assert handler.flush(20), handler.stats()
        print(handler.stats().delivered, handler.stats().retries > 0, len(heard) > 0)
        """,
        stderr=full,
    )

    assert ended(process).split() == ["50", "True", "True"]


def test_a_full_stderr_does_not_hold_up_the_exit(full):
    """
    What is left at exit cannot be reported, and the process ends within its budget
    all the same.
    """
    process = child("'key', url='http://127.0.0.1:1'", "log.error('x')", stderr=full)

    assert ended(process) == ""


def test_a_missing_key_with_a_full_stderr(full):
    """Without a key the first log call returns, and on_error is called on another thread."""
    process = child(
        "None",
        """
        log.error("x")
        end = time.monotonic() + 20
        while not heard and time.monotonic() < end:
            time.sleep(0.01)
        print(handler.stats().dropped, len(heard), threading.get_ident() in heard)
        """,
        stderr=full,
    )

    assert ended(process).split() == ["1", "1", "False"]


@pytest.mark.parametrize("how", ["closed", "/dev/full"])
def test_a_process_without_a_stderr_that_takes_anything(server, how):
    """Delivery, failures and exit are as always if stderr is closed or full."""
    body = """
        log.info("x")
        assert handler.flush(20)
        print(handler.stats().delivered)
        """
    server.faults.add(status=503, times=1)
    with Path("/dev/full").open("w") as device:
        if how == "closed":
            process = child(f"'key', url={server.url!r}", body, preexec_fn=lambda: os.close(2))
        else:
            process = child(f"'key', url={server.url!r}", body, stderr=device)
        assert ended(process).split() == ["1"]


def test_a_reader_that_comes_back(server):
    """Once somebody reads again, the messages of the meantime are written, with their number."""
    read, write = os.pipe()
    fill(write)
    server.faults.add(status=503, times=2)
    process = child(
        f"'key', url={server.url!r}",
        """
        import sys
        log.info("x")
        assert handler.flush(20)
        print("delivered", flush=True)
        sys.stdin.read(1)
        """,
        stderr=write,
        stdin=subprocess.PIPE,
    )
    os.close(write)
    assert process.stdout.readline() == b"delivered\n"
    held = drained(read)  # with what is said meanwhile
    os.set_blocking(read, True)
    process.stdin.close()

    end = time.monotonic() + SECONDS
    while time.monotonic() < end and (piece := os.read(read, 65_536)):
        held += piece
    process.wait(SECONDS)
    process.stdout.close()
    os.close(read)
    said = held.decode()
    assert "could not be written to stderr: " in said
    assert "HTTP 503" in said
    assert "delivers again" in said
