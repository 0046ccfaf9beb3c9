"""What a function is: its parameters, its result, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import QueryRefusedError, UnsupportedError
from ..expression import Evaluate, Expression, check, fold_constants
from ..values import KINDS, Kind, as_timestamp

FAILURES = (ValueError, OverflowError, ZeroDivisionError, TypeError, ArithmeticError)


@dataclass(frozen=True)
class Function:
    """
    A function of the language.

    Attributes:
        apply: Takes the values; what it raises of `FAILURES` gives null.
        takes: The types of its parameters.
        gives: The type of its result.
        least: So many arguments are needed; all of *takes* by default.
        many: The last parameter may be given again and again.
        nulls: True where it wants to see nulls; else a null gives null.
        varies: True where it gives something else each time.
        words: The texts that this engine knows for a parameter, by its number.
    """

    apply: Callable[..., Any]
    takes: tuple[Kind, ...]
    gives: Kind
    least: int | None = None
    many: bool = False
    nulls: bool = False
    varies: bool = False
    words: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def called(self, name: str, arguments: list[Expression], at: int) -> Expression:
        """The expression of a call; refuses a wrong number of arguments and wrong types."""
        least = len(self.takes) if self.least is None else self.least
        most = len(self.takes)
        if len(arguments) < least or (not self.many and len(arguments) > most):
            due = f"{least} or more" if self.many else f"{least} to {most}"
            due = str(least) if least == most and not self.many else due
            raise QueryRefusedError(f"{name}() takes {due} arguments, not {len(arguments)}", at)
        kinds = (*self.takes, *self.takes[-1:] * len(arguments))[: len(arguments)]
        for argument, kind in zip(arguments, kinds, strict=True):
            check(argument, kind, f"{name}()", at)
        self._check_words(name, arguments, at)
        run = self._run(arguments, kinds)
        return (
            Expression(run, self.gives)
            if self.varies
            else fold_constants(run, self.gives, *arguments)
        )

    def _check_words(self, name: str, arguments: list[Expression], at: int) -> None:
        for number, words in self.words.items():
            if number < len(arguments):
                given = arguments[number]
                if not given.constant or given.value not in words:
                    raise UnsupportedError(f"{name}() with another format than {words}", at)

    def _run(self, arguments: list[Expression], kinds: tuple[Kind, ...]) -> Evaluate:
        runs, apply = [argument.evaluate for argument in arguments], self.apply
        if self.nulls:
            return lambda row: _tried(apply, [run(row) for run in runs])
        varying = [n for n, argument in enumerate(arguments) if not argument.constant]
        if len(varying) == 1:
            return _of_one(apply, arguments, kinds, varying[0])
        pairs = list(zip(runs, kinds, strict=True))

        def call(row: Any) -> Any:
            values = []
            for run, kind in pairs:
                value = _fitting(run(row), kind)
                if value is None:
                    return None
                values.append(value)
            return _tried(apply, values)

        return call


def _of_one(
    apply: Callable[..., Any], arguments: list[Expression], kinds: tuple[Kind, ...], which: int
) -> Evaluate:
    """A call in which one argument varies: the others are looked at once."""
    fixed = [
        None if n == which else _fitting(argument.value, kinds[n])
        for n, argument in enumerate(arguments)
    ]
    if any(value is None for n, value in enumerate(fixed) if n != which):
        return lambda _: None
    before, after = fixed[:which], fixed[which + 1 :]
    run, kind = arguments[which].evaluate, kinds[which]

    def call(row: Any) -> Any:
        value = _fitting(run(row), kind)
        if value is None:
            return None
        try:
            return apply(*before, value, *after)
        except FAILURES:
            return None

    return call


def _fitting(value: Any, kind: Kind) -> Any:
    if kind is Kind.TIMESTAMP:
        value = as_timestamp(value)
    return value if kind is Kind.ANY or KINDS[type(value)] is kind else None


def _tried(apply: Callable[..., Any], values: list[Any]) -> Any:
    try:
        return apply(*values)
    except FAILURES:
        return None
