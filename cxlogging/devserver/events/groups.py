"""Similar messages together: those that differ in numbers, ids and quoted parts alone."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Any

from ..engine.scan import Sql

NEWEST = 20_000
"""Events that are grouped: the newest ones."""

MAX_GROUPS = 500
PATTERN = 300
"""Characters of a message that are compared."""

_VARIABLE = re.compile(
    r"(?P<text>\"[^\"]*\"|'[^'\s][^']*'(?!\w)|`[^`]*`)"
    r"|(?P<id>\b(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|0x[0-9a-f]+|(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{6,})\b)"
    r"|(?P<number>(?<![a-z])[-+]?\d+(?:[.,:]\d+)*)",
    re.IGNORECASE,
)


@dataclass
class MessageGroup:
    """
    Messages with the same pattern and logger.

    Attributes:
        pattern: The message, with `<number>`, `<id>` and `<text>` for what varies.
        logger: The logger of all of them.
        severity: The highest severity of one of them.
        last: When the newest was logged, in nanoseconds.
        example: The id of the newest.
        count: Their number.
    """

    pattern: str
    logger: str
    severity: int
    last: int
    example: int
    count: int = 0


def groups(connection: sqlite3.Connection, condition: Sql) -> dict[str, Any]:
    """
    Return the groups of the newest events that meet *condition*, the largest first.

    ``{"groups": […], "events": n, "cut": bool}``: the number of events that were grouped, and
    whether there are more events, or more groups.
    """
    where, values = condition
    found: dict[tuple[str, str], MessageGroup] = {}
    seen = 0
    for number, message, logger, severity, time_ns in connection.execute(
        f"SELECT id, substr(message, 1, {PATTERN + 1}), logger, severity, time_ns FROM events"  # noqa: S608 - values are parameters
        f" WHERE {where} ORDER BY id DESC LIMIT {NEWEST + 1}",
        values,
    ):
        seen += 1
        if seen > NEWEST:
            break
        pattern = pattern_of(message)
        group = found.get((pattern, logger))
        if group is None:
            group = MessageGroup(pattern, logger, severity, time_ns, number)
            found[pattern, logger] = group
        group.count += 1
        group.severity = max(group.severity, severity)
        group.last = max(group.last, time_ns)
    ordered = sorted(found.values(), key=lambda group: (-group.count, -group.example))
    return {
        "groups": [{**vars(one), "last": str(one.last)} for one in ordered[:MAX_GROUPS]],
        "events": min(seen, NEWEST),
        "cut": seen > NEWEST or len(ordered) > MAX_GROUPS,
    }


def pattern_of(message: str) -> str:
    """Return the first line of *message*, with names of what varies in place of it."""
    line = message.strip().partition("\n")[0]
    cut = line[:PATTERN] + ("…" if len(line) > PATTERN else "")
    return _VARIABLE.sub(lambda found: f"<{found.lastgroup}>", cut)
