"""
Text from logs without characters that act on whoever shows it.

Log data is not trusted: a control character in it could move a terminal's cursor, change the
direction of a text, or hide a part of it.
"""

from __future__ import annotations

import re

CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""C0, DEL, C1, bidirectional controls, line separators, invisible characters, surrogates."""


def safe(text: str) -> str:
    """Return *text* with control characters as Python escapes."""
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)
