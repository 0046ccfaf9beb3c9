"""Compiling aggregations, and expressions of aggregations such as `round(avg(x))`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ..compile.expression_compiler import ExpressionCompiler
from ..errors import QueryRefusedError
from ..expression import Expression, check_type
from ..syntax.nodes import Call, KeyPath, Literal, Name, Node
from ..values import Kind
from . import accumulators
from .accumulators import NewAccumulator

ALSO_SCALAR = ("max", "min", "sum")
"""With one argument they are aggregations, with more they are functions of a row."""


class AggregationCompiler(ExpressionCompiler):
    """
    Compiles expressions of aggregations, as after `aggregate`.

    The closures take the list of the results of the aggregations instead of a row.

    Attributes:
        starts: Create the accumulators, one for each aggregation in the expressions.
    """

    def __init__(self, inner: ExpressionCompiler) -> None:
        super().__init__(inner.scope)
        self.inner = inner
        self.starts: list[NewAccumulator] = []

    def call(self, node: Call) -> Expression:
        """Compile an aggregation, or a function of aggregations."""
        build = BUILDERS.get(node.name)
        if build is None or (node.name in ALSO_SCALAR and len(node.arguments) > 1):
            return super().call(node)
        start, kind = build(self.inner, node)
        number = len(self.starts)
        self.starts.append(start)
        return Expression(lambda results: results[number], kind)

    def keypath(self, path: KeyPath) -> Expression:
        """Refuse a keypath outside of an aggregation: a group has many rows."""
        raise QueryRefusedError(
            f"{path} is outside of an aggregation: write such as any_value({path})", path.at
        )

    def aggregate(self, node: Node) -> Expression:
        """Compile an expression that contains an aggregation."""
        before = len(self.starts)
        found = self.compile(node)
        if len(self.starts) == before:
            raise QueryRefusedError("expected an aggregation, such as count()", node.at)
        return found


def has_aggregation(part: Any) -> bool:
    """Return True for a part of the syntax tree in which an aggregation is called."""
    if isinstance(part, tuple):
        return any(map(has_aggregation, part))
    if not isinstance(part, Node):
        return False
    scalar = isinstance(part, Call) and part.name in ALSO_SCALAR and len(part.arguments) > 1
    if isinstance(part, Call) and part.name in BUILDERS and not scalar:
        return True
    return any(has_aggregation(getattr(part, each.name)) for each in fields(part))


Built = tuple[NewAccumulator, Kind]


def _check_arguments(node: Call, minimum: int, maximum: int) -> None:
    if not minimum <= len(node.arguments) <= maximum:
        expected = str(minimum) if minimum == maximum else f"{minimum} to {maximum}"
        raise QueryRefusedError(
            f"{node.name}() takes {expected} arguments, not {len(node.arguments)}", node.at
        )


def _check_positional(node: Call, minimum: int, maximum: int) -> None:
    _check_arguments(node, minimum, maximum)
    if node.named:
        raise QueryRefusedError(f"{node.name}() has no argument {node.named[0][0]!r}", node.at)


def _number(compiler: ExpressionCompiler, node: Call, which: int = 0) -> Expression:
    of = compiler.compile(node.arguments[which])
    if of.kind is Kind.INTERVAL:
        return of
    return check_type(of, Kind.NUMBER, f"{node.name}()", node.at)


def _count(compiler: ExpressionCompiler, node: Call) -> Built:
    _check_positional(node, 0, 1)
    of = compiler.compile(node.arguments[0]).evaluate if node.arguments else None
    return lambda: accumulators.Count(of=of), Kind.NUMBER


def _count_if(compiler: ExpressionCompiler, node: Call) -> Built:
    _check_positional(node, 1, 2)
    when = compiler.condition(node.arguments[0])
    of = compiler.compile(node.arguments[1]).evaluate if len(node.arguments) > 1 else None
    return lambda: accumulators.Count(when, of), Kind.NUMBER


def _sum(compiler: ExpressionCompiler, node: Call) -> Built:
    _check_positional(node, 1, 1)
    of, mean = _number(compiler, node), node.name == "avg"
    return lambda: accumulators.Sum(of.evaluate, mean=mean), of.kind


def _extreme(compiler: ExpressionCompiler, node: Call) -> Built:
    two = node.name.endswith("_by")
    _check_positional(node, 1 + two, 1 + two)
    of, sign = compiler.compile(node.arguments[0]), 1 if node.name.startswith("max") else -1
    if not two:
        return lambda: accumulators.Extreme(of.evaluate, sign), of.kind
    other = compiler.compile(node.arguments[1])
    return lambda: accumulators.Extreme(of.evaluate, sign, other.evaluate), other.kind


def _any_value(compiler: ExpressionCompiler, node: Call) -> Built:
    _check_positional(node, 0, 1)
    of = compiler.compile(node.arguments[0] if node.arguments else Name(node.at, "$d"))
    return lambda: accumulators.AnyValue(of.evaluate), of.kind


def _distinct(compiler: ExpressionCompiler, node: Call) -> Built:
    conditional = node.name == "distinct_count_if"
    _check_positional(node, 1 + conditional, 1 + conditional)
    when = compiler.condition(node.arguments[0]) if conditional else None
    of, state = compiler.compile(node.arguments[-1]).evaluate, compiler.scope.shared
    return lambda: accumulators.Distinct(of, state, when), Kind.NUMBER


def _percentile(compiler: ExpressionCompiler, node: Call) -> Built:
    _check_arguments(node, 2, 3)
    if any(name != "error_threshold" for name, _ in node.named):
        raise QueryRefusedError(f"percentile() has no argument {node.named[0][0]!r}", node.at)
    share = compiler.compile(node.arguments[0])
    value: Any = share.value if share.constant else None
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise QueryRefusedError(
            "percentile() takes a number from 0 to 1 first, such as 0.99", node.arguments[0].at
        )
    of, state = _number(compiler, node, 1), compiler.scope.shared
    return lambda: accumulators.Percentile(of.evaluate, value, state), of.kind


def _median(compiler: ExpressionCompiler, node: Call) -> Built:
    _check_positional(node, 1, 1)
    of, state = _number(compiler, node), compiler.scope.shared
    return lambda: accumulators.Percentile(of.evaluate, 0.5, state), of.kind


def _spread(compiler: ExpressionCompiler, node: Call) -> Built:
    _check_positional(node, 1, 1)
    of = check_type(
        compiler.compile(node.arguments[0]), Kind.NUMBER, f"{node.name}()", node.at
    ).evaluate
    sample, root = int(node.name.startswith("sample_")), node.name.endswith("stddev")
    return lambda: accumulators.Spread(of, sample=sample, root=root), Kind.NUMBER


def _collect(compiler: ExpressionCompiler, node: Call) -> Built:
    _check_arguments(node, 1, 1)
    given: dict[str, Any] = {"distinct": False, "limit": None, "ignoreNulls": False}
    for name, value in node.named:
        if name not in given:
            raise QueryRefusedError(f"collect() has no argument {name!r}", value.at)
        given[name] = _literal(compiler, value)
        expected = int if name == "limit" else bool
        if type(given[name]) is not expected or (given[name] == 0 and name == "limit"):
            raise QueryRefusedError(f"{name} takes a literal", value.at)
    of, state = compiler.compile(node.arguments[0]).evaluate, compiler.scope.shared
    return (
        lambda: accumulators.Collect(
            of, state, distinct=given["distinct"], maximum=given["limit"],
            skips_nulls=given["ignoreNulls"],
        ),
        Kind.ARRAY,
    )  # fmt: skip


def _literal(compiler: ExpressionCompiler, node: Node) -> Any:
    return compiler.compile(node).value if isinstance(node, (Literal, Name)) else None


BUILDERS: dict[str, Callable[[ExpressionCompiler, Call], Built]] = {
    "any_value": _any_value, "approx_count_distinct": _distinct, "avg": _sum,
    "collect": _collect, "count": _count, "count_if": _count_if, "distinct_count": _distinct,
    "distinct_count_if": _distinct, "max": _extreme, "max_by": _extreme, "median": _median,
    "min": _extreme, "min_by": _extreme, "percentile": _percentile,
    "sample_stddev": _spread, "sample_variance": _spread, "stddev": _spread, "sum": _sum,
    "variance": _spread,
}  # fmt: skip
