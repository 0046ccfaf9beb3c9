"""Compiles expressions from syntax trees to closures, and checks all types that are known."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ....dataprime import times
from ....dataprime.rows import Severity
from ....errors import nearest
from ..errors import QueryRefusedError, UnsupportedError
from ..expression import Evaluate, Expression, check_type, constant, fold_constants
from ..functions import FUNCTIONS, OTHER_NAMES, UNSUPPORTED_FUNCTIONS
from ..json_paths import read_path
from ..syntax.nodes import (
    Access,
    Array,
    Binary,
    Call,
    Case,
    Cast,
    Literal,
    Name,
    Node,
    Template,
    TimeLiteral,
    Unary,
    keypath_of,
)
from ..text_search import phrase_test
from ..values import Interval, Kind, Timestamp, cast, number_as_timestamp, parse_timestamp, to_text
from . import operators, severities
from .field_access import FieldAccess, parameter_of
from .patterns import pattern

AGGREGATIONS = frozenset(
    "any_value approx_count_distinct avg collect count count_if distinct_count distinct_count_if"
    " max_by median min_by percentile sample_stddev sample_variance stddev variance".split()
)
"""Functions of the rows of a group, as opposed to those of the values of a row."""

_NEVER = {
    Kind.ENUM: "",
    Kind.TIMESTAMP: "write {}:timestamp",
    Kind.INTERVAL: "write {}:interval",
}
"""Types that no field of the data has, and what to write."""

_NOTED = (Kind.STRING, Kind.NUMBER, Kind.BOOL, Kind.NULL)
MEMBERSHIP = frozenset({"in", "inArray", "arrayContains"})
_LITERALS = {"true": True, "false": False, "null": None}
COMPARISONS_OF_CASES: dict[str, str] = {
    "case_equals": "==",
    "case_greaterthan": ">",
    "case_lessthan": "<",
}


class ExpressionCompiler(FieldAccess):
    """Compiles the expressions of one command."""

    def compile(self, node: Node) -> Expression:
        """Return the compiled expression of *node*."""
        return _BY_NODE[type(node)](self, node)

    def condition(self, node: Node) -> Evaluate:
        """Return the closure of a condition."""
        return check_type(self.compile(node), Kind.BOOL, "a condition", node.at).evaluate

    def literal(self, node: Literal) -> Expression:
        """Compile a literal."""
        if node.kind == "interval":
            return constant(Interval(node.value))
        return (
            constant(pattern(node.value, node.at))
            if node.kind == "regexp"
            else constant(node.value)
        )

    def name(self, node: Name) -> Expression:
        """Compile a bare word."""
        if node.text in _LITERALS:
            return constant(_LITERALS[node.text])
        if node.text in Severity.__members__:
            return constant(Severity[node.text])
        return self.access(node)

    def access(self, node: Node) -> Expression:
        """Compile a keypath, or a field of another expression."""
        path = keypath_of(node)
        if path is not None:
            return self.keypath(path)
        if (parameter := parameter_of(node)) is not None:
            return self.parameter(parameter, node.at)
        assert isinstance(node, Access)  # noqa: S101 - names are keypaths or parameters
        run, steps = self.compile(node.of).evaluate, (node.step,)
        return Expression(lambda row: read_path(run(row), steps), Kind.ANY)

    def call(self, node: Call) -> Expression:
        """Compile a call of a function."""
        if node.name in ("textSearch", "now"):
            return self._special(node)
        function = FUNCTIONS.get(node.name)
        if function is None:
            if node.name in AGGREGATIONS:
                raise QueryRefusedError(
                    f"{node.name}() is an aggregation: it is only possible after aggregate", node.at
                )
            if node.name in UNSUPPORTED_FUNCTIONS:
                raise UnsupportedError(f"the function {node.name}()", node.at)
            meant = OTHER_NAMES.get(node.name.lower())
            hint = (
                f" Did you mean {meant!r}?"
                if meant
                else nearest(node.name, (*FUNCTIONS, *AGGREGATIONS))
            )
            raise QueryRefusedError(f"unknown function {node.name}().{hint}", node.at)
        if function.archive and self.scope.settings.frequent:
            raise QueryRefusedError(
                f"{node.name}() works in the archive alone, and this query reads the frequent tier:"
                " query with --tier archive (tier='archive')",
                node.at,
            )
        if function.warning:
            self.scope.shared.warn(f"{node.name}(): {function.warning}")
        nodes = function.positional(node)
        arguments = [self.compile(one) for one in nodes]
        if node.name in MEMBERSHIP:
            arguments = self._members(nodes, arguments)
        call = function.compile_call(node.name, arguments, node.at)
        if node.name == "matches" and arguments[1].constant:
            self._note_match(nodes[0], arguments[1].value)
        return call

    def _note_part(self, of: Node, phrase: str) -> None:
        path = keypath_of(of)
        if path is not None and self.scope.logs:
            told = f"{path} has {phrase!r} only as a part of words: ~ finds whole words, contains()"
            small = phrase.lower()
            note = (path, lambda text: small in text.lower(), f"{told} finds parts of them")
            self.scope.shared.looser.append(note)

    def _note_match(self, of: Node, found: re.Pattern[str] | None) -> None:
        path = keypath_of(of)
        if path is not None and self.scope.logs and found is not None:
            told = (
                f"{path} has /{found.pattern}/ only in parts of values: matches() tests the whole"
            )
            note = (path, lambda text: found.search(text) is not None, f"{told}; add .* around it")
            self.scope.shared.looser.append(note)

    def _members(self, nodes: Sequence[Node], found: list[Expression]) -> list[Expression]:
        """Return the arguments of a test of membership, checked where they are severities."""
        items = [
            one for node in nodes for one in (node.items if isinstance(node, Array) else [node])
        ]
        kinds = {self.compile(one).kind for one in items} | {one.kind for one in found}
        if Kind.ENUM in kinds:
            sides = [self.compile(one) for one in items]
            self._check_severities(items, sides)
            nodes = severities.with_members(nodes)
            found = [self.compile(one) for one in nodes]
        self._warn_if_never(items, kinds)
        return found

    def _special(self, node: Call) -> Expression:
        expected = 0 if node.name == "now" else 2
        if len(node.arguments) != expected or node.named:
            raise QueryRefusedError(f"{node.name}() takes {expected} arguments", node.at)
        if node.name == "now":
            return constant(Timestamp(self.scope.settings.now))
        return self.search(node.arguments[0], node.arguments[1])

    def search(self, of: Node, phrase: Node) -> Expression:
        """Compile a text search."""
        if not (isinstance(phrase, Literal) and phrase.kind == "string"):
            raise QueryRefusedError("a text search takes a string in quotes", phrase.at)
        if not re.search(r"\w", phrase.value):
            raise QueryRefusedError(
                "a text search takes a string with at least one word", phrase.at
            )
        test, run = phrase_test(phrase.value), self.compile(of).evaluate

        def found(row: Any) -> Any:
            value = run(row)
            return None if value is None else test(value)

        return Expression(found, Kind.BOOL)

    def unary(self, node: Unary) -> Expression:
        """Compile `-` or `!`."""
        of = self.compile(node.of)
        make = operators.negative if node.sign == "-" else operators.negation
        return make(of, node.at)

    def binary(self, node: Binary) -> Expression:
        """Compile an operator between two expressions."""
        if node.sign == "~":
            found = self.search(node.left, node.right)
            self._note_part(node.left, str(getattr(node.right, "value", "")))
            return found
        if node.sign == "~~":
            path = keypath_of(node.left)
            if path is None or path.steps:
                raise QueryRefusedError("~~ searches $d, $l or $m as a whole", node.left.at)
            return self.search(node.left, node.right)
        left, right = self.compile(node.left), self.compile(node.right)
        sides, kinds = (node.left, node.right), {left.kind, right.kind}
        if node.sign in operators.COMPARING:
            if Kind.ENUM in kinds:
                self._check_severities(sides, (left, right))
                left, right = severities.as_numbers(left, right)
            self._warn_if_never(sides, kinds)
            self._note_types(sides, (left, right))
        return operators.binary(node, left, right)

    def _check_severities(self, nodes: Sequence[Node], sides: Sequence[Expression]) -> None:
        """Refuse what is no severity beside one; warn where a field is compared with one."""
        varies = any(side.kind is Kind.ENUM and not side.constant for side in sides)
        severities.check_names(nodes, lambda name: varies and self._is_field(name))

    def _is_field(self, node: Node) -> bool:
        path = keypath_of(node)
        word = isinstance(node, Name) and node.text in (*_LITERALS, *Severity.__members__)
        return path is not None and not word and self.scope.is_sent(path)

    def _note_types(self, nodes: Sequence[Node], sides: Sequence[Expression]) -> None:
        """Note the type with which a field is compared, in case that nothing is found."""
        for node, other in zip(nodes, sides[::-1], strict=True):
            if self._is_field(node) and other.kind in _NOTED:
                path = keypath_of(node)
                self.scope.shared.compared += [(path, other.kind)] if path is not None else []

    def _warn_if_never(self, nodes: Sequence[Node], kinds: set[Kind]) -> None:
        """Warn of a field that is compared with a value of a type that no field has."""
        for kind, advice in _NEVER.items():
            for one in nodes if kind in kinds else ():
                if self._is_field(one):
                    path = keypath_of(one)
                    told = advice.format(path)
                    if kind is Kind.ENUM:
                        told = severities.advice(str(path), nodes)
                    self.scope.shared.warn(
                        f"{path} is never equal to a {kind.value}, and has no order with one:"
                        f" {told}"
                    )

    def cast(self, node: Cast) -> Expression:
        """Compile `of:type`."""
        of, kind = self.compile(node.of), node.type
        if of.kind in (Kind.ARRAY, Kind.OBJECT) and of.kind.value != kind:
            raise QueryRefusedError(f"a {of.kind.value} cannot be cast to {kind}", node.at)
        run = of.evaluate
        known = Kind(kind) if kind != "enum" else Kind.ENUM
        return fold_constants(lambda row: cast(run(row), kind), known, of)

    def array(self, node: Array) -> Expression:
        """Compile `[items]`."""
        items = [self.compile(one) for one in node.items]
        runs = [one.evaluate for one in items]
        return fold_constants(lambda row: [run(row) for run in runs], Kind.ARRAY, *items)

    def moment(self, node: TimeLiteral) -> Expression:
        """Compile `@...`."""
        of = self.compile(node.of)
        if not of.constant or of.kind is Kind.TIMESTAMP:
            return check_type(of, Kind.TIMESTAMP, "@", node.at)
        value = of.value
        if value == "now":
            return constant(Timestamp(self.scope.settings.now))
        found = parse_timestamp(value) if type(value) is str else number_as_timestamp(value)
        if type(found) is not Timestamp or not times.EARLIEST <= found <= times.LATEST:
            raise QueryRefusedError(
                f"@{value!r} is not a time: write such as @'2025-01-20T00:00:00Z'", node.at
            )
        return constant(found)

    def template(self, node: Template) -> Expression:
        """Compile a template; it is null where one of its expressions is."""
        parts = [
            constant(part).evaluate if isinstance(part, str) else self.compile(part).evaluate
            for part in node.parts
        ]

        def run(row: Any) -> Any:
            shown = [to_text(part(row)) for part in parts]
            return None if None in shown else "".join(one or "" for one in shown)

        return Expression(run, Kind.STRING)

    def case(self, node: Case) -> Expression:
        """Compile `case`: the first branch whose condition is true."""
        values = [self.compile(value) for _, value in node.branches]
        default = constant(None) if node.default is None else self.compile(node.default)
        pairs = list(zip(self._tests(node), [one.evaluate for one in values], strict=True))
        otherwise = default.evaluate

        def run(row: Any) -> Any:
            for test, value in pairs:
                if test(row) is True:
                    return value(row)
            return otherwise(row)

        kinds = {one.kind for one in (*values, *((default,) if node.default else ()))}
        return Expression(run, kinds.pop() if len(kinds) == 1 else Kind.ANY)

    def _tests(self, node: Case) -> list[Evaluate]:
        if node.subject is None:
            return [self.condition(condition) for condition, _ in node.branches]
        subject = node.subject
        if node.name == "case_contains":
            calls = (Call(one.at, "contains", (subject, one)) for one, _ in node.branches)
            return [self.condition(call) for call in calls]
        sign = COMPARISONS_OF_CASES[node.name]
        return [self.condition(Binary(one.at, sign, subject, one)) for one, _ in node.branches]


_BY_NODE: dict[type, Callable[[Any, Any], Expression]] = {
    Literal: ExpressionCompiler.literal,
    Name: ExpressionCompiler.name,
    Access: ExpressionCompiler.access,
    Call: lambda compiler, node: compiler.call(node),
    Unary: ExpressionCompiler.unary,
    Binary: ExpressionCompiler.binary,
    Cast: ExpressionCompiler.cast,
    Array: ExpressionCompiler.array,
    TimeLiteral: ExpressionCompiler.moment,
    Template: ExpressionCompiler.template,
    Case: ExpressionCompiler.case,
}
