"""The thread that looks for what other processes left: when it runs, and when it does not."""

from __future__ import annotations

import _thread
import contextlib
import threading

import pytest

from cxlogging.delivery.process.watcher import Watcher
from tests.faults.harness import until


class Bench:
    """A watcher that looks a hundred times a second."""

    def __init__(self, seconds: float = 0.01) -> None:
        self.needed = True
        self.looks = 0
        self.threads: set[int] = set()
        self.watcher = Watcher(lambda: self.needed, self._look, self._main, seconds)

    def _look(self) -> None:
        self.looks += 1

    @contextlib.contextmanager
    def _main(self):
        self.threads.add(_thread.get_ident())
        try:
            yield
        finally:
            self.threads.discard(_thread.get_ident())

    def end(self) -> None:
        self.needed = False
        self.watcher.check()
        until(lambda: not self.threads)


def test_it_looks_as_long_as_it_is_needed():
    """One thread looks again and again, ends when it is not needed, and starts again."""
    one = Bench()
    for _ in range(3):
        one.needed = True
        looks = one.looks
        assert one.watcher.start()
        assert one.watcher.start()
        until(lambda before=looks: one.looks > before + 2)
        assert len(one.threads) == 1
        one.end()
    assert not one.watcher.start()
    assert not one.threads


def test_it_leaves_at_once_when_it_is_not_needed():
    """
    A thread that would wait for an hour ends as soon as check() is called and it is
    not needed.
    """
    one = Bench(3600)
    one.watcher.start()
    until(lambda: one.threads)
    one.end()
    assert one.looks == 0


def test_many_start_it_at_once():
    """
    After eight threads have started and ended it over and over, one thread is left,
    and then none.
    """
    one = Bench(3600)

    def work():
        for _ in range(300):
            one.needed = True
            one.watcher.start()
            one.needed = False
            one.watcher.check()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    one.needed = True
    assert one.watcher.start()
    until(lambda: len(one.threads) == 1)
    one.end()


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
def test_a_thread_that_cannot_start_is_the_trouble(error, monkeypatch):
    """It is kept for a message, raises nothing, and the next start works."""
    one = Bench()

    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(_thread, "start_new_thread", fail)
        assert not one.watcher.start()
    assert one.watcher.trouble is error
    assert not one.watcher.is_running

    assert one.watcher.start()
    assert one.watcher.trouble is None
    one.end()


def test_what_a_signal_handler_raises_at_the_start_is_let_out(monkeypatch):
    """The thread can be started again afterwards."""
    one = Bench()

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_thread, "start_new_thread", interrupted)
        with pytest.raises(KeyboardInterrupt):
            one.watcher.start()

    assert one.watcher.start()
    one.end()
