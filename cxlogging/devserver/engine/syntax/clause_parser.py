"""The parser of clauses that several commands share: named expressions, counts, types."""

from __future__ import annotations

from .expression_parser import TYPES, ExpressionParser
from .nodes import KeyPath, NamedExpression

AGGREGATE = ("aggregate", "agg", "calculate", "calc")


class ClauseParser(ExpressionParser):
    """Parses the clauses of commands."""

    def items(self) -> tuple[NamedExpression, ...]:
        """Read `expression [as name], ...`."""
        found = [self.item()]
        while self.accept(","):
            found.append(self.item())
        return tuple(found)

    def item(self) -> NamedExpression:
        """Read `expression [as name]`."""
        start = self.token.start
        of = self.expression()
        return NamedExpression(start, of, self.keypath() if self.accept_word("as") else None)

    def count(self, expected: str) -> int:
        """Read a whole number."""
        if self.token.kind != "number" or not isinstance(self.token.value, int):
            self.refuse(expected)
        number: int = self.advance().value
        return number

    def aggregates(self) -> tuple[NamedExpression, ...]:
        """Read the aggregations of a grouping, with or without their keyword."""
        ended = self.at_end() or self.next_is("|") or self.next_is(")")
        if not self.accept_word(*AGGREGATE) and ended:
            self.refuse("an aggregation, such as aggregate count() as n")
        return self.items()

    def types(self) -> tuple[tuple[KeyPath, str], ...]:
        """Read `keypath:type, ...`."""
        found = []
        while True:
            path = self.keypath()
            self.expect(":")
            word = self.expect_word(*TYPES)
            found.append((path, TYPES[word.text]))
            if not self.accept(","):
                return tuple(found)
