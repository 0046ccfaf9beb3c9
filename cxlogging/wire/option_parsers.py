"""
One parser for each kind of value that an option takes.

A value comes from code, from the strings of a configuration file, or from the
environment; each parser takes all three. It gets the name that the user typed
(an argument, or a variable) and the value, and returns the value in its own
type, or raises a `ConfigurationError` that shows both.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ConfigurationError, nearest
from .masking import without_bare_user

Parser = Callable[[str, object], Any]
"""Takes the name of an option and what was given for it."""

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})
NONE = frozenset({"none", "null", ""})

DAY = 86_400.0
LARGEST = 2**50
"""Bytes; above that a size is a slip of the keyboard."""
SHOWN = 80
"""Characters of a value that an error shows."""

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?)b?|b)?\s*", re.IGNORECASE | re.ASCII)
_UNITS = {"k": 1, "m": 2, "g": 3, "t": 4}
_PLACEHOLDER = re.compile(r"\$\{?\w+\}?|%\w+%|\{\{.*\}\}")


def shown(value: object) -> str:
    """Return *value* as an error shows it: its repr, cut, without the user of an address."""
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    text = without_bare_user(text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def no_placeholder(name: str, value: str, variable: str = "") -> None:
    """Raise where *value* is a variable that nobody has replaced."""
    if _PLACEHOLDER.fullmatch(value.strip()):
        hint = f", and set {variable}" if variable else ""
        raise ConfigurationError(
            f"{name} is the literal {shown(value.strip())}: logging.config replaces no variables."
            f" Leave {name} out{hint}, or pass the value itself."
        )


def word(value: object) -> str | None:
    """Return *value* in lower case and without blanks around it where it is a string."""
    return value.strip().lower() if isinstance(value, str) else None


def is_none(value: object) -> bool:
    """Return True for None and for the words that a configuration file has for it."""
    return value is None or word(value) in NONE


def is_off(value: object) -> bool:
    """Return True for what switches an option off: None, False, 0, and the words for them."""
    return value is None or _is_number(value, 0) or word(value) in NONE | FALSE


def is_on(value: object) -> bool:
    """Return True for True, 1, and the words for it."""
    return _is_number(value, 1) or word(value) in TRUE


def _is_number(value: object, number: int) -> bool:
    """Return True where *value* is that int or bool; no other type's ``==`` is asked."""
    return type(value) in {bool, int} and value == number


def boolean(name: str, value: object) -> bool:
    """Return True or False, also for the words and the numbers 1 and 0."""
    if is_on(value):
        return True
    if is_off(value):
        return False
    raise ConfigurationError(f"{name} takes true or false, not {shown(value)}.")


def seconds(*, above: float = -1.0, most: float = DAY) -> Parser:
    """Return the parser of a number of seconds from 0, or *above* a number, to *most*."""

    def parse(name: str, value: object) -> float:
        number = _number(value)
        if not 0 <= number <= most:
            raise ConfigurationError(
                f"{name} takes seconds from 0 to {most:g}, such as 2 or 0.5, not {shown(value)}."
            )
        if number <= above:
            raise ConfigurationError(
                f"{name} takes more than {above:g} seconds, not {shown(value)}."
            )
        return number

    return parse


def count(*, most: int, least: int = 1) -> Parser:
    """Return the parser of a whole number."""

    def parse(name: str, value: object) -> int:
        number = _number(value)
        if not least <= number <= most or number != int(number):
            raise ConfigurationError(
                f"{name} takes a number from {least} to {most:,}, not {shown(value)}."
            )
        return int(number)

    return parse


def size(*, least: int = 1, most: int = LARGEST) -> Parser:
    """Return the parser of bytes, which may have a unit: ``"64MiB"``, ``"2MB"``."""

    def parse(name: str, value: object) -> int:
        number = _number(value)
        if isinstance(value, str) and (match := _SIZE.fullmatch(value)):
            unit = (match[2] or "").lower()
            number = float(match[1]) * (1024 if match[3] else 1000) ** _UNITS.get(unit, 0)
        if not 1 <= number <= most or number != int(number):
            raise ConfigurationError(
                f"{name} takes a number from 1, such as '64MiB' or 65536, not {shown(value)}."
            )
        if number < least:
            raise ConfigurationError(f"{name} takes at least {least:,} bytes, not {shown(value)}.")
        return int(number)

    return parse


def _number(value: object) -> float:
    """Return *value* as a number; what is none is not a number either."""
    if isinstance(value, (bool, bytes, bytearray)):
        return math.nan
    try:
        number = float(value)  # type: ignore[arg-type] # anything else is the error below
    except (TypeError, ValueError, OverflowError):
        return math.nan
    except Exception:  # an object of the application's own
        return math.nan
    return number if math.isfinite(number) else math.nan


def choice(*choices: str, off: bool = False) -> Parser:
    """Return the parser of one of several words; *off* allows None and the words for it."""

    def parse(name: str, value: object) -> str | None:
        given = word(value)
        if given in choices:
            return given
        if off and is_off(value):
            return None
        listed = [*map(repr, choices), *(["None"] if off else [])]
        hint = nearest(given, choices) if given else ""
        raise ConfigurationError(
            f"{name} takes {', '.join(listed[:-1])} or {listed[-1]}, not {shown(value)}.{hint}"
        )

    return parse


def function(name: str, value: object) -> Any:
    """Return a callable, or None."""
    if is_none(value):
        return None
    if not callable(value):
        raise ConfigurationError(f"{name} takes a callable, not {shown(value)}.")
    return value


def mapping(name: str, value: object) -> dict[str, Any]:
    """Return a mapping of texts to values as a dict; None is an empty one."""
    if is_none(value):
        return {}
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{name} takes a mapping, not {shown(value)}.")
    for key in value:
        if not isinstance(key, str):
            raise ConfigurationError(f"{name} takes names that are strings, not {shown(key)}.")
    # An item of dictConfig's own mapping is converted only when asked for by name.
    return {key: value[key] for key in value}


def path(name: str, value: object, what: str = "a path") -> str:
    """Return the path that *value* is, absolute; a symbolic link is not followed."""
    found: object = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(found, str) or not found.strip() or "\0" in found:
        raise ConfigurationError(f"{name} takes {what}, not {shown(value)}.")
    no_placeholder(name, found)
    from pathlib import Path  # noqa: PLC0415 - few handlers need it

    try:
        return str(Path(found).expanduser().absolute())
    except RuntimeError:  # "~nobody-here"
        raise ConfigurationError(f"{name}: there is no home for {shown(found)}.") from None


def file(name: str, value: object) -> str:
    """Return the path of a file that is there and can be read."""
    found = path(name, value, "the path of a file")
    try:
        if os.path.isdir(found):  # noqa: PTH112 - the standard library's own error says more
            raise ConfigurationError(f"{name}: {shown(found)} is a directory, not a file.")
        with open(found, "rb"):  # noqa: PTH123
            return found
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(f"{name}: {shown(found)} cannot be read: {reason}.") from None


def directory(name: str, value: object) -> str | None:
    """Return the path of a directory, which need not be there yet; None where it is off."""
    if value != "" and is_off(value):  # an empty text is a variable that nobody has set
        return None
    what = "the path of a directory"
    found = path(name, value, what)
    if "://" in str(value):
        raise ConfigurationError(
            f"{name} takes {what}, not {shown(value)}: URLs are not supported here."
        )
    if is_on(value):
        raise ConfigurationError(f"{name} takes {what}, not {shown(value)}.")
    above = found
    while not os.path.lexists(above) and above != os.path.dirname(above):  # noqa: PTH120
        above = os.path.dirname(above)  # noqa: PTH120
    if not os.path.isdir(above):  # noqa: PTH112
        raise ConfigurationError(f"{name} takes {what}: {shown(above)} is not a directory.")
    return found


def optional(parser: Parser) -> Parser:
    """Return a parser for which None, and the words for it, are None."""
    return lambda name, value: None if is_none(value) else parser(name, value)
