"""Threads and tasks that open, nest, release, discard and abandon scopes beside a faulty server."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import logging
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

import cxlogging
from cxlogging.delivery.ledger import count_of
from cxlogging.handlers.holding.scope import Hold

THREADS, TASKS, STEPS = 8, 200, 60

LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)


class ActorError(Exception):
    """What leaves a scope."""


class Actor:
    """
    Takes random steps in scopes of its own, and knows what must become of each record.

    Attributes:
        shipped: Keys of records that must ship, in the order of the scopes' records.
        discarded: How many must be discarded, by reason.
    """

    def __init__(self, name: str, log: logging.Logger, calls: Calls) -> None:
        self.chance = random.Random(name)
        self.name = name
        self.shipped: list[str] = []
        self.discarded: Counter[str] = Counter()
        self._log = log
        self._calls = calls
        self._number = itertools.count()
        self._scopes: list[Expected] = []

    def steps(self) -> Iterator[None]:
        """Take random steps; each pause is a chance for others."""
        for _ in range(STEPS):
            yield from self._step(0)
            yield

    def _step(self, depth: int) -> Iterator[None]:
        action = self.chance.random()
        if action < 0.2 and depth < 3:
            yield from self._scope(depth)
        elif action < 0.25 and self._scopes:
            self._scopes[-1].held.release()
            self._release(self._scopes[-1])
        elif action < 0.3 and self._scopes:
            scope = self._scopes[-1]
            scope.held.discard()
            if not scope.is_released:
                self.discarded["explicit"] += len(scope.keys)
                scope.keys.clear()
        elif action < 0.33:
            self._abandon()
        else:
            self._record()

    def _scope(self, depth: int) -> Iterator[None]:
        held = cxlogging.hold(max_bytes="64MiB")
        try:
            with held as scope:
                released = any(each.is_released for each in self._scopes)
                self._scopes.append(Expected(scope, released))
                for _ in range(self.chance.randrange(6)):
                    yield from self._step(depth + 1)
                    yield
                fail(self.chance.random() < 0.1)
                self._end(failed=False)
        except ActorError:
            self._end(failed=True)

    def _end(self, *, failed: bool) -> None:
        # Called inside of the scope where it ends cleanly: the calls are counted the same.
        scope = self._scopes.pop()
        if failed or scope.is_released:
            self._release(scope)
        elif not self._scopes:
            self.discarded["clean"] += len(scope.keys)
        elif self._scopes[-1].is_released:
            self.shipped += scope.keys
        else:
            self._scopes[-1].keys += scope.keys

    def _abandon(self) -> None:
        """Log in a scope that nobody will close: its context ends."""

        def run() -> None:
            cxlogging.hold().__enter__()
            self._call(logging.INFO)

        contextvars.Context().run(run)
        self.discarded["unreachable"] += 1

    def _record(self) -> None:
        level = self.chance.choices(LEVELS, (10, 10, 2, 0.3))[0]
        if not self._scopes and level == logging.DEBUG:
            self._log.debug("below the level outside of scopes")
            return
        key = self._call(level)
        released = [n for n, scope in enumerate(self._scopes) if scope.is_released]
        first = 0 if level == logging.ERROR else min(released, default=len(self._scopes))
        for scope in self._scopes[first:]:
            self._release(scope)
        if level < logging.WARNING and first == len(self._scopes) and self._scopes:
            self._scopes[-1].keys.append(key)
        else:
            self.shipped.append(key)

    def _call(self, level: int) -> str:
        key = f"{self.name}:{next(self._number)}"
        next(self._calls.begun)
        self._log.log(level, "%s", key)
        next(self._calls.done)
        return key

    def _release(self, scope: Expected) -> None:
        scope.is_released = True
        self.shipped += scope.keys
        scope.keys.clear()


def fail(fails: bool) -> None:
    if fails:
        raise ActorError


class Expected:
    """What a scope must hold."""

    def __init__(self, held: Hold, is_released: bool) -> None:
        self.held = held
        self.keys: list[str] = []
        self.is_released = is_released


class Calls:
    """How many log calls of records that a handler takes were begun, and are done."""

    def __init__(self) -> None:
        self.begun, self.done = itertools.count(), itertools.count()


def watch(handler, calls: Calls, over: threading.Event) -> list[str]:
    """Look at the ledger until *over*; return what was wrong."""
    wrong = []
    while not over.wait(0.0005):
        done = count_of(calls.done)
        stats = handler.stats()
        begun = count_of(calls.begun)
        if not done <= stats.offered <= begun or not stats.balanced or stats.held < 0:
            wrong.append(f"{done} <= {stats.offered} <= {begun}: {stats}")
    return wrong


def run_in_threads(actors: list[Actor]) -> list[threading.Thread]:
    def work(actor: Actor) -> None:
        for _ in actor.steps():
            pass

    return [threading.Thread(target=work, args=(each,)) for each in actors]


def run_in_tasks(actors: list[Actor]) -> threading.Thread:
    async def work(actor: Actor) -> None:
        for _ in actor.steps():
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*map(work, actors))

    return threading.Thread(target=lambda: asyncio.run(main()))


@pytest.fixture
def chaos(server, attach) -> Callable[..., tuple]:
    """Runs threads beside a server that may fail at random; looks at the ledger meanwhile."""

    def run(threads: list[threading.Thread], shop, calls: Calls, fails: bool) -> None:
        chance = random.Random(7)
        over, wrong = threading.Event(), []

        def look() -> None:
            wrong.extend(watch(shop.handler, calls, over))

        def harm() -> None:
            while not over.wait(0.02):
                status = chance.choice([500, 503, 429])
                server.faults.add(status=status, times=chance.randrange(1, 3), retry_after="0")

        beside = [threading.Thread(target=each) for each in (look, *([harm] if fails else []))]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            for each in (*beside, *threads):
                each.start()
            for each in threads:
                each.join()
        finally:
            over.set()
            for each in beside:
                each.join()
            sys.setswitchinterval(interval)
            server.faults.clear()
        assert wrong == []

    return run


QUICK = {"retry_initial": 0.01, "retry_maximum": 0.02, "flush_interval": 0.05}


FAILS = pytest.mark.parametrize("fails", [False, True], ids=["sound", "faulty"])
"""Whether the server fails: requests that are sent again may overtake others."""


@FAILS
def test_scopes_under_chaos(fails, waiting, chaos, attach):
    """
    Eight threads and 200 tasks: at every look each record is accepted, discarded or held; nothing
    held is shipped, nothing released is lost, and the order is kept.
    """
    shop = attach(**QUICK, **waiting)
    calls = Calls()
    actors = [Actor(f"t{each}", shop.log, calls) for each in range(THREADS)]
    tasks = [Actor(f"a{each}", shop.log, calls) for each in range(TASKS)]
    chaos([*run_in_threads(actors), run_in_tasks(tasks)], shop, calls, fails)

    everyone = actors + tasks
    arrived = shop.shipped()
    assert Counter(arrived) == Counter(key for each in everyone for key in each.shipped)
    if not fails:
        of_actor: dict[str, list[str]] = {each.name: [] for each in everyone}
        for key in arrived:
            of_actor[key.partition(":")[0]].append(key)
        assert of_actor == {each.name: each.shipped for each in everyone}
    expected = sum((each.discarded for each in everyone), Counter())
    assert shop.stats.discarded_by_reason == expected
    assert min(expected.values()) > 10
    assert len(arrived) > 1_000
    stats = shop.stats
    assert (stats.held, stats.offered) == (0, count_of(calls.begun))


class Family:
    """Threads that log in one scope, of which some outlive it."""

    def __init__(self, log: logging.Logger, calls: Calls) -> None:
        self._log = log
        self._calls = calls

    def live(self, name: str) -> None:
        """Open a scope, log in it from four threads, release it, and leave it to two of them."""
        with cxlogging.hold(max_bytes="64MiB") as held:
            threads = []
            for number in range(4):
                child = (self._child, f"{name}-{number}", number < 2)
                context = contextvars.copy_context()
                threads.append(threading.Thread(target=context.run, args=child))
                threads[-1].start()
            for each in threads[:2]:
                each.join()
            held.release()
        for each in threads[2:]:
            each.join()

    def _child(self, name: str, nests: bool) -> None:
        chance = random.Random(name)
        for number in range(40):
            if nests and chance.random() < 0.2:
                with cxlogging.hold():
                    self._call(logging.INFO, f"{name}:{number}")
            else:
                self._call(logging.INFO, f"{name}:{number}")
        self._call(logging.ERROR if name.endswith("-0") else logging.INFO, f"{name}:40")

    def _call(self, level: int, key: str) -> None:
        next(self._calls.begun)
        self._log.log(level, "%s", key)
        next(self._calls.done)


@FAILS
def test_a_scope_shared_by_threads_under_chaos(fails, waiting, chaos, attach):
    """Threads log in a scope while others release it, nest in it, close it: all ship, in order."""
    shop = attach(**QUICK, **waiting)
    calls = Calls()
    family = Family(shop.log, calls)

    def live(number: int) -> None:
        for generation in range(5):
            family.live(f"{number}.{generation}")

    chaos([threading.Thread(target=live, args=(each,)) for each in range(3)], shop, calls, fails)

    arrived = shop.shipped()
    assert len(arrived) == len(set(arrived)) == count_of(calls.begun) == 3 * 5 * 4 * 41
    stats = shop.stats
    assert (stats.accepted, stats.discarded, stats.held) == (len(arrived), 0, 0)
    of_thread: dict[str, list[int]] = {}
    for key in arrived:
        name, _, number = key.partition(":")
        of_thread.setdefault(name, []).append(int(number))
    assert fails or {name: n for name, n in of_thread.items() if n != sorted(n)} == {}
