"""
Why a query is refused, or ends early.

::

    QueryRefusedError       before it runs; at a place in its text
    └── UnsupportedError    the service knows it, this engine does not
    QueryEndedError         while it runs: after some rows, perhaps
"""

from __future__ import annotations


class QueryRefusedError(Exception):
    """
    The query does not compile.

    Attributes:
        sentence: What is wrong, without the place.
        offset: Where in the query, in characters from its start.
    """

    def __init__(self, sentence: str, offset: int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.offset = offset

    def message(self, query: str) -> str:
        """The sentence with line and column, both from 0, as the service counts them."""
        line, column = line_and_column(query, self.offset)
        return f"Compilation errors: {self.sentence} in line {line} at column {column}"

    def caret(self, query: str) -> str:
        """The line of the query, and below it a caret."""
        line, column = line_and_column(query, self.offset)
        text = query.split("\n")[line]
        # Tabs stay tabs, so that the caret stands below its character.
        indent = "".join("\t" if each == "\t" else " " for each in text[:column])
        return f"{text}\n{indent}^"


class UnsupportedError(QueryRefusedError):
    """Something of the language that this engine does not do, by its name."""

    def __init__(self, name: str, offset: int) -> None:
        super().__init__(f"{name}: supported by the service, not by the local engine", offset)


class QueryEndedError(Exception):
    """The query fails while it runs; the sentence goes into the answer."""


def line_and_column(query: str, offset: int) -> tuple[int, int]:
    """Line and column of *offset*, both from 0."""
    before = query[:offset]
    line = before.count("\n")
    return line, len(before) - (before.rfind("\n") + 1)
