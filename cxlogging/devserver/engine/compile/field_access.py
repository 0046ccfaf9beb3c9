"""Compiles references: keypaths into rows, and parameters of the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import QueryRefusedError, UnsupportedError
from ..expression import Evaluate, Expression, constant
from ..json_paths import Steps, read_path_or_flat_name
from ..row import FIELDS
from ..syntax.nodes import Access, KeyPath, Name, Node
from ..values import Timestamp
from .scope import Scope


class FieldAccess:
    """Compiles references to what *scope* contains."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def keypath(self, path: KeyPath) -> Expression:
        """Return an expression for the value at *path* of a row."""
        kind = self.scope.kind(path)
        path = self.scope.resolved(path)
        if path.root == "$d":
            return Expression(_data_reader(path.steps), kind)
        part = "metadata" if path.root == "$m" else "labels"
        if not path.steps:
            return Expression(lambda row: dict(getattr(row, part)), kind)
        name = str(path.steps[0])
        if part == "metadata":
            return Expression(_metadata_reader(name), kind)
        reader = self.scope.settings.label_readers.get(name)
        if reader is None:
            return Expression(lambda row: row.labels.get(name), kind)
        return Expression(_label_reader(reader), kind)

    def parameter(self, path: tuple[str | int, ...], at: int) -> Expression:
        """Return an expression for a parameter of the request."""
        settings = self.scope.settings
        known = {
            ("timeRange", "startTime"): settings.start,
            ("timeRange", "endTime"): settings.end,
        }
        if path not in known:
            raise UnsupportedError(f"the parameter $p.{'.'.join(map(str, path))}", at)
        moment = known[path]
        if moment is None:
            raise QueryRefusedError(
                f"$p.timeRange.{path[1]}: the request has no such time; set start and end"
                " (startDate and endDate)",
                at,
            )
        return constant(Timestamp(moment))


def _data_reader(steps: Steps) -> Evaluate:
    if not steps:
        return lambda row: row.data
    if len(steps) == 1:
        (name,) = steps

        def field(row: Any) -> Any:
            data = row.data
            return data.get(name) if type(data) is dict else None

        return field
    return lambda row: read_path_or_flat_name(row.data, steps)


def _metadata_reader(name: str) -> Evaluate:
    read_field = FIELDS[name]

    def field(row: Any) -> Any:
        record = row.record
        return None if record is None else read_field(record)

    return field


def _label_reader(read_label: Callable[[str, str, str], str]) -> Evaluate:
    def label(row: Any) -> Any:
        record = row.record
        return None if record is None else read_label(record[5], record[6], record[7]) or None

    return label


def parameter_of(node: Node) -> tuple[str | int, ...] | None:
    """Return the steps after `$p`, or None for other expressions."""
    steps: list[str | int] = []
    at = node
    while isinstance(at, Access):
        steps.append(at.step)
        at = at.of
    if not isinstance(at, Name) or not at.text.startswith("$"):
        return None
    if at.text not in ("$p", "$parameters"):
        raise QueryRefusedError(f"unknown root {at.text}: write $d, $m, $l or $p", at.at)
    return tuple(reversed(steps))
