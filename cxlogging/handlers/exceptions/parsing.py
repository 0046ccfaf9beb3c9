"""Parses the printed text of an exception: its type, message, causes and group members."""

from __future__ import annotations

import builtins
import re
from typing import Any

from ...wire.sanitizing.truncation import strip_ansi

MAX_DEPTH = 5

RELATIONS = {
    "The above exception was the direct cause of the following exception:": "cause",
    "During handling of the above exception, another exception occurred:": "context",
}
"""The sentences between two exceptions of a chain."""

_HEADER = re.compile(r"(?:Exception Group )?Traceback\b.*")
_NAME = re.compile(
    r"(?P<name>[^\W\d]\w*(?:\.(?:[^\W\d]\w*|<locals>))*)(?:: (?P<message>.*)|:?)", re.DOTALL
)
_EXCEPTIONAL = re.compile(r".*(?:Error|Exception|Warning|Group|Traceback)", re.DOTALL)
QUOTES = '"""'
"""Encloses the traceback of another process in the message of an exception."""


def parse(text: str) -> dict[str, Any] | None:
    """
    Return ``type`` and ``message``, and if there are any, ``causes`` and ``exceptions``.

    The last exception of a chain is the one that was logged; those above it are its
    causes, beginning with the nearest. Notes cannot be distinguished from further lines
    of the message, and become part of it. Returns None if *text* is not an exception.
    """
    text = strip_ansi(text)
    if "Traceback" in text and text.partition("\n")[0].endswith("\r"):
        text = text.replace("\r\n", "\n")
    lines = text.removesuffix("\n").split("\n")
    return _chain(lines, MAX_DEPTH, indent=2)


def _chain(lines: list[str], depth: int, indent: int) -> dict[str, Any] | None:
    pieces, relations = _pieces(lines)
    found = _exception(pieces[-1], depth, indent)
    if found is None:
        return None
    causes = []
    for piece, relation in zip(reversed(pieces[:-1]), reversed(relations), strict=True):
        cause = _exception(piece, 0, indent)
        if cause is not None:
            causes.append({**cause, "relation": relation})
    members = found.pop("exceptions", None)
    if causes:
        found["causes"] = causes
    if members:
        found["exceptions"] = members
    return found


def _pieces(lines: list[str]) -> tuple[list[list[str]], list[str]]:
    """Return the lines of each exception of a chain, and the relation of each to the next."""
    pieces, relations, start, is_quoted = [], [], 0, False
    for number, line in enumerate(lines):
        if line == QUOTES:
            is_quoted = not is_quoted
        is_alone = 0 < number < len(lines) - 1 and lines[number - 1] == lines[number + 1] == ""
        if line in RELATIONS and is_alone and not is_quoted:
            pieces.append(lines[start : number - 1])
            relations.append(RELATIONS[line])
            start = number + 2
    return [*pieces, lines[start:]], relations


def _exception(lines: list[str], depth: int, indent: int) -> dict[str, Any] | None:
    """Return one exception of a chain, with its members down to *depth*."""
    while lines and not lines[0].strip():
        lines = lines[1:]
    members: list[list[str]] = []
    if lines and lines[0].startswith((f"{' ' * indent}+ ", f"{' ' * indent}| ")):
        lines, members = _group(lines, indent)
    found = _type_and_message(lines)
    if found is None or depth == 0:
        return found
    parsed = [_member(member, depth - 1, indent + 2) for member in members]
    exceptions = [member for member in parsed if member is not None]
    return {**found, "exceptions": exceptions} if exceptions else found


def _member(lines: list[str], depth: int, indent: int) -> dict[str, Any] | None:
    """Return one member of a group; its lines are indented and begin with a marker."""
    own, members = _group(lines, indent)
    found = _chain(own, 0, indent)
    if found is None:
        return None
    found.pop("causes", None)
    parsed = [_member(each, depth - 1, indent + 2) for each in members] if depth else []
    exceptions = [member for member in parsed if member is not None]
    return {**found, "exceptions": exceptions} if exceptions else found


def _group(lines: list[str], indent: int) -> tuple[list[str], list[list[str]]]:
    """Return the lines of a group without their markers, and those of each of its members."""
    begin, inner = " " * indent, " " * (indent + 2)
    own: list[str] = []
    members: list[list[str]] = []
    is_inside = False
    for line in lines:
        if line.startswith(f"{begin}+-+-"):
            members, is_inside = [[]], True
        elif is_inside and line.startswith(f"{inner}+--"):
            is_inside = line.strip("+- ") != ""
            members += [[]] if is_inside else []
        elif is_inside:
            members[-1].append(line)
        else:
            own.append(line[indent + 2 :])
            members = [] if own[-1] in RELATIONS else members
    return own, members


def _type_and_message(lines: list[str]) -> dict[str, Any] | None:
    """Return the type and the message, which follow the frames."""
    at = _first_frame(lines)
    while any(
        line.startswith("  ") for line in lines[at : at + (2 if lines[at : at + 1] == [""] else 1)]
    ):
        at += 1
    found = _NAME.fullmatch("\n".join(lines[at:]))
    if found is None:
        return None
    return {"type": found["name"], "message": found["message"] or ""}


def _first_frame(lines: list[str]) -> int:
    """Return the index of the first frame, or of the last line if there are no frames."""
    if not lines or lines[0].startswith("  "):
        return 0
    if _HEADER.fullmatch(lines[0]):
        return 1
    headers = (number for number, line in enumerate(lines) if _HEADER.fullmatch(line))
    header = next(headers, None)
    if header is not None and QUOTES not in lines[:header]:
        return header + 1
    name = lines[0].partition(":")[0]
    is_exception = isinstance(getattr(builtins, name, None), type) and issubclass(
        getattr(builtins, name), BaseException
    )
    is_named = is_exception or "." in name or _EXCEPTIONAL.fullmatch(name)
    return 0 if is_named and " " not in name else len(lines)
