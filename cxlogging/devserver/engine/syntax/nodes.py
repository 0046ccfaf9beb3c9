"""The syntax tree of a query. Each node has its offset in the text, for error messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ROOTS = {"$d": "$d", "$data": "$d", "$m": "$m", "$metadata": "$m", "$l": "$l", "$labels": "$l"}
"""The roots of a keypath, by each way to write them."""


@dataclass(frozen=True)
class Node:
    """A part of the query, at offset *at*."""

    at: int


@dataclass(frozen=True)
class Literal(Node):
    """A string, a number, an interval or a regular expression; *kind* is that of its token."""

    value: Any
    kind: str


@dataclass(frozen=True)
class Name(Node):
    """A bare word: a field of `$d`, `true`, `null`, a severity, or one of `$d $m $l $p`."""

    text: str


@dataclass(frozen=True)
class Access(Node):
    """`of.step` or `of[step]`."""

    of: Node
    step: str | int


@dataclass(frozen=True)
class Call(Node):
    """`name(arguments)`; a method's subject is its first argument."""

    name: str
    arguments: tuple[Node, ...]
    named: tuple[tuple[str, Node], ...] = ()


@dataclass(frozen=True)
class Unary(Node):
    """`-of` or `!of`."""

    sign: str
    of: Node


@dataclass(frozen=True)
class Binary(Node):
    """`left sign right`; *at* is that of the sign."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Cast(Node):
    """`of:type`."""

    of: Node
    type: str


@dataclass(frozen=True)
class Array(Node):
    """`[items]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class TimeLiteral(Node):
    """`@'...'`, `@123` or `@(...)`."""

    of: Node


@dataclass(frozen=True)
class Template(Node):
    """Strings and expressions in turn."""

    parts: tuple[str | Node, ...]


@dataclass(frozen=True)
class Case(Node):
    """
    `case { condition -> value, ... }`, or one of its variants.

    Attributes:
        name: `case`, `case_contains`, ...
        subject: The value that `case_contains` and others compare; None for `case`.
        branches: Conditions (or values to compare with) and results.
        default: The result after `_`, or None.
    """

    name: str
    subject: Node | None
    branches: tuple[tuple[Node, Node], ...]
    default: Node | None


@dataclass(frozen=True)
class KeyPath(Node):
    """A keypath; *root* is `$d`, `$m` or `$l`."""

    root: str
    steps: tuple[str | int, ...]

    def __str__(self) -> str:
        steps = (f"[{one}]" if isinstance(one, int) else f".{one}" for one in self.steps)
        return self.root + "".join(steps)


@dataclass(frozen=True)
class NamedExpression(Node):
    """An expression, with the keypath that its value gets, if one is given."""

    of: Node
    alias: KeyPath | None = None


@dataclass(frozen=True)
class JoinSide(Node):
    """One side of an equality of `join`; *side* is `left`, `right`, or empty where not written."""

    side: str
    of: Node


@dataclass(frozen=True)
class Command(Node):
    """
    A command of the pipeline.

    Attributes:
        name: The main name of the command, even where an alias was written.
        parts: The clauses of the command, by name.
    """

    name: str
    parts: dict[str, Any]


@dataclass(frozen=True)
class SourceClause(Node):
    """
    The source of the rows.

    Attributes:
        dataset: `logs` or `default/logs`; empty where none is named.
        clause: `last`, `around`, `between`, `timeshifted`, or empty.
        times: The expressions of the clause.
    """

    dataset: str = ""
    clause: str = ""
    times: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Query(Node):
    """A source and the commands of its pipeline."""

    source: SourceClause
    commands: tuple[Command, ...]


def keypath_of(node: Node) -> KeyPath | None:
    """Return the keypath that an expression consists of, or None for other expressions."""
    steps: list[str | int] = []
    at = node
    while isinstance(at, Access):
        steps.append(at.step)
        at = at.of
    if not isinstance(at, Name) or (at.text.startswith("$") and at.text not in ROOTS):
        return None
    if at.text in ROOTS:
        return KeyPath(node.at, ROOTS[at.text], tuple(reversed(steps)))
    return KeyPath(node.at, "$d", (at.text, *reversed(steps)))
