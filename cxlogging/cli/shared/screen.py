"""
What a terminal is shown: colours where they are wanted, and no character that steers it.

Log data is written by strangers: a control character in it could move the
cursor, rename the window or turn the reading direction.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from typing import TextIO

_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""C0, DEL, C1, what turns the direction, line ends, what shows as nothing, lone surrogates."""

_STYLES = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}


def safe(text: str) -> str:
    """Return *text* with every steering character as its Python escape."""
    return _STEERING.sub(lambda found: ascii(found[0])[1:-1], text)


def safe_json(text: str) -> str:
    """Return a JSON text without steering characters; it means the same."""
    return _STEERING.sub(_json_escape, text)


def _json_escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def prepare(stream: TextIO) -> None:
    """Have *stream* write whatever it is given: what its encoding lacks as an escape."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def is_coloured(stream: TextIO, wish: str = "auto") -> bool:
    """
    Return whether to write colours to *stream*.

    Args:
        stream: Where to.
        wish: ``"always"``, ``"never"``, or ``"auto"``: https://no-color.org, then
            ``FORCE_COLOR`` or ``CLICOLOR_FORCE``, then whether it is a terminal.
    """
    if wish != "auto":
        return wish == "always"
    if os.environ.get("NO_COLOR"):
        return False
    wishes = (os.environ.get(name, "") for name in ("FORCE_COLOR", "CLICOLOR_FORCE"))
    if any(wished not in {"", "0"} for wished in wishes):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def mark(sign: str, plain: str) -> str:
    """Return *sign*, or *plain* where stdout's encoding has no such character."""
    try:
        sign.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return plain
    return sign


def painted(text: str, *styles: str) -> str:
    """Return *text* in the named styles."""
    codes = ";".join(_STYLES[style] for style in styles)
    return f"\x1b[{codes}m{text}\x1b[0m" if codes and text else text


def complain(sentence: str) -> None:
    """Say what is wrong, on stderr; a caret stays below its line."""
    lines = [safe(line.replace("\t", "    ")) for line in sentence.split("\n")]
    word = painted("error:", "red", "bold") if is_coloured(sys.stderr) else "error:"
    _say("\n".join([f"{word} {lines[0]}", *lines[1:]]))


def note(sentence: str) -> None:
    """Say something beside the data, on stderr."""
    shown = safe(sentence)
    _say(painted(shown, "yellow") if is_coloured(sys.stderr) else shown)


def _say(text: str) -> None:
    # Where stderr cannot be written, nobody can be told: the data on stdout go on.
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
