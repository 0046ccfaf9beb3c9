"""Case 63: a vendor that accepts a part of each batch."""

from __future__ import annotations

import json

import pytest

from .backend import Request, answer
from .harness import until

HONEYCOMB = """
log.handlers[:] = []
handler = cxlogging.HoneycombHandler(
    "canary", dataset="shop", url=URL, compression=None, {options})
log.addHandler(handler)
"""


def takes(choose):
    """Return a vendor like Honeycomb: a status for each event; *choose* says which it takes."""

    def behave(request: Request) -> bytes:
        taken = [choose(request, n) for n in range(len(request.ids))]
        statuses = [{"status": 202 if each else 429, "error": "rate limited"} for each in taken]
        # What is acknowledged is what was taken.
        request.ids = [name for name, each in zip(request.ids, taken, strict=True) if each]
        return answer(200, json.dumps(statuses).encode())

    return behave


def two_of_three(_, number):
    return number % 3 != 2


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.case(63)
def test_case_63_a_third_of_each_batch_for_a_minute(child, backend, figures):
    """500 records a second for a minute to a vendor that answers 429 for a third of each batch: all
    are delivered within that minute plus the last retries, with fewer than five requests a second,
    and the ledger balances.
    """
    backend.behaviour = takes(two_of_three)
    ended = child(
        HONEYCOMB.format(options="")
        + """
started = time.monotonic()
for n in range(30_000):
    promise("a", n)
    time.sleep(max(0, started + n / 500 - time.monotonic()))
assert handler.stats().pending < 1_500
took = time.monotonic()
print(handler.flush(15), time.monotonic() - took)
stats = handler.stats()
print(stats.balanced, stats.accepted, stats.delivered)
"""
    ).wait(150)

    assert ended.code == 0, ended.err
    flushed, seconds, *rest = ended.out.split()
    assert (flushed, rest) == ("True", ["True", "30000", "30000"])
    assert float(seconds) < 10
    oracle = figures.judge(ended.promised, backend)
    assert (oracle.lost, oracle.duplicated) == ([], [])
    first, last = backend.requests[0].at, backend.requests[-1].at
    assert len(backend.requests) / (last - first) < 5
    assert ended.err.count("takes a part of each batch") == 1


@pytest.mark.case(63)
@pytest.mark.parametrize(
    "options", ["", "concurrency=1", "spool='spool'", "retry_initial=60, retry_maximum=60"]
)
def test_case_63_the_exit(child, backend, figures, options, tmp_path):
    """3,000 records wait at the exit, and the vendor accepts two of three of each batch: the exit
    continues while it does, and everything is delivered once.
    """
    backend.behaviour = takes(two_of_three)
    options = options.replace("'spool'", repr(str(tmp_path / "spool")))
    ended = child(
        HONEYCOMB.format(options=f"flush_interval=60, {options}")
        + "for n in range(3_000): promise('a', n)\nleaving()\n"
    ).wait()
    figures.exit(ended.seconds)

    assert ended.code == 0
    assert "not delivered" not in ended.err
    oracle = figures.judge(ended.promised, backend)
    assert (len(ended.promised), oracle.lost, oracle.duplicated) == (3_000, [], [])


@pytest.mark.timing
@pytest.mark.case(63)
def test_case_63_one_of_3000(child, backend, figures):
    """A vendor that accepts one record of each batch is not flooded with requests, and the exit
    ends in time.
    """
    backend.behaviour = takes(lambda request, number: number == 0)
    ended = child(
        HONEYCOMB.format(options="flush_interval=60, close_maximum=4")
        + "for n in range(3_000): promise('a', n)\nleaving()\n"
    ).wait()
    figures.exit(ended.seconds)
    delivered = len(backend.accepted)
    figures.judge(ended.promised, backend, counted=3_000 - delivered)

    assert ended.seconds < 4 + 1
    assert 3 <= len(backend.requests) <= 20
    # The last answer may have come too late to be read.
    left = [f"{3_000 - delivered + late} records were not delivered" for late in (0, 1)]
    assert any(sentence in ended.err for sentence in left)
    assert "status 429" in ended.err


@pytest.mark.case(63)
def test_case_63_a_death_with_leftovers_in_the_spool(child, backend, figures, tmp_path):
    """A process dies with unacknowledged records in its spool: the next one sends these, and
    nothing that was acknowledged.
    """
    stuck = [True]
    backend.behaviour = takes(lambda request, n: not (stuck and int(request.ids[n][2:]) % 3 == 2))
    options = f"spool={str(tmp_path / 'spool')!r}, flush_interval=0.1, retry_initial=0.05"
    program = child(
        HONEYCOMB.format(options=options)
        + """
for n in range(300):
    promise("a", n)
wait_until(lambda: handler.stats().delivered == 200)
leaving()
time.sleep(60)
"""
    )
    program.wait_promised(300)
    until(lambda: "leaving" in program._promises.read_text())
    died = program.kill()
    stuck.clear()
    child(HONEYCOMB.format(options=options) + "wait_until(lambda: handler.flush(5))\n").wait()

    assert backend.wait_accepted(300)
    oracle = figures.judge(died.promised, backend)
    assert (oracle.lost, oracle.duplicated) == ([], [])
