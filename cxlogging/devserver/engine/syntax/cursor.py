"""A cursor over the tokens of a query: look at the next one, accept it, or expect it."""

from __future__ import annotations

from typing import NoReturn

from ..errors import QueryRefusedError
from .lexer import END, Lexer, Token
from .nodes import ROOTS, KeyPath

_MISTAKES = {
    "=": "write == to compare", "and": "write && for and", "or": "write || for or",
    "not": "write ! for not", "is": "write == null or != null", "like": "write contains() or ~",
    "desc": "write it in lower case", "asc": "write it in lower case",
    "as": "write it in lower case",
}  # fmt: skip


class Cursor:
    """A position before a token of *text*."""

    def __init__(self, text: str, start: int = 0, end: int | None = None, depth: int = 0) -> None:
        self.lexer = Lexer(text, end)
        self.text = text
        self.depth = depth
        self.token = self.lexer.token(start)

    def advance(self) -> Token:
        """Return the next token, and move behind it."""
        taken = self.token
        self.token = self.lexer.token(taken.end)
        return taken

    def next_is(self, mark: str) -> bool:
        """Return True where *mark* is next."""
        return self.token.kind == "mark" and self.token.text == mark

    def next_is_word(self, *words: str) -> bool:
        """Return True where one of *words* is next."""
        return self.token.kind == "name" and self.token.text in words

    def accept(self, mark: str) -> bool:
        """Move behind *mark* where it is next; return whether it was."""
        if not self.next_is(mark):
            return False
        self.advance()
        return True

    def accept_word(self, *words: str) -> bool:
        """Move behind one of *words* where it is next; return whether it was."""
        if not self.next_is_word(*words):
            return False
        self.advance()
        return True

    def expect(self, mark: str) -> Token:
        """Return *mark* and move behind it; refuse the query where another token is next."""
        if not self.next_is(mark):
            self.refuse(f"{mark!r}")
        return self.advance()

    def expect_word(self, *words: str) -> Token:
        """Return one of *words* and move behind it; refuse the query where none is next."""
        if not self.next_is_word(*words):
            self.refuse(f"{' or '.join(repr(word) for word in words)}")
        return self.advance()

    def expect_kind(self, kind: str, expected: str) -> Token:
        """Return a token of *kind* and move behind it; refuse the query where none is next."""
        if self.token.kind != kind:
            self.refuse(expected)
        return self.advance()

    def refuse(self, expected: str) -> NoReturn:
        """Refuse the query, because the next token is not what was *expected*."""
        word = self.token.text
        # Of the words that the language has, only those in capitals are mistakes.
        known = self.token.kind != "string" and word not in ("as", "asc", "desc")
        hint = _MISTAKES.get(word.lower(), "") if known else ""
        raise QueryRefusedError(
            f"syntax error: expected {expected}, not {self.token.shown}"
            + (f" ({hint})" if hint else ""),
            self.token.start,
        )

    def subscript(self) -> str | int:
        """Read an index or a field in brackets, after the opening one."""
        token = self.token
        if token.kind not in ("string", "number") or isinstance(token.value, float):
            self.refuse("a string or a whole number")
        self.advance()
        self.expect("]")
        step: str | int = token.value
        return step

    def keypath(self) -> KeyPath:
        """Read a keypath."""
        start = self.token
        steps: list[str | int] = []
        root = "$d"
        if start.kind == "root":
            if start.text not in ROOTS:
                self.refuse("$d, $m, $l or a field")
            root = ROOTS[self.advance().text]
        else:
            steps.append(self.expect_kind("name", "a keypath").text)
        while True:
            if self.accept("."):
                steps.append(self.expect_kind("name", "a field").text)
            elif self.accept("["):
                steps.append(self.subscript())
            else:
                return KeyPath(start.start, root, tuple(steps))

    def at_end(self) -> bool:
        """Return True at the end of the text."""
        return self.token.kind == END
