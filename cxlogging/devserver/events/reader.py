"""
Questions to the store on connections of their own, which wait for nobody and block nobody.

A connection in WAL mode sees the store as it was when its statement started
(https://www.sqlite.org/wal.html). A question that takes too long, or that nobody waits for any
more, is interrupted.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path

SECONDS = 10.0
STEPS = 20_000
"""Instructions of SQLite's virtual machine between two looks at the clock."""


class TooSlowError(Exception):
    """The question took too long, or nobody waits for its answer."""


class EventReader:
    """
    Opens connections that can only read.

    Args:
        path: The database file of the store.
    """

    def __init__(self, path: Path) -> None:
        self._address = f"{path.absolute().as_uri()}?mode=ro"

    @contextmanager
    def connection(
        self, left: Future[None] | None = None, seconds: float = SECONDS
    ) -> Iterator[sqlite3.Connection]:
        """
        Yield a connection, and close it afterwards.

        Args:
            left: Completes once the client has left.
            seconds: Time for everything that is asked.

        Raises `TooSlowError` where that time is over, or the client has left.
        """
        deadline = time.monotonic() + seconds

        def is_over() -> bool:
            return time.monotonic() > deadline or (left is not None and left.done())

        with closing(sqlite3.connect(self._address, uri=True, timeout=seconds)) as connection:
            connection.text_factory = _text
            connection.set_progress_handler(is_over, STEPS)
            try:
                yield connection
            except sqlite3.OperationalError as error:
                if is_over():
                    message = f"the answer took more than {seconds:g} seconds: narrow the filter"
                    raise TooSlowError(message) from error
                raise


def _text(raw: bytes) -> str:
    # SQLite's JSON functions return a lone surrogate as bytes that are not UTF-8.
    return raw.decode("utf-8", "replace")
