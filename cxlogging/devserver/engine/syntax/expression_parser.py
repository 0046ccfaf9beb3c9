"""The parser of expressions: a Pratt parser with one token of lookahead."""

from __future__ import annotations

import re
from typing import NoReturn

from ..errors import QueryRefusedError
from .cursor import Cursor
from .lexer import Token
from .nodes import (
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
)

PRECEDENCE = {
    "||": 1, "&&": 2,
    "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "~": 3, "~~": 3, "in": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "%": 5,
}  # fmt: skip
"""The precedence of each operator; comparisons cannot be chained."""

COMPARISON = 3
TYPES = {
    "string": "string", "number": "number", "num": "number", "bool": "bool", "boolean": "bool",
    "timestamp": "timestamp", "interval": "interval", "regexp": "regexp", "array": "array",
    "object": "object", "json": "object", "enum": "enum",
}  # fmt: skip
CASES = ("case", "case_contains", "case_equals", "case_greaterthan", "case_lessthan")
_OPENING = re.compile(r"(?:\\.|[^\\{])*?(\{)", re.DOTALL)
_ESCAPED = re.compile(r"\\([{}`\\])")
MAX_DEPTH = 200
"""Maximum nesting of parentheses and other expressions."""


class ExpressionParser(Cursor):
    """Parses expressions, and moves behind them."""

    def expression(self, precedence: int = 0) -> Node:
        """Read an expression with operators above *precedence*."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.refuse_nesting()
        left = self._unary()
        while (found := self._precedence()) > precedence:
            left = self._binary(left, found)
            if found == COMPARISON and self._precedence() == COMPARISON:
                self.refuse("&& or || between two comparisons")
        self.depth -= 1
        return left

    def refuse_nesting(self) -> NoReturn:
        """Refuse a query that is nested too deeply."""
        raise QueryRefusedError(
            f"syntax error: nested more than {MAX_DEPTH} levels deep", self.token.start
        )

    def _precedence(self) -> int:
        if self.token.kind == "mark" or self.next_is_word("in"):
            return PRECEDENCE.get(self.token.text, 0)
        return 0

    def _binary(self, left: Node, precedence: int) -> Node:
        sign = self.advance()
        if sign.text != "in":
            return Binary(sign.start, sign.text, left, self.expression(precedence))
        if self.accept("("):
            items = self._list(")")
        else:
            self.expect("[")
            items = self._list("]")
        if not items:
            raise QueryRefusedError("syntax error: in needs at least one value", sign.start)
        return Call(sign.start, "in", (left, *items))

    def _unary(self) -> Node:
        if self.next_is("-") or self.next_is("!"):
            sign = self.advance()
            self.depth += 1
            if self.depth > MAX_DEPTH:
                self.refuse_nesting()
            of = self._unary()
            self.depth -= 1
            return Unary(sign.start, sign.text, of)
        return self._postfix(self._operand())

    def _postfix(self, node: Node) -> Node:
        while True:
            if self.accept("."):
                name = self.expect_kind("name", "a field or a method")
                if self.accept("("):
                    positional, named = self.arguments()
                    node = Call(name.start, name.text, (node, *positional), named)
                else:
                    node = Access(node.at, node, name.text)
            elif self.accept("["):
                node = Access(node.at, node, self.subscript())
            elif self.next_is(":"):
                sign = self.advance()
                word = self.expect_kind("name", "a type")
                if word.text not in TYPES:
                    raise QueryRefusedError(
                        f"syntax error: unknown type {word.text!r}; known types:"
                        f" {', '.join(dict.fromkeys(TYPES.values()))}",
                        word.start,
                    )
                node = Cast(sign.start, node, TYPES[word.text])
            else:
                return node

    def _operand(self) -> Node:
        token = self.token
        if token.kind == "name":
            return self._name_or_call()
        if token.kind == "root":
            self.advance()
            return Name(token.start, token.text)
        if token.kind in ("number", "string", "interval"):
            self.advance()
            return Literal(token.start, token.value, token.kind)
        if token.kind == "template":
            self.advance()
            return self._template(token)
        return self._operand_after_mark()

    def _operand_after_mark(self) -> Node:
        token = self.token
        if self.accept("("):
            inner = self.expression()
            self.expect(")")
            return inner
        if self.accept("["):
            return Array(token.start, self._list("]"))
        if self.accept("@"):
            if self.token.kind in ("string", "number") or self.next_is("("):
                return TimeLiteral(token.start, self._operand())
            self.refuse("a time after @, as in @'2025-01-20T00:00:00Z'")
        if not self.next_is("/"):
            self.refuse("an expression")
        found = self.pattern()
        return Literal(found.start, found.value, "regexp")

    def _name_or_call(self) -> Node:
        word = self.advance()
        if word.text in CASES and self.next_is("{"):
            return self._case(word)
        if self.accept("("):
            positional, named = self.arguments()
            return Call(word.start, word.text, positional, named)
        return Name(word.start, word.text)

    def pattern(self) -> Token:
        """Read a regular expression or a string."""
        if self.next_is("/"):
            found = self.lexer.regexp(self.token.start)
            self.token = self.lexer.token(found.end)
            return found
        return self.expect_kind("string", "a regular expression or a string")

    def _list(self, closing: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self.accept(closing):
            if items:
                self.expect(",")
            items.append(self.expression())
        return tuple(items)

    def arguments(self) -> tuple[tuple[Node, ...], tuple[tuple[str, Node], ...]]:
        """Read arguments, after the opening parenthesis."""
        positional: list[Node] = []
        named: list[tuple[str, Node]] = []
        while not self.accept(")"):
            if positional or named:
                self.expect(",")
            if self.token.kind == "name" and self.lexer.token(self.token.end).text == "=":
                name = self.advance().text
                self.advance()
                named.append((name, self.expression()))
            else:
                positional.append(self.expression())
        return tuple(positional), tuple(named)

    def _case(self, word: Token) -> Case:
        self.expect("{")
        subject = None
        if word.text != "case":
            subject = self.expression()
            self.expect(",")
        branches: list[tuple[Node, Node]] = []
        default = None
        while not self.next_is("}"):
            if branches:
                self.expect(",")
            if self.next_is_word("_") and self.lexer.token(self.token.end).text == "->":
                self.advance()
                self.advance()
                default = self.expression()
                break
            condition = self.expression()
            self.expect("->")
            branches.append((condition, self.expression()))
        self.expect("}")
        return Case(word.start, word.text, subject, tuple(branches), default)

    def _template(self, token: Token) -> Template:
        parts: list[str | Node] = []
        at, last = token.start + 1, token.end - 1
        while (found := _OPENING.match(self.text, at, last)) is not None:
            parts.append(_unescaped(self.text[at : found.start(1)]))
            inner = ExpressionParser(self.text, found.end(), last, self.depth)
            parts.append(inner.expression())
            if not inner.next_is("}"):
                inner.refuse("'}'")
            # Not via advance(): what follows is literal text, not a token.
            at = inner.token.end
        parts.append(_unescaped(self.text[at:last]))
        return Template(token.start, tuple(parts))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
