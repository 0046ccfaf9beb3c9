"""The bodies of requests: what is kept of them, and how they are shown."""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import zlib
from dataclasses import dataclass

from ...vendors.emulation.bodies import (
    MalformedError,
    TooLargeError,
    UnknownEncodingError,
    inflate,
)
from ...vendors.emulation.msgpack_bodies import jsonable, unpack

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


def decoded(body: bytes, encoding: str) -> bytes | None:
    """Return *body* without its encoding; None where it is too large, or cannot be decoded."""
    try:
        return inflate(body, encoding, allowed=ENCODINGS, limit=MAX_RAW)
    except (TooLargeError, MalformedError, UnknownEncodingError):
        # Not compressed in spite of its header: then it is text, which compressed bytes never are.
        return body if _is_text(body) else None


def keep(body: bytes, raw: bytes, blanked: bytes, encoding: str) -> bytes:
    """
    Return what to store of *body*: as it was sent, with keys blanked.

    Args:
        body: As it was sent.
        raw: What `decoded` returned for it.
        blanked: The same, with keys blanked.
        encoding: Its content encoding.
    """
    if raw is body:
        return blanked
    return body if blanked == raw else _compressed(blanked, encoding.strip().lower())


def digest(body: bytes, *others: str) -> bytes | None:
    """Return what only the same *body* and *others* have in common; None for an empty body."""
    if not body:
        return None
    found = hashlib.blake2b(digest_size=16)
    for part in (*(each.encode("utf-8", "surrogateescape") for each in others), body):
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.digest()


def show(body: bytes, content_type: str, encoding: str) -> ShownBody:
    """Return *body*, as `keep` returned it, for a reader."""
    raw = decoded(body, encoding)
    if raw is None:
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


def hex_dump(data: bytes) -> str:
    """Return lines of an offset, sixteen bytes in hexadecimal, and their ASCII characters."""
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{at:08x}  {part.hex(' '):<47}  {shown}")
    return "\n".join(lines)


def _packed_text(raw: bytes) -> str:
    try:
        return json.dumps(jsonable(unpack(raw), {}), ensure_ascii=False, indent=1)
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
