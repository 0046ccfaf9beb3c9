from __future__ import annotations

import gc
import sys
import threading
import traceback
import weakref
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import pytest

from cxlogging.handlers.exceptions.frames import CHECKED_EVERY, RENEWED_EVERY
from cxlogging.handlers.exceptions.stacks import MOST_CHARACTERS, MOST_DEPTH, MOST_STACKS
from cxlogging.handlers.exceptions.tracebacks import Tracebacks

from .programs import function, raised_in, unpatched

pytestmark = unpatched


def standard(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def ours(error: BaseException, by: Tracebacks) -> str:
    return by.assembled(error, error.__traceback__)


def made(body: str, folder, name: str = "made", home: str = "file"):
    return function(home, name, body, {}, folder)


@pytest.fixture
def by():
    return Tracebacks(lambda: 100.0)


def spoil_frames(by: Tracebacks) -> None:
    """Make a text that comes from the kept frames tell of it."""
    for frame in by.stacks.frames._frames.values():
        frame.text = "from a frame\n"


def errors_of(fails, count: int) -> list[BaseException]:
    """Return exceptions that were all raised at the same place."""
    return [raised_in(lambda number=number: fails(number)) for number in range(count)]


def test_a_stack_that_comes_again_is_one_look_up(by, tmp_path):
    """The second exception from the same place is printed without its frames, with its message."""
    first, second = errors_of(made("raise ValueError(x)", tmp_path), 2)
    ours(first, by)
    spoil_frames(by)

    assert ours(second, by) == standard(second)
    assert "ValueError: 1\n" in ours(second, by)
    assert len(by.stacks) == 1


def test_another_line_or_another_depth_is_another_stack(by, tmp_path):
    """Stacks that differ in one instruction, or in how deep a function is, are told apart."""
    fails = made("if x > 0: return made(x - 1)\nif x < -1: return 1 / 0\nreturn [][x]", tmp_path)
    errors = [raised_in(lambda number=number: fails(number)) for number in range(-3, 9)]

    for _ in range(2):
        assert [ours(error, by) for error in errors] == [standard(error) for error in errors]
    assert len(by.stacks) == 10


def test_a_stack_that_is_part_of_another_is_its_own(by, tmp_path):
    """The same exception with less of its traceback is another stack."""
    (error,) = errors_of(made("return 1 / 0", tmp_path), 1)
    ours(error, by)
    error.__traceback__ = error.__traceback__.tb_next

    assert ours(error, by) == standard(error)


def test_a_line_that_the_traceback_tells_is_not_taken_for_the_code_s(by, tmp_path):
    """Tracebacks of another making share code and instruction, and have lines of their own."""
    (error,) = errors_of(made("return 1 / 0", tmp_path), 1)
    ours(error, by)
    trace = error.__traceback__
    for place in (trace.tb_lasti, -1):
        for line in (1, 2, 1, 7):
            error.__traceback__ = TracebackType(None, trace.tb_frame, place, line)
            assert ours(error, by) == standard(error)


def test_a_stack_goes_with_its_code(by, tmp_path):
    """A function that is dropped is gone, and all stacks with it, before another is printed."""
    (other,) = errors_of(made("return 1 / 0", tmp_path, "other"), 1)
    fails = made("return 1 / 0", tmp_path)
    code = weakref.ref(fails.__code__)
    ours(errors_of(fails, 1)[0], by)
    kept = by.stacks._kept
    del fails
    gc.collect()

    assert code() is None
    assert ours(other, by) == standard(other)
    assert by.stacks._kept is not kept
    assert len(by.stacks) == 1


def test_code_at_the_same_address_is_another(by, tmp_path):
    """Of functions that come and go at one place in memory, each stack is its own."""
    addresses = set()
    for number in range(300):
        fails = made(f"return {number} / (x - x)", tmp_path, home="string")
        addresses.add(id(fails.__code__))
        (error,) = errors_of(fails, 1)
        assert ours(error, by) == standard(error) == ours(error, by)
        del fails, error

    gc.collect()
    ours(raised_in(lambda: 1 / 0), by)
    assert len(addresses) < 300
    assert len(by.stacks) == 1


def test_code_of_many_threads_at_the_same_address_is_another(by, tmp_path):
    """Threads whose functions take each other's place in memory print each its own line."""
    begin = threading.Barrier(4)

    def work(thread: int) -> list[str]:
        begin.wait()
        wrong = []
        for number in range(200):
            body = "\n" * (number % 7) + "raise ValueError(x)"
            fails = made(body, tmp_path, f"made{thread}", "string")
            for error in errors_of(fails, 2):
                text = ours(error, by)
                wrong += [text] if text != standard(error) else []
        return wrong

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(work, range(4))) == [[]] * 4
    finally:
        sys.setswitchinterval(interval)


def test_stacks_are_bounded_in_number(by, tmp_path):
    """Of more stacks than are kept, the last are."""
    fails = made("return made(x - 1) if x else [].pop()", tmp_path)
    functions = [made("return next(x)", tmp_path, f"f{number}") for number in range(20)]
    for each in functions:
        each.__globals__["next"] = fails
        for error in errors_of(each, 20):
            assert ours(error, by) == standard(error)
            assert 0 < len(by.stacks) <= MOST_STACKS

    assert len(by.stacks) == 20 * 20 % MOST_STACKS


def test_a_long_stack_is_not_kept(by, tmp_path):
    """Many characters, or many frames, are put together anew each time."""
    line = "1 / 0 + " + " + ".join(["1"] * 400)
    wide = made(f"if x % 2:\n    return made(x - 1)\nreturn made(x - 1) if x else {line}", tmp_path)
    deep = made("return made(x - 1) if x else 1 / 0", tmp_path, home="string")
    errors = [raised_in(lambda: wide(20)), raised_in(lambda: deep(MOST_DEPTH))]

    assert [ours(error, by) for error in errors] == [standard(error) for error in errors]
    assert len(by.stacks) == 0


def test_what_is_kept_is_bounded_in_characters(by, tmp_path):
    """No stack that is kept is longer than its bound."""
    for length in range(100, 900, 100):
        fails = made(f"return made(x - 1) if x else 1 / 0 + {'1' * length}", tmp_path, f"m{length}")
        fails.__globals__["made"] = fails
        for error in errors_of(fails, 12):
            ours(error, by)

    kept = [len(stack.text) for stack in by.stacks._kept.stacks.values()]
    assert kept
    assert max(kept) <= MOST_CHARACTERS


def test_a_lame_text_lives_for_ten_minutes_at_most(tmp_path):
    """A stack whose frames were drawn in want of memory is renewed as they are."""
    now = [100.0]
    by = Tracebacks(lambda: now[0])
    (error,) = errors_of(made("return 1 / 0", tmp_path), 1)
    by.stacks.frames.stack(error.__traceback__, now[0])
    spoil_frames(by)

    seen = []
    for _ in range(int(RENEWED_EVERY) + 2):
        now[0] += CHECKED_EVERY
        seen.append(ours(error, by))
    assert seen[0] != standard(error)
    assert seen[-1] == standard(error)


def test_the_stacks_of_a_chain_are_kept_too(by, tmp_path):
    """Each exception of a chain has its stack."""
    inner, outer = errors_of(made("raise ValueError(x)", tmp_path), 2)
    outer.__cause__ = inner
    text = ours(outer, by)
    spoil_frames(by)

    assert ours(outer, by) == text == standard(outer)


def test_nothing_is_kept_where_none_is_wanted(tmp_path):
    """Without room for stacks, texts are put together from frames."""
    by = Tracebacks(lambda: 100.0, 0)
    first, second = errors_of(made("return 1 / 0", tmp_path), 2)

    assert ours(first, by) == standard(second) == ours(second, by)
    assert len(by.stacks) == 0
