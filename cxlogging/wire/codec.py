"""
JSON text and MessagePack bytes of clean values.

msgspec is used where it is installed (the ``fast`` extra), else the standard
library's JSON and msgpack. Both give the same values on the wire; a test holds
them together. Values must be clean (`cxlogging.wire.sanitizing.sanitizer`): what can still
fail here is a lone surrogate, as ``UnicodeEncodeError``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Any

_compact = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
).encode


REMEMBERED = 10_000
_names: dict[str, str] = {}


def _name(key: str) -> str:
    """Return a member's quoted name and colon; names are few, and come again and again."""
    name = f"{encode_basestring(key)}:"
    if len(_names) < REMEMBERED:
        _names[key] = name
    return name


def _stdlib_dumps(value: Any) -> str:
    if type(value) is not dict:
        return _compact(value)
    parts = []
    for key, member in value.items():
        name = _names.get(key) or _name(key)
        kind = type(member)
        # A call of the standard library's encoder costs more than these cases.
        if kind is str:
            parts.append(name + encode_basestring(member))
        elif kind is int or kind is float:
            parts.append(f"{name}{member!r}")
        elif kind is dict:
            parts.append(name + _stdlib_dumps(member))
        else:
            parts.append(name + _compact(member))
    return f"{{{','.join(parts)}}}"


BUFFER_BYTES = 512
KEPT_BYTES = 64 * 1024
KEPT_BUFFERS = 8


def _encode(encode_into: Callable[[Any, bytearray], None]) -> Callable[[Any], bytes]:
    """
    Return what encodes with *encode_into* of msgspec.

    Its ``encode`` ends the process by a signal where memory for its output cannot grow.
    """
    buffers: list[bytearray] = []
    pop, keep = buffers.pop, buffers.append

    def encode(value: Any) -> bytes:
        try:
            buffer = pop()
        except IndexError:
            buffer = bytearray(BUFFER_BYTES)
        encode_into(value, buffer)
        data = bytes(buffer)
        if len(data) <= KEPT_BYTES and len(buffers) < KEPT_BUFFERS:
            keep(buffer)
        return data

    return encode


Codec = tuple[
    Callable[[Any], str], Callable[[str], str], Callable[[Any], bytes], Callable[[Any], bytes]
]
"""What encodes a value as JSON, a text as JSON, a value as MessagePack, and as JSON in UTF-8."""


def _msgspec() -> Codec:
    import msgspec  # noqa: PLC0415 - optional

    encode = _encode(msgspec.json.Encoder().encode_into)

    def dumps(value: Any) -> str:
        return encode(value).decode()

    return dumps, dumps, _encode(msgspec.msgpack.Encoder().encode_into), encode


def _stdlib() -> Codec:
    import msgpack  # noqa: PLC0415 - only where a vendor's format needs it

    def encode(value: Any) -> bytes:
        return _stdlib_dumps(value).encode()

    return _stdlib_dumps, encode_basestring, msgpack.packb, encode


try:
    dumps, quote, packb, encoded = _msgspec()
except ImportError:
    dumps, quote, packb, encoded = _stdlib()


def _encoded_twice(value: Any) -> bytes:
    return encode_basestring(_stdlib_dumps(value)[:-1])[:-1].encode()


def _fast_encoded_twice(value: Any) -> bytes:
    return encoded(encoded(value)[:-1].decode())[:-1]


encoded_twice = _encoded_twice if dumps is _stdlib_dumps else _fast_encoded_twice
"""
Return the JSON text of a clean mapping as a JSON string, as bytes; both are left open at the end.

For a document inside of a document, to which more members are spliced.
"""


def members(value: dict[str, Any]) -> str:
    """Return the members of a JSON object with a comma before each, for splicing."""
    return f",{dumps(value)[1:-1]}" if value else ""


def literal(data: bytes) -> bytes:
    """Return *data* as a part of a template for the ``%`` of bytes."""
    return data.replace(b"%", b"%%")


def scrub(text: str) -> str:
    """Return *text* with each lone surrogate replaced by U+FFFD, and pairs joined."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
