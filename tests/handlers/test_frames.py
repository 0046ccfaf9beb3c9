from __future__ import annotations

import contextlib
import functools
import gc
import importlib.util
import linecache
import py_compile
import sys
import traceback
import weakref
import zipfile

import pytest

from cxlogging.handlers.exceptions.frames import (
    CHECKED_EVERY,
    MOST_CHARACTERS,
    MOST_FRAMES,
    RENEWED_EVERY,
    Source,
)
from cxlogging.handlers.exceptions.stacks import MOST_STACKS
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


@pytest.fixture(params=[0, MOST_STACKS], ids=["frames", "stacks"])
def by(clock, request):
    """Without whole stacks, so that every text is put together, and with them."""
    return Tracebacks(clock, request.param)


@pytest.fixture
def frames_alone(clock):
    return Tracebacks(clock, 0)


def standard(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def ours(error: BaseException, by: Tracebacks) -> str:
    return by.assembled(error, error.__traceback__)


def kept(by: Tracebacks) -> int:
    return len(by.stacks.frames._frames)


def failing(path, name="failing"):
    """Return a function of a file that divides by zero."""
    path.write_text(f"def {name}():\n    return 1 / 0  # first\n")
    space = {"__name__": name}
    exec(compile(path.read_text(), str(path), "exec"), space)
    return space[name]


def test_a_text_is_drawn_once(by, tmp_path):
    """The second time, nothing is read: not even a source that is gone."""
    error = raised_in(failing(tmp_path / "shop.py"))
    first = ours(error, by)
    count = kept(by)
    (tmp_path / "shop.py").unlink()

    assert "# first" in first == ours(error, by)
    assert kept(by) == count


def test_a_change_on_disk_is_seen_within_a_second(by, clock, tmp_path):
    """A source that changes shows as the standard library shows it, at most a second later."""
    error = raised_in(failing(tmp_path / "shop.py"))
    first = ours(error, by)
    (tmp_path / "shop.py").write_text("def failing():\n    return 1 / 0  # second, and longer\n")

    clock.now += CHECKED_EVERY * 0.9
    assert ours(error, by) == first
    clock.now += CHECKED_EVERY * 0.2
    assert "# second" in ours(error, by) == standard(error)


def test_a_change_that_linecache_knows_of_is_seen_at_once(by, tmp_path):
    """What anyone else prints meanwhile is what is printed here."""
    error = raised_in(failing(tmp_path / "shop.py"))
    ours(error, by)
    (tmp_path / "shop.py").write_text("def failing():\n    return 1 / 0  # second, and longer\n")

    assert "# second" in standard(error) == ours(error, by)
    drawn = list(by.stacks.frames._frames.values())
    ours(error, by)
    assert list(by.stacks.frames._frames.values()) == drawn
    linecache.clearcache()
    assert ours(error, by) == standard(error)


def test_a_file_that_goes_and_comes_is_seen(by, clock, tmp_path):
    """A source that disappears is shown no longer, and shown again when it is back."""
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
    """Code without a file shows its source from when `linecache` is told of it."""
    space: dict = {}
    exec(compile("def made():\n    return 1 / 0\n", "<made up>", "exec"), space)
    error = raised_in(space["made"])
    assert "return 1 / 0" not in ours(error, by)

    source = "def made():\n    return 1 / 0\n"
    linecache.cache["<made up>"] = (len(source), None, source.splitlines(True), "<made up>")
    assert "return 1 / 0" in ours(error, by) == standard(error)
    del linecache.cache["<made up>"]
    assert "return 1 / 0" not in ours(error, by) == standard(error)


def test_texts_are_renewed(frames_alone, clock, tmp_path):
    """A text that was drawn without its marks, in want of memory, lives for ten minutes at most."""
    by = frames_alone
    error = raised_in(failing(tmp_path / "shop.py"))
    right = ours(error, by)
    for frame in by.stacks.frames._frames.values():
        frame.text = "lame\n"

    seen = []
    for _ in range(int(RENEWED_EVERY) + 2):
        clock.now += 1
        seen.append(ours(error, by))
    assert seen[0] != right
    assert seen[-1] == right


def test_code_of_the_same_address_is_another(by, tmp_path):
    """Functions that come and go at one place in memory print each its own line."""
    for number in range(300):
        made = function("string", "made", "\n" * (number % 50) + "return 1 / 0", {}, tmp_path)
        error = raised_in(lambda made=made: made(0))

        assert ours(error, by) == standard(error)


def test_a_text_is_given_for_its_own_code_alone(frames_alone, tmp_path):
    """What was kept for another code at this address is not given."""
    by = frames_alone
    first = raised_in(failing(tmp_path / "a.py", "first"))
    second = raised_in(failing(tmp_path / "b.py", "second"))
    text = ours(second, by)
    frames = by.stacks.frames._frames
    keys = list(frames)
    ours(first, by)
    strangers = [frame for key, frame in frames.items() if key not in keys]
    for key in keys:
        frames[key] = strangers[-1]

    assert ours(second, by) == text


def test_code_is_not_kept_alive(by, tmp_path):
    """A function that is dropped is gone, and its text with it."""
    made = function("string", "made", "return 1 / 0", {}, tmp_path)
    code = weakref.ref(made.__code__)
    ours(raised_in(functools.partial(made, 0)), by)
    most = kept(by)
    del made
    gc.collect()

    assert code() is None
    assert kept(by) < most


def test_code_made_in_a_loop_is_forgotten(by, tmp_path):
    """Thousands of functions that come and go leave nothing."""
    for _ in range(3 * MOST_FRAMES):
        made = function("string", "made", "return 1 / 0", {}, tmp_path)
        ours(raised_in(lambda made=made: made(0)), by)
    gc.collect()

    assert kept(by) < 10
    assert len(by.stacks.frames._sources) < 10


def test_memory_is_bounded(by, tmp_path):
    """Of more functions than are kept, the last are, and their sources."""
    functions = []
    for number in range(MOST_FRAMES + 10):
        functions.append(function("missing", f"f{number}", "return 1 / 0", {}, tmp_path))
        error = raised_in(lambda: functions[-1](0))
        assert ours(error, by) == standard(error)
        assert kept(by) <= MOST_FRAMES
    gc.collect()

    assert len(by.stacks.frames._sources) < 100


def test_a_source_that_changed_is_not_kept(by, tmp_path):
    """The lines that `linecache` has dropped are dropped here too, once it is noticed."""
    path = tmp_path / "shop.py"
    error = raised_in(failing(path))
    ours(error, by)
    entry = linecache.cache[str(path)]
    still_in_use = list(by.stacks.frames._frames.values())
    linecache.clearcache()
    ours(error, by)

    assert len(still_in_use) > 1
    assert not [each for each in gc.get_referrers(entry) if isinstance(each, Source)]


def test_a_huge_line_is_not_kept(by, tmp_path):
    """The text of a line of a megabyte is drawn anew each time."""
    made = function("file", "made", f"return 1 / 0 + {'1' * 1_000_000!r}", {}, tmp_path)
    error = raised_in(lambda: made(0))

    assert ours(error, by) == standard(error) == ours(error, by)
    assert all(len(frame.text) <= MOST_CHARACTERS for frame in by.stacks.frames._frames.values())


def at_depth(depth: int, work):
    return work() if depth <= 0 else at_depth(depth - 1, work)


def test_what_is_drawn_at_the_end_of_the_stack_is_not_kept(tmp_path):
    """A text whose marks are missing, as there was no room to find them, is shown once at most."""
    made = function("file", "made", "return x + [1][x + 5] + 2", {}, tmp_path)
    error = raised_in(lambda: made(0))
    right = standard(error)
    lame = 0
    for depth in range(sys.getrecursionlimit() - 300, sys.getrecursionlimit()):
        by = Tracebacks()
        with contextlib.suppress(RecursionError):
            lame += at_depth(depth, lambda by=by: by.format(error, error.__traceback__)) != right

        assert ours(error, by) == right
    # Other versions have no marks, or fail rather than leave them out.
    assert lame > 0 or sys.version_info[:2] != (3, 11)


def test_a_module_of_an_archive_shows_its_source(by, tmp_path, monkeypatch):
    """Its loader is asked, as by the standard library."""
    with zipfile.ZipFile(tmp_path / "shop.zip", "w") as archive:
        archive.writestr("zipped_shop.py", "def sell():\n    return 1 / 0  # sold\n")
    monkeypatch.syspath_prepend(str(tmp_path / "shop.zip"))
    import zipped_shop

    error = raised_in(zipped_shop.sell)
    text = ours(error, by)

    assert "# sold" in text == standard(error) == ours(error, by)


def test_a_module_without_its_source_shows_none(by, tmp_path):
    """Compiled code is all that some deployments have."""
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


def test_a_frame_s_loader_is_known_to_the_frame_above(by):
    """Of two frames of one file, the second may be the one that knows where its source is."""
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
