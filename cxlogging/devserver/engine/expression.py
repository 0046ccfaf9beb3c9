"""A compiled expression: a closure over rows, and its type."""

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
    A compiled expression.

    Attributes:
        evaluate: Returns its value for a row.
        kind: Its type, as far as it is known at compile time.
        constant: True where its value is the same for every row.
    """

    evaluate: Evaluate
    kind: Kind
    constant: bool = False

    @property
    def value(self) -> Any:
        """The value of a constant expression."""
        return self.evaluate(EMPTY_ROW)


def constant(value: Any) -> Expression:
    """Return an expression that always has *value*."""
    return Expression(lambda _: value, kind_of(value), constant=True)


def fold_constants(evaluate: Evaluate, kind: Kind, *operands: Expression) -> Expression:
    """Return an expression, evaluated now where all its *operands* are constant."""
    if all(each.constant for each in operands):
        value = evaluate(EMPTY_ROW)
        return Expression(lambda _: value, kind, constant=True)
    return Expression(evaluate, kind)


def check_type(expression: Expression, kind: Kind, what: str, at: int) -> Expression:
    """Return *expression*; refuse the query where its type is known to be another than *kind*."""
    if expression.kind in (kind, Kind.ANY, Kind.NULL) or kind is Kind.ANY:
        return expression
    wanted, found = (
        f"a{'n' * (each.value[0] in 'aeiou')} {each.value}" for each in (kind, expression.kind)
    )
    raise QueryRefusedError(f"type mismatch: {what} takes {wanted}, not {found}", at)
