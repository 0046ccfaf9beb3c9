"""Plain words in the place of a filter: a search for a text."""

from __future__ import annotations

import re

_TEXT = re.compile(r"[\w\s.,:;?/#@-]*\w[\w\s.,:;?/#@-]*")
"""Words and punctuation of messages, without what conditions are made of."""

_NAMES_A_FIELD = re.compile(r"(?:source|from|filter|f|where|block)\s", re.IGNORECASE)
"""Commands that may be followed by words alone."""


def is_text(expression: str) -> bool:
    """Return True for words without an operator, a quote or ``$``: no condition is one."""
    return bool(_TEXT.fullmatch(expression)) and not _NAMES_A_FIELD.match(f"{expression} ")
