"""What signal handlers and other threads raise in the middle of log calls."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

CHILD = """
import ctypes, functools, logging, os, signal, sys, threading, time
import cxlogging

kind, carrier, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
calls = []

class LimitError(Exception):
    pass

class Object:
    def __call__(self, number, frame):
        calls.append(number)
        raise SystemExit(143)

def function(number, frame):
    calls.append(number)
    raise SystemExit(143)

def partial(extra, number, frame):
    calls.append(number)
    raise SystemExit(143)

def resetting(number, frame):
    calls.append(number)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise SystemExit(143)

def limit(number, frame):
    calls.append(number)
    raise LimitError("too long")

def time_out(number, frame):
    calls.append(number)
    raise TimeoutError("too long")

HANDLERS = {
    "function": function,
    "partial": functools.partial(partial, 1),
    "object": Object(),
    "resetting": resetting,
    "limit": limit,
    "TimeoutError": time_out,
    "C": functools.partial(sys.exit, 0),  # a TypeError, as it is given the frame too
}

def set_in(ident):
    sys.stdin.readline()
    calls.append(0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(LimitError))

def make_handler():
    if carrier == "stream":
        return logging.StreamHandler(open(os.devnull, "w"))
    if carrier == "nested":
        return cxlogging.BetterStackHandler("token", url="http://127.0.0.1:9", on_error=len)
    return cxlogging.HoneycombHandler("key", dataset="shop", url="http://127.0.0.1:9", on_error=len)

class Widget:
    def __repr__(self):
        return "/".join(str(number) for number in range(20))

log = logging.getLogger("shop")
log.setLevel(logging.INFO)
log.propagate = False
handler = make_handler()
log.addHandler(handler)
extra = {"a": {"b": [{"c": Widget()}, [1, 2, {"d": Widget()}]], "e": {"f": [3] * 20}}, "n": 1}
record = log.makeRecord("shop", 20, "shop.py", 7, "%s", (Widget(),), None, "f", extra)

lost = 0
for number in range(rounds):
    calls.clear()
    last = 0
    try:
        try:
            if kind == "thread":
                threading.Thread(target=set_in, args=(threading.get_ident(),)).start()
            else:
                signal.signal(signal.SIGTERM, HANDLERS[kind])
            print("ready", flush=True)
            end = time.monotonic() + 10
            while (not calls or last < 1_000) and time.monotonic() < end:
                if kind == "C":  # its TypeError may be lost where logging makes a record
                    handler.handle(record)
                else:
                    log.info("%s %d", Widget(), number, extra=extra)
                last += bool(calls)
            lost += 1
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except BaseException as error:
        if type(error) not in {SystemExit, LimitError, TimeoutError, TypeError}:
            raise
balanced = carrier == "stream" or handler.stats().balanced
print("lost", lost, balanced, flush=True)
os._exit(0)
"""

KINDS = ["function", "partial", "object", "resetting", "limit", "TimeoutError", "C", "thread"]


def interrupt(kind: str, carrier: str, rounds: int) -> str:
    """Interrupt a child's log calls that many times; return its last line."""
    arguments = [sys.executable, "-c", CHILD, kind, carrier, str(rounds)]
    child = subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        for line in child.stdout:
            if line != "ready\n":
                return line.strip()
            if kind == "thread":
                child.stdin.write("\n")
                child.stdin.flush()
            else:
                child.send_signal(signal.SIGTERM)
        return f"ended: {child.stderr.read() if child.stderr else ''}"
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("carrier", ["nested", "flat"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_interrupts_a_log_call_reaches_the_application(kind, carrier):
    """What a signal handler or another thread raises is never lost in a log call."""
    assert interrupt(kind, carrier, 5) == "lost 0 True"


@pytest.mark.slow
@pytest.mark.parametrize("carrier", ["nested", "flat"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_interrupts_is_lost_in_many_runs(kind, carrier):
    """Of thirty interruptions of each kind none is lost."""
    assert interrupt(kind, carrier, 30) == "lost 0 True"


def test_the_standard_library_loses_none_either():
    """
    A StreamHandler lets out the exit that a signal handler raises: the standard for
    other handlers.
    """
    assert interrupt("function", "stream", 5) == "lost 0 True"
