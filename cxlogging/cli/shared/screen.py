"""Output for terminals: colours if they are wanted, and control characters escaped."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from typing import TextIO

from ...printable import CONTROL
from ...printable import safe as safe  # noqa: PLC0414 - commands take it from here

_STYLES = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}


def safe_json(text: str) -> str:
    """Return a JSON text with control characters as JSON escapes."""
    return CONTROL.sub(_json_escape, text)


def _json_escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def prepare(stream: TextIO) -> None:
    """Make *stream* write characters that its encoding lacks as escapes."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def is_coloured(stream: TextIO, setting: str = "auto") -> bool:
    """
    Return whether to write colours to *stream*.

    Args:
        stream: The output.
        setting: ``"always"``, ``"never"``, or ``"auto"``: https://no-color.org, then
            ``FORCE_COLOR`` or ``CLICOLOR_FORCE``, then whether it is a terminal.
    """
    if setting != "auto":
        return setting == "always"
    if os.environ.get("NO_COLOR"):
        return False
    forced = (os.environ.get(name, "") for name in ("FORCE_COLOR", "CLICOLOR_FORCE"))
    if any(value not in {"", "0"} for value in forced):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def symbol(character: str, fallback: str) -> str:
    """Return *character*, or *fallback* if the encoding of stdout lacks it."""
    try:
        character.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return fallback
    return character


def painted(text: str, *styles: str) -> str:
    """Return *text* with the escape codes of *styles*."""
    codes = ";".join(_STYLES[style] for style in styles)
    return f"\x1b[{codes}m{text}\x1b[0m" if codes and text else text


def complain(sentence: str) -> None:
    """Print an error on stderr; further lines, such as a caret's, keep their columns."""
    lines = [safe(line.replace("\t", "    ")) for line in sentence.split("\n")]
    word = painted("error:", "red", "bold") if is_coloured(sys.stderr) else "error:"
    _print_stderr("\n".join([f"{word} {lines[0]}", *lines[1:]]))


def note(sentence: str) -> None:
    """Print a note on stderr."""
    shown = safe(sentence)
    _print_stderr(painted(shown, "yellow") if is_coloured(sys.stderr) else shown)


def _print_stderr(text: str) -> None:
    # If stderr cannot be written, the command still writes its data to stdout.
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
