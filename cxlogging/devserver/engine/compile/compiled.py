"""What an expression becomes: a closure over rows, and its type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..errors import QueryRefusedError
from ..row import Row
from ..values import Kind, kind_of

Run = Callable[[Any], Any]
EMPTY = Row(None, None, {})


class Compiled(NamedTuple):
    """
    An expression that can run.

    Attributes:
        run: Gives its value for a row.
        kind: Its type, where it is known before.
        constant: True where it is the same for every row.
    """

    run: Run
    kind: Kind
    constant: bool = False

    @property
    def value(self) -> Any:
        """The value of a constant."""
        return self.run(EMPTY)


def constant(value: Any) -> Compiled:
    """An expression that is always *value*."""
    return Compiled(lambda _: value, kind_of(value), constant=True)


def folded(run: Run, kind: Kind, *of: Compiled) -> Compiled:
    """*run*, or its value where all that it is made *of* is constant."""
    if all(each.constant for each in of):
        value = run(EMPTY)
        return Compiled(lambda _: value, kind, constant=True)
    return Compiled(run, kind)


def check(compiled: Compiled, kind: Kind, what: str, at: int) -> Compiled:
    """*compiled*, which may be of *kind*; refused where its type is known to be another."""
    if compiled.kind in (kind, Kind.ANY, Kind.NULL) or kind is Kind.ANY:
        return compiled
    raise QueryRefusedError(
        f"type mismatch: {what} takes a {kind.value}, not a {compiled.kind.value}", at
    )
