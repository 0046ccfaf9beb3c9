"""
The local engine: DataPrime queries over the store of the local server.

A query passes through these parts: `syntax` parses its text into nodes; `plan` compiles them into
the steps of `commands`, whose expressions are closures over rows, and into a filter for the store
(`compile.pushdown`, `scan`); `answer` writes the resulting rows as the service does.
"""

from __future__ import annotations

from .compile.scope import Settings
from .errors import QueryRefusedError, UnsupportedError
from .plan import Plan, compile_query

__all__ = ["Plan", "QueryRefusedError", "Settings", "UnsupportedError", "compile_query"]
