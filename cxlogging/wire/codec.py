"""
Encodes sanitized values as JSON text and MessagePack bytes.

msgspec is used if it is installed (the ``fast`` extra), else the standard
library's JSON and msgpack. Both produce the same values on the wire, which a test
verifies. Values must be sanitized (`cxlogging.wire.sanitizing.sanitizer`): the only
error that remains is ``UnicodeEncodeError``, for a lone surrogate.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Any

_compact = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
).encode


MAX_CACHED_NAMES = 10_000
_names: dict[str, str] = {}


def _name(key: str) -> str:
    """Return the quoted name of a member and the colon, and cache it: the same names recur."""
    name = f"{encode_basestring(key)}:"
    if len(_names) < MAX_CACHED_NAMES:
        _names[key] = name
    return name


def _stdlib_dumps(value: Any) -> str:
    if type(value) is not dict:
        return _compact(value)
    parts = []
    for key, member in value.items():
        name = _names.get(key) or _name(key)
        kind = type(member)
        # A call of the standard library's encoder costs more than these branches.
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
    Return a function that encodes with msgspec's *encode_into*.

    msgspec's own ``encode`` crashes the process if memory for its output cannot be allocated.
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
"""Encoders: a value as JSON text, a text as JSON, a value as MessagePack, as JSON in UTF-8."""


def _msgspec() -> Codec:
    import msgspec  # noqa: PLC0415 - optional

    encode = _encode(msgspec.json.Encoder().encode_into)

    def dumps(value: Any) -> str:
        return encode(value).decode()

    return dumps, dumps, _encode(msgspec.msgpack.Encoder().encode_into), encode


def _stdlib() -> Codec:
    import msgpack  # noqa: PLC0415 - only if msgspec is missing

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
Return the JSON text of a sanitized mapping, encoded as a JSON string, as bytes.

The closing brace and the closing quote are omitted, so that members can be appended.
"""


def members(value: dict[str, Any]) -> str:
    """Return the members of a JSON object, each preceded by a comma, to append them to another."""
    return f",{dumps(value)[1:-1]}" if value else ""


def literal(data: bytes) -> bytes:
    """Return *data* escaped for a template that is filled in with ``%``."""
    return data.replace(b"%", b"%%")


def scrub(text: str) -> str:
    """Return *text* with each lone surrogate replaced by U+FFFD, and surrogate pairs combined."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
