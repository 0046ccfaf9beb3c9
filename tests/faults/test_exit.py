"""Cases 14 to 18: the exit of a program while the vendor is up, down or half up."""

from __future__ import annotations

import pytest

from .backend import answer
from .dead_ends import FullBacklog
from .proxy import Trouble

CLOSE_SECONDS = 2.0
"""``close_timeout``, by default."""

FRACTION = 0.5
"""What an exit may take beyond its budget."""

LEAVE = """
for n in range({count}):
    promise("a", n)
{wait}
leaving()
sys.exit(7)
"""


def leave(count: int = 100, wait: str = "") -> str:
    return LEAVE.format(count=count, wait=wait)


@pytest.mark.timing
@pytest.mark.case(14)
def test_case_14_a_healthy_vendor(child, backend, figures):
    """1,000 records wait when main returns: all arrive, the exit takes less than 1 s longer, and
    the exit code is unchanged.
    """
    ended = child(leave(1_000), "flush_interval=60").wait()
    oracle = figures.judge(ended.promised, backend)
    figures.exit(ended.seconds)

    assert (ended.code, ended.err) == (7, "")
    assert (len(ended.promised), oracle.lost, oracle.duplicated) == (1_000, [], [])
    assert ended.seconds < 1


def left_behind(ended, figures, backend, count: int = 100) -> None:
    """Check an exit beside a dead vendor: its time, its code, its one line."""
    figures.judge(ended.promised, backend, counted=count)
    figures.exit(ended.seconds)
    assert ended.code == 7
    assert len(ended.promised) == count
    assert ended.seconds < CLOSE_SECONDS + FRACTION
    said = [line for line in ended.err.splitlines() if "not delivered" in line]
    assert len(said) == 1
    assert f"{count} records were not delivered when the process ended" in said[0]


@pytest.mark.timing
@pytest.mark.case(15)
def test_case_15_a_full_backlog(child, backend, figures):
    """Connecting hangs: the process ends within close_timeout (2 s) plus 0.5 s, one line says how
    many records were left, and the exit code is unchanged.
    """
    with FullBacklog() as hole:
        left_behind(child(leave(), url=hole.url).wait(), figures, backend)


TROUBLES = {
    "silence": Trouble(blackhole=True),
    "a trickle": Trouble(trickle=0.3),
    "resets": Trouble(reset="at once"),
    "no answer": Trouble(half_close=True),
}


@pytest.mark.timing
@pytest.mark.case(15)
@pytest.mark.parametrize("kind", [*TROUBLES, "refused"])
def test_case_15_a_vendor_that_is_dead_or_slow(child, backend, proxy, figures, kind):
    """No answer, a trickle, resets, refused connections: the same bound, the same line, the same
    exit code.
    """
    if kind == "refused":
        proxy.refuse()
    else:
        proxy.trouble = TROUBLES[kind]
    ended = child(leave(), url=proxy.url).wait()
    # What a trickling vendor has accepted, it cannot tell in time.
    backend.accepted.clear()

    left_behind(ended, figures, backend)


@pytest.mark.timing
@pytest.mark.case(16)
@pytest.mark.parametrize(("status", "headers"), [(503, {}), (429, {"Retry_After": "300"})])
def test_case_16_in_the_middle_of_a_long_wait(child, backend, figures, status, headers):
    """An exit during a backoff of a minute, or during Retry-After: 300: the same bound."""
    backend.behaviour = lambda request: answer(status, **headers)
    ended = child(
        leave(wait="wait_until(lambda: handler.stats().retries)"),
        "flush_interval=0, retry_initial=60, retry_maximum=60",
    ).wait()

    left_behind(ended, figures, backend)
    assert len(backend.requests) <= 5


@pytest.mark.timing
@pytest.mark.case(16)
def test_case_16_a_vendor_that_has_recovered_meanwhile(child, backend, figures):
    """An exit during a backoff of a minute tries at once: a vendor that has recovered gets
    everything, and the exit takes less than 1 s.
    """
    backend.behaviour = lambda request: 503 if request.number == 1 else 202
    ended = child(
        leave(wait="wait_until(lambda: handler.stats().retries)"),
        "flush_interval=0, retry_initial=60, retry_maximum=60",
    ).wait()
    figures.exit(ended.seconds)

    assert (ended.code, len(ended.promised)) == (7, 100)
    assert figures.judge(ended.promised, backend).lost == []
    assert ended.seconds < 1


@pytest.mark.timing
@pytest.mark.case(17)
def test_case_17_a_resolver_that_hangs(child, backend, figures):
    """An exit while the resolver hangs: the same bound."""
    ended = child(
        """
        from cxlogging.delivery.http.connect import Connector
        from cxlogging.delivery.http.transport import HttpTransport
        asked = threading.Event()
        def hang(*_):
            asked.set()
            time.sleep(60)
        delivery = handler._delivery
        connector = Connector(delivery.destination.endpoint, delivery.options, hang)
        delivery.lane.replace(make_transport=lambda: HttpTransport(connector, (), delivery.clock))
        delivery.workers.reset()
        """
        + leave(wait="assert asked.wait(20)").replace("\n", "\n        "),
        "flush_interval=0",
        url="http://localhost:9",
    ).wait()

    left_behind(ended, figures, backend)


BEFORE = """
import atexit
atexit.register(lambda: promise("late", 0))
"""


@pytest.mark.timing
@pytest.mark.case(18)
@pytest.mark.parametrize("registered", ["before", "after"])
def test_case_18_the_first_record_is_logged_at_exit(child, backend, figures, registered):
    """A record logged in an exit function, registered before or after logging was imported, is
    delivered even where no thread can be started any more, and Python prints no warning.
    """
    after = "import atexit; atexit.register(promise, 'late', 0)"
    ended = child(
        f"{after if registered == 'after' else ''}\nleaving()",
        before=BEFORE if registered == "before" else "",
    ).wait()
    figures.exit(ended.seconds)

    assert (ended.code, ended.promised) == (0, ["late:0"])
    assert "Exception ignored" not in ended.err
    assert "Error in atexit" not in ended.err
    oracle = figures.judge(ended.promised, backend)
    assert oracle.lost == []
    assert ended.seconds < 1
