"""
The messages of a stream: items of one destination, and what a relay needs to know of them.

The headers of a message, beside `Nats-Msg-Id`, which the servers drop repeated messages by:

| header | value |
|---|---|
| `Cx-Format` | `1` |
| `Cx-Run` | random, the same for all items of a process run or of a journal |
| `Cx-First` | the number of the first item in that run |
| `Cx-Count` | how many items there are |
| `Cx-Spacing` | by how much the number of an item is above its predecessor's, beside the bytes of the predecessor; absent: by one |
| `Cx-Levels` | the lowest and the highest level, as in `20-40` |
| `Cx-Destination` | vendor, and a hash of what follows |
| `Cx-Identity` | JSON: the vendor, and the arguments that decide where items go and what is said about all of them, without secrets and addresses |

The payload has a frame for each item: level (2 bytes), length (4 bytes), both big-endian, and
the item, byte for byte as the vendor takes it.

An item has the same run and number in whichever message it travels, and no other item has them.
Items in memory are numbered one by one. Those of a journal are numbered by their place in its
file: so they keep their numbers when another process finds them there.
"""  # noqa: E501 - a table

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ...wire.destination import Destination
from ..queue.queue import ItemOrigin

FORMAT = "1"
MESSAGE_BYTES = 64 * 1024
"""Of the items in one message; a larger item travels alone."""

HEADER_BYTES = 2048
"""What headers take at most, beside the identity."""

MESSAGE_ID = "Nats-Msg-Id"
FORMAT_HEADER = "Cx-Format"
RUN = "Cx-Run"
FIRST = "Cx-First"
COUNT = "Cx-Count"
SPACING = "Cx-Spacing"
LEVELS = "Cx-Levels"
DESTINATION = "Cx-Destination"
IDENTITY = "Cx-Identity"

_FRAME = struct.Struct(">HI")
FRAME_BYTES = _FRAME.size
_LEVELS = range(2**16)


class MessageError(ValueError):
    """A message that is not of this format; the text says why."""


class StreamItem(NamedTuple):
    """
    One item of a message.

    Attributes:
        run: See `ItemOrigin`.
        number: The item's number in that run: together they are unique, and never change.
        level: The record's level, 0 to 65535.
        data: As the vendor takes it.
    """

    run: str
    number: int
    level: int
    data: bytes

    @property
    def id(self) -> str:
        """The run and the number as one text."""
        return f"{self.run}-{self.number}"


class StreamMessage(NamedTuple):
    """
    A message as a relay reads it.

    Attributes:
        id: The message's own, ``<run>-<first>-<count>``.
        destination: Vendor and hash: items with the same one go to the same place.
        identity: The vendor, as ``"vendor"``, and the arguments that were given for it.
        items: In order, at least one.
        spacing: See `ItemOrigin`.
    """

    id: str
    destination: str
    identity: Mapping[str, str]
    items: Sequence[StreamItem]
    spacing: int

    @property
    def vendor(self) -> str:
        """The vendor's name."""
        return self.identity["vendor"]


class Outgoing(NamedTuple):
    """
    A message to publish.

    Attributes:
        begin: Position of its first item in the batch.
        end: The position after its last one.
        headers: Of the message.
        payload: Of the message.
    """

    begin: int
    end: int
    headers: dict[str, str]
    payload: bytes

    @property
    def size(self) -> int:
        """The bytes that a server counts: headers and payload."""
        return len(self.payload) + header_bytes(self.headers) + len("NATS/1.0\r\n\r\n")


def header_bytes(headers: Mapping[str, str]) -> int:
    """Return the bytes that *headers* take in a message, without its first line."""
    return sum(len(name) + len(value) + len(": \r\n") for name, value in headers.items())


def stream_identity(destination: Destination) -> dict[str, str]:
    """
    Return what the messages say about *destination* to a relay.

    No address is part of it: a relay sends its keys only to those of its own configuration.
    """
    identity = {**destination.identity, **destination.envelope}
    identity.pop("url", None)
    return {str(name): str(value) for name, value in identity.items()}


def identity_headers(identity: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that are the same for all messages of a destination."""
    whole = json.dumps(dict(identity), sort_keys=True, separators=(",", ":"))
    name = f"{identity['vendor']}-{hashlib.sha256(whole.encode()).hexdigest()[:16]}"
    return {FORMAT_HEADER: FORMAT, DESTINATION: name, IDENTITY: whole}


def cut(
    items: Sequence[tuple[int, bytes]],
    origins: Sequence[ItemOrigin],
    headers: Mapping[str, str],
    size: int = MESSAGE_BYTES,
) -> Iterator[Outgoing]:
    """
    Yield the messages that carry *items*.

    The same items are cut in the same way each time, so that a server drops what comes again.

    Args:
        items: Level and bytes of each.
        origins: Of each item; a message ends where they do not follow each other.
        headers: What `identity_headers` returned.
        size: Bytes of the items of one message; one larger item is a message too.
    """
    begin, room = 0, size
    expected: ItemOrigin | None = None
    for index, (_, data) in enumerate(items):
        room -= len(data) + FRAME_BYTES
        if index > begin and (room < 0 or origins[index] != expected):
            yield _message(items, origins, begin, index, headers)
            begin, room = index, size - len(data) - FRAME_BYTES
        expected = origins[index].following(len(data))
    if items:
        yield _message(items, origins, begin, len(items), headers)


def _message(
    items: Sequence[tuple[int, bytes]],
    origins: Sequence[ItemOrigin],
    begin: int,
    end: int,
    headers: Mapping[str, str],
) -> Outgoing:
    parts: list[bytes] = []
    levels: list[int] = []
    for level, data in items[begin:end]:
        levels.append(max(_LEVELS[0], min(level, _LEVELS[-1])))
        parts += (_FRAME.pack(levels[-1], len(data)), data)
    run, first, spacing = origins[begin]
    count = end - begin
    own = {
        MESSAGE_ID: f"{run}-{first}-{count}",
        RUN: run,
        FIRST: str(first),
        COUNT: str(count),
        LEVELS: f"{min(levels)}-{max(levels)}",
    }
    if spacing:
        own[SPACING] = str(spacing)
    return Outgoing(begin, end, {**own, **headers}, b"".join(parts))


def read_message(headers: Mapping[str, str] | None, payload: bytes) -> StreamMessage:
    """
    Return the message of these *headers* and this *payload*.

    Raises:
        MessageError: It is not of this format, or of a newer one.
    """
    headers = headers or {}
    version = headers.get(FORMAT_HEADER)
    if version != FORMAT:
        known = f"this version reads format {FORMAT}"
        raise MessageError(f"the message has format {version}: {known}" if version else NO_FORMAT)
    try:
        identity = json.loads(headers[IDENTITY])
        first, count = int(headers[FIRST]), int(headers[COUNT])
        origin = ItemOrigin(headers[RUN], first, int(headers.get(SPACING, 0)))
        named = {str(name): str(value) for name, value in identity.items()}
        destination = headers[DESTINATION]
    except (KeyError, ValueError, AttributeError, RecursionError) as error:
        raise MessageError(f"a header of the message cannot be read: {error}") from None
    if "vendor" not in named:
        raise MessageError(f"{IDENTITY} names no vendor")
    items = list(_items(origin, payload))
    if len(items) != count or not items:
        raise MessageError(f"the message has {len(items)} items, and {COUNT} says {count}")
    name = f"{origin.run}-{first}-{count}"
    return StreamMessage(name, destination, named, items, origin.spacing)


NO_FORMAT = f"the message has no header {FORMAT_HEADER}: it was not published by this package"


def _items(origin: ItemOrigin, payload: bytes) -> Iterator[StreamItem]:
    start = 0
    while start < len(payload):
        try:
            level, length = _FRAME.unpack_from(payload, start)
        except struct.error:
            raise MessageError("the payload ends within a frame") from None
        start += FRAME_BYTES
        data = payload[start : start + length]
        if len(data) != length:
            raise MessageError("the payload ends within an item")
        yield StreamItem(origin.run, origin.number, level, data)
        start += length
        origin = origin.following(length)
