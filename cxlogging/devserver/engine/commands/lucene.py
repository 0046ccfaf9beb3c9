"""
A subset of Lucene's query language: fields, phrases, wildcards, ranges, AND, OR, NOT, + - ! ( ).

Two terms without an operator between them are refused, because the service does not document its
default operator. A value matches where it contains the term as whole tokens, as in a text search.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

from ..compile.scope import Scope
from ..errors import QueryRefusedError, UnsupportedError
from ..expression import Evaluate
from ..json_paths import read_path_or_flat_name
from ..row import QueryRow
from ..syntax.nodes import KeyPath
from ..text_search import SEPARATORS, pattern_test, phrase_test
from ..values import parse_number, to_text

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<mark>\(|\)|\[|\]|\{|\}|&&|\|\||:|\^|~)
  | (?P<phrase>"(?:\\.|[^"\\])*")
  | (?P<compare>[<>]=?)
  | (?P<sign>[+!]|-)
  | (?P<regexp>/(?:\\.|[^/\\])+/)
  | (?P<word>(?:\\.|[^\s()\[\]{}:"^~<>&|\\/])(?:\\.|[^\s()\[\]{}:"^~\\])*)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
Value = Callable[[QueryRow], Any]


def lucene_test(query: str, scope: Scope, at: int = 0) -> Evaluate:
    """Return the test of *query*, which starts at offset *at* of the whole query."""
    parser = _LuceneParser(query, scope, at)
    test = parser.either()
    if parser.kind:
        parser.refuse("expected AND or OR: the service does not document its default operator")
    return test


class _LuceneParser:
    def __init__(self, query: str, scope: Scope, offset: int) -> None:
        self._query, self._scope, self._offset = query, scope, offset
        self._end = 0
        # Fields may be anywhere, so all parts of a row are needed.
        scope.shared.used.update(("$d", "$m", "$l"))
        self._next()

    def _next(self) -> None:
        self.start = self._end
        while self.start < len(self._query) and self._query[self.start].isspace():
            self.start += 1
        self.kind, self.text = "", ""
        if self.start == len(self._query):
            return
        found = _TOKEN.match(self._query, self.start)
        if found is None or found.lastgroup is None:
            self.refuse(f"{self._query[self.start]!r} is unexpected")
        self.kind, self.text, self._end = found.lastgroup, found[found.lastgroup], found.end()

    def refuse(self, sentence: str) -> NoReturn:
        raise QueryRefusedError(f"Lucene: {sentence}", self._offset + self.start)

    def _accept(self, *texts: str) -> bool:
        if self.kind in ("mark", "word", "sign") and self.text in texts:
            self._next()
            return True
        return False

    def either(self) -> Evaluate:
        tests = [self._all()]
        while self._accept("OR", "||"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _all(self) -> Evaluate:
        tests = [self._not()]
        while self._accept("AND", "&&"):
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _not(self) -> Evaluate:
        if self._accept("NOT", "!", "-"):
            inner = self._not()
            return lambda row: not inner(row)
        self._accept("+")
        return self._clause()

    def _clause(self) -> Evaluate:
        if self._accept("("):
            inner = self.either()
            if not self._accept(")"):
                self.refuse("expected ')'")
            return inner
        if self.kind == "word" and self._is_field():
            return self._field()
        return self._term(lambda row: row.data)

    def _is_field(self) -> bool:
        rest = self._query[self._end :].lstrip()
        return rest.startswith(":")

    def _field(self) -> Evaluate:
        name = _ESCAPE.sub(r"\1", self.text)
        self._next()
        self._next()
        if name == "_exists_":
            path = self._path(self._word("a field"))
            return lambda row: read_path_or_flat_name(row.data, path) is not None
        value = self._value_of(name)
        if self._accept("("):
            return self._group(value)
        return self._term(value)

    def _group(self, value: Value) -> Evaluate:
        tests, sign = [self._term(value)], ""
        while not self._accept(")"):
            taken = (
                "any" if self._accept("OR", "||") else "all" if self._accept("AND", "&&") else ""
            )
            if not taken or (sign and taken != sign):
                self.refuse("expected AND, OR or ')'")
            sign = taken
            tests.append(self._term(value))
        decide = any if sign == "any" else all
        return lambda row: decide(test(row) for test in tests)

    def _value_of(self, name: str) -> Value:
        known = self._scope.settings.lucene_fields.get(name)
        if known is None:
            path = self._path(name)
            return lambda row: read_path_or_flat_name(row.data, path)
        root, field = known
        if root == "$m":
            # In Lucene, severities are numbers.
            return lambda row: int(row.metadata[field]) if field in row.metadata else None
        return lambda row: row.labels.get(field)

    def _path(self, name: str) -> tuple[str, ...]:
        path = tuple(name.split("."))
        self._scope.reads(KeyPath(self._offset, "$d", path))
        return path

    def _term(self, value: Value) -> Evaluate:
        if self.kind == "phrase":
            test = phrase_test(self._phrase())
        elif self.kind == "compare":
            test = self._comparison()
        elif self.kind == "mark" and self.text in "[{":
            test = self._range()
        elif self.kind == "regexp":
            raise UnsupportedError("Lucene's regular expressions", self._offset + self.start)
        else:
            test = _word_test(self._word("a term"), self)
        if self.kind == "mark" and self.text in "~^":
            name = "fuzzy terms (~)" if self.text == "~" else "boosts (^)"
            raise UnsupportedError(f"Lucene's {name}", self._offset + self.start)
        return lambda row: test(value(row))

    def _phrase(self) -> str:
        phrase = _ESCAPE.sub(r"\1", self.text[1:-1])
        if not re.search(r"\w", phrase):
            self.refuse("a phrase needs at least one word")
        self._next()
        return phrase

    def _word(self, expected: str) -> str:
        if self.kind != "word" or self.text in ("AND", "OR", "NOT"):
            self.refuse(f"expected {expected}")
        word = self.text
        self._next()
        return word

    def _comparison(self) -> Callable[[Any], bool]:
        sign = self.text
        self._next()
        bound = self._bound()
        inclusive = sign.endswith("=")
        low, high = (bound, None) if sign[0] == ">" else (None, bound)
        return _range_test(low, high, inclusive, inclusive)

    def _range(self) -> Callable[[Any], bool]:
        from_inclusive = self.text == "["
        self._next()
        low = self._bound()
        if not self._accept("TO"):
            self.refuse("expected TO")
        high = self._bound()
        to_inclusive = self.text == "]"
        if not self._accept("]", "}"):
            self.refuse("expected ']'")
        return _range_test(low, high, from_inclusive, to_inclusive)

    def _bound(self) -> str | None:
        if self.kind == "phrase":
            return self._phrase()
        sign = "-" if self.kind == "sign" and self._accept("-") else ""
        word = self._word("a bound")
        return None if word == "*" else sign + _ESCAPE.sub(r"\1", word)


def _word_test(word: str, parser: _LuceneParser) -> Callable[[Any], bool]:
    if word == "*":
        return lambda value: value is not None
    if re.search(r"(?<!\\)[*?]", word):
        inner = "".join(
            f"[^{SEPARATORS}]*" if part == "*" else f"[^{SEPARATORS}]" if part == "?"
            else re.escape(_ESCAPE.sub(r"\1", part))
            for part in re.split(r"(?<!\\)([*?])", word)
        )  # fmt: skip
        return pattern_test(rf"(?<![^{SEPARATORS}]){inner}(?![^{SEPARATORS}])")
    plain = _ESCAPE.sub(r"\1", word)
    if not re.search(r"\w", plain):
        parser.refuse("a term needs at least one letter or digit")
    return phrase_test(plain)


def _range_test(
    low: str | None, high: str | None, from_inclusive: bool, to_inclusive: bool
) -> Callable[[Any], bool]:
    def above(value: Any, bound: Any, inclusive: bool) -> bool:
        return bool(value > bound or (inclusive and value == bound))

    def test(value: Any) -> bool:
        if type(value) is list:
            return any(test(one) for one in value)
        if type(value) in (int, float):
            sides = [None if side is None else parse_number(side) for side in (low, high)]
            if (low is None) is not (sides[0] is None) or (high is None) is not (sides[1] is None):
                return False
            operand: Any = value
        else:
            operand, sides = to_text(value), [low, high]  # type: ignore[list-item]
        if operand is None:
            return False
        return (sides[0] is None or above(operand, sides[0], from_inclusive)) and (
            sides[1] is None or above(sides[1], operand, to_inclusive)
        )

    return test
