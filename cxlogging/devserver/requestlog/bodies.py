"""The bodies of requests: what is kept of them, and how they are shown."""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import zlib
from dataclasses import dataclass
from typing import Any

from ...vendors.emulation.bodies import (
    MalformedError,
    TooLargeError,
    UnknownEncodingError,
    inflate,
    strict_json,
)
from ...vendors.emulation.msgpack_bodies import jsonable, unpack
from ...wire.masking import Masker

MAX_BODY = 1024 * 1024
"""Bytes of a body as sent; a larger one is not kept."""

MAX_RAW = 20 * 1024 * 1024
"""Bytes of a body after decompression; a larger one is not kept."""

MAX_SHOWN = 256 * 1024
"""Characters of a body that are shown."""

HEX_BYTES = 4096

ENCODINGS = ("gzip", "deflate", "zstd")


@dataclass(frozen=True)
class ShownBody:
    """
    The body of a request, for a reader.

    Attributes:
        format: `json`, `ndjson`, `msgpack` or `text`.
        text: The decompressed body, MessagePack as JSON; at most `MAX_SHOWN` characters.
        hex: The first 4 KiB of the bytes as sent, as the lines of a hex dump.
        cut: Whether `text` is not all of it.
    """

    format: str
    text: str
    hex: str
    cut: bool = False


def keep(body: bytes, encoding: str, mask: Masker) -> bytes | None:
    """
    Return what to store of *body*: as it was sent, with keys blanked; None where nothing is kept.

    A body that is too large, or that cannot be searched for keys, is not kept.
    """
    if not body or len(body) > MAX_BODY:
        return None
    try:
        raw = inflate(body, encoding, allowed=ENCODINGS, limit=MAX_RAW)
    except (TooLargeError, MalformedError, UnknownEncodingError):
        # Not compressed in spite of its header: then it is text, which compressed bytes never are.
        return mask.blank(body) if _is_text(body) else None
    blanked = mask.blank(raw)
    if raw is body:
        return blanked
    return body if blanked == raw else _compressed(blanked, encoding.strip().lower())


def digest(body: bytes, *others: str) -> bytes | None:
    """Return what only equal bodies, with the same *others*, have in common; None for an empty one."""
    if not body:
        return None
    found = hashlib.blake2b(digest_size=16)
    for part in (*(each.encode("utf-8", "surrogateescape") for each in others), body):
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.digest()


def show(body: bytes, content_type: str, encoding: str) -> ShownBody:
    """Return *body*, as `keep` returned it, for a reader."""
    try:
        raw = inflate(body, encoding, allowed=ENCODINGS, limit=MAX_RAW)
    except (TooLargeError, MalformedError, UnknownEncodingError):
        raw = body
    kind = body_format(raw, content_type)
    text = _packed_text(raw) if kind == "msgpack" else raw.decode("utf-8", "backslashreplace")
    return ShownBody(kind, text[:MAX_SHOWN], hex_dump(body[:HEX_BYTES]), len(text) > MAX_SHOWN)


def body_format(raw: bytes, content_type: str) -> str:
    """Return the format of *raw*, a decompressed body: `json`, `ndjson`, `msgpack` or `text`."""
    if "msgpack" in content_type.lower():
        return "msgpack"
    if "ndjson" in content_type.lower():
        return "ndjson"
    first = raw.lstrip()[:1]
    return "json" if "json" in content_type.lower() or first in (b"{", b"[") else "text"


def parsed(raw: bytes, kind: str) -> Any:
    """
    Return the JSON value of *raw*, a decompressed body in the format *kind*; a list of lines.

    Raises `MalformedError` where it is something else.
    """
    if kind == "msgpack":
        return jsonable(unpack(raw), {})
    if kind == "ndjson":
        return [strict_json(line) for line in raw.split(b"\n") if line.strip()]
    return strict_json(raw)


def hex_dump(data: bytes) -> str:
    """Return lines of an offset, sixteen bytes in hexadecimal digits, and their ASCII characters."""
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{at:08x}  {part.hex(' '):<47}  {shown}")
    return "\n".join(lines)


def _packed_text(raw: bytes) -> str:
    try:
        return json.dumps(parsed(raw, "msgpack"), ensure_ascii=False, indent=1)
    except (MalformedError, RecursionError, ValueError) as error:
        return f"{error}"


def _is_text(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _compressed(raw: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzip.compress(raw, mtime=0)
    return zlib.compress(raw) if encoding == "deflate" else _zstd(raw)


def _zstd(raw: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - imported for a zstd body only
    else:
        from backports import zstd  # noqa: PLC0415 - imported for a zstd body only
    packed: bytes = zstd.compress(raw)
    return packed
