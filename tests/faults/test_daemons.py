"""Case 64: threads that continue to log while the process ends, or while a thread waits for
delivery.
"""

from __future__ import annotations

import json
import re
import time

import pytest

from .backend import Request, answer

AWAY_SECONDS = 0.15
VENDORS = {
    "coralogix": 'cxlogging.CoralogixHandler("canary", application_name="shop"',
    "honeycomb": 'cxlogging.HoneycombHandler("canary", dataset="shop"',
    "betterstack": 'cxlogging.BetterStackHandler("canary", format="ndjson"',
}
MOST_SECONDS = {"five a second": 2, "a tight loop": 4}
"""Beside a tight loop the exit fights for the interpreter too: mostly it takes half of that."""

BUSY = {
    "five a second": "time.sleep(0.2)",
    "a tight loop": "",
}
PROGRAM = """
log.handlers[:] = []
# Room for all that a tight loop logs: it is faster than a vendor that is far away.
handler = {vendor}, url=URL, compression=None, buffer_bytes=2**30, {options})
log.addHandler(handler)
def on_and_on():
    n = 0
    while True:
        log.info("late %d", n)
        n += 1
        {pause}
for _ in range(2):
    threading.Thread(target=on_and_on, daemon=True).start()
for n in range(100):
    promise("a", n)
{end}
"""


def well(request: Request) -> bytes:
    """Answer as any vendor does that is well, and far away."""
    time.sleep(AWAY_SECONDS)
    if "/1/batch/" not in request.head:
        return answer(202)
    statuses = [{"status": 202}] * request.body.count(b'"samplerate"')
    return answer(200, json.dumps(statuses).encode())


@pytest.fixture
def busy(child, backend):
    """Run a program with threads that log on; wait for its end."""
    backend.behaviour = well

    def run(end: str, vendor: str = "betterstack", pause: str = "", options: str = "", **more):
        code = PROGRAM.format(vendor=VENDORS[vendor], pause=pause, options=options, end=end)
        return child(code, **more).wait()

    return run


@pytest.mark.case(64)
@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("pause", BUSY)
def test_case_64_the_exit(busy, backend, figures, vendor, pause):
    """Daemon threads continue to log, five lines a second or in a tight loop, while the process
    exits and the vendor is 150 ms away: the exit is quick, what was accepted before it began
    arrives, and one line says that the rest came too late.
    """
    ended = busy("leaving()", vendor, BUSY[pause])
    figures.exit(ended.seconds)

    assert ended.code == 0
    assert ended.seconds < MOST_SECONDS[pause]
    oracle = figures.judge(ended.promised, backend)
    assert (len(ended.promised), oracle.lost, oracle.duplicated) == (100, [], [])
    for line in ended.err.splitlines():
        assert re.search(
            r"\d+ records? (was|were) not delivered .*: logged while it was ending", line
        )


WAITING = {
    "close": "handler.close()",
    "flush": "assert handler.flush()",
    "flush_all": "assert cxlogging.flush_all()",
    "shutdown": "logging.shutdown()",
}


@pytest.mark.case(64)
@pytest.mark.parametrize("pause", BUSY)
@pytest.mark.parametrize("way", WAITING)
def test_case_64_who_waits_meanwhile(busy, backend, figures, way, pause):
    """close(), flush(), flush_all() and logging.shutdown() wait for what was logged before them."""
    ended = busy(f"leaving()\n{WAITING[way]}\nos._exit(3)", pause=BUSY[pause])

    assert (ended.code, ended.err) == (3, "")
    assert ended.seconds < 15
    assert figures.judge(ended.promised, backend).lost == []


@pytest.mark.case(64)
@pytest.mark.parametrize("pause", BUSY)
def test_case_64_several_destinations(busy, backend, figures, pause):
    """Three handlers exit at the same time, with threads that continue to log to all of them."""
    others = "\n".join(
        f"log.addHandler({each}, url=URL, compression=None))" for each in VENDORS.values()
    )
    end = f"{others}\nfor n in range(100, 200): promise('a', n)\nleaving()"
    ended = busy(end, pause=BUSY[pause])

    assert ended.code == 0
    assert ended.seconds < 15
    assert figures.judge(ended.promised, backend).lost == []
    assert min(backend.accepted[f"a:{n}"] for n in range(100, 200)) == 4


@pytest.mark.case(64)
def test_case_64_the_spool(busy, backend, figures, tmp_path):
    """With a spool, what is logged while the process exits stays there, and one line says so."""
    ended = busy("leaving()", options=f"spool={str(tmp_path / 'spool')!r}")
    figures.exit(ended.seconds)

    assert ended.code == 0
    assert ended.seconds < 4
    assert figures.judge(ended.promised, backend).lost == []
    for line in ended.err.splitlines():
        assert "logged while it was ending" in line
        assert "wait in the spool" in line


@pytest.mark.case(64)
def test_case_64_a_forks_child(busy, backend, figures):
    """The child of a fork with such threads exits as quickly as its parent."""
    ended = busy(
        """
pid = os.fork()
if pid == 0:
    threading.Thread(target=on_and_on, daemon=True).start()
    for n in range(100):
        promise("child", n)
    leaving()
    sys.exit(0)
started = time.monotonic()
assert os.waitpid(pid, 0)[1] == 0
print(time.monotonic() - started)
""",
        arguments=("-W", "ignore::DeprecationWarning"),
    )

    assert ended.code == 0
    assert float(ended.out) < 4
    assert figures.judge(ended.promised, backend).lost == []


@pytest.mark.timing
@pytest.mark.case(64)
@pytest.mark.parametrize("dead", ["silence", 503])
def test_case_64_a_dead_vendor(busy, backend, figures, dead):
    """While the vendor is down, the exit keeps its budget, and says what was left and why."""
    backend.behaviour = lambda request: dead if dead == 503 else time.sleep(20)
    ended = busy("leaving()", pause=BUSY["five a second"], options="close_timeout=1")
    figures.exit(ended.seconds)
    figures.judge(ended.promised, backend, counted=100)

    assert ended.code == 0
    assert ended.seconds < 1 + 0.5
    reason = "HTTP 503" if dead == 503 else "no answer came"
    assert re.search(rf"records were not delivered .* ended: {reason}; \d+ logged while", ended.err)
