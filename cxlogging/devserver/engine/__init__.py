"""
DataPrime, evaluated over the local store.

A query's way: `pipeline` reads its text into `nodes`, `plan` compiles these to closures over rows
and to what the store is asked for (`scan_filter`, `scan`), `run` turns the rows into an answer.
"""

from __future__ import annotations

from .compile.scope import Settings
from .errors import QueryRefusedError, UnsupportedError
from .plan import Plan, compile_query

__all__ = ["Plan", "QueryRefusedError", "Settings", "UnsupportedError", "compile_query"]
