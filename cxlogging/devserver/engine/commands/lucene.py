"""
Lucene's query language: fields, phrases, wildcards, regular expressions, ranges, AND, OR, NOT,
+ - ! ( ).

Terms without an operator between them must all match. `field=value` is `field:value`.
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
from . import lucene_terms
from .lucene_terms import ESCAPE, Field, Reading, TermError, ValueTest

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
_BOUND = re.compile(r"(?:\\.|[^\s()\[\]{}\"\\])+", re.DOTALL)
_DATE_MATH = re.compile(r"now(?![\w.])|.*\|\|")
_EQUAL = re.compile(r"([A-Za-z_$@][\w.$@-]*)=(?![^=]*[=&])")
_COMPARED = re.compile(r"[A-Za-z_$@][\w.$@-]*(?:[<>]=?|==)")
_SUFFIXES = {"keyword": Reading.KEYWORD, "numeric": Reading.NUMBER}
_TYPED = {"severity": Reading.SEVERITY, "timestamp": Reading.TIME}
MAX_DEPTH = 150


def lucene_test(query: str, scope: Scope, at: int = 0) -> Evaluate:
    """Return the test of *query*, which starts at offset *at* of the whole query."""
    parser = _LuceneParser(query, scope, at)
    test = parser.either()
    if parser.kind:
        parser.refuse("expected a term, AND or OR")
    return test


class _LuceneParser:
    def __init__(self, query: str, scope: Scope, offset: int) -> None:
        self._query, self._scope, self._offset = query, scope, offset
        self._end = 0
        self._depth = 0
        self._field = Field("", lambda row: row.data)
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
        """Read clauses with OR between them."""
        tests = [self._all()]
        while self._operator("OR", "||"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _all(self) -> Evaluate:
        tests = [self._not()]
        while (told := self._operator("AND", "&&")) or self._starts_clause():
            if not told and self._field.name and self.kind == "word" and self.text != "NOT":
                self._scope.shared.hints.append(
                    f"Lucene: all words in the parentheses after {self._field.name}: must match;"
                    " write OR between them for any"
                )
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _starts_clause(self) -> bool:
        if self.kind == "mark":
            return self.text == "(" or (bool(self._field.name) and self.text in "[{")
        return bool(self.kind) and self.text not in ("OR", "AND", "or", "and")

    def _operator(self, word: str, mark: str) -> bool:
        small = self.kind == "word" and self.text == word.lower()
        if small:
            self._scope.shared.warn(f"Lucene: {self.text} is read as {word}: write it in capitals")
        return self._accept(word, mark, word.lower())

    def _not(self) -> Evaluate:
        if self._accept("NOT", "!", "-"):
            self._deeper()
            inner = self._not()
            self._depth -= 1
            return lambda row: not inner(row)
        self._accept("+")
        return self._clause()

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.refuse(f"nested more than {MAX_DEPTH} levels deep")

    def _clause(self) -> Evaluate:
        if self._accept("("):
            return self._group()
        if self.kind == "word" and not self._field.name:
            if self._is_field():
                return self._of_field()
            if (equal := _EQUAL.match(self.text)) is not None:
                self._end = self.start + equal.end()
                self._next()
                return self._term(self._named(equal[1]))
            if _COMPARED.match(self.text):
                self.refuse("a comparison is written as in status:>=500")
        return self._term(self._field)

    def _group(self) -> Evaluate:
        self._deeper()
        inner = self.either()
        self._depth -= 1
        if not self._accept(")"):
            self.refuse("expected AND, OR or ')'" if self._field.name else "expected ')'")
        return inner

    def _is_field(self) -> bool:
        rest = self._query[self._end :].lstrip()
        return rest.startswith(":")

    def _of_field(self) -> Evaluate:
        name = ESCAPE.sub(r"\1", self.text)
        self._next()
        self._next()
        if name == "_exists_":
            value = self._named(self._word("a field")).value
            return lambda row: value(row) is not None
        if name == "*":
            return self._term(self._field)
        field = self._named(name)
        if not self._accept("("):
            return self._term(field)
        outer, self._field = self._field, field
        test = self._group()
        self._field = outer
        return test

    def _named(self, name: str) -> Field:
        known = self._metadata(name)
        if known is not None:
            return known
        base, _, suffix = name.rpartition(".")
        reading = _SUFFIXES.get(suffix) if base else None
        if reading is None:
            return Field(name, self._reader(name))
        known = self._metadata(base)
        if known is not None:
            # A severity is a number anyway; a label has no other reading than a keyword's.
            typed = known.reading is not Reading.TEXT
            return known if typed else Field(name, known.value, reading)
        whole, own = self._reader(base), tuple(name.split("."))

        def value(row: QueryRow) -> Any:
            found = read_path_or_flat_name(row.data, own)
            return whole(row) if found is None else found

        return Field(name, value, reading)

    def _metadata(self, name: str) -> Field | None:
        """Return the field of the metadata or the labels that has *name*, in any case."""
        fields = self._scope.settings.lucene_fields
        by_name = {each.lower(): place for each, place in fields.items()}
        known = by_name.get(name.lower())
        if known is None:
            above = {each.partition(".")[0] for each in by_name}
            prefix, dot, _ = name.lower().partition(".")
            suffix = name.rpartition(".")[2]
            if dot and prefix in above and suffix not in _SUFFIXES:
                raise UnsupportedError(f"the field {name}", self._offset + self.start)
            return None
        root, field = known
        if root == "$m":
            return Field(name, lambda row: row.metadata.get(field), _TYPED.get(field, Reading.TEXT))
        return Field(name, lambda row: row.labels.get(field))

    def _reader(self, name: str) -> Callable[[QueryRow], Any]:
        path = tuple(name.split("."))
        self._scope.reads(KeyPath(self._offset, "$d", path))
        return lambda row: read_path_or_flat_name(row.data, path)

    def _term(self, field: Field) -> Evaluate:
        value = field.value
        at = self.start
        try:
            test = self._test(field)
        except TermError as error:
            self.start = at
            self.refuse(str(error))
        if self.kind == "mark" and self.text in "~^":
            name = "fuzzy terms (~)" if self.text == "~" else "boosts (^)"
            raise UnsupportedError(f"Lucene's {name}", self._offset + self.start)
        return lambda row: test(value(row))

    def _test(self, field: Field) -> ValueTest:
        if self.kind == "phrase":
            return lucene_terms.phrase_or_value_test(self._phrase(), field.reading)
        if self.kind == "compare":
            return self._comparison(field.reading)
        if self.kind == "mark" and self.text in "[{":
            return self._range(field.reading)
        if self.kind == "regexp":
            return self._regexp(field)
        sign = "-" if field.name and self.kind == "sign" and self._accept("-") else ""
        return lucene_terms.word_test(sign + self._word("a term"), field.reading)

    def _regexp(self, field: Field) -> ValueTest:
        source, at = self.text[1:-1], self._offset + self.start
        shared = self._scope.shared
        if re.match(r"\^|.*(?<!\\)\$$", source, re.DOTALL):
            shared.warn("Lucene: ^ and $ are not needed: a regular expression matches a whole word")
        elif field.reading is Reading.TEXT:
            name = field.name or "field"
            shared.hints.append(
                f"Lucene: /{source}/ matches single words; {name}.keyword:/{source}/ matches"
                " whole values"
            )
        test = lucene_terms.regexp_test(source, field.reading, at)
        self._next()
        return test

    def _phrase(self) -> str:
        phrase = ESCAPE.sub(r"\1", self.text[1:-1])
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

    def _comparison(self, reading: Reading) -> ValueTest:
        sign = self.text
        self._next()
        bound = self._bound()
        inclusive = sign.endswith("=")
        low, high = (bound, None) if sign[0] == ">" else (None, bound)
        return lucene_terms.range_test(low, high, (inclusive, inclusive), reading)

    def _range(self, reading: Reading) -> ValueTest:
        from_inclusive = self.text == "["
        self._next()
        low = self._bound()
        if not self._accept("TO"):
            self.refuse("expected TO")
        high = self._bound()
        to_inclusive = self.text == "]"
        if not self._accept("]", "}"):
            self.refuse("expected ']'")
        return lucene_terms.range_test(low, high, (from_inclusive, to_inclusive), reading)

    def _bound(self) -> str | None:
        if self.kind == "phrase":
            return self._phrase()
        # Not by tokens: a time has colons.
        found = _BOUND.match(self._query, self.start)
        if found is None or found[0] in ("TO", "AND", "OR", "NOT"):
            self.refuse("expected a bound")
        if _DATE_MATH.match(found[0]):
            raise UnsupportedError(f"Lucene's date math, {found[0]}", self._offset + self.start)
        self._end = found.end()
        self._next()
        return None if found[0] == "*" else ESCAPE.sub(r"\1", found[0])
