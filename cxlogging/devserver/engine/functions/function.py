"""The definition of a function: its parameters, its result, and its call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import QueryRefusedError, UnsupportedError
from ..expression import Evaluate, Expression, check_type, constant, fold_constants
from ..syntax.nodes import Call, Literal, Name, Node
from ..values import KINDS, Kind, cast, number_as_timestamp, parse_interval, to_text

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
        checks: Tests of literals, by the position of their parameter: this engine supports a
            string for which the test is true.
        names: The names of the parameters, where they can be named in a call.
        defaults: The values of parameters that a call with names can leave out.
        implied: The root that is the argument of a call without any.
        archive: True where it works in the archive alone.
        warning: A sentence about calls of this function: `deprecated: ...` or another one.
    """

    apply: Callable[..., Any]
    takes: tuple[Kind, ...]
    returns: Kind
    minimum: int | None = None
    many: bool = False
    nulls: bool = False
    varies: bool = False
    checks: Mapping[int, Callable[[str], bool]] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    defaults: Mapping[int, str] = field(default_factory=dict)
    implied: str = ""
    archive: bool = False
    warning: str = ""

    def positional(self, node: Call) -> tuple[Node, ...]:
        """Return the arguments of a call in the order of the parameters."""
        if self.implied and not (node.arguments or node.named):
            return (Name(node.at, self.implied),)
        given = dict(enumerate(node.arguments))
        for name, value in node.named:
            number = self.names.index(name) if name in self.names else -1
            if number < 0 or number in given:
                raise UnsupportedError(f"the named argument {name} of {node.name}()", node.at)
            given[number] = value
        last = max(given, default=-1)
        for number in set(range(last)) - given.keys():
            if number not in self.defaults:
                raise QueryRefusedError(f"{node.name}() lacks its argument {number + 1}", node.at)
            given[number] = Literal(node.at, self.defaults[number], "string")
        return tuple(given[number] for number in range(last + 1))

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
        arguments = [
            check_type(_as_kind(argument, kind), kind, f"{name}()", at)
            for argument, kind in zip(arguments, kinds, strict=True)
        ]
        self._check_literals(name, arguments, at)
        run = self._run(arguments, kinds)
        return (
            Expression(run, self.returns)
            if self.varies
            else fold_constants(run, self.returns, *arguments)
        )

    def _check_literals(self, name: str, arguments: list[Expression], at: int) -> None:
        for number, is_known in self.checks.items():
            if number < len(arguments):
                given = arguments[number]
                if not given.constant:
                    raise UnsupportedError(f"{name}() with an argument that is no literal", at)
                if type(given.value) is not str or not is_known(given.value):
                    raise UnsupportedError(f"{name}() with {given.value!r}", at)

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


def _as_kind(argument: Expression, kind: Kind) -> Expression:
    """Return *argument*; a severity as its name, and an interval in quotes as an interval."""
    run = argument.evaluate
    if kind is Kind.STRING and argument.kind is Kind.ENUM:
        return fold_constants(lambda row: to_text(run(row)), Kind.STRING, argument)
    if kind is Kind.INTERVAL and argument.kind is Kind.STRING and argument.constant:
        span = cast(argument.value, "interval")
        return argument if span is None else constant(span)
    return argument


def _typed(value: Any, kind: Kind) -> Any:
    if kind is Kind.TIMESTAMP:
        value = number_as_timestamp(value)
    elif kind is Kind.INTERVAL and type(value) is str:
        return parse_interval(value)
    return value if kind is Kind.ANY or KINDS[type(value)] is kind else None


def _call_or_none(apply: Callable[..., Any], values: list[Any]) -> Any:
    try:
        return apply(*values)
    except FAILURES:
        return None
