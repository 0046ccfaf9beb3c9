"""
Texts of answers: bounded, and without characters that hide or act.

What was logged is data. It is shown in quotes, or in lines that begin with a bar, so that it cannot
be taken for a part of the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..printable import safe

BAR = "| "
_WORD = re.compile(r"[A-Za-z0-9_.:/@+-]{1,100}")
_WIDEST = 500
"""Characters of a line of a block."""


def quoted(text: str, limit: int = 300) -> str:
    """Return *text* in quotes, of at most *limit* characters, and how many are missing."""
    shown = safe(json.dumps(text[:limit], ensure_ascii=False))
    return f"{shown}{_missing(len(text) - limit)}"


def counted(number: int, noun: str) -> str:
    """Return *number* and the noun, in the plural where that is needed."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def word(text: str) -> str:
    """Return a name as it is where it is an ordinary one, else in quotes."""
    return text if _WORD.fullmatch(text) else quoted(text, 100)


def compact(value: Any, limit: int = 300) -> str:
    """Return *value* as compact JSON of at most *limit* characters, and how many are missing."""
    text = safe(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str))
    return f"{text[:limit]}{_missing(len(text) - limit)}"


def block(text: str, limit: int) -> str:
    """
    Return the lines of *text*, each behind a bar, in at most about *limit* characters.

    Lines are left out in the middle, where a traceback has the least to say.
    """
    lines = [_line(each) for each in text.replace("\r\n", "\n").strip("\n").split("\n")]
    if sum(len(each) + 1 for each in lines) <= limit:
        return "\n".join(lines)
    head = _fitting(lines, limit // 4)
    tail = _fitting(lines[len(head) :][::-1], limit - limit // 4)[::-1]
    missing = len(lines) - len(head) - len(tail)
    note = f"({missing:,} lines left out)" if missing else ""
    return "\n".join([*head, *filter(None, [note]), *tail])


def slice_of(text: str, offset: int, limit: int) -> tuple[str, int]:
    """Return the lines of *text* from *offset*, at most *limit* characters, and where they end."""
    end = min(len(text), offset + limit)
    while True:
        shown = "\n".join(BAR + safe(each) for each in text[offset:end].split("\n"))
        if len(shown) <= limit or end - offset <= 1:
            return shown, end
        end = offset + max(1, (end - offset) * limit // (len(shown) + 1))


def fitting(blocks: Sequence[str], budget: int) -> list[str]:
    """Return as many of *blocks* as *budget* characters hold, the first one always."""
    return _fitting(blocks, budget) or [each[:budget] for each in blocks[:1]]


def joined(parts: Iterable[str], budget: int) -> str:
    """Return the lines of *parts*; whatever they are, of at most *budget* characters."""
    text = "\n".join(part for part in parts if part)
    return text if len(text) <= budget else f"{text[: budget - 20].rstrip()}\n(cut here)"


def _fitting(blocks: Sequence[str], budget: int) -> list[str]:
    count = 0
    for each in blocks:
        budget -= len(each) + 1
        if budget < 0:
            break
        count += 1
    return list(blocks[:count])


def _line(text: str) -> str:
    shown = safe(text[:_WIDEST].replace("\t", "    "))
    return f"{BAR}{shown}{_missing(len(text) - _WIDEST)}"


def _missing(count: int) -> str:
    return f"… (+{count:,} characters)" if count > 0 else ""
