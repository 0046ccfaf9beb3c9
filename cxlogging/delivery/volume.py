"""
Volume by call site: which lines of code make the events and the bytes.

Log calls count in cells without a lock. Each addition is a statement that calls nothing, so that
with the GIL none is lost; without it each thread has cells of its own.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..wire.external_errors import is_external
from ..wire.threads import HAS_GIL

MAX_CELLS = 2_000
"""Call sites that are told apart; further ones share the row `OTHER`."""

OTHER = "(other)"
"""The logger in the row of all call sites that have no row of their own."""

_key = operator.itemgetter(
    *("name", "pathname", "lineno", "funcName", "levelno"), *(() if HAS_GIL else ("thread",))
)
_Place = tuple[str, str, int, str, str]
_nowhere: _Place = (OTHER, "", 0, "", "")


class VolumeRow(NamedTuple):
    """
    How much one call site has logged to one destination since the handler was made.

    Attributes:
        logger: The name of the logger; ``"(other)"`` in the row that sums up all call sites
            beyond the first 2,000.
        file: The path of the source file, as ``LogRecord.pathname`` has it.
        line: The line number, from 1; 0 where it is unknown.
        function: The name of the function.
        level: The name of the level.
        events: Events that were made to be sent.
        bytes: Bytes of these events as the vendor's item, before compression.
        held_back: Records left out by `cxlogging.hold`, ``sample_rate``, ``limit`` or ``budget``.
        destination: The name of the destination, as in `cxlogging.stats`.
    """

    logger: str
    file: str
    line: int
    function: str
    level: str
    events: int
    bytes: int
    held_back: int
    destination: str


class Cell:
    """The counts of one call site; log calls add to them."""

    __slots__ = ("bytes", "events", "held_back")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin at zero."""
        self.events = self.bytes = self.held_back = 0

    def add(self, size: int) -> None:
        """Count one event of *size* bytes."""
        self.events += 1
        self.bytes += size

    def hold_back(self) -> None:
        """Count one record that is left out."""
        self.held_back += 1

    def merge(self, other: Cell | VolumeRow) -> None:
        """Add the counts of *other*."""
        self.events += other.events
        self.bytes += other.bytes
        self.held_back += other.held_back


class Volume:
    """The cells of one delivery."""

    def __init__(self) -> None:
        self._cells: dict[tuple[Any, ...], Cell] = {}
        self._other = Cell()

    def cell_of(self, attributes: Mapping[str, Any]) -> Cell:
        """Return the cell of the record with these *attributes*; that of `OTHER` if it has none."""
        cell = None
        try:
            key = _key(attributes)
            cell = self._cells.get(key)
            if cell is None and len(self._cells) < MAX_CELLS:
                cell = self._cells.setdefault(key, Cell())
        except BaseException as error:  # an attribute is missing, or cannot be part of a key
            if is_external(error):
                raise
        return self._other if cell is None else cell

    def reset(self) -> None:
        """Begin at zero, as a fork's child does; the cells stay: call sites have them at hand."""
        for cell in (*self._cells.copy().values(), self._other):
            cell.reset()

    def rows(self, destination: str) -> list[VolumeRow]:
        """Return a row for each call site that has logged, the most bytes first."""
        sums: dict[_Place, Cell] = {}
        for key, cell in (*self._cells.copy().items(), (_nowhere, self._other)):
            place = _nowhere if cell is self._other else _shown(*key[:5])
            sums.setdefault(place, Cell()).merge(cell)
        rows = [
            _row(place, cell, destination)
            for place, cell in sums.items()
            if cell.events or cell.held_back
        ]
        return sorted(rows, key=by_size, reverse=True)


def by_size(row: VolumeRow) -> tuple[int, ...]:
    """Return the key by which rows are sorted: bytes, then what was held back, then events."""
    return row.bytes, row.held_back, row.events


def shortened(rows: Sequence[VolumeRow], most: int) -> list[VolumeRow]:
    """Return the first *most* of the *rows* of one destination; the last sums up those cut off."""
    if len(rows) <= most:
        return list(rows)
    rest = Cell()
    for row in rows[most - 1 :]:
        rest.merge(row)
    return [*rows[: most - 1], _row(_nowhere, rest, rows[0].destination)]


def _row(place: _Place, cell: Cell, destination: str) -> VolumeRow:
    return VolumeRow(*place, cell.events, cell.bytes, cell.held_back, destination)


def _shown(name: Any, path: Any, line: Any, function: Any, level: Any) -> _Place:
    """Return the call site of a record as plain values, whatever its attributes were."""
    return (
        _text(name),
        _text(path),
        line if type(line) is int else 0,
        _text(function),
        _text(logging.getLevelName(level) if type(level) is int else level),
    )


def _text(value: Any) -> str:
    return str.__str__(value) if isinstance(value, str) else ""
