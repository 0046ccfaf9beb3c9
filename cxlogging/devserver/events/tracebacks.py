"""
Tracebacks as Python prints them, split into frames and the text between them.

The text between frames are the headings, the messages of exceptions, the sentences that join an
exception to its cause or context, and the frames of exception groups (PEP 654), whose lines begin
with a margin of ``|``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

MAX_FRAMES = 1_000
"""Frames of one traceback; what follows them is one text."""

_FRAME = re.compile(r'(?P<margin>[ |]*)File "(?P<file>.+)", line (?P<line>\d{1,9})(?:, in (.*))?')
_LIBRARY = re.compile(
    r"[\\/](?:site|dist)-packages[\\/]"
    r"|[\\/]lib(?:64)?[\\/](?:python|pypy)\d(?:\.\d+)?t?[\\/]"
    r"|[\\/]python\d*(?:\.\d+)?[\\/]lib[\\/]"
    r"|^<frozen ",
    re.IGNORECASE,
)

Part = dict[str, Any]


def parts_of(text: str) -> list[Part]:
    """
    Return the parts of a traceback, in order.

    A frame is ``{"kind": "frame", "file", "line", "function", "code", "library", "depth"}``: its
    lines of code without their indentation, whether its file belongs to Python or to an installed
    package, and in how many exception groups it is. Everything else is
    ``{"kind": "text", "text"}``.
    """
    parts: list[Part] = []
    waiting: list[str] = []
    for part in _each(text.replace("\r\n", "\n").strip("\n").split("\n")):
        if isinstance(part, str):
            waiting.append(part)
            continue
        if waiting:
            parts.append({"kind": "text", "text": "\n".join(waiting)})
            waiting = []
        parts.append(part)
    if waiting:
        parts.append({"kind": "text", "text": "\n".join(waiting)})
    return parts


def raised_at(traces: Sequence[str]) -> str:
    """
    Return where the exception of an event was raised, as ``file:line function``.

    It is the last frame of the application in the first of *traces*, else its last frame; empty
    where there is none.
    """
    parts = parts_of(traces[0]) if traces else []
    frames = [each for each in parts if each["kind"] == "frame"]
    own = [each for each in frames if not each["library"]]
    for frame in (own or frames)[-1:]:
        return f"{frame['file']}:{frame['line']} {frame['function']}".rstrip()
    return ""


def is_library(file: str) -> bool:
    """Return whether *file* belongs to Python itself or to an installed package."""
    return _LIBRARY.search(file) is not None


def _each(lines: list[str]) -> Iterator[Part | str]:
    """Yield the frames of *lines*, and every other line as it is."""
    at, frames = 0, 0
    while at < len(lines):
        line = lines[at]
        at += 1
        found = _frame_line(line) if frames < MAX_FRAMES else None
        if found is None:
            yield line
            continue
        frames += 1
        margin = found["margin"]
        code: list[str] = []
        while (
            at < len(lines) and lines[at].startswith(f"{margin}  ") and not _frame_line(lines[at])
        ):
            code.append(lines[at][len(margin) :])
            at += 1
        yield _frame(found, code)


def _frame_line(line: str) -> re.Match[str] | None:
    if not line.lstrip(" |").startswith('File "'):
        return None
    return _FRAME.fullmatch(line)


def _frame(found: re.Match[str], code: list[str]) -> Part:
    indent = min((len(line) - len(line.lstrip()) for line in code if line.strip()), default=0)
    return {
        "kind": "frame",
        "file": found["file"],
        "line": int(found["line"]),
        "function": found[4] or "",
        "code": [line[indent:] for line in code],
        "library": is_library(found["file"]),
        # The margin of each inner group is two columns further to the right.
        "depth": max(0, found["margin"].find("|")) // 2,
    }
