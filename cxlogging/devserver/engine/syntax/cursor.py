"""Moving over the tokens of a query: what is next, what is due, and keypaths."""

from __future__ import annotations

from typing import NoReturn

from ..errors import QueryRefusedError
from .lexer import END, Lexer, Token
from .nodes import ROOTS, KeyPath

_MISTAKES = {"=": "write == to compare", "and": "write && for and", "or": "write || for or"}


class Cursor:
    """Stands before one token of *text*."""

    def __init__(self, text: str, start: int = 0, end: int | None = None, depth: int = 0) -> None:
        self.lexer = Lexer(text, end)
        self.text = text
        self.depth = depth
        self.token = self.lexer.token(start)

    def advance(self) -> Token:
        """Return the token, and go to the next."""
        taken = self.token
        self.token = self.lexer.token(taken.end)
        return taken

    def next_is(self, mark: str) -> bool:
        """True where *mark* is next."""
        return self.token.kind == "mark" and self.token.text == mark

    def next_is_word(self, *words: str) -> bool:
        """True where one of *words* is next."""
        return self.token.kind == "name" and self.token.text in words

    def accept(self, mark: str) -> bool:
        """True where *mark* was next, which is passed."""
        if not self.next_is(mark):
            return False
        self.advance()
        return True

    def accept_word(self, *words: str) -> bool:
        """True where one of *words* was next, which is passed."""
        if not self.next_is_word(*words):
            return False
        self.advance()
        return True

    def expect(self, mark: str) -> Token:
        """Pass *mark*, or refuse what is there instead."""
        if not self.next_is(mark):
            self.refuse(f"{mark!r}")
        return self.advance()

    def expect_word(self, *words: str) -> Token:
        """Pass one of *words*, or refuse."""
        if not self.next_is_word(*words):
            self.refuse(f"{' or '.join(repr(word) for word in words)}")
        return self.advance()

    def expect_kind(self, kind: str, shown: str) -> Token:
        """Pass a token of *kind*, or refuse."""
        if self.token.kind != kind:
            self.refuse(f"{shown}")
        return self.advance()

    def refuse(self, due: str) -> NoReturn:
        """Refuse the token that is next."""
        hint = _MISTAKES.get(self.token.text, "") if self.token.kind != "string" else ""
        raise QueryRefusedError(
            f"syntax error: {due} is due, not {self.token.shown}" + (f" ({hint})" if hint else ""),
            self.token.start,
        )

    def subscript(self) -> str | int:
        """Read what stands in brackets, whose first is passed."""
        token = self.token
        if token.kind not in ("string", "number") or isinstance(token.value, float):
            self.refuse("a text or a whole number")
        self.advance()
        self.expect("]")
        step: str | int = token.value
        return step

    def keypath(self) -> KeyPath:
        """Read where a command writes to."""
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
        """True at the end of the text."""
        return self.token.kind == END
