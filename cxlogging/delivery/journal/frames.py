"""
The file formats of segments and acknowledgements: bytes in, values out.

A segment is a header and frames. A frame is a magic number, the item's length, its sequence
number, its level, a checksum, and the item: exactly the bytes for the vendor. The magic number is
random, one for each process's directory: no log message can contain a valid frame, wherever the
reader must search for the next one.

An acknowledgement is a range of offsets within a segment whose items have their outcome.
"""

from __future__ import annotations

import importlib
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..queue.queue import Item

VERSION = 1
MAGIC_BYTES = 4
FILE_MAGIC = b"cxspool\n"
_HEADER = struct.Struct("<8sHH4sI")
HEADER_BYTES = _HEADER.size

FRAME = struct.Struct("<4sIIiI")
"""Magic number, length of the item, sequence number, level, checksum."""
FRAME_BYTES = FRAME.size

_ACK = struct.Struct("<QQI")
ACK_BYTES = _ACK.size

NUMBERS = 2**32
"""Frames hold sequence numbers modulo this."""

MAX_ITEM_BYTES = 32 * 2**20
"""No vendor accepts an item this large: a greater length is damage, and nothing is allocated."""


def _fastest_crc32() -> Callable[[bytes, int], int]:
    try:
        # It takes a quarter of zlib's time, and each log call computes a checksum.
        fast: Callable[[bytes, int], int] = importlib.import_module("isal.isal_zlib").crc32
    except ImportError:
        return zlib.crc32
    return fast


crc32 = _fastest_crc32()


def header(magic: bytes) -> bytes:
    """Return the beginning of a segment."""
    body = _HEADER.pack(FILE_MAGIC, VERSION, 0, magic, 0)[:-4]
    return body + struct.pack("<I", crc32(body, 0))


class SegmentHeader(NamedTuple):
    """What a segment's header says; ``magic`` is empty if it cannot be trusted."""

    version: int
    magic: bytes


def parse_header(data: bytes) -> SegmentHeader:
    """Return what the beginning of a segment says; version 0 if it is damaged."""
    if len(data) >= HEADER_BYTES:
        file_magic, version, _, magic, checksum = _HEADER.unpack_from(data)
        if file_magic == FILE_MAGIC and crc32(data[: HEADER_BYTES - 4], 0) == checksum:
            return SegmentHeader(version, magic)
    # The header is damaged, but each frame, and so the first, begins with the magic number.
    # Zeros are none: a power failure leaves them, and they would read as empty items.
    magic = data[HEADER_BYTES : HEADER_BYTES + MAGIC_BYTES]
    return SegmentHeader(0, magic if len(magic) == MAGIC_BYTES and any(magic) else b"")


def frame(magic: bytes, number: int, level: int, item: bytes) -> bytes:
    """Return the frame of one item."""
    number &= 0xFFFFFFFF
    checksum = crc32(item, number ^ (level & 0xFFFFFFFF))
    return FRAME.pack(magic, len(item), number, level, checksum) + item


def frame_bytes(items: Sequence[Item]) -> int:
    """Return the bytes of the frames of *items*."""
    return sum([len(data) for _, data, _ in items]) + FRAME_BYTES * len(items)


class DecodedFrame(NamedTuple):
    """One frame of a segment, and where it begins and ends."""

    number: int
    level: int
    item: bytes
    start: int
    end: int


def frame_at(data: bytes, index: int, magic: bytes, base: int) -> DecodedFrame | int:
    """
    Return the frame at *index* of *data*; 0 if there is none, or how many bytes are missing.

    Args:
        data: A part of a segment.
        index: Where in it.
        magic: Of the segment.
        base: The offset of *data* in the segment.
    """
    missing = index + FRAME_BYTES - len(data)
    if missing > 0:
        return missing if magic.startswith(data[index : index + MAGIC_BYTES]) else 0
    found, length, number, level, checksum = FRAME.unpack_from(data, index)
    if found != magic or length > MAX_ITEM_BYTES:
        return 0
    end = index + FRAME_BYTES + length
    if end > len(data):
        return int(end - len(data))
    item = data[index + FRAME_BYTES : end]
    if crc32(item, number ^ (level & 0xFFFFFFFF)) != checksum:
        return 0
    return DecodedFrame(number, level, item, base + index, base + end)


def pack_ack(magic: bytes, start: int, end: int) -> bytes:
    """Return the acknowledgement of the items from offset *start* to *end*."""
    body = struct.pack("<QQ", start, end)
    return body + struct.pack("<I", crc32(magic + body, 0))


def acked_ranges(magic: bytes, data: bytes) -> list[tuple[int, int]]:
    """Return the ranges that *data* acknowledges; damaged bytes are skipped."""
    found = []
    index = 0
    while index + ACK_BYTES <= len(data):
        start, end, checksum = _ACK.unpack_from(data, index)
        if crc32(magic + data[index : index + 16], 0) == checksum:
            found.append((start, end))
            index += ACK_BYTES
        else:  # a full disk took only a part of one
            index += 1
    return merged(found)


def merged(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return *found* in order, with ranges that touch made one."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
