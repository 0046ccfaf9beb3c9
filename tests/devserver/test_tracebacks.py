"""Tracebacks, split into frames and the text between them."""

from __future__ import annotations

import json
import sys
import traceback

import pytest

from cxlogging.devserver.events.tracebacks import is_library, parts_of, raised_at


def failing(depth):
    if depth:
        return failing(depth - 1)
    raise ValueError("first\nsecond")


def raised(error, cause=None):
    if cause is None:
        raise error
    raise error from cause


def text_of(raise_it):
    try:
        raise_it()
    except Exception:
        return traceback.format_exc()


def frames(text):
    return [part for part in parts_of(text) if part["kind"] == "frame"]


def texts(text):
    return [part["text"] for part in parts_of(text) if part["kind"] == "text"]


def test_frames_have_their_place_and_their_code():
    """A frame has file, line, function and code without indentation; the rest is text."""
    text = text_of(lambda: failing(1))
    first, *_, last = frames(text)
    assert (first["file"], first["function"]) == (__file__, "text_of")
    assert first["code"][0] == "raise_it()"
    assert last["code"] == ['raise ValueError("first\\nsecond")']
    assert last["line"] > 1
    assert not last["library"]
    assert texts(text) == ["Traceback (most recent call last):", "ValueError: first\nsecond"]


def test_an_exception_is_raised_in_the_application():
    """The last frame of the application counts, else the last frame of all; none is empty."""
    failed = text_of(lambda: json.loads("{"))
    assert raised_at([failed]) == f"{__file__}:{frames(failed)[1]['line']} <lambda>"
    assert raised_at(['File "/lib/python3.11/json/x.py", line 7, in f']).endswith("x.py:7 f")
    assert raised_at(["E: m"]) == raised_at([]) == ""


def test_causes_are_text_between_frames():
    """The sentences that join an exception to its cause and its context are in the text."""

    def raise_it():
        try:
            json.loads("{")
        except ValueError as error:
            try:
                raised(KeyError("a"), error)
            except KeyError:
                raised(TypeError("b"))

    found = parts_of(text_of(raise_it))
    joined = "\n".join(part["text"] for part in found if part["kind"] == "text")
    assert "The above exception was the direct cause of the following exception:" in joined
    assert "During handling of the above exception, another exception occurred:" in joined
    libraries = [part["file"] for part in found if part["kind"] == "frame" and part["library"]]
    assert libraries
    assert all("json" in each for each in libraries)
    assert "TypeError: b" in found[-1]["text"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with Python 3.11")
def test_groups_have_frames_at_a_depth():
    """Frames of exception groups have no margin, and know how deep they are; borders are text."""

    def raise_it():
        errors = []
        for depth in (0, 1):
            try:
                failing(depth)
            except ValueError as error:
                errors.append(error)
        try:
            raised(ExceptionGroup("inner", errors))  # noqa: F821
        except ExceptionGroup as error:  # noqa: F821
            raise ExceptionGroup("outer", [error, TypeError("t")]) from None  # noqa: F821

    text = text_of(raise_it)
    found = frames(text)
    assert {frame["depth"] for frame in found} == {1, 2, 3}
    assert all("|" not in line for frame in found for line in frame["code"])
    assert found[-1]["code"] == ['raise ValueError("first\\nsecond")']
    borders = "\n".join(texts(text))
    assert "+-+---------------- 1 ----------------" in borders
    assert "ExceptionGroup: inner (2 sub-exceptions)" in borders


@pytest.mark.parametrize(
    ("file", "library"),
    [
        ("/srv/shop/pay.py", False),
        ("/srv/shop/.venv/lib/python3.12/site-packages/flask/app.py", True),
        ("/usr/lib/python3/dist-packages/requests/api.py", True),
        ("/usr/lib/python3.13t/asyncio/base_events.py", True),
        ("/usr/lib64/pypy3.10/json/__init__.py", True),
        (r"C:\Python312\Lib\json\decoder.py", True),
        (r"C:\shop\.venv\Lib\site-packages\django\x.py", True),
        ("<frozen importlib._bootstrap>", True),
        ("/home/lib/python/app.py", False),
        ("<string>", False),
    ],
)
def test_files_of_libraries_are_told_from_those_of_the_application(file, library):
    """Installed packages, the standard library and frozen modules are libraries."""
    assert is_library(file) is library


def test_a_syntax_error_has_a_frame_without_a_function():
    """The place of a syntax error is a frame, its caret is code."""
    text = "  File \"x.py\", line 3\n    x = (\n        ^\nSyntaxError: '(' was never closed"
    frame, message = parts_of(text)
    assert (frame["line"], frame["function"]) == (3, "")
    assert frame["code"] == ["x = (", "    ^"]
    assert message["text"].startswith("SyntaxError")


@pytest.mark.parametrize(
    "text",
    [
        "", "\n\n", "java.lang.X: y\n\tat a.b(C.java:3)", 'File "x", line 5, in f', "| | |",
        '  File "' + "x" * 1_000_000, "\r\n\r\n\ud800\u2028", '  File "a", line ' + "9" * 400,
    ],
)  # fmt: skip
def test_other_texts_are_text(text):
    """What is no traceback of Python stays as it is, line by line."""
    found = parts_of(text)
    assert "\n".join(part.get("text", "") for part in found).split() == [
        word for word in text.split() if found[0]["kind"] == "text"
    ]


def test_a_huge_traceback_is_cut_into_a_thousand_frames():
    """Frames after the thousandth are one text, and nothing is lost."""
    lines = [f'  File "a.py", line {n}, in f\n    f()' for n in range(1, 5_001)]
    found = parts_of("\n".join(lines))
    assert len(found) == 1_001
    assert found[-1]["text"].count("File") == 4_000
