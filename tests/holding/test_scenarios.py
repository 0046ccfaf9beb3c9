"""Thirty scenarios: what ships and what does not, for each vendor, in memory and with a spool."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading

import pytest

import cxlogging
from tests.conftest import VENDORS


def fail(shop, message: str, **options) -> None:
    """Log *message* at INFO in a scope, and leave it by a ValueError."""
    with cxlogging.hold(**options):
        shop.log.info(message)
        raise ValueError("wrong")


def test_01_a_clean_end_discards(shop):
    """d, i, w: only the warning ships; two are discarded as clean."""
    with cxlogging.hold():
        shop.log.debug("d")
        shop.log.info("i")
        shop.log.warning("w")

    assert shop.shipped() == ["w"]
    assert shop.outcomes() == (1, 2, 0)
    assert shop.stats.discarded_by_reason == {"clean": 2}


def test_02_an_error_releases_and_what_follows_passes(shop):
    """d, e, d: all three ship, in order."""
    with cxlogging.hold():
        shop.log.debug("d1")
        shop.log.error("e")
        shop.log.debug("d2")

    assert shop.shipped() == ["d1", "e", "d2"]
    assert shop.outcomes() == (3, 0, 0)


def test_03_an_exception_that_leaves_the_block_releases(shop):
    """i, ValueError: i ships, and the exception is the application's."""
    with pytest.raises(ValueError, match="wrong"):
        fail(shop, "i")

    assert shop.shipped() == ["i"]


def test_04_an_ignored_exception_discards(shop):
    """The same, with ignore=ValueError: nothing ships, one is discarded."""
    with pytest.raises(ValueError, match="wrong"):
        fail(shop, "i", ignore=ValueError)

    assert shop.shipped() == []
    assert shop.outcomes() == (0, 1, 0)


def test_05_a_caught_exception_logged_at_info_releases_nothing(shop):
    """i; caught, INFO with exc_info: nothing ships, two are discarded."""
    with cxlogging.hold():
        shop.log.info("i")
        try:
            {}["a"]
        except KeyError:
            shop.log.info("caught", exc_info=True)

    assert shop.shipped() == []
    assert shop.outcomes() == (0, 2, 0)


def test_06_an_error_in_an_inner_scope_releases_the_outer_too(shop):
    """o1 {d, e} o2: all ship, the outer scope's first."""
    with cxlogging.hold():
        shop.log.info("o1")
        with cxlogging.hold():
            shop.log.debug("d")
            shop.log.error("e")
        shop.log.info("o2")

    assert shop.shipped() == ["o1", "d", "e", "o2"]


def test_07_an_exception_releases_only_the_scopes_that_it_leaves(shop):
    """o1 {i, an exception leaves the inner scope only} o2: i ships, two are discarded."""
    with cxlogging.hold():
        shop.log.info("o1")
        with pytest.raises(ValueError, match="wrong"):
            fail(shop, "i")
        shop.log.info("o2")

    assert shop.shipped() == ["i"]
    assert shop.outcomes() == (1, 2, 0)


def test_08_a_clean_inner_scope_hands_its_records_to_the_outer(shop):
    """o1 {i}, e: all three ship, in order."""
    with cxlogging.hold():
        shop.log.info("o1")
        with cxlogging.hold():
            shop.log.info("i")
        shop.log.error("e")

    assert shop.shipped() == ["o1", "i", "e"]


def test_09_a_thread_is_outside_of_the_scope_unless_its_context_is_copied(shop):
    """A bare thread's d is below the level and its i ships; in a copied context both are held."""

    def work(name: str) -> None:
        shop.log.debug("d %s", name)
        shop.log.info("i %s", name)

    with cxlogging.hold():
        bare = threading.Thread(target=work, args=("bare",))
        copied = threading.Thread(target=contextvars.copy_context().run, args=(work, "copied"))
        for each in (bare, copied):
            each.start()
            each.join()

    assert shop.shipped() == ["i bare"]
    assert shop.outcomes() == (1, 2, 0)


def test_10_tasks_share_the_scope(shop):
    """Tasks of gather in a scope, one child fails: the records of both ship."""

    async def child(name: str, fails: bool) -> None:
        shop.log.info("start %s", name)
        await asyncio.sleep(0)
        if fails:
            raise ValueError(name)

    async def main() -> None:
        with cxlogging.hold():
            await asyncio.gather(child("a", False), child("b", True))

    with pytest.raises(ValueError, match="b"):
        asyncio.run(main())

    assert shop.shipped() == ["start a", "start b"]


def test_11_scopes_of_sibling_tasks_are_separate(shop):
    """Tasks of gather, each in its own scope: only those of the failing one ship."""

    async def child(name: str, fails: bool) -> None:
        with cxlogging.hold():
            shop.log.info("start %s", name)
            await asyncio.sleep(0)
            if fails:
                raise ValueError(name)

    async def main() -> None:
        await asyncio.gather(child("a", False), child("b", True), return_exceptions=True)

    asyncio.run(main())

    assert shop.shipped() == ["start b"]
    assert shop.outcomes() == (1, 1, 0)


def test_12_an_async_generator_may_be_closed_by_another_task(shop):
    """aclose() from another task raises nothing; its record is discarded."""

    async def lines():
        with cxlogging.hold():
            shop.log.info("i")
            yield 1

    async def main() -> None:
        generator = lines()
        await asyncio.ensure_future(generator.__anext__())
        await asyncio.create_task(generator.aclose())
        assert cxlogging.current_hold() is None

    asyncio.run(main())

    assert shop.shipped() == []
    assert shop.outcomes() == (0, 1, 0)


def test_13_a_suspended_generator_s_scope_is_open_in_its_consumer(shop):
    """The consumer's record is held too; both are discarded when the generator is closed."""

    def lines():
        with cxlogging.hold():
            shop.log.info("i of the generator")
            yield 1

    generator = lines()
    next(generator)
    shop.log.info("i of the consumer")
    assert shop.outcomes() == (0, 0, 2)
    generator.close()

    assert shop.shipped() == []
    assert shop.outcomes() == (0, 2, 0)
    assert cxlogging.current_hold() is None


def test_14_the_logger_s_level_counts_at_the_time_of_the_call(shop):
    """d; the logger raised to WARNING, d; lowered again, e: the first d and e ship."""
    with cxlogging.hold():
        shop.log.debug("d1")
        shop.log.setLevel(logging.WARNING)
        shop.log.debug("d2")
        shop.log.setLevel(logging.DEBUG)
        shop.log.error("e")

    assert shop.shipped() == ["d1", "e"]
    assert shop.outcomes() == (2, 0, 0)


def test_15_a_full_scope_keeps_the_newest_and_says_how_many_are_missing(shop):
    """Twenty i in 2,000 bytes, e: the newest and e ship, after one event with the missing."""
    with cxlogging.hold(max_bytes=2000) as held:
        for number in range(20):
            shop.log.info("i %d", number)
        kept = held.count
        assert held.bytes <= 2000
        shop.log.error("e")

    marker, *others = shop.shipped()
    assert 1 < kept < 20
    assert others == [*(f"i {number}" for number in range(20 - kept, 20)), "e"]
    assert shop.stats.discarded_by_reason == {"full": 20 - kept}
    assert f"the {20 - kept} oldest records" in marker
    data = shop.server.events()[0]["data"]
    assert data["cx_held_evicted"] == 20 - kept
    assert shop.server.events()[0]["level"].upper() in {"WARNING", "WARN"}


def test_16_a_closed_handler_keeps_what_is_held(shop):
    """i, handler.close(), e: both ship, as a later record opens the handler again."""
    with cxlogging.hold():
        shop.log.info("i")
        shop.handler.close()
        assert shop.outcomes() == (0, 0, 1)
        shop.log.error("e")

    assert shop.shipped() == ["i", "e"]


FORK = """
import contextlib
with cxlogging.hold():
    log.info("i of the parent")
    if os.fork() == 0:
        log.info("i of the child")
        log.error("e of the child")
        handler.close()
        stats = handler.stats()
        os._exit(0 if (stats.accepted, stats.discarded, stats.held) == (2, 0, 0) else 1)
    code = os.waitstatus_to_exitcode(os.wait()[1])
    log.error("e of the parent")
stats = handler.stats()
print(code, stats.accepted, stats.discarded, stats.held)
"""


@pytest.mark.parametrize("vendor", VENDORS)
def test_17_a_fork_s_child_begins_without_what_its_parent_holds(vendor, options, program, server):
    """i, fork, child i, e; parent e: the child ships i, e, the parent i, e, nothing twice."""
    done = program(FORK, vendor, options)

    assert (done.code, done.err, done.out.split()) == (0, "", ["0", "2", "0", "0"])
    messages = [event["message"] for event in server.events()]
    assert [each for each in messages if "child" in each] == ["i of the child", "e of the child"]
    assert [each for each in messages if "parent" in each] == ["i of the parent", "e of the parent"]
    assert len(messages) == 4


def test_18_a_task_that_outlives_its_scope_is_outside_of_it(shop):
    """After the end of the scope, d is below the level and i ships at once."""

    async def work(closed: asyncio.Event) -> None:
        await closed.wait()
        shop.log.debug("d")
        shop.log.info("i")

    async def main() -> None:
        closed = asyncio.Event()
        with cxlogging.hold():
            task = asyncio.create_task(work(closed))
            await asyncio.sleep(0)
        closed.set()
        await task

    asyncio.run(main())

    assert shop.shipped() == ["i"]
    assert shop.outcomes() == (1, 0, 0)


def test_19_a_decorated_coroutine_releases_what_it_has_held(shop):
    """@hold() on a coroutine function: i, raises: i ships."""

    @cxlogging.hold()
    async def work() -> None:
        shop.log.info("i")
        await asyncio.sleep(0)
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        asyncio.run(work())

    assert shop.shipped() == ["i"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_20_the_exit_releases_open_scopes(vendor, options, program, server):
    """An open scope, i("v %s", [1]), the list is changed, the exit: "v [1]" ships."""
    body = """
        scope = cxlogging.hold()
        scope.__enter__()
        values = [1]
        log.info("v %s", values)
        values.append(2)
        """
    done = program(body, vendor, options)

    assert (done.code, done.err) == (0, "")
    assert [event["message"] for event in server.events()] == ["v [1]"]


def test_21_release_and_discard_by_hand(shop):
    """i, discard(), i, release(), i: the first is discarded, the others ship."""
    with cxlogging.hold() as held:
        assert cxlogging.current_hold() is held
        shop.log.info("i1")
        assert (held.state, held.count) == ("holding", 1)
        assert held.bytes > 0
        held.discard()
        assert (held.state, held.count, held.bytes) == ("holding", 0, 0)
        shop.log.info("i2")
        held.release()
        assert (held.state, held.count, held.bytes) == ("released", 0, 0)
        shop.log.info("i3")
        held.discard()

    assert held.state == "closed"
    held.release()
    assert shop.shipped() == ["i2", "i3"]
    assert shop.stats.discarded_by_reason == {"explicit": 1}


def test_22_flush_leaves_what_is_held(shop):
    """i, flush(): nothing ships, and flush has nothing to wait for."""
    with cxlogging.hold():
        shop.log.info("i")
        assert shop.shipped() == []
        assert cxlogging.flush_all(10)
        assert shop.outcomes() == (0, 0, 1)
        assert shop.stats.offered == 1


def test_23_records_have_their_own_times(shop):
    """Released records arrive with the times of their log calls, in order."""
    with cxlogging.hold():
        for number in range(3):
            shop.log.debug("d", extra={"number": number})
        record = shop.log.makeRecord("shop", 10, "shop.py", 1, "early", None, None)
        record.created -= 3600
        shop.handler.handle(record)
        shop.log.error("e")

    assert shop.shipped() == ["d", "d", "d", "early", "e"]
    times = [event["time_ns"] for event in shop.server.events()]
    assert times[0] <= times[1] <= times[2] <= times[4]
    assert 3500e9 < times[4] - times[3] < 3700e9


def test_24_three_scopes_deep(shop):
    """Scopes a {b {c, e}}: all release, outermost first, and what follows passes at every depth."""
    with cxlogging.hold():
        shop.log.info("a")
        with cxlogging.hold():
            shop.log.info("b")
            with cxlogging.hold():
                shop.log.info("c")
                shop.log.error("e")
                shop.log.info("c2")
            shop.log.info("b2")
        shop.log.info("a2")

    assert shop.shipped() == ["a", "b", "c", "e", "c2", "b2", "a2"]


def test_25_a_scope_in_a_released_one_passes_too(shop):
    """An error, then {i}: i ships although the inner scope ends cleanly, in its place."""
    with cxlogging.hold():
        shop.log.error("e")
        with cxlogging.hold() as inner:
            shop.log.info("i")
            assert inner.state == "released"
        shop.log.info("o")

    assert shop.shipped() == ["e", "i", "o"]


def test_26_release_at_by_logger(shop):
    """A mapping: the nearest logger above the record's counts."""
    child = logging.getLogger("shop.payments.cards")
    with cxlogging.hold(release_at={"": "CRITICAL", "shop.payments": "WARNING"}):
        shop.log.info("i")
        shop.log.error("not yet")
        assert shop.shipped() == ["not yet"]
        child.warning("w")

    assert shop.shipped() == ["not yet", "i", "w"]


def test_27_release_at_by_the_record(shop):
    """A callable decides by the record; one that fails is no reason to release."""

    def slow_query(record: logging.LogRecord) -> bool:
        return record.seconds > 1  # type: ignore[attr-defined]

    with cxlogging.hold(release_at=slow_query):
        shop.log.debug("without the attribute")
        shop.log.error("e", extra={"seconds": 0.1})
        assert shop.shipped() == ["e"]
        shop.log.info("i", extra={"seconds": 2.5})

    assert shop.shipped() == ["e", "without the attribute", "i"]


def test_28_below_is_a_level(shop):
    """below="INFO": DEBUG is held, INFO passes."""
    with cxlogging.hold(below="info"):
        shop.log.debug("d")
        shop.log.info("i")

    assert shop.shipped() == ["i"]
    assert shop.outcomes() == (1, 1, 0)


def test_29_a_scope_that_is_garbage_is_discarded_and_counted(shop):
    """A thread ends with its scope open: its record is discarded as unreachable."""

    def work() -> None:
        cxlogging.hold().__enter__()
        shop.log.info("i")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    del thread

    assert shop.shipped() == []
    assert shop.stats.discarded_by_reason == {"unreachable": 1}
    assert shop.outcomes() == (0, 1, 0)


def test_30_to_thread_shares_the_scope(shop):
    """asyncio.to_thread: the record of the other thread is held, and released with the rest."""

    async def main() -> None:
        with cxlogging.hold():
            shop.log.info("i")
            await asyncio.to_thread(shop.log.debug, "d of a thread")
            await asyncio.to_thread(shop.log.error, "e of a thread")

    asyncio.run(main())

    assert shop.shipped() == ["i", "d of a thread", "e of a thread"]
