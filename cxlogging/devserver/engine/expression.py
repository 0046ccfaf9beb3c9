"""What an expression becomes: a closure over rows, and its type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .errors import QueryRefusedError
from .row import QueryRow
from .values import Kind, kind_of

Evaluate = Callable[[Any], Any]
EMPTY_ROW = QueryRow(None, None, {})


class Expression(NamedTuple):
    """
    An expression that can run.

    Attributes:
        run: Gives its value for a row.
        kind: Its type, where it is known before.
        constant: True where it is the same for every row.
    """

    evaluate: Evaluate
    kind: Kind
    constant: bool = False

    @property
    def value(self) -> Any:
        """The value of a constant."""
        return self.evaluate(EMPTY_ROW)


def constant(value: Any) -> Expression:
    """An expression that is always *value*."""
    return Expression(lambda _: value, kind_of(value), constant=True)


def fold_constants(run: Evaluate, kind: Kind, *of: Expression) -> Expression:
    """*run*, or its value where all that it is made *of* is constant."""
    if all(each.constant for each in of):
        value = run(EMPTY_ROW)
        return Expression(lambda _: value, kind, constant=True)
    return Expression(run, kind)


def check(compiled: Expression, kind: Kind, what: str, at: int) -> Expression:
    """*compiled*, which may be of *kind*; refused where its type is known to be another."""
    if compiled.kind in (kind, Kind.ANY, Kind.NULL) or kind is Kind.ANY:
        return compiled
    raise QueryRefusedError(
        f"type mismatch: {what} takes a {kind.value}, not a {compiled.kind.value}", at
    )
