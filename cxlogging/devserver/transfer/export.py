"""The file that an export sends: lines of JSON, compressed with gzip, made as it is sent."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from ..engine.scan import Sql
from ..events.reader import EventReader
from ..schema import EVENT_COLUMNS, event_dict
from .event_lines import to_line

PAGE_EVENTS, PAGE_BYTES = 1_000, 4 * 1024 * 1024
"""What is read at once."""

GZIP = 16 + zlib.MAX_WBITS

_SELECT = f"SELECT {', '.join(('id', *EVENT_COLUMNS))} FROM events"  # noqa: S608 - constant names


def packed(reader: EventReader, condition: Sql, last: int) -> Iterator[bytes]:
    """
    Yield the parts of the file.

    Args:
        reader: Reads the store, a page of events at a time.
        condition: Which events are wanted.
        last: The id of the last one: those that come meanwhile are left out.
    """
    packer = zlib.compressobj(wbits=GZIP)
    after = 0
    while found := _page(reader, condition, after, last):
        after = found[-1]["id"]
        yield packer.compress(b"".join(map(to_line, found)))
    yield packer.flush()


def _page(reader: EventReader, condition: Sql, after: int, last: int) -> list[dict[str, Any]]:
    """Return the next events: not many, as each may have megabytes."""
    sql, values = condition
    found, size = [], 0
    with reader.connection() as connection:
        cursor = connection.execute(
            f"{_SELECT} WHERE id > ? AND id <= ? AND ({sql}) ORDER BY id LIMIT {PAGE_EVENTS}",
            (after, last, *values),
        )
        names = tuple(one[0] for one in cursor.description)
        for record in cursor:
            found.append(event_dict(names, record))
            size += found[-1]["size"]
            if size > PAGE_BYTES:
                break
    return found
