"""The definition of a function: its parameters, its result, and its call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import QueryRefusedError, UnsupportedError
from ..expression import Evaluate, Expression, check_type, fold_constants
from ..values import KINDS, Kind, number_as_timestamp

FAILURES = (ValueError, OverflowError, ZeroDivisionError, TypeError, ArithmeticError)


@dataclass(frozen=True)
class Function:
    """
    A function of the language.

    Attributes:
        apply: Takes the values; the result is null where it raises one of `FAILURES`.
        takes: The types of its parameters.
        returns: The type of its result.
        minimum: Minimum number of arguments; by default all of *takes*.
        many: True where the last parameter may be repeated.
        nulls: True where it takes nulls; otherwise the result for a null is null.
        varies: True where its result differs with each call.
        words: The strings that this engine supports for a parameter, by its position.
    """

    apply: Callable[..., Any]
    takes: tuple[Kind, ...]
    returns: Kind
    minimum: int | None = None
    many: bool = False
    nulls: bool = False
    varies: bool = False
    words: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def compile_call(self, name: str, arguments: list[Expression], at: int) -> Expression:
        """Return the expression of a call; refuse a wrong number of arguments and wrong types."""
        minimum = len(self.takes) if self.minimum is None else self.minimum
        maximum = len(self.takes)
        if len(arguments) < minimum or (not self.many and len(arguments) > maximum):
            expected = f"{minimum} or more" if self.many else f"{minimum} to {maximum}"
            expected = str(minimum) if minimum == maximum and not self.many else expected
            raise QueryRefusedError(
                f"{name}() takes {expected} arguments, not {len(arguments)}", at
            )
        kinds = (*self.takes, *self.takes[-1:] * len(arguments))[: len(arguments)]
        for argument, kind in zip(arguments, kinds, strict=True):
            check_type(argument, kind, f"{name}()", at)
        self._check_words(name, arguments, at)
        run = self._run(arguments, kinds)
        return (
            Expression(run, self.returns)
            if self.varies
            else fold_constants(run, self.returns, *arguments)
        )

    def _check_words(self, name: str, arguments: list[Expression], at: int) -> None:
        for number, words in self.words.items():
            if number < len(arguments):
                given = arguments[number]
                if not given.constant or given.value not in words:
                    raise UnsupportedError(f"{name}() with a format other than {words}", at)

    def _run(self, arguments: list[Expression], kinds: tuple[Kind, ...]) -> Evaluate:
        runs, apply = [argument.evaluate for argument in arguments], self.apply
        if self.nulls:
            return lambda row: _call_or_none(apply, [run(row) for run in runs])
        varying = [n for n, argument in enumerate(arguments) if not argument.constant]
        if len(varying) == 1:
            return _of_one(apply, arguments, kinds, varying[0])
        pairs = list(zip(runs, kinds, strict=True))

        def call(row: Any) -> Any:
            values = []
            for run, kind in pairs:
                value = _typed(run(row), kind)
                if value is None:
                    return None
                values.append(value)
            return _call_or_none(apply, values)

        return call


def _of_one(
    apply: Callable[..., Any], arguments: list[Expression], kinds: tuple[Kind, ...], which: int
) -> Evaluate:
    """Return a call with one variable argument: the constants are checked only once."""
    fixed = [
        None if n == which else _typed(argument.value, kinds[n])
        for n, argument in enumerate(arguments)
    ]
    if any(value is None for n, value in enumerate(fixed) if n != which):
        return lambda _: None
    before, after = fixed[:which], fixed[which + 1 :]
    run, kind = arguments[which].evaluate, kinds[which]

    def call(row: Any) -> Any:
        value = _typed(run(row), kind)
        if value is None:
            return None
        try:
            return apply(*before, value, *after)
        except FAILURES:
            return None

    return call


def _typed(value: Any, kind: Kind) -> Any:
    if kind is Kind.TIMESTAMP:
        value = number_as_timestamp(value)
    return value if kind is Kind.ANY or KINDS[type(value)] is kind else None


def _call_or_none(apply: Callable[..., Any], values: list[Any]) -> Any:
    try:
        return apply(*values)
    except FAILURES:
        return None
