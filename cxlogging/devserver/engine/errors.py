"""
Errors of queries.

::

    QueryRefusedError       before the query runs, with a position in its text
    └── UnsupportedError    the service supports it, this engine does not
    QueryEndedError         while the query runs, possibly after some rows
"""

from __future__ import annotations

from ...dataprime.errors import caret


class QueryRefusedError(Exception):
    """
    The query does not compile.

    Attributes:
        reason: What is wrong, without the position.
        offset: The position in the query, in characters from its start.
    """

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset

    def message(self, query: str) -> str:
        """Return the reason with line and column, counted from 0 as the service does."""
        line, column = line_and_column(query, self.offset)
        return f"Compilation errors: {self.reason} in line {line} at column {column}"

    def caret(self, query: str) -> str:
        """Return the line of the query with a caret below the position."""
        return caret(query, *line_and_column(query, self.offset))


class UnsupportedError(QueryRefusedError):
    """A feature of the language that this engine does not support."""

    def __init__(self, name: str, offset: int) -> None:
        super().__init__(
            f"{name}: works on the service, not here (the local engine lacks it)", offset
        )


class QueryEndedError(Exception):
    """The query failed while it ran; the message goes into the answer."""


def line_and_column(query: str, offset: int) -> tuple[int, int]:
    """Return line and column of *offset*, both counted from 0."""
    before = query[:offset]
    line = before.count("\n")
    return line, len(before) - (before.rfind("\n") + 1)
