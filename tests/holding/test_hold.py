"""What `cxlogging.hold` takes, and how scopes, levels and bounds behave."""

from __future__ import annotations

import asyncio
import builtins
import contextvars
import gc
import inspect
import logging
import logging.config
import logging.handlers
import queue
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

import cxlogging
from cxlogging.handlers.holding.decorator import hold_option
from cxlogging.handlers.holding.rules import Rules
from cxlogging.handlers.holding.scope import Hold
from tests.conftest import VENDORS, make_handler

RULES = Rules.parse("WARNING", "ERROR", (), "256KiB", None)


class OrderError(Exception):
    """An exception of the application."""


def leave(error: BaseException, log: logging.Logger, **options) -> None:
    """Log at INFO in a scope, and leave it by *error*."""
    with cxlogging.hold(**options):
        log.info("i")
        raise error


# Arguments.


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"below": "WARN ING"}, "below takes a number, or a name such as 'INFO', not 'WARN ING'"),
        ({"below": None}, "below takes a number"),
        ({"release_at": "EROR"}, "release_at takes .* not 'EROR'. Did you mean 'ERROR'?"),
        ({"release_at": None}, "release_at takes .* a mapping .* or a callable, not None"),
        ({"release_at": {"shop": "LOUD"}}, r"release_at\['shop'\] takes a number, .* not 'LOUD'"),
        ({"release_at": {1: "ERROR"}}, "release_at takes names of loggers, not 1"),
        ({"ignore": "ValueError"}, "ignore takes exception classes, .* not 'ValueError'"),
        ({"ignore": (ValueError, 3)}, "ignore takes exception classes, .* not 3"),
        ({"ignore": ValueError("x")}, "ignore takes exception classes"),
        ({"max_bytes": "much"}, "max_bytes takes a number from 1, such as .* not 'much'"),
        ({"max_bytes": 0}, "max_bytes takes a number from 1"),
        ({"slow": -1}, "slow takes seconds from 0 to 86400, .* not -1"),
        ({"slow": 0}, "slow takes more than 0 seconds, not 0"),
        ({"slow": "soon"}, "slow takes seconds .* not 'soon'"),
    ],
)
def test_a_wrong_argument_is_refused_at_once(arguments, words):
    """The error names the argument and shows what was typed."""
    with pytest.raises(cxlogging.ConfigurationError, match=words):
        cxlogging.hold(**arguments)


def test_values_may_be_texts():
    """Levels, sizes and seconds are taken as texts, as from a configuration file."""
    rules = cxlogging.hold("30", "critical", [ValueError], "1MB", "2.5")._rules

    assert rules == (30, 50, None, (ValueError,), 1_000_000, 2.5)


def test_a_level_is_looked_up_by_its_name_each_time(monkeypatch):
    """Where logging.addLevelName gives a name to another level, the next scope takes that."""
    for level in (21, 23):
        monkeypatch.setitem(logging._nameToLevel, "NOTICE", level)
        assert cxlogging.hold("NOTICE")._rules.below == level


def test_a_decorator_without_parentheses_is_explained():
    """@cxlogging.hold on a function says how it is written."""
    with pytest.raises(cxlogging.ConfigurationError, match=r"parentheses, @cxlogging.hold\(\)"):
        cxlogging.hold(print)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("perhaps", "hold takes true or false, not 'perhaps'"),
        ({"bellow": "INFO"}, "hold takes no argument 'bellow'. Did you mean 'below'?"),
        ({"below": "LOUD"}, "below takes a number"),
    ],
)
def test_a_wrong_option_of_an_integration_is_refused(value, words):
    """hold= takes a boolean or a mapping with hold's arguments."""
    with pytest.raises(cxlogging.ConfigurationError, match=words):
        hold_option(value)


def test_the_option_of_an_integration():
    """False opens no scope; True and a mapping begin scopes that close() ends."""
    assert hold_option(False) is hold_option(None) is hold_option("off") is None
    begin = hold_option({"below": "ERROR", "slow": 3})
    assert begin is not None
    assert hold_option(begin) is begin
    scope = begin.begin()
    assert (scope.rules.below, scope.rules.slow) == (40, 3.0)
    assert cxlogging.current_hold() is scope
    scope.close()
    scope.close()
    assert cxlogging.current_hold() is None
    assert hold_option(True) is not None


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("held_level", "LOUD", "held_level takes a number, or a name such as 'INFO', not 'LOUD'"),
        ("hold_bytes", "many", "hold_bytes takes a number from 1, such as .* not 'many'"),
        ("hold", "perhaps", "hold takes true or false, not 'perhaps'"),
        ("held_levl", "DEBUG", "takes no argument 'held_levl'. Did you mean 'held_level'?"),
    ],
)
def test_a_wrong_option_of_a_handler_is_refused(option, value, words):
    """The handler's options fail when it is created."""
    with pytest.raises(cxlogging.ConfigurationError, match=words):
        cxlogging.HoneycombHandler("key", url="http://127.0.0.1:9", **{option: value})


# Exceptions.


class Cancelled(BaseException):
    """Stands for a class of another event loop."""


@pytest.mark.parametrize(
    ("error", "options", "ships"),
    [
        (OrderError(), {}, True),
        (OrderError(), {"ignore": OrderError}, False),
        (OrderError(), {"ignore": [KeyError, Exception]}, False),
        (OrderError(), {"ignore": KeyError}, True),
        (KeyboardInterrupt(), {}, True),
        (SystemExit(0), {}, False),
        (SystemExit(), {}, False),
        (SystemExit(False), {}, False),
        (SystemExit(1), {}, True),
        (SystemExit("wrong"), {}, True),
        (GeneratorExit(), {}, False),
        (StopIteration(), {}, True),
        (TimeoutError(), {}, True),
        (asyncio.CancelledError(), {}, False),
        (Cancelled(), {}, True),
    ],
    ids=repr,
)
def test_exceptions_release_but_for_some(error, options, ships, attach):
    """What ends a task or a generator on purpose, an exit with success and ignore do not."""
    shop = attach()
    with pytest.raises(type(error)):
        leave(error, shop.log, **options)

    assert shop.shipped() == (["i"] if ships else [])


@pytest.mark.parametrize("module", ["trio", "greenlet"])
def test_cancellations_of_other_libraries_release_nothing(module, attach, monkeypatch):
    """The classes of trio and greenlet count as cancellations where their module is loaded."""
    name = {"trio": "Cancelled", "greenlet": "GreenletExit"}[module]
    monkeypatch.setitem(sys.modules, module, type(sys)(module))
    monkeypatch.setattr(sys.modules[module], name, Cancelled, raising=False)
    shop = attach()
    with pytest.raises(Cancelled):
        leave(Cancelled(), shop.log)

    assert shop.shipped() == []


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups came with Python 3.11")
@pytest.mark.parametrize(
    ("inner", "ships"),
    [
        ([asyncio.CancelledError(), GeneratorExit()], False),
        ([asyncio.CancelledError(), OrderError()], True),
        ([KeyError(), KeyError()], False),
    ],
    ids=["cancellations", "one error", "ignored"],
)
def test_a_group_is_ignored_if_all_of_its_exceptions_are(inner, ships, attach):
    """One exception that counts in a group, at any depth, releases."""
    shop = attach()
    make_group = builtins.BaseExceptionGroup  # type: ignore[attr-defined]
    group = make_group("many", [make_group("deep", inner), inner[0]])
    with pytest.raises(make_group):
        leave(group, shop.log, ignore=KeyError)

    assert shop.shipped() == (["i"] if ships else [])


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout came with Python 3.11")
def test_a_timeout_around_the_scope_is_a_cancellation_in_it(attach):
    """A scope inside of asyncio.timeout discards, one around it releases, as TimeoutError does."""
    shop = attach()

    async def main() -> None:
        with cxlogging.hold():
            shop.log.info("outer")
            async with asyncio.timeout(0):
                with cxlogging.hold():
                    shop.log.info("inner")
                    await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        asyncio.run(main())

    assert shop.shipped() == ["outer", "inner"]


def test_a_cancelled_task_discards(attach):
    """task.cancel(): its scope ends as one without an error."""
    shop = attach()

    async def work() -> None:
        with cxlogging.hold():
            shop.log.info("i")
            await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())

    assert shop.shipped() == []
    assert shop.outcomes() == (0, 1, 0)


# The decorator.


def test_it_decorates_functions_methods_and_coroutine_functions(attach):
    """Each call is a scope; names, signatures and results stay."""
    shop = attach()

    class Orders:
        @cxlogging.hold()
        def method(self, fails: bool, *, suffix: str = "") -> str:
            """Say so."""
            shop.log.info("method%s", suffix)
            if fails:
                raise OrderError
            return "done"

        @classmethod
        @cxlogging.hold()
        def inner(cls) -> str:
            return cls.__name__

        @cxlogging.hold()
        @staticmethod
        def static(number: int) -> int:
            return number + 1

        @cxlogging.hold()
        @classmethod
        def outer(cls) -> str:
            return cls.__name__

        @cxlogging.hold()
        async def coroutine(self) -> str:
            shop.log.info("coroutine")
            await asyncio.sleep(0)
            assert cxlogging.current_hold() is not None
            raise OrderError

    orders = Orders()
    assert orders.method(False) == "done"
    with pytest.raises(OrderError):
        orders.method(True, suffix=" 2")
    with pytest.raises(OrderError):
        asyncio.run(orders.coroutine())
    assert (Orders.inner(), orders.outer(), Orders.static(1)) == ("Orders", "Orders", 2)
    assert (Orders.method.__name__, Orders.method.__doc__) == ("method", "Say so.")
    assert list(inspect.signature(Orders.method).parameters) == ["self", "fails", "suffix"]
    assert inspect.iscoroutinefunction(Orders.coroutine)
    assert not inspect.iscoroutinefunction(Orders.method)
    assert shop.shipped() == ["method 2", "coroutine"]
    assert cxlogging.current_hold() is None


def generator():
    yield 1


async def async_generator():
    yield 1


class CallGenerator:
    def __call__(self):
        yield 1


@pytest.mark.parametrize("function", [generator, async_generator, CallGenerator()])
def test_it_refuses_generator_functions(function):
    """The error names the function, and says what to write instead."""
    name = getattr(function, "__name__", "CallGenerator")
    with pytest.raises(cxlogging.ConfigurationError, match=f"{name}.*generator.*with cxlogging"):
        cxlogging.hold()(function)


@pytest.mark.parametrize("thing", [3, OrderError, None])
def test_it_refuses_what_is_no_function(thing):
    """A class or a value is not decorated."""
    with pytest.raises(cxlogging.ConfigurationError, match="decorates functions and methods"):
        cxlogging.hold()(thing)


def test_a_wrapper_object_keeps_its_attributes(attach):
    """An object with a __call__, as task libraries make them, is called in a scope."""
    shop = attach()

    class Task:
        def __init__(self) -> None:
            self.name = "shop.pay"

        def __call__(self, number: int) -> int:
            shop.log.info("i")
            return 10 // number

    decorated = cxlogging.hold()(Task())
    assert decorated(5) == 2
    with pytest.raises(ZeroDivisionError):
        decorated(0)
    assert decorated.name == "shop.pay"
    assert decorated.__wrapped__.name == "shop.pay"
    assert shop.shipped() == ["i"]


def test_a_recursive_function_nests_scopes(attach):
    """Each call has its scope; the innermost one's error releases all."""
    shop = attach()

    @cxlogging.hold()
    def down(depth: int) -> None:
        shop.log.info("%d", depth)
        if depth:
            down(depth - 1)
        else:
            shop.log.error("e")

    down(3)

    assert shop.shipped() == ["3", "2", "1", "0", "e"]


def test_one_object_may_open_many_scopes_at_once(attach):
    """The same hold() in interleaved tasks, in threads and within itself ends the right ones."""
    shop = attach()
    same = cxlogging.hold()

    async def child(number: int) -> None:
        with same as held:
            shop.log.info("%d", number)
            await asyncio.sleep(0.001 * (5 - number))
            assert cxlogging.current_hold() is held
            with same:
                await asyncio.sleep(0)
            if number == 3:
                raise OrderError

    async def main() -> None:
        await asyncio.gather(*map(child, range(5)), return_exceptions=True)

    asyncio.run(main())
    with same, ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: cxlogging.current_hold(), range(4))) == [None] * 4
    assert shop.shipped() == ["3"]
    assert shop.outcomes() == (1, 4, 0)


# slow.


@pytest.mark.parametrize(("seconds", "ships"), [(2.0, False), (2.1, True)])
def test_a_slow_scope_releases_when_it_ends(seconds, ships, attach):
    """A scope that took longer than slow= ships what it has held."""
    shop = attach()
    now = [100.0]
    scope = Hold(RULES._replace(slow=2.0), monotonic=lambda: now[0]).open()
    shop.log.info("i")
    now[0] += seconds
    scope.close()

    assert shop.shipped() == (["i"] if ships else [])


def test_close_may_say_that_it_failed(attach):
    """An integration closes a scope with failed=True, or with the exception."""
    shop = attach()
    for given in ({}, {"failed": True}, {"error": OrderError()}, {"error": SystemExit(0)}):
        scope = Hold(RULES).open()
        shop.log.info("%s", list(given))
        scope.close(**given)

    assert shop.shipped() == ["['failed']", "['error']"]


# Levels.


def test_held_level_counts_in_scopes_only(attach):
    """level=INFO, held_level=DEBUG: DEBUG is taken in a scope, INFO everywhere."""
    shop = attach()
    shop.log.debug("outside")
    with cxlogging.hold():
        shop.log.debug("d")
        shop.log.error("e")
        shop.log.debug("d2")
    shop.log.debug("outside")
    shop.log.info("i")

    assert shop.shipped() == ["d", "e", "d2", "i"]
    assert shop.stats.offered == 4


def test_the_level_can_be_changed_and_restored(attach):
    """What setLevel changes is the level outside; what was read from level can be set again."""
    shop = attach()
    saved = shop.handler.level
    assert saved == logging.DEBUG
    assert repr(shop.handler).endswith("(INFO, in a hold DEBUG)>")
    shop.handler.setLevel("ERROR")
    assert repr(shop.handler).endswith("(ERROR, in a hold DEBUG)>")
    shop.log.warning("w1")
    shop.handler.setLevel(saved)
    assert repr(shop.handler).endswith("(INFO, in a hold DEBUG)>")
    shop.log.info("i")
    shop.log.debug("d1")
    shop.handler.setLevel(logging.NOTSET)
    assert repr(shop.handler).endswith("(NOTSET)>")
    shop.log.debug("d2")
    shop.handler.setLevel(saved)
    shop.log.debug("d3")
    with cxlogging.hold():
        shop.log.debug("d4")
        shop.log.error("e")

    assert shop.shipped() == ["i", "d2", "d4", "e"]


def test_the_level_of_dictconfig(server, log):
    """A dictConfig sets the level after the handler is made; held_level still counts in scopes."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {
                "ship": {
                    "class": "cxlogging.HoneycombHandler",
                    "api_key": "key",
                    "dataset": "shop",
                    "url": server.url,
                    "level": "WARNING",
                    "held_level": "INFO",
                    "hold_bytes": "1MiB",
                }
            },
            "loggers": {"shop": {"handlers": ["ship"], "level": "DEBUG", "propagate": False}},
        }
    )
    log.info("outside")
    with cxlogging.hold():
        log.debug("d")
        log.info("i")
        log.error("e")

    (handler,) = log.handlers
    assert handler.flush(10)
    assert [event["message"] for event in server.events()] == ["i", "e"]
    handler.close()


def test_filters_see_nothing_that_is_below_the_level(attach):
    """A filter of the handler is not called for a DEBUG record outside of scopes."""
    shop = attach()
    seen = []
    shop.handler.addFilter(lambda record: seen.append(record.getMessage()) or True)
    shop.log.debug("outside")
    with cxlogging.hold():
        shop.log.debug("inside")

    assert seen == ["inside"]


def test_a_handler_without_held_level_holds_from_its_level_on(attach):
    """level=INFO alone: INFO is held in a scope, DEBUG never taken."""
    shop = attach(held_level=None)
    with cxlogging.hold():
        shop.log.debug("d")
        shop.log.info("i")
        shop.log.error("e")

    assert shop.shipped() == ["i", "e"]


def test_hold_false_lets_records_pass(attach, make, log):
    """A handler with hold=False ships as if there were no scope; another one beside it holds."""
    shop = attach()
    other = make("betterstack", hold=False)
    log.addHandler(other)
    with cxlogging.hold():
        log.debug("d")
        log.info("i")

    assert other.flush(10)
    assert shop.shipped() == ["i"]
    assert shop.outcomes() == (0, 2, 0)
    assert (other.stats().accepted, other.stats().offered) == (1, 1)


def test_each_of_several_handlers_holds_its_own(attach, make, log):
    """An error releases what each handler has held; the count is that of all of them."""
    shop = attach("coralogix")
    other = make("betterstack", level="DEBUG")
    log.addHandler(other)
    with cxlogging.hold() as held:
        log.debug("d")
        log.info("i")
        assert held.count == 4
        log.error("e")

    assert other.flush(10)
    shop.shipped()
    for vendor in ("coralogix", "betterstack"):
        assert [each["message"] for each in shop.server.events(vendor)] == ["d", "i", "e"]


DIAGNOSTIC = """
{before}
with cxlogging.hold():
    log.info("i")
    log.warning("w")
with cxlogging.hold():
    log.error("e")
"""


@pytest.mark.parametrize(
    ("before", "options", "words"),
    [
        ("log.setLevel('WARNING')", "", "keeps records below WARNING, and the loggers of this"),
        ("logging.disable('WARNING')", "", "create none below Level 31"),
        ("log.setLevel('INFO')", "held_level='DEBUG', level='INFO'", "keeps records from DEBUG on"),
        ("", "level='WARNING'", "takes none below WARNING; set held_level='DEBUG'"),
        (
            "",
            "held_level='DEBUG'",
            "held_level=DEBUG has no effect: this handler ships from NOTSET on",
        ),
    ],
)
def test_levels_that_leave_nothing_to_hold_are_reported_once(before, options, words, program):
    """One line says what is wrong with the levels, and what to set."""
    done = program(DIAGNOSTIC.format(before=before), options=options)

    assert done.err.count("cxlogging: ") == 1
    assert words in done.err


@pytest.mark.parametrize(
    ("before", "options"),
    [
        ("", ""),
        ("", "held_level='DEBUG', level='INFO'"),
        ("logging.getLogger('shop.orders').setLevel('DEBUG'); log.setLevel('ERROR')", ""),
        ("log.setLevel('WARNING')", "hold=False"),
        ("log.removeHandler(handler); logging.root.addHandler(handler)", ""),
    ],
)
def test_levels_that_let_records_through_are_not_reported(before, options, program):
    """Nothing is said where a logger below creates such records, or the handler holds nothing."""
    done = program(DIAGNOSTIC.format(before=before), options=options)

    assert done.err == ""


# Bounds.


def test_hold_bytes_bounds_all_scopes(attach):
    """The scope that adds gives up its own oldest; where it has none, the new record goes."""
    shop = attach(hold_bytes=3_000)
    scopes = [contextvars.copy_context() for _ in range(2)]
    held = [each.run(lambda: Hold(RULES).open()) for each in scopes]
    for number in range(20):
        scopes[0].run(shop.log.info, "first %d", number)
    kept = held[0].count
    scopes[1].run(shop.log.info, "second %s", "x" * 2_000)
    assert (held[0].count, held[1].count) == (kept, 0)
    assert 0 < held[0].bytes <= 3_000
    scopes[1].run(shop.log.error, "e")
    scopes[0].run(held[0].release)

    marker, error, other, *records = shop.shipped()
    assert "the 1 oldest records" in marker
    assert error == "e"
    assert f"the {20 - kept} oldest records" in other
    assert records == [f"first {number}" for number in range(20 - kept, 20)]
    assert shop.stats.discarded_by_reason == {"full": 21 - kept}


def test_a_full_handler_costs_another_nothing(attach, make, log):
    """hold_bytes of one handler evicts only what is held for it."""
    shop = attach(hold_bytes=1_000)
    other = make("betterstack")
    log.addHandler(other)
    with cxlogging.hold():
        for number in range(20):
            log.info("%d", number)
        log.error("e")

    assert other.flush(10)
    assert [each["message"] for each in shop.server.events("betterstack")] == [
        *map(str, range(20)),
        "e",
    ]
    assert shop.stats.discarded > 10


def test_a_record_larger_than_the_scope_is_discarded(attach):
    """It is counted as full, and a release says that it is missing."""
    shop = attach()
    with cxlogging.hold(max_bytes=1_000):
        shop.log.info("x" * 5_000)
        shop.log.error("e")

    marker, error = shop.shipped()
    assert ("the 1 oldest records" in marker, error) == (True, "e")


def test_what_was_evicted_from_an_inner_scope_is_reported_by_the_outer(attach):
    """A clean inner scope hands over its count of evicted records too."""
    shop = attach()
    with cxlogging.hold():
        with cxlogging.hold(max_bytes=1_000):
            for number in range(10):
                shop.log.info("%d", number)
        shop.log.error("e")

    marker, *others = shop.shipped()
    assert f"the {11 - len(others)} oldest records" in marker
    assert others[-1] == "e"


def test_a_clean_scope_says_nothing_of_what_was_evicted(attach):
    """Without a release there is no marker."""
    shop = attach()
    with cxlogging.hold(max_bytes=1_000):
        for number in range(10):
            shop.log.info("%d", number)

    assert shop.shipped() == []
    assert shop.stats.discarded == 10


# Neighbours.


def test_held_records_take_no_number_of_the_sequence(attach):
    """Discarded records leave no gap in the ids of those that ship at once."""
    shop = attach(sequence=True)
    shop.log.info("1")
    with cxlogging.hold():
        shop.log.info("held")
        shop.log.warning("2")
    with cxlogging.hold():
        shop.log.info("released")
        shop.log.error("3")
        shop.log.info("4")

    shop.shipped()
    ids = {each["message"]: each["data"].get("cx_seq") for each in shop.server.events()}
    assert ids.pop("released") is None
    assert [each.rpartition("-")[2] for each in ids.values()] == ["1", "2", "3", "4"]


def test_samplers_are_not_asked_about_released_records(attach):
    """What a scope releases, and what follows, ships whatever the samplers say."""
    shop = attach(sample_rate=lambda record: 0)
    shop.log.info("sampled")
    with cxlogging.hold():
        shop.log.info("held")
        shop.log.warning("sampled")
        shop.log.error("e")
        shop.log.info("after")

    assert shop.shipped() == ["held", "e", "after"]
    assert (shop.stats.sampled, shop.stats.offered) == (2, 5)


def test_a_failing_release_at_is_reported_once(program):
    """One line on stderr names the option and the exception; the application goes on."""
    done = program(
        """
        for _ in range(2):
            with cxlogging.hold(release_at=lambda record: {}["no"]):
                log.info("i")
                log.error("e")
        """
    )

    assert done.err.count("release_at of cxlogging.hold failed: KeyError") == 1


def test_a_release_at_that_is_interrupted_lets_the_interruption_out(attach):
    """KeyboardInterrupt in the callable reaches the application."""
    shop = attach()

    def interrupted(record: logging.LogRecord) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), cxlogging.hold(release_at=interrupted):
        shop.log.info("i")


def test_records_behind_a_queue_are_outside_of_the_scope(attach, log):
    """The scope belongs to who logs: a listener, and other processes' records, are in none."""
    shop = attach()
    log.handlers.clear()
    records: queue.Queue[logging.LogRecord] = queue.Queue()
    log.addHandler(cxlogging.ContextQueueHandler(records))
    log.info("queued")
    foreign = logging.makeLogRecord({"msg": "of another process", "process": 1, "levelno": 20})
    with cxlogging.hold():
        shop.handler.handle(records.get())
        shop.handler.handle(foreign)

    assert shop.shipped() == ["queued", "of another process"]


def test_a_record_of_unknown_process_is_held(attach, monkeypatch):
    """With logging.logProcesses switched off, records are held as well."""
    monkeypatch.setattr(logging, "logProcesses", False)
    shop = attach()
    with cxlogging.hold():
        shop.log.info("i")

    assert shop.outcomes() == (0, 1, 0)


def test_an_odd_level_counts_as_an_error(attach):
    """A record whose level is no number ships, and releases."""
    shop = attach()
    record = shop.log.makeRecord("shop", 20, "shop.py", 1, "odd", None, None)
    record.levelno = "INFO"
    with cxlogging.hold():
        shop.log.info("i")
        shop.handler.handle(record)

    assert shop.shipped() == ["i", "odd"]


def test_an_odd_level_beside_a_budget(attach):
    """Such a record is whole, and within the budget as an error is."""
    shop = attach(budget="1 event/day")
    record = shop.log.makeRecord("shop", 20, "shop.py", 1, "odd", None, None)
    record.levelno = "INFO"
    with cxlogging.hold():
        shop.handler.handle(record)
        shop.handler.handle(record)

    assert shop.shipped() == ["odd", "odd"]
    assert "cx_error" not in str(shop.server.events())


def test_without_a_key_records_are_dropped_as_ever(log, monkeypatch):
    """A handler that cannot send holds nothing: what it takes is counted as dropped."""
    monkeypatch.delenv("CXLOGGING_URL", raising=False)
    handler = cxlogging.HoneycombHandler(level="INFO", held_level="DEBUG", on_error=len)
    log.addHandler(handler)
    with cxlogging.hold() as held:
        log.debug("d")
        log.info("i")
        assert held.count == 0

    assert (handler.stats().dropped, handler.stats().held) == (1, 0)
    handler.close()


def test_a_disabled_handler_counts_only(log, monkeypatch, make):
    """With CXLOGGING_DISABLED a handler holds nothing."""
    monkeypatch.setenv("CXLOGGING_DISABLED", "1")
    handler = make()
    log.addHandler(handler)
    with cxlogging.hold() as held:
        log.info("i")
        assert held.count == 0

    assert handler.stats().suppressed == 1


def test_what_is_logged_while_a_message_is_formatted_is_held_too(attach):
    """A value whose __str__ logs, at any level, neither deadlocks nor is lost."""
    shop = attach()

    class Loud:
        is_silent = False  # whatever else formats the message

        def __str__(self) -> str:
            if not self.is_silent:
                self.is_silent = True
                shop.log.info("inner")
                shop.log.error("e")
            return "loud"

    with cxlogging.hold():
        shop.log.info("first")
        shop.log.info("%s", Loud())

    assert shop.shipped() == ["first", "inner", "e", "loud"]


@pytest.mark.parametrize(
    ("end", "ships"),
    [(Hold.release, True), (Hold.close, False), (lambda held: held.close(failed=True), True)],
    ids=["release", "close", "failed"],
)
def test_a_scope_that_changes_during_a_log_call_gets_its_record(end, ships, attach):
    """A record that is being formatted while its scope is released or closed goes the same way."""
    shop = attach()
    scope = Hold(RULES).open()

    class Ending:
        def __str__(self) -> str:
            end(scope)
            return "text"

    shop.log.info("first")
    # Past the logger, as others would format the message before.
    shop.handler.handle(shop.log.makeRecord("shop", 20, "f.py", 1, "%s", (Ending(),), None))
    scope.close()

    assert shop.shipped() == (["first", "text"] if ships else [])
    assert shop.outcomes() == ((2, 0, 0) if ships else (0, 2, 0))


def test_volume_counts_what_was_held_back(attach):
    """A held record counts as an event once it is released, else as held back."""
    shop = attach()
    for fails in (False, True):
        with cxlogging.hold():
            shop.log.info("order %d", 1)
            if fails:
                shop.log.error("e")
            assert sum(row.events for row in shop.handler.volume()) == (2 if fails else 0)

    rows = {row.level: row for row in shop.handler.volume()}
    assert (rows["INFO"].events, rows["INFO"].held_back) == (1, 1)
    assert rows["INFO"].bytes > 100


def test_a_handler_that_is_gone_still_ships_what_it_held(server, log, make):
    """The handler is removed and collected in the scope; the release delivers."""
    handler = cxlogging.HoneycombHandler("key", dataset="shop", url=server.url)
    log.addHandler(handler)
    with cxlogging.hold():
        log.info("i")
        log.handlers.clear()
        del handler
        held = cxlogging.current_hold()
        assert held is not None
        held.release()

    assert cxlogging.flush_all(10)
    assert [event["message"] for event in server.events()] == ["i"]


def test_scopes_do_not_leak_into_pool_threads(attach):
    """A pool's threads keep nothing of a scope that was open when they were started."""
    shop = attach()
    with ThreadPoolExecutor(1) as pool:
        with cxlogging.hold():
            pool.submit(shop.log.info, "in a pool").result()
        pool.submit(shop.log.info, "after").result()

    assert shop.shipped() == ["in a pool", "after"]


def test_current_hold_is_none_outside(attach):
    """Before, after, and in a bare thread there is no scope."""
    seen = []
    assert cxlogging.current_hold() is None
    with cxlogging.hold():
        thread = threading.Thread(target=lambda: seen.append(cxlogging.current_hold()))
        thread.start()
        thread.join()

    assert seen == [None]
    assert cxlogging.current_hold() is None


def test_every_handler_takes_the_options():
    """The three vendors' handlers take level, held_level, hold_bytes and hold."""
    options = {"held_level": "DEBUG", "hold_bytes": "1MiB", "hold": True, "level": "INFO"}
    for vendor in VENDORS:
        handler = make_handler(vendor, url="http://127.0.0.1:9", **options)
        assert "in a hold DEBUG" in repr(handler)
        handler.close()


def test_handlers_that_no_scope_has_seen_can_be_collected(server):
    """Configuring logging again and again keeps nothing of the earlier handlers alive."""
    handler = cxlogging.BetterStackHandler("key", url=server.url)
    handler.close()
    gone = weakref.finalize(handler.delivery, list)
    del handler
    gc.collect()

    assert not gone.alive
