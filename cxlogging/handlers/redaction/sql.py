"""Database debug records without the values of their statements."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

LOGGERS = (
    "django.db.backends",
    "sqlalchemy.engine",
    "psycopg",
    "psycopg2",
    "asyncpg",
    "aiosqlite",
    "aiomysql",
    "tortoise",
    "databases",
    "peewee",
    "pymongo.command",
)
"""Loggers, and those below them, whose records hold statements and their parameters."""

LEFT_OUT = "<left out>"
PARAMETERS = frozenset({"params", "parameters", "bind_parameters", "values"})
STATEMENTS = frozenset({"sql", "query", "statement"})

_NAME = re.compile(rf"(?:{'|'.join(map(re.escape, LOGGERS))})(?:\..*)?\Z")
_QUOTED = re.compile(r"[a-zA-Z]{0,2}'(?:[^']|'')*'?|(\$\w*\$).*?(?:\1|\Z)", re.DOTALL)
_NUMBER = re.compile(
    r"(?<![\w.$:?%])-?(?:0[xX][\da-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])"
)

Make = Callable[[logging.LogRecord, "logging.Formatter | None", int], bytes]
"""Gives the item of a record."""


def hiding(make: Make) -> Make:
    """Return *make* for records without the parameters of statements."""

    def hidden(
        record: logging.LogRecord, formatter: logging.Formatter | None, rate: int = 1
    ) -> bytes:
        return make(without_parameters(record), formatter, rate)

    return hidden


def without_parameters(record: logging.LogRecord) -> logging.LogRecord:
    """
    Return *record*, or for one of `LOGGERS` a copy without parameters.

    Arguments that are neither texts nor numbers are left out, and so are the
    extras of `PARAMETERS`; in statements a ``?`` takes the place of each literal.
    """
    if type(record.name) is not str or not _NAME.match(record.name):
        return record
    kept = logging.LogRecord.__new__(type(record))
    kept.__dict__.update(record.__dict__)
    if type(record.msg) is str:
        kept.msg = record.msg if record.args else without_literals(record.msg)
    else:
        kept.msg = _argument(record.msg[0]) if isinstance(record.msg, tuple) else LEFT_OUT
    if isinstance(record.args, tuple):
        kept.args = tuple(map(_argument, record.args))
    elif record.args:
        kept.args = dict.fromkeys(record.args, LEFT_OUT)
    for name in PARAMETERS.intersection(kept.__dict__):
        del kept.__dict__[name]
    for name in STATEMENTS.intersection(kept.__dict__):
        kept.__dict__[name] = _argument(kept.__dict__[name])
    return kept


def _argument(value: Any) -> Any:
    if type(value) is str:
        return without_literals(value)
    return value if type(value) in {int, float, bool} else LEFT_OUT


def without_literals(statement: str) -> str:
    """
    Return *statement* with a ``?`` for each text and number in it.

    Databases do not agree on what a backslash before a quote means: where there is
    one, all from the first quote to the last is one literal.
    """
    if "\\'" in statement:
        first, last = statement.index("'"), statement.rindex("'")
        statement = f"{statement[:first]}?{statement[last + 1 :]}"
    return _NUMBER.sub("?", _QUOTED.sub("?", statement))
