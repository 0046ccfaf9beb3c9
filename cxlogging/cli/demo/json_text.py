"""
JSON for a terminal: short lines are filled, what is small stays on one line.

A text of several lines stands in lines of its own, as a person reads an exception.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..shared.log_lines import safe_line

INDENT = "  "


def pretty(value: dict[str, Any], width: int, height: int, *, ascii_only: bool = False) -> str:
    """
    Return *value* as JSON in lines of at most *width* where that is possible.

    Args:
        value: An object.
        width: Longer texts are cut, with three dots.
        height: At most so many lines; what is too much is counted in the middle.
        ascii_only: Escape all other characters.
    """
    lines = list(_lines(value, width, INDENT, ascii_only=ascii_only))
    room = height - 2
    if len(lines) > room:
        # An event's own fields come first or last: both ends are worth showing.
        head, tail = room - 1 - room // 3, len(lines) - room // 3
        lines[head:tail] = [f"{INDENT}... {tail - head} more lines ..."]
    return "\n".join(["{", *lines, "}"])


def _lines(value: dict[str, Any], width: int, indent: str, *, ascii_only: bool) -> Iterator[str]:
    line = ""
    for number, (name, held) in enumerate(value.items(), 1):
        comma = "," if number < len(value) else ""
        text = f"{_dump(name, ascii_only)}: {_dump(held, ascii_only)}{comma}"
        room = width - len(indent)
        if line and len(line) + 1 + len(text) > room:
            yield indent + line
            line = ""
        if isinstance(held, str) and "\n" in held:
            if line:
                yield indent + line
                line = ""
            yield f"{indent}{_dump(name, ascii_only)}:"
            for each in held.strip("\n").split("\n"):
                yield _cut(f"{indent}{INDENT}| {safe_line(each)}", width, ascii_only)
        elif len(text) <= room:
            line = f"{line} {text}".lstrip()
        elif isinstance(held, dict):
            yield f"{indent}{_dump(name, ascii_only)}: {{"
            yield from _lines(held, width, indent + INDENT, ascii_only=ascii_only)
            yield f"{indent}}}{comma}"
        else:
            ending = f'..."{comma}' if isinstance(held, str) else f"...{comma}"
            yield indent + text[: room - len(ending)].rstrip("\\") + ending
    if line:
        yield indent + line


def _cut(line: str, width: int, ascii_only: bool) -> str:
    if ascii_only:
        line = line.encode("ascii", "backslashreplace").decode()
    return line if len(line) <= width else f"{line[: width - 3]}..."


def _dump(value: object, ascii_only: bool) -> str:
    return json.dumps(value, ensure_ascii=ascii_only, default=str)
