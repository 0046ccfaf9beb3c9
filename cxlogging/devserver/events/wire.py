"""One event as it was sent: its bytes in the body of its request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack

from ...vendors.emulation.bodies import (
    MalformedError,
    TooLargeError,
    UnknownEncodingError,
    inflate,
)
from ...vendors.emulation.msgpack_bodies import jsonable, unpack
from ..requestlog.bodies import ENCODINGS, HEX_BYTES, MAX_RAW, body_format, hex_dump

UNREADABLE = (TooLargeError, MalformedError, UnknownEncodingError)
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class WireItem:
    """
    An item of a body.

    Attributes:
        value: What it holds.
        raw: Its bytes as they were sent, without the compression of the body.
    """

    value: Any
    raw: bytes


def wire_of(request: Mapping[str, Any], data: Any, number: int) -> dict[str, Any] | None:
    """
    Return how an event was sent; None where its body was not kept, or cannot be taken apart.

    Args:
        request: The request: its `body`, `content_type`, `encoding` and number of `events`.
        data: The data of the event.
        number: How many events of the same request came before it.
    """
    if request.get("body") is None:
        return None
    try:
        raw = inflate(request["body"], request["encoding"], allowed=ENCODINGS, limit=MAX_RAW)
        form = body_format(raw, request["content_type"])
        item = _find(_ITEMS[form](raw), data, number, request["events"])
    except (*UNREADABLE, ValueError, LookupError, RecursionError):
        return None
    if item is None:
        return None
    packed = form == "msgpack"
    text = json.dumps(jsonable(item.value, {}), indent=2, ensure_ascii=False) if packed else ""
    return {
        "json": text or item.raw.decode("utf-8", "replace"),
        "hex": hex_dump(item.raw[:HEX_BYTES]) if packed else None,
        "format": form,
        "bytes": len(item.raw),
    }


def _lines(raw: bytes) -> list[WireItem]:
    return [WireItem(json.loads(line), line.strip()) for line in raw.split(b"\n") if line.strip()]


def _json_items(raw: bytes) -> list[WireItem]:
    """Return the elements of the array in *raw*, or in a member of its object; else the whole."""
    text = raw.decode("utf-8")
    start = _array_start(text)
    if start < 0:
        return [WireItem(json.loads(text), raw.strip())]
    json.loads(text)  # so that nothing follows the items
    return [WireItem(value, text[at:end].encode()) for value, at, end in _elements(text, start)]


def _array_start(text: str) -> int:
    """Return where the array of items begins in *text*; -1 if there is none."""
    at = _skip(text, 0)
    if text[at] != "{":
        return at if text[at] == "[" else -1
    at = _skip(text, at + 1)
    while text[at] != "}":
        _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at, ":")
        value, end = _DECODER.raw_decode(text, at)
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            return at
        at = _skip(text, end, ",")
    return -1


def _elements(text: str, start: int) -> Iterator[tuple[Any, int, int]]:
    at = _skip(text, start + 1)
    while text[at] != "]":
        value, end = _DECODER.raw_decode(text, at)
        yield value, at, end
        at = _skip(text, end, ",")


def _skip(text: str, at: int, also: str = "") -> int:
    while text[at] in _SPACE or text[at] == also:
        at += 1
    return at


def _packed_items(raw: bytes) -> list[WireItem]:
    """Return the elements of the array in *raw*, or the whole."""
    whole = unpack(raw)
    if not isinstance(whole, list):
        return [WireItem(whole, raw)]
    reader = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=len(raw))
    reader.feed(raw)
    reader.read_array_header()
    items = []
    for value in whole:
        start = reader.tell()
        reader.skip()
        items.append(WireItem(value, raw[start : reader.tell()]))
    return items


def _json_or_lines(raw: bytes) -> list[WireItem]:
    """Return the items of JSON, or of lines that nothing but their form tells from it."""
    try:
        return _json_items(raw)
    except ValueError:
        return _lines(raw)


_ITEMS: dict[str, Callable[[bytes], list[WireItem]]] = {
    "json": _json_or_lines,
    "text": _json_or_lines,
    "ndjson": _lines,
    "msgpack": _packed_items,
}


def _find(items: Sequence[WireItem], data: Any, number: int, count: int) -> WireItem | None:
    """
    Return the item of an event.

    Items that were refused are in the body too, and older events of the request may be gone from
    the store: so the item is found by its data, from its number on.
    """
    if len(items) == count and number < count and _has(items[number].value, data):
        return items[number]
    ordered = [*items[number:], *items[:number]]
    found = next((one for one in ordered if _has(one.value, data)), None)
    if found is None and len(items) == count and number < count:
        return items[number]
    return found


def _has(value: Any, data: Any) -> bool:
    """Return whether an item is *data*, or holds it as a member or as JSON in a text."""
    if value == data:
        return True
    if not isinstance(value, dict):
        return False
    for held in value.values():
        if held == data or (isinstance(held, str) and _holds_json(held, data)):
            return True
    return bool(data == {"text": value.get("text")})


def _holds_json(text: str, data: Any) -> bool:
    if not text.startswith("{"):
        return False
    try:
        return bool(json.loads(text) == data)
    except (ValueError, RecursionError):
        return False
