"""What the tests of the journal share: a process on a fake machine, driven step by step."""

from __future__ import annotations

import _thread
import itertools
from collections import Counter

from cxlogging.delivery.clock import Clocks
from cxlogging.delivery.delivery import Delivery
from cxlogging.delivery.journal.journal import Journal
from cxlogging.delivery.journal.reading import RECENT_BYTES
from cxlogging.delivery.journal.spool import DestinationDir
from cxlogging.delivery.options import Options
from cxlogging.delivery.process.registry import unregister
from cxlogging.delivery.process.state import own_thread
from cxlogging.delivery.queue.memory import MemoryQueue
from tests.fakes import LIMITS, Lines, Network
from tests.journal.fakedisk import FakeDisk, Machine

PATH = "/spool"
INFO = 20


class HandClock:
    """A clock that moves only when a test moves it."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.clock = Clocks(lambda: self.now, lambda: self.now, lambda: 0.5)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


class Process:
    """
    A journal by itself, in a process of a fake machine or on the real disk.

    Attributes:
        lost: Levels of the records that it gave up.
    """

    def __init__(
        self,
        disk,
        path=PATH,
        segment_bytes=400,
        time=None,
        identity=Lines.identity,
        recent_bytes=RECENT_BYTES,
        **options,
    ):
        self.disk = disk
        self.time = time or HandClock()
        self.lost: list[int] = []
        self.lock = _thread.RLock()
        self.spool = DestinationDir(str(path), identity, disk)
        self.options = Options.parse({"spool": str(path), **options})
        self.make = lambda: Journal(
            self.spool,
            self.options,
            self.time.clock,
            self.lost.append,
            self.lock,
            disk=disk,
            segment_bytes=segment_bytes,
            recent_bytes=recent_bytes,
        )
        self.journal = self.make()

    def put(self, *items: bytes, level: int = INFO) -> list[bool]:
        return [self.journal.put((level, item, 0)) for item in items]

    def take(self, count=1_000, size=10**9) -> list[bytes]:
        """Take everything that waits, without settling it."""
        return [data for _, data, _ in self.take_items(count, size)]

    def take_items(self, count=1_000, size=10**9):
        return list(itertools.chain.from_iterable(iter(lambda: self.journal.take(count, size), [])))

    def drain(self, count=7) -> list[bytes]:
        """Take and settle everything that waits, also what ended processes left."""
        found: list[bytes] = []
        self.maintain()
        for source in (self.journal.take, self.journal.adopt):
            while items := source(count, 10**9):
                found += [data for _, data, _ in items]
                self.journal.settle(items)
        return found

    def maintain(self, seconds: float = 11.0) -> None:
        self.time.pass_by(seconds)
        self.journal.maintain(self.time.now)

    def said(self) -> list[str]:
        return [sentence for _, _, sentence in self.journal.notices]

    def end(self) -> None:
        """End the process as SIGKILL does."""
        self.disk.kill()


class CountingDisk(FakeDisk):
    """A disk that counts the bytes that are read."""

    count = 0

    def read(self, fd, size, offset):
        data = super().read(fd, size, offset)
        self.count += len(data)
        return data


class BusyDisk(CountingDisk):
    """A disk at which something happens before and after a write, as other threads cause it."""

    before = after = staticmethod(lambda: None)

    def write(self, fd, data):
        self.before()
        written = super().write(fd, data)
        self.after()
        return written


def process(machine: Machine, **options) -> Process:
    return Process(machine.process(), **options)


def recovered(machine: Machine, rounds: int = 20, **options) -> tuple[list[bytes], Process]:
    """Return what a process that starts on *machine* finds there, and the process."""
    successor = process(machine, **options)
    found: list[bytes] = []
    for _ in range(rounds):
        fresh = successor.drain()
        found += fresh
        if not fresh and not successor.journal.backlog:
            break
    successor.journal.release()
    return found, successor


def lines(count: int, prefix: bytes = b"") -> list[bytes]:
    return [prefix + b"%05d" % n for n in range(count)]


def counts(items: list[bytes]) -> Counter:
    return Counter(items)


class Inline(Delivery):
    """A delivery that starts no thread: a placeholder counts as its worker."""

    def _start_watching(self) -> None:
        self.workers._threads.append(None)
        super()._start_watching()


class Carrier:
    """A delivery whose worker is driven by the test, with a journal or in memory."""

    def __init__(
        self,
        network: Network,
        disk: FakeDisk | None,
        time: HandClock,
        limits=LIMITS,
        segment_bytes=400,
        path=PATH,
        recent_bytes=RECENT_BYTES,
        **options,
    ):
        self.disk = disk
        self.time = time
        self.said: list[str] = []
        given = {
            "compression": None,
            "flush_interval": 0,
            "concurrency": 1,
            "retry_initial": 1,
            "retry_maximum": 4,
            "on_error": self.said.append,
            **options,
        }
        if disk is not None:
            given["spool"] = str(path)
        parsed = Options.parse(given)
        lines = Lines(limits)

        def queue(clock, evicted, lock):
            if disk is None:
                return MemoryQueue(parsed, clock, evicted, lock)
            spool = DestinationDir(str(path), lines.identity, self.disk)
            return Journal(
                spool,
                parsed,
                clock,
                evicted,
                lock,
                disk=self.disk,
                segment_bytes=segment_bytes,
                recent_bytes=recent_bytes,
            )

        # Without the option no thread watches the spool.
        unwatched = parsed._replace(spool=None)
        self.delivery = Inline(
            lines, unwatched, transport=lambda: network, clock=time.clock, queue=queue
        )

    def put(self, item: bytes, level: int = INFO) -> None:
        self.delivery.put(level, item)

    def step(self) -> float:
        """Do one turn of a worker; return how long it would wait, or -1 if it ends."""
        with own_thread():
            wait = self.delivery.workers._step(30.0)
        if not self.delivery.workers._threads:
            self.delivery.workers._threads.append(None)
        return wait

    def work(self, turns: int = 200, patience: float = 1e6) -> None:
        """Take turns until nothing is left, advancing the clock by what a worker would wait."""
        for _ in range(turns):
            if not self.delivery.busy:
                return
            wait = self.step()
            self.time.pass_by(min(max(wait, 0.0), patience))

    def close(self) -> None:
        self.delivery.lane.close()
        self.step()

    def vanish(self) -> None:
        """End the process as SIGKILL does."""
        if self.disk is not None:
            self.disk.kill()
        unregister(self.delivery.workers)

    def stats(self):
        return self.delivery.stats()
