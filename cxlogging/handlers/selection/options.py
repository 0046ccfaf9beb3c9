"""The options that leave records out, as they are given: in code, or in a configuration file."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ...errors import ConfigurationError
from ...wire import option_parsers as values

if TYPE_CHECKING:
    from .rates import Sampler

FACTORY = "()"
"""The key of a mapping that `logging.config` has for what makes an object of its other items."""

ARGUMENTS = ("first", "then", "per")

OFF = values.NONE | {"false", "off", "no"}

_BUDGET = re.compile(r"(?P<amount>.*?)\s*(?P<events>events?)?\s*(?:/|\bper\b)\s*day", re.IGNORECASE)


class Amount(NamedTuple):
    """
    What may be sent a day.

    Attributes:
        text: As the user has written it.
        number: Of bytes, or of events.
        is_events: Whether events are counted.
    """

    text: str
    number: int
    is_events: bool


def samplers(name: str, value: object) -> tuple[Sampler, ...]:
    """
    Return the samplers for a ``sample_rate`` option: a rate, a callable, or a list of these.

    Raises:
        ConfigurationError: It is none of these.
    """
    given = value if value and isinstance(value, (list, tuple)) else (value,)
    chosen = (_sampler(name, given[index]) for index in range(len(given)))
    return tuple(each for each in chosen if each is not None)


def _sampler(name: str, value: object) -> Sampler | None:
    made = _made(name, value)
    if callable(made):
        return cast("Sampler", made)
    from .rates import parsed_count  # noqa: PLC0415 - few handlers have one
    from .samplers import RandomSampler  # noqa: PLC0415

    rate = parsed_count(name, made, least=1, or_else=", or a callable")
    return None if rate == 1 else RandomSampler(rate)


def limit(name: str, value: object) -> Sampler | None:
    """
    Return what limits call sites: a callable, a number, or a mapping of `SiteLimiter`'s arguments.

    Raises:
        ConfigurationError: It is none of these.
    """
    if _is_off(value):
        return None
    made = _made(name, value)
    if callable(made):
        return cast("Sampler", made)
    from .limiter import SiteLimiter  # noqa: PLC0415 - few handlers have one
    from .rates import parsed_count  # noqa: PLC0415

    if made is True or values.word(made) in {"true", "on", "yes"}:
        return SiteLimiter()
    if isinstance(made, Mapping):
        return cast("Sampler", _called(name, SiteLimiter, values.arguments(name, made, *ARGUMENTS)))
    with contextlib.suppress(ConfigurationError):
        return SiteLimiter(first=parsed_count(name, made, least=1))
    takes = "a number of records per call site and second, a SiteLimiter, or its arguments"
    raise values.refused(name, takes, value)


def budget(name: str, value: object) -> Amount | None:
    """
    Return the *value* of ``budget``: ``"2GB/day"`` or ``"5M events/day"``; None where it is off.

    Raises:
        ConfigurationError: It is neither.
    """
    if _is_off(value):
        return None
    match = _BUDGET.fullmatch(value.strip()) if isinstance(value, str) else None
    amount = match["amount"].strip() if match else ""
    # Without a unit, bytes and events would be guessed.
    if match and amount and (match["events"] or amount[-1] in "bB"):
        try:
            number = values.size()(name, amount)
        except ConfigurationError:
            number = 0
        if number and (not match["events"] or amount[-1] not in "bB"):
            return Amount(str(value).strip(), number, bool(match["events"]))
    raise values.refused(name, "an amount such as '2GB/day' or '5M events/day'", value)


def _is_off(value: object) -> bool:
    """Return True for None, False, and words for them; 0 would be a limit of nothing."""
    return value is None or value is False or values.word(value) in OFF


def _made(name: str, value: object) -> Any:
    """Return *value*; of a mapping with `FACTORY`, what that makes, as `logging.config` does it."""
    if not isinstance(value, Mapping) or FACTORY not in value:
        return value
    factory: Any = value[FACTORY]
    if isinstance(factory, str):
        from logging.config import BaseConfigurator  # noqa: PLC0415 - loaded where this is used

        try:
            factory = BaseConfigurator({}).resolve(factory)
        except ValueError as error:
            raise ConfigurationError(f"{name}: {error}.") from None
    return _called(name, factory, {key: value[key] for key in value if key != FACTORY})


def _called(name: str, factory: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Return what *factory* makes of *arguments*; an error names the option."""
    try:
        return factory(**arguments)
    except (ConfigurationError, TypeError) as error:
        raise ConfigurationError(f"{name}: {str(error).rstrip('.')}.") from None
