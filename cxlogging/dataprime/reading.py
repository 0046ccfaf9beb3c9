"""From a reply to rows: what direct and background answers share."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

from .errors import QueryError, QueryFailed
from .http.answer import Answer, lines
from .http.transport import Door, Reply
from .rows import Row


def rows(door: Door, reply: Reply, answer: Answer) -> Generator[Row, None, None]:
    """Yield the rows of *reply* as they arrive, and close it; no error shows the key."""
    try:
        for line in lines(_chunks(reply, answer)):
            known = len(answer.warnings)
            yield from answer.take(line)
            for at in range(known, len(answer.warnings)):
                said = answer.warnings[at]
                answer.warnings[at] = replace(said, message=door.masked(said.message))
    except QueryError as error:
        error.args = tuple(door.masked(str(each)) for each in error.args)
        error.query_id = error.query_id or answer.query_id
        raise
    finally:
        reply.close()


def _chunks(reply: Reply, answer: Answer) -> Iterator[bytes]:
    try:
        yield from reply.chunks()
    except QueryFailed:
        if answer.statistics is None:
            raise
        # The statistics are the end: how the connection fares after them is no matter.
