from __future__ import annotations

import itertools
import linecache
import os
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import pytest
from hypothesis import given, settings

from cxlogging.handlers.exceptions.tracebacks import Tracebacks

from .programs import Falsy, Ring, Silent, function, programs, raised_by, raised_in


def standard(error: BaseException, trace: TracebackType | None = None) -> str:
    """Return the text as the standard library formats it."""
    return "".join(traceback.format_exception(type(error), error, trace or error.__traceback__))


def ours(error: BaseException, by: Tracebacks | None = None) -> str:
    return (by or Tracebacks()).format(error, error.__traceback__)


def assembled(error: BaseException) -> str:
    """Return the text, assembled from cached frames."""
    return Tracebacks().assemble(error, error.__traceback__)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="module")
def shared():
    """Tracebacks that all examples share; their clock advances two seconds each time."""
    seconds = itertools.count(0, 2)
    return Tracebacks(lambda: float(next(seconds)))


@settings(max_examples=300, deadline=None)
@given(plan=programs)
def test_the_text_is_that_of_the_standard_library(plan, folder, shared):
    """Whatever is raised, the text is the same byte for byte, also the second time."""
    error = raised_by(plan, folder)

    first = ours(error, shared)
    expected = standard(error)

    assert first == expected
    assert ours(error, shared) == expected


def class_of(**attributes: object) -> type[Exception]:
    return type("Own", (Exception,), attributes)


def failing(self):
    raise ZeroDivisionError


class Text(str):
    __slots__ = ()

    def __str__(self):
        return "another"

    def __format__(self, form):
        return "a third"


ODD_CLASSES = {
    "no module": {"__module__": None},
    "a number for a module": {"__module__": 5},
    "the main module": {"__module__": "__main__"},
    "a text of its own": {"__str__": lambda self: Text("text")},
    "no text": {"__str__": lambda self: 5},
    "an empty text": {"__str__": lambda self: ""},
    "many lines": {"__str__": lambda self: "a\nb\r\n\n"},
    "half a character": {"__str__": lambda self: "\udc80"},
    "a text that fails": {"__str__": failing},
    "recursion in its text": {"__str__": lambda self: f"{self}"},
    "an exit in its text": {"__str__": lambda self: sys.exit(3)},
    "false": {"__bool__": lambda self: False},
    "length 0": {"__len__": lambda self: 0},
    "a truth that fails": {"__bool__": failing},
    "notes that fail": {"__notes__": property(failing)},
    "notes that are a text": {"__notes__": "abc"},
    "notes that are bytes": {"__notes__": b"abc"},
    "notes that are a number": {"__notes__": 5},
    "no notes": {"__notes__": []},
    "a note that fails": {"__notes__": [Silent(), "x"]},
    "a cause that fails": {"__cause__": property(failing)},
    "a cause that is none": {"__cause__": property(lambda self: 5)},
    "a class that fails": {"__class__": property(failing)},
    "a cause on the side": {"__cause__": property(lambda self: ValueError("made"))},
}


def outcome(make):
    """Return what *make* returns, or the type of the exception that it raises."""
    try:
        return make()
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("attributes", ODD_CLASSES.values(), ids=ODD_CLASSES)
@pytest.mark.parametrize("kind", ["alone", "outer", "inner"])
def test_an_odd_exception_is_printed_alike(attributes, kind):
    """Exceptions with unusual attributes are printed, or fail, as in the standard library."""
    error = class_of(**attributes)("x")
    if kind == "outer":
        error.__context__ = ValueError("x")
    if kind == "inner":
        error, inner = KeyError(), error
        error.__context__ = inner

    assert outcome(lambda: ours(error)) == outcome(lambda: standard(error))


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        KeyError("a\nb"),
        OSError(2, "No such file", "f"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        StopIteration(5),
        SyntaxError("m", ("f.py", 3, 5, "x = = 1\n", 3, 6)),
        SyntaxError(),
        NameError("name 'value' is not defined", name="value"),
        NameError("name 'json' is not defined", name="json"),
        AttributeError("x", name="apend", obj=[]),
        ImportError("x", name="os", path="p"),
        ModuleNotFoundError("No module named 'osx'", name="osx"),
        GeneratorExit(),
        Ring(),
        Falsy(),
    ],
    ids=repr,
)
def test_an_exception_without_a_traceback_is_printed_alike(error):
    """An exception that was never raised, as exc_info may be, is printed alike."""
    assert ours(error) == standard(error)


def test_a_traceback_made_by_hand_is_printed_alike():
    """Tracebacks with arbitrary lines and instructions, as template engines make, are printed."""
    whole = raised_in(lambda: [each / 0 for each in range(3)]).__traceback__
    assert whole is not None
    by = Tracebacks()
    for place in range(-1, len(whole.tb_frame.f_code.co_code), 2):
        for line in (-1, 5, 7):
            trace = TracebackType(whole, whole.tb_frame, place, line)

            assert by.format(ValueError("x"), trace) == standard(ValueError("x"), trace)


def test_tracebacklimit_is_honoured():
    """While sys.tracebacklimit is set, the standard library formats exceptions."""
    error = raised_in(lambda: [each / 0 for each in range(3)])
    by = Tracebacks()
    before = ours(error, by)
    sys.tracebacklimit = 1
    try:
        limited = ours(error, by)
        assert limited == standard(error)
    finally:
        del sys.tracebacklimit

    assert limited != before == ours(error, by)


def test_a_patched_standard_library_is_honoured(monkeypatch):
    """A patch of `traceback` or `linecache` takes effect here at once."""
    error = raised_in(lambda: 1 / 0)
    by = Tracebacks()
    before = ours(error, by)
    with monkeypatch.context() as patch:
        patch.setattr(traceback.TracebackException, "format", lambda self, **_: ["patched"])
        assert ours(error, by) == "patched"
    with monkeypatch.context() as patch:
        patch.setattr(linecache, "getlines", lambda *_: ["patched\n"] * 10_000)
        assert "patched" in ours(error, by) == standard(error)

    assert ours(error, by) == before


def test_formatting_inside_formatting_works():
    """An exception whose __str__ formats another exception is printed."""
    by = Tracebacks()
    inner = raised_in(lambda: 1 / 0)

    class LoggingError(Exception):
        def __str__(self) -> str:
            return by.format(inner, inner.__traceback__)

    error = raised_in(lambda: function_raising(LoggingError()))
    assert ours(error, by) == standard(error)


def function_raising(error: BaseException) -> None:
    raise error


def test_threads_print_alike(folder):
    """Threads that format many exceptions at the same time each get the right text."""
    by = Tracebacks()
    begin = threading.Barrier(8)

    def work(number: int) -> list[str]:
        begin.wait()
        wrong = []
        for each in range(150):
            body = "\n" * (each % 7) + f"return {each} / 0"
            made = function("string", f"f{number}", body, {}, folder)
            for error in (raised_in(lambda made=made: made(0)), raised_in(lambda: echo_of(3))):
                text = ours(error, by)
                wrong += [text] if text != standard(error) else []
        return wrong

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [[]] * 8


def echo_of(depth: int) -> int:
    return echo_of(depth - 1) if depth else 1 // 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_prints_alike():
    """The child of a fork uses the cache of its parent."""
    by = Tracebacks()
    error = raised_in(lambda: echo_of(2))
    ours(error, by)
    child = os.fork()
    if child == 0:
        os._exit(0 if ours(error, by) == standard(error) else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


SCRIPT = """
import sys, traceback
from cxlogging.handlers.exceptions.tracebacks import Tracebacks

def inner(x):
    return [x][0] + 1 / x

try:
    (inner)(
        0)
except ZeroDivisionError as error:
    by = Tracebacks()
    texts = {by.assemble(error, error.__traceback__) for _ in range(2)}
    sys.exit(texts != {"".join(traceback.format_exception(error))} or "inner" not in texts.pop())
"""


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        ([], {}),
        (["-X", "no_debug_ranges"], {}),
        (["-OO"], {}),
        ([], {"FORCE_COLOR": "1", "PYTHON_COLORS": "1"}),
    ],
)
@pytest.mark.parametrize("way", ["-c", "-", "file"])
def test_every_way_to_run_python_prints_alike(options, environment, way, tmp_path):
    """Code from -c, standard input and a file is printed alike, with any option of Python."""
    (tmp_path / "script.py").write_text(SCRIPT)
    how = {"-c": ["-c", SCRIPT], "-": ["-"], "file": [str(tmp_path / "script.py")]}[way]

    done = subprocess.run(
        [sys.executable, *options, *how],
        input=SCRIPT if way == "-" else "",
        env={**os.environ, **environment},
        text=True,
        check=False,
    )

    assert done.returncode == 0


UNPATCHED = """
import sys
sys.excepthook = lambda *error: sys.__excepthook__(*error)
import pytest
sys.exit(pytest.main(["-p", "no:cacheprovider", *sys.argv[1:]]))
"""
"""exceptiongroup does not patch `traceback` if it finds a custom sys.excepthook."""


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="nothing patches traceback here")
def test_the_other_tests_pass_with_an_unpatched_traceback():
    """On Python 3.10 they run in a process whose pytest does not patch `traceback`."""
    folder = Path(__file__).parent
    files = [str(folder / name) for name in ("test_assembled.py", "test_frame_cache.py")]
    files.append(f"{__file__}::test_the_text_is_that_of_the_standard_library")

    done = subprocess.run(
        [sys.executable, "-c", UNPATCHED, *files],
        cwd=folder.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
    assert done.returncode == 0, done.stdout
