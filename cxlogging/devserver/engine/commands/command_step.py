"""A compiled command: a step from rows to rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..compile.scope import Scope
from ..row import QueryRow
from ..syntax.nodes import Command

RowsToRows = Callable[[Iterable[QueryRow]], Iterator[QueryRow]]


@dataclass(frozen=True)
class CommandStep:
    """
    A compiled command.

    Attributes:
        command: The command as it was written.
        apply: Returns an iterator over the resulting rows, lazy where that is possible.
        scope_after: The scope of the next command.
        one_to_one: True where each row results in one row, in the same order.
        only_drops: True where rows are left out, and the others stay unchanged.
        order_free: True where the order of the rows does not matter.
    """

    command: Command
    apply: RowsToRows
    scope_after: Scope
    one_to_one: bool = False
    only_drops: bool = False
    order_free: bool = False
