"""Formatters that only print what are fields already, and stacks that formatters append."""

from __future__ import annotations

import logging
import re
import string
from collections.abc import Iterable, Iterator
from typing import Any

from ..wire.sanitizing.truncation import strip_ansi
from .extras import STANDARD

COLORS = (
    r"(?:\w*_)?(?:log_color|reset|black|red|green|yellow|blue|purple|magenta|cyan|white|bold|thin)"
)
KNOWN_FORMATTERS = {
    "colorlog.formatter.ColoredFormatter": COLORS,
    "colorlog.formatter.LevelFormatter": COLORS,
    "coloredlogs.ColoredFormatter": "hostname|programname|username",
    "uvicorn.logging.ColourizedFormatter": "levelprefix",
    "uvicorn.logging.DefaultFormatter": "levelprefix",
    "uvicorn.logging.AccessFormatter": "levelprefix|client_addr|request_line|status_code",
    "tornado.log.LogFormatter": "color|end_color",
    "django.utils.log.ServerFormatter": "server_time",
    "celery.utils.log.ColorFormatter": "",
    "click_log.core.ColorFormatter": "",
}
"""Formatters that override ``format`` only for colours: by class, a pattern for their names."""

LABELS = frozenset(
    "level levelname lvl severity time timestamp asctime date ts msg message logger log name pid"
    " process tid thread threadname task module file filename line lineno func function at in on"
    " utc z".split()
)
"""Words in a format that only label the value next to them."""

_PERCENT = re.compile(r"%\((\w+)\)([#0+ -]*(?:\*|\d+)?)(\.(?:\*|\d+))?[a-zA-Z]|%(%)")
_STYLES: dict[type, str] = {
    logging.PercentStyle: "%",
    logging.StrFormatStyle: "{",
    logging.StringTemplateStyle: "$",
}


def adds_nothing(formatter: object) -> bool:
    """
    Return True if *formatter* adds nothing to the message but what are fields already.

    This can be decided for `logging.Formatter`, for subclasses that do not override
    ``format`` and ``formatMessage``, and for `KNOWN_FORMATTERS`: their format must hold
    only the whole message, standard attributes of a record, punctuation and `LABELS`.
    """
    kind: Any = type(formatter)
    if not isinstance(formatter, logging.Formatter) or "format" in vars(formatter):
        return False
    extra = KNOWN_FORMATTERS.get(f"{kind.__module__}.{kind.__qualname__}")
    is_plain = (
        kind.format is logging.Formatter.format
        and kind.formatMessage is logging.Formatter.formatMessage
    )
    style = _STYLES.get(type(getattr(formatter, "_style", logging.Handler)))
    text = getattr(formatter, "_fmt", None)
    if not (is_plain or extra is not None) or style is None or type(text) is not str:
        return False
    try:
        names, literals = _parsed(text, style)
    except ValueError:
        return False
    if names == {"message"}:
        return not literals.strip()
    return (
        not names.isdisjoint({"message", "request_line"})
        and all(re.fullmatch(extra or "(?!)", name) for name in names - STANDARD)
        and LABELS.issuperset(re.findall(r"[^\W_]+", literals.casefold()))
    )


def _parsed(text: str, style: str) -> tuple[set[str], str]:
    """
    Return the names in a format, and the text between them.

    Raises:
        ValueError: The format truncates the message, or is invalid.
    """
    names, literals = set(), []
    for literal, name, spec in _parts(text, style):
        literals.append(strip_ansi(literal))
        if name == "message" and "." in spec:
            raise ValueError("the message is truncated")
        names.add(name)
    return names - {""}, " ".join(literals)


def _parts(text: str, style: str) -> Iterator[tuple[str, str, str]]:
    """Yield each literal of a format, the name that follows it, and its format spec."""
    if style == "{":
        for literal, name, spec, _ in string.Formatter().parse(text):
            yield literal, name or "", spec or ""
        return
    pattern = _PERCENT if style == "%" else string.Template.pattern
    at = 0
    for found in pattern.finditer(text):
        literal, at = text[at : found.start()], found.end()
        if style == "%":
            yield literal, found[1] or "", found[3] or ""
        else:
            yield literal, found["named"] or found["braced"] or "", ""
    yield text[at:], "", ""


def without_stacks(text: str, stacks: Iterable[str]) -> str:
    """Return *text* without the *stacks* that a formatter has appended to the message."""
    for stack in stacks:
        before, found, after = text.rpartition(f"\n{stack}")
        if found and after[:1] in {"", "\n"}:
            text = before + after
    return text
