"""Removes the parameters of SQL statements from the debug records of database libraries."""

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
"""Loggers that, like their children, log statements and their parameters."""

LEFT_OUT = "<left out>"
PARAMETERS = frozenset({"params", "parameters", "bind_parameters", "values"})
STATEMENTS = frozenset({"sql", "query", "statement"})

_NAME = re.compile(rf"(?:{'|'.join(map(re.escape, LOGGERS))})(?:\..*)?\Z")
_QUOTED = re.compile(r"[a-zA-Z]{0,2}'(?:[^']|'')*'?|(\$\w*\$).*?(?:\1|\Z)", re.DOTALL)
_NUMBER = re.compile(
    r"(?<![\w.$:?%])-?(?:0[xX][\da-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])"
)

MakeItem = Callable[..., bytes]
"""Returns the item of a record, and may take further arguments."""


def hiding_parameters(make: MakeItem) -> MakeItem:
    """Return a function like *make* that first removes the parameters of statements."""

    def make_without_parameters(record: logging.LogRecord, *others: Any) -> bytes:
        return make(without_parameters(record), *others)

    return make_without_parameters


def without_parameters(record: logging.LogRecord) -> logging.LogRecord:
    """
    Return *record*, or a copy without parameters if it is of one of `LOGGERS`.

    Arguments that are neither texts nor numbers are removed, and so are the
    extras in `PARAMETERS`; in statements each literal is replaced by a ``?``.
    """
    if type(record.name) is not str or not _NAME.match(record.name):
        return record
    copy = logging.LogRecord.__new__(type(record))
    copy.__dict__.update(record.__dict__)
    if type(record.msg) is str:
        copy.msg = record.msg if record.args else without_literals(record.msg)
    else:
        copy.msg = _argument(record.msg[0]) if isinstance(record.msg, tuple) else LEFT_OUT
    if isinstance(record.args, tuple):
        copy.args = tuple(map(_argument, record.args))
    elif record.args:
        copy.args = dict.fromkeys(record.args, LEFT_OUT)
    for name in PARAMETERS.intersection(copy.__dict__):
        del copy.__dict__[name]
    for name in STATEMENTS.intersection(copy.__dict__):
        copy.__dict__[name] = _argument(copy.__dict__[name])
    return copy


def _argument(value: Any) -> Any:
    if type(value) is str:
        return without_literals(value)
    return value if type(value) in {int, float, bool} else LEFT_OUT


def without_literals(statement: str) -> str:
    """
    Return *statement* with each text and number replaced by a ``?``.

    Databases disagree on the meaning of a backslash before a quote: if there is one,
    everything from the first quote to the last is treated as one literal.
    """
    if "\\'" in statement:
        first, last = statement.index("'"), statement.rindex("'")
        statement = f"{statement[:first]}?{statement[last + 1 :]}"
    return _NUMBER.sub("?", _QUOTED.sub("?", statement))
