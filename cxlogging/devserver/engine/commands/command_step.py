"""What a command becomes: a step from rows to rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..compile.scope import Scope
from ..row import QueryRow
from ..syntax.nodes import Command

Step = Callable[[Iterable[QueryRow]], Iterator[QueryRow]]


@dataclass(frozen=True)
class CommandStep:
    """
    One command, compiled.

    Attributes:
        command: As it was written.
        step: Takes rows and gives rows, one at a time where that is possible.
        after: What the next command gets.
        each: True where every row gives one row, in the same order.
        drops: True where rows are left out, and else nothing happens to them.
        unordered: True where it does not matter in which order the rows come.
    """

    command: Command
    step: Step
    after: Scope
    each: bool = False
    drops: bool = False
    unordered: bool = False
