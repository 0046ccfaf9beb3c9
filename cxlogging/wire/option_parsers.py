"""
Parsers for the values of options.

A value comes from code, from a configuration file as a string, or from the
environment; each parser accepts all three. It takes the name that the user typed
(an argument or a variable) and the value, and returns the value in its proper
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
"""Takes the name of an option and the value given for it; returns the parsed value."""

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})
NONE = frozenset({"none", "null", ""})

DAY = 86_400.0
LARGEST = 2**50
"""Bytes; a larger size is a typing error."""
SHOWN = 80
"""Characters of a value that an error shows."""

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?)b?|b)?\s*", re.IGNORECASE | re.ASCII)
_UNITS = {"k": 1, "m": 2, "g": 3, "t": 4}
_PLACEHOLDER = re.compile(r"\$\{?\w+\}?|%\w+%|\{\{.*\}\}")


def shown(value: object) -> str:
    """Return *value* as an error shows it: its repr, shortened, with the user of a URL masked."""
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    text = without_bare_user(text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def refused(name: str, takes: str, value: object) -> ConfigurationError:
    """Return the error for a *value* that the argument *name* does not take."""
    return ConfigurationError(f"{name} takes {takes}, not {shown(value)}.")


def no_placeholder(name: str, value: str, variable: str = "") -> None:
    """Raise a `ConfigurationError` if *value* is a placeholder such as ``${KEY}``."""
    if _PLACEHOLDER.fullmatch(value.strip()):
        hint = f", and set {variable}" if variable else ""
        raise ConfigurationError(
            f"{name} is the literal {shown(value.strip())}: logging.config expands no variables."
            f" Leave {name} out{hint}, or pass the value itself."
        )


def word(value: object) -> str | None:
    """Return *value* stripped and in lower case if it is a string, else None."""
    return value.strip().lower() if isinstance(value, str) else None


def is_none(value: object) -> bool:
    """Return True for None, and for the words that mean it in a configuration file."""
    return value is None or word(value) in NONE


def is_off(value: object) -> bool:
    """Return True for a value that turns an option off: None, False, 0, and words for them."""
    return value is None or _is_number(value, 0) or word(value) in NONE | FALSE


def is_on(value: object) -> bool:
    """Return True for True, 1, and words for them."""
    return _is_number(value, 1) or word(value) in TRUE


def _is_number(value: object, number: int) -> bool:
    """Return True if *value* is an int or bool equal to *number*; calls no other type's ``==``."""
    return type(value) in {bool, int} and value == number


def boolean(name: str, value: object) -> bool:
    """Parse True or False, also as words and as the numbers 1 and 0."""
    if is_on(value):
        return True
    if is_off(value):
        return False
    raise ConfigurationError(f"{name} takes true or false, not {shown(value)}.")


def seconds(*, above: float = -1.0, most: float = DAY) -> Parser:
    """Return a parser for seconds from 0, or greater than *above*, to *most*."""

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
    """Return a parser for a whole number."""

    def parse(name: str, value: object) -> int:
        number = _number(value)
        if not least <= number <= most or number != int(number):
            raise ConfigurationError(
                f"{name} takes a number from {least} to {most:,}, not {shown(value)}."
            )
        return int(number)

    return parse


def size() -> Parser:
    """Return a parser for a number of bytes, with an optional unit: ``"64MiB"``, ``"2MB"``."""

    def parse(name: str, value: object) -> int:
        number = _number(value)
        if isinstance(value, str) and (match := _SIZE.fullmatch(value)):
            unit = (match[2] or "").lower()
            number = float(match[1]) * (1024 if match[3] else 1000) ** _UNITS.get(unit, 0)
        if not 1 <= number <= LARGEST or number != int(number):
            raise ConfigurationError(
                f"{name} takes a number from 1, such as '64MiB' or 65536, not {shown(value)}."
            )
        return int(number)

    return parse


def _number(value: object) -> float:
    """Return *value* as a number; NaN if it is not one."""
    if isinstance(value, (bool, bytes, bytearray)):
        return math.nan
    try:
        number = float(value)  # type: ignore[arg-type] # a wrong type raises TypeError
    except Exception:  # whatever the __float__ of an object raises
        return math.nan
    return number if math.isfinite(number) else math.nan


def choice(*choices: str, off: bool = False) -> Parser:
    """Return a parser for one of several words; *off* also allows None and words for it."""

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
    """Parse a callable or None."""
    if is_none(value):
        return None
    if not callable(value):
        raise ConfigurationError(f"{name} takes a callable, not {shown(value)}.")
    return value


def mapping(name: str, value: object) -> dict[str, Any]:
    """Parse a mapping with string keys; None is an empty one."""
    if is_none(value):
        return {}
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{name} takes a mapping, not {shown(value)}.")
    for key in value:
        if not isinstance(key, str):
            raise ConfigurationError(f"{name} takes names that are strings, not {shown(key)}.")
    # An item of dictConfig's own mapping is converted only when it is accessed by name.
    return {key: value[key] for key in value}


def arguments(name: str, value: Mapping[Any, Any], *known: str) -> dict[str, Any]:
    """Parse a mapping of arguments, each of which is one of the *known*."""
    for each in value:
        if each not in known:
            hint = nearest(str(each), known)
            raise ConfigurationError(f"{name} takes no argument {each!r}.{hint}")
    return mapping(name, value)


def path(name: str, value: object, what: str = "a path") -> str:
    """Parse a path and make it absolute; symbolic links are not followed."""
    found: object = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(found, str) or not found.strip() or "\0" in found:
        raise ConfigurationError(f"{name} takes {what}, not {shown(value)}.")
    no_placeholder(name, found)
    from pathlib import Path  # noqa: PLC0415 - few handlers need it

    try:
        return str(Path(found).expanduser().absolute())
    except RuntimeError:  # "~nobody-here"
        raise ConfigurationError(
            f"{name}: there is no home directory for {shown(found)}."
        ) from None


def file(name: str, value: object) -> str:
    """Parse the path of a file that exists and is readable."""
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
    """Parse the path of a directory, which need not exist yet; None if the option is off."""
    if value != "" and is_off(value):  # an empty string comes from a variable that is not set
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
    """Return a parser like *parser* that also accepts None and words for it."""
    return lambda name, value: None if is_none(value) else parser(name, value)
