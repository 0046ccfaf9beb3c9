"""
The format of segments and acknowledgements: values in, values out.

A segment is a header and frames. A frame is a mark, the item's length, its
number, its level, a checksum, and the item: exactly the bytes for the vendor.
The mark is random, one for each folder: what a log message holds cannot pass
for a frame, wherever the reader must look for the next one.

An acknowledgement is a range of offsets within a segment whose items have
their outcome.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from ..queue.queue import Item, data_bytes
from .checksum import crc32

VERSION = 1
MARK_BYTES = 4
MAGIC = b"cxspool\n"
_HEADER = struct.Struct("<8sHH4sI")
HEADER_BYTES = _HEADER.size

FRAME = struct.Struct("<4sIIiI")
"""Mark, length of the item, number, level, checksum."""
FRAME_BYTES = FRAME.size

_RANGE = struct.Struct("<QQI")
RANGE_BYTES = _RANGE.size

NUMBERS = 2**32
"""Numbers begin anew after so many."""

MOST_ITEM_BYTES = 32 * 2**20
"""No vendor takes so large an item: a length above it is damage, and nothing is allocated."""


def header(mark: bytes) -> bytes:
    """Return the beginning of a segment."""
    body = _HEADER.pack(MAGIC, VERSION, 0, mark, 0)[:-4]
    return body + struct.pack("<I", crc32(body, 0))


class Head(NamedTuple):
    """What a segment's header says; ``mark`` is empty where it cannot be trusted."""

    version: int
    mark: bytes


def parse_header(data: bytes) -> Head:
    """Return what the beginning of a segment says; version 0 where it is damaged."""
    if len(data) >= HEADER_BYTES:
        magic, version, _, mark, checksum = _HEADER.unpack_from(data)
        if magic == MAGIC and crc32(data[: HEADER_BYTES - 4], 0) == checksum:
            return Head(version, mark)
    # A damaged header: every frame begins with the mark, and so does the first.
    # Zeros are no mark, but what a loss of power leaves: they would read as empty items.
    mark = data[HEADER_BYTES : HEADER_BYTES + MARK_BYTES]
    return Head(0, mark if len(mark) == MARK_BYTES and any(mark) else b"")


def frame(mark: bytes, number: int, level: int, item: bytes) -> bytes:
    """Return the frame of one item."""
    number &= 0xFFFFFFFF
    checksum = crc32(item, number ^ (level & 0xFFFFFFFF))
    return FRAME.pack(mark, len(item), number, level, checksum) + item


def frame_bytes(items: Sequence[Item]) -> int:
    """Return the bytes of the frames of *items*."""
    return data_bytes(items) + FRAME_BYTES * len(items)


class Frame(NamedTuple):
    """One frame of a segment, and where it begins and ends."""

    number: int
    level: int
    item: bytes
    start: int
    end: int


def frame_at(data: bytes, position: int, mark: bytes, base: int) -> Frame | int:
    """
    Return the frame at *position* of *data*; 0 if there is none, or how many bytes are missing.

    Args:
        data: A part of a segment.
        position: Where in it.
        mark: Of the folder.
        base: The offset of *data* in the segment.
    """
    missing = position + FRAME_BYTES - len(data)
    if missing > 0:
        return missing if mark.startswith(data[position : position + 4]) else 0
    found, length, number, level, checksum = FRAME.unpack_from(data, position)
    if found != mark or length > MOST_ITEM_BYTES:
        return 0
    end = position + FRAME_BYTES + length
    if end > len(data):
        return int(end - len(data))
    item = data[position + FRAME_BYTES : end]
    if crc32(item, number ^ (level & 0xFFFFFFFF)) != checksum:
        return 0
    return Frame(number, level, item, base + position, base + end)


def pack_range(mark: bytes, start: int, end: int) -> bytes:
    """Return the acknowledgement of the items from offset *start* to *end*."""
    body = struct.pack("<QQ", start, end)
    return body + struct.pack("<I", crc32(mark + body, 0))


def ranges(mark: bytes, data: bytes) -> list[tuple[int, int]]:
    """Return the ranges that *data* acknowledges, as far as it is whole."""
    found = []
    position = 0
    while position + RANGE_BYTES <= len(data):
        start, end, checksum = _RANGE.unpack_from(data, position)
        if crc32(mark + data[position : position + 16], 0) == checksum:
            found.append((start, end))
            position += RANGE_BYTES
        else:  # one that could be written only in part, on a full disk
            position += 1
    return merged(found)


def merged(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return *found* in order, where ranges that touch are one."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
