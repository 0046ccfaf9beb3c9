"""The syntax tree of a query. Every node knows its offset, for the sentence that refuses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ROOTS = {"$d": "$d", "$data": "$d", "$m": "$m", "$metadata": "$m", "$l": "$l", "$labels": "$l"}
"""The roots of a keypath, by each way to write them."""


@dataclass(frozen=True)
class Node:
    """Something at *at* in the query."""

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
    """Texts and expressions in turn."""

    parts: tuple[str | Node, ...]


@dataclass(frozen=True)
class Case(Node):
    """
    `case { condition -> value, ... }` and its kin.

    Attributes:
        name: `case`, `case_contains`, ...
        subject: What the others of the family compare; None for `case`.
        branches: Conditions or comparands, and values.
        default: After `_`, or None.
    """

    name: str
    subject: Node | None
    branches: tuple[tuple[Node, Node], ...]
    default: Node | None


@dataclass(frozen=True)
class KeyPath(Node):
    """Where a command writes: *root* is `$d`, `$m` or `$l`."""

    root: str
    steps: tuple[str | int, ...]

    def __str__(self) -> str:
        steps = (f"[{one}]" if isinstance(one, int) else f".{one}" for one in self.steps)
        return self.root + "".join(steps)


@dataclass(frozen=True)
class NamedExpression(Node):
    """An expression, and the name that its value gets, if one is given."""

    of: Node
    alias: KeyPath | None = None


@dataclass(frozen=True)
class Command(Node):
    """
    One stage.

    Attributes:
        name: The command's main name, whatever alias was written.
        parts: What it was given, by name.
    """

    name: str
    parts: dict[str, Any]


@dataclass(frozen=True)
class SourceClause(Node):
    """
    Where rows come from.

    Attributes:
        dataset: Such as `logs` or `default/logs`; empty where none is named.
        clause: `last`, `around`, `between`, `timeshifted`, or empty.
        times: The expressions of the clause.
    """

    dataset: str = ""
    clause: str = ""
    times: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Query(Node):
    """A source and its stages."""

    source: SourceClause
    commands: tuple[Command, ...]


def keypath_of(node: Node) -> KeyPath | None:
    """The keypath that an expression is, or None where it is something else."""
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
