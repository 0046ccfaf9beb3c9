from __future__ import annotations

import contextlib
import functools
import gc
import importlib.util
import linecache
import py_compile
import sys
import threading
import traceback
import weakref
import zipfile
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import pytest

from cxlogging.handlers.exceptions.frame_cache import (
    CHECK_INTERVAL,
    MAX_AGE,
    MAX_CHARACTERS,
    MAX_FRAMES,
    SourceFile,
)
from cxlogging.handlers.exceptions.tracebacks import Tracebacks

from .programs import Loader, function, loaded_by, raised_in, unpatched

pytestmark = unpatched


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def by(clock):
    return Tracebacks(clock)


def standard(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def ours(error: BaseException, by: Tracebacks) -> str:
    return by.assemble(error, error.__traceback__)


def cached(by: Tracebacks) -> int:
    return len(by.cache.frames)


def made(body: str, folder, name: str = "made", home: str = "file"):
    return function(home, name, body, {}, folder)


def errors_of(fails, count: int) -> list[BaseException]:
    """Return exceptions that were all raised at the same place."""
    return [raised_in(lambda number=number: fails(number)) for number in range(count)]


def failing(path, name="failing"):
    """Return a function of a file that divides by zero."""
    path.write_text(f"def {name}():\n    return 1 / 0  # first\n")
    space = {"__name__": name}
    exec(compile(path.read_text(), str(path), "exec"), space)
    return space[name]


def test_a_frame_is_formatted_once(by, tmp_path):
    """The second time no source file is read, even if it was deleted meanwhile."""
    error = raised_in(failing(tmp_path / "shop.py"))
    first = ours(error, by)
    count = cached(by)
    (tmp_path / "shop.py").unlink()

    assert "# first" in first == ours(error, by)
    assert cached(by) == count


def test_a_change_on_disk_is_seen_within_a_second(by, clock, tmp_path):
    """A changed source file is printed as the standard library prints it, after one second."""
    error = raised_in(failing(tmp_path / "shop.py"))
    first = ours(error, by)
    (tmp_path / "shop.py").write_text("def failing():\n    return 1 / 0  # second, and longer\n")

    clock.now += CHECK_INTERVAL * 0.9
    assert ours(error, by) == first
    clock.now += CHECK_INTERVAL * 0.2
    assert "# second" in ours(error, by) == standard(error)


def test_a_change_that_linecache_has_loaded_is_seen_at_once(by, tmp_path):
    """If other code has made `linecache` reload a file, the new source is printed at once."""
    error = raised_in(failing(tmp_path / "shop.py"))
    ours(error, by)
    (tmp_path / "shop.py").write_text("def failing():\n    return 1 / 0  # second, and longer\n")

    assert "# second" in standard(error) == ours(error, by)
    texts = list(by.cache.frames.values())
    ours(error, by)
    assert list(by.cache.frames.values()) == texts
    linecache.clearcache()
    assert ours(error, by) == standard(error)


def test_a_file_that_disappears_and_comes_back_is_seen(by, clock, tmp_path):
    """The source lines of a deleted file are not printed; once it is restored, they are."""
    error = raised_in(failing(tmp_path / "shop.py"))
    first = ours(error, by)
    (tmp_path / "shop.py").unlink()
    clock.now += 2
    without = ours(error, by)
    assert "# first" not in without == standard(error)

    failing(tmp_path / "shop.py")
    clock.now += 2
    assert ours(error, by) == first == standard(error)


def test_a_source_registered_later_is_seen_at_once(by, tmp_path):
    """Code without a file is printed with its source once `linecache` has an entry for it."""
    space: dict = {}
    exec(compile("def made():\n    return 1 / 0\n", "<made up>", "exec"), space)
    error = raised_in(space["made"])
    assert "return 1 / 0" not in ours(error, by)

    source = "def made():\n    return 1 / 0\n"
    linecache.cache["<made up>"] = (len(source), None, source.splitlines(True), "<made up>")
    assert "return 1 / 0" in ours(error, by) == standard(error)
    del linecache.cache["<made up>"]
    assert "return 1 / 0" not in ours(error, by) == standard(error)


def test_texts_expire(by, clock, tmp_path):
    """A text that was formatted without its carets, as memory was short, lives ten minutes."""
    error = raised_in(failing(tmp_path / "shop.py"))
    right = ours(error, by)
    for key, frame in by.cache.frames.items():
        by.cache.frames[key] = frame._replace(text="without carets\n")

    seen = []
    for _ in range(int(MAX_AGE) + 2):
        clock.now += 1
        seen.append(ours(error, by))
    assert seen[0] != right
    assert seen[-1] == right


def test_a_code_object_at_a_reused_address_has_its_own_text(by, tmp_path):
    """Functions created one after another at the same address each print their own line."""
    for number in range(300):
        fails = made("\n" * (number % 50) + "return 1 / 0", tmp_path, home="string")
        error = raised_in(lambda fails=fails: fails(0))

        assert ours(error, by) == standard(error)


def test_a_text_is_used_only_for_its_own_code(by, tmp_path):
    """A text that was cached for another code object at the same address is not used."""
    first = raised_in(failing(tmp_path / "a.py", "first"))
    second = raised_in(failing(tmp_path / "b.py", "second"))
    text = ours(second, by)
    frames = by.cache.frames
    keys = list(frames)
    ours(first, by)
    strangers = [frame for key, frame in frames.items() if key not in keys]
    for key in keys:
        frames[key] = strangers[-1]

    assert ours(second, by) == text


def test_code_is_not_kept_alive(by, tmp_path):
    """When a function is garbage collected, its text leaves the cache."""
    fails = made("return 1 / 0", tmp_path, home="string")
    code = weakref.ref(fails.__code__)
    ours(raised_in(functools.partial(fails, 0)), by)
    most = cached(by)
    del fails
    gc.collect()

    assert code() is None
    assert cached(by) < most


def test_code_created_in_a_loop_is_forgotten(by, tmp_path):
    """Thousands of short-lived functions leave nothing in the cache."""
    for _ in range(3 * MAX_FRAMES):
        fails = made("return 1 / 0", tmp_path, home="string")
        ours(raised_in(lambda fails=fails: fails(0)), by)
    gc.collect()

    assert cached(by) < 10
    assert len(by.cache.sources) < 10


def test_memory_is_bounded(by, tmp_path):
    """The cache never holds more frames than its limit, and only their source files."""
    functions = []
    for number in range(MAX_FRAMES + 10):
        functions.append(function("missing", f"f{number}", "return 1 / 0", {}, tmp_path))
        error = raised_in(lambda: functions[-1](0))
        assert ours(error, by) == standard(error)
        assert cached(by) <= MAX_FRAMES
    gc.collect()

    assert len(by.cache.sources) < 100


def test_the_lines_of_a_changed_source_are_released(by, tmp_path):
    """Lines that `linecache` has dropped are released when the change is noticed."""
    path = tmp_path / "shop.py"
    error = raised_in(failing(path))
    ours(error, by)
    entry = linecache.cache[str(path)]
    still_in_use = list(by.cache.frames.values())
    linecache.clearcache()
    ours(error, by)

    assert len(still_in_use) > 1
    assert not [each for each in gc.get_referrers(entry) if isinstance(each, SourceFile)]


def test_a_huge_line_is_not_cached(by, tmp_path):
    """The text of a line of one megabyte is formatted each time."""
    fails = made(f"return 1 / 0 + {'1' * 1_000_000!r}", tmp_path, home="file")
    error = raised_in(lambda: fails(0))

    assert ours(error, by) == standard(error) == ours(error, by)
    assert all(len(frame.text) <= MAX_CHARACTERS for frame in by.cache.frames.values())


def at_depth(depth: int, work):
    return work() if depth <= 0 else at_depth(depth - 1, work)


def test_texts_formatted_near_the_recursion_limit_are_not_cached(tmp_path):
    """A text that lacks its carets because the stack was nearly full is printed at most once."""
    fails = made("return x + [1][x + 5] + 2", tmp_path, home="file")
    error = raised_in(lambda: fails(0))
    right = standard(error)
    without_carets = 0
    for depth in range(sys.getrecursionlimit() - 300, sys.getrecursionlimit()):
        by = Tracebacks()
        with contextlib.suppress(RecursionError):
            without_carets += (
                at_depth(depth, lambda by=by: by.format(error, error.__traceback__)) != right
            )

        assert ours(error, by) == right
    # Other versions have no carets, or raise instead of omitting them.
    assert without_carets > 0 or sys.version_info[:2] != (3, 11)


def test_a_module_in_a_zip_file_shows_its_source(by, tmp_path, monkeypatch):
    """Its source comes from its loader, as in the standard library."""
    with zipfile.ZipFile(tmp_path / "shop.zip", "w") as archive:
        archive.writestr("zipped_shop.py", "def sell():\n    return 1 / 0  # sold\n")
    monkeypatch.syspath_prepend(str(tmp_path / "shop.zip"))
    import zipped_shop

    error = raised_in(zipped_shop.sell)
    text = ours(error, by)

    assert "# sold" in text == standard(error) == ours(error, by)


def test_a_module_without_source_shows_none(by, tmp_path):
    """A module that exists only as bytecode is printed without source lines."""
    source = tmp_path / "compiled.py"
    failing(source)
    compiled = py_compile.compile(str(source), str(tmp_path / "compiled.pyc"))
    source.unlink()
    spec = importlib.util.spec_from_file_location("compiled", compiled)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    error = raised_in(module.failing)

    assert "# first" not in ours(error, by) == standard(error) == ours(error, by)


def test_a_frame_uses_the_loader_of_a_later_frame(by):
    """If only the second of two frames of a file has a loader, both show their source."""
    source = "def outer(x):\n    return inner(x)\ndef inner(x):\n    return 1 / 0\n"
    code = compile(source, "/nowhere/shared_by_two.py", "exec")
    outer: dict = {}
    inner = loaded_by(Loader(source), "shared")
    exec(code, outer)
    exec(code, inner)
    outer["inner"] = inner["inner"]
    error = raised_in(lambda: outer["outer"](0))

    text = ours(error, by)
    linecache.clearcache()
    assert "return inner(x)" in text == standard(error)


def test_another_line_or_another_depth_is_another_text(by, tmp_path):
    """Stacks that differ in one instruction, or in the depth of the recursion, differ in text."""
    fails = made("if x > 0: return made(x - 1)\nif x < -1: return 1 / 0\nreturn [][x]", tmp_path)
    errors = [raised_in(lambda number=number: fails(number)) for number in range(-3, 9)]

    for _ in range(2):
        assert [ours(error, by) for error in errors] == [standard(error) for error in errors]


def test_a_part_of_a_traceback_is_printed_alike(by, tmp_path):
    """An exception whose traceback was shortened is printed without the frames that are gone."""
    (error,) = errors_of(made("return 1 / 0", tmp_path), 1)
    ours(error, by)
    error.__traceback__ = error.__traceback__.tb_next

    assert ours(error, by) == standard(error)


def test_the_line_number_of_a_traceback_object_counts(by, tmp_path):
    """Tracebacks made by hand share code and instruction, and have line numbers of their own."""
    (error,) = errors_of(made("return 1 / 0", tmp_path), 1)
    ours(error, by)
    trace = error.__traceback__
    for place in (trace.tb_lasti, -1):
        for line in (1, 2, 1, 7):
            error.__traceback__ = TracebackType(None, trace.tb_frame, place, line)
            assert ours(error, by) == standard(error)


def test_threads_whose_code_reuses_addresses_print_their_own_lines(by, tmp_path):
    """Functions that threads create at each other's old addresses each print their own line."""
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


def test_the_frames_of_a_chain_are_cached(by, tmp_path):
    """The frames of each exception of a chain come from the cache the second time."""
    inner, outer = errors_of(made("raise ValueError(x)", tmp_path), 2)
    outer.__cause__ = inner
    text = ours(outer, by)
    (tmp_path / "made.py").unlink()

    assert ours(outer, by) == text
