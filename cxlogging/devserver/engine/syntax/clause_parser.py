"""The parser of clauses that several commands share: named expressions, counts, types."""

from __future__ import annotations

from dataclasses import replace

from .expression_parser import TYPES, ExpressionParser
from .nodes import KeyPath, NamedExpression, Node, Unary

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
        """Read the aggregations of a grouping, with or without their keyword, if there are any."""
        ended = self.at_end() or self.next_is("|") or self.next_is(")")
        if not self.accept_word(*AGGREGATE) and ended:
            return ()
        return self.aggregations()

    def aggregations(self) -> tuple[NamedExpression, ...]:
        """Read `aggregation [as name], ...`, or `into name`."""
        found: list[NamedExpression] = []
        while not found or self.accept(","):
            item = self.item()
            if item.alias is None and self.accept_word("into"):
                item = replace(item, alias=self.keypath())
            found.append(item)
        return tuple(found)

    def ordered(self) -> tuple[tuple[Node, bool], ...]:
        """Read `expression [asc|desc], ...` or `-expression`, each with whether it descends."""
        keys: list[tuple[Node, bool]] = []
        while not keys or self.accept(","):
            of = self.expression()
            descending = self.next_is_word("asc", "desc") and self.advance().text == "desc"
            if isinstance(of, Unary) and of.sign == "-":
                # Not only numbers: -x is how people write x desc.
                of, descending = of.of, not descending
            keys.append((of, descending))
        return tuple(keys)

    def accept_orderby(self) -> bool:
        """Move behind `orderby`, or one of its other forms, where it is next."""
        if self.accept_word("orderby", "sortby"):
            return True
        if not self.next_is_word("order", "sort"):
            return False
        self.advance()
        self.expect_word("by")
        return True

    def on_rules(self) -> dict[str, str]:
        """Read the rules for keypaths that exist, are missing or change their type."""
        rules: dict[str, str] = {}
        while self.accept_word("on"):
            if self.accept_word("datatype"):
                rule, allowed = "changed", ("skip", "fail", "overwrite")
                self.expect_word("change", "changed")
            else:
                self.expect_word("keypath")
                rule = self.expect_word("exists", "missing").text
                allowed = ("fail", "skip", "overwrite" if rule == "exists" else "create")
            rules[rule] = self.expect_word(*allowed).text
        return rules

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
