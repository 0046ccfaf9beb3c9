"""
From the body as sent to JSON values: decompression with a limit, and strict JSON.

Decompression stops one byte above the limit, so that a decompression bomb costs no more than any
other body (CWE-409). JSON is RFC 8259: no NaN, no Infinity, no comments, valid UTF-8.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Iterable
from typing import Any, NoReturn, Protocol, cast

EXCERPT = 150
"""Characters that are shown before and after an error in a body."""

GZIP = 16 + zlib.MAX_WBITS
RAW_DEFLATE = -zlib.MAX_WBITS


class TooLargeError(Exception):
    """The body is larger than the limit, before or after decompression."""


class MalformedError(Exception):
    """
    The body is not what its headers say.

    Args:
        message: What is wrong.
        excerpt: The text around it; empty where there is none to show.
    """

    def __init__(self, message: str, excerpt: str = "") -> None:
        super().__init__(message)
        self.excerpt = excerpt


class UnknownEncodingError(Exception):
    """The vendor does not accept this content encoding, or there are several."""


class _Inflater(Protocol):
    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def inflate(body: bytes, encoding: str, *, allowed: Iterable[str], limit: int) -> bytes:
    """
    Return *body* without its content encoding, at most *limit* bytes.

    Args:
        body: The body as sent.
        encoding: The header's value; empty and `identity` mean none.
        allowed: Encodings that the vendor accepts: `gzip`, `deflate` (zlib or raw), `zstd`.
        limit: The largest size after decompression, in bytes.

    Raises:
        TooLargeError: The body is larger.
        MalformedError: The body is broken, incomplete, or followed by something else.
        UnknownEncodingError: The encoding is not one of *allowed*, or there are several.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        if len(body) > limit:
            raise TooLargeError
        return body
    if name not in allowed:
        raise UnknownEncodingError(name)
    if name == "zstd":
        return _inflate_all(body, limit, "zstd")
    if name == "gzip":
        return _inflate_all(body, limit, "gzip")
    return _inflate_all(body, limit, "zlib" if _has_zlib_header(body) else "raw")


def peek(body: bytes, encoding: str, limit: int) -> bytes:
    """Return *body* decompressed if that is possible, or else as it is; to search it for a text."""
    try:
        return inflate(body, encoding, allowed=("gzip", "deflate", "zstd"), limit=limit)
    except (TooLargeError, MalformedError, UnknownEncodingError):
        return body


def size_up_to(body: bytes, encoding: str, limit: int) -> int:
    """Return the size of *body* after decompression; `limit + 1` if it is larger than *limit*."""
    try:
        return len(inflate(body, encoding, allowed=("gzip", "deflate", "zstd"), limit=limit))
    except TooLargeError:
        return limit + 1
    except (MalformedError, UnknownEncodingError):
        return 0


def _has_zlib_header(body: bytes) -> bool:
    # RFC 1950: method 8 in the low bits, and the first two bytes a multiple of 31.
    return len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0


def _inflater(kind: str) -> _Inflater:
    if kind == "zstd":
        return _zstd_inflater()
    wbits = {"gzip": GZIP, "zlib": zlib.MAX_WBITS, "raw": RAW_DEFLATE}[kind]
    return cast("_Inflater", zlib.decompressobj(wbits))


def _zstd_inflater() -> _Inflater:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - imported for a zstd body only
    else:
        from backports import zstd  # noqa: PLC0415 - imported for a zstd body only
    return cast("_Inflater", zstd.ZstdDecompressor())


def _inflate_all(body: bytes, limit: int, kind: str) -> bytes:
    # gzip members and zstd frames may follow one another (RFC 1952 2.2, RFC 8878 3).
    parts: list[bytes] = []
    room = limit + 1
    rest = body
    while rest or not parts:
        part, rest = _inflate_one(rest, room, _inflater(kind))
        parts.append(part)
        room -= len(part)
        if room <= 0:
            raise TooLargeError
        if rest and kind in ("zlib", "raw"):
            raise MalformedError("bytes after the end of the deflate stream")
    return b"".join(parts)


def _inflate_one(body: bytes, room: int, inflater: _Inflater) -> tuple[bytes, bytes]:
    try:
        part = inflater.decompress(body, room)
        while len(part) < room and not inflater.eof:
            more = inflater.decompress(getattr(inflater, "unconsumed_tail", b""), room - len(part))
            if not more:
                break
            part += more
    except Exception as error:  # zlib.error and ZstdError have no common ancestor but this
        raise MalformedError(f"compressed body is broken: {error}") from error
    if len(part) < room and not inflater.eof:
        raise MalformedError("compressed body is cut short")
    return part, inflater.unused_data


def strict_json(raw: bytes) -> Any:
    """Return the value that *raw* holds. Raises `MalformedError` if it is not RFC 8259."""
    text = _text(raw)
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise _not_json(text, error) from error


def json_items(raw: bytes) -> list[tuple[Any, int]]:
    """
    Return the elements of the array that *raw* holds, each with its length in bytes.

    Raises `MalformedError` if it is not an array. `strict_json` is several times faster: this is
    for bodies in which an element may be above the limit of an element.
    """
    text = _text(raw)
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        raise MalformedError("not a JSON array")
    items: list[tuple[Any, int]] = []
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise _not_json(text, error) from error
        items.append((value, len(text[at:end].encode("utf-8", "surrogatepass"))))
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
            if text[at : at + 1] == "]":
                raise MalformedError("a comma before the end of the array")
        elif text[at : at + 1] != "]":
            raise MalformedError("not JSON: a comma or a bracket is missing")
    if _skip(text, at + 1) != len(text):
        raise MalformedError("something follows the array")
    return items


def _not_json(text: str, error: Exception) -> MalformedError:
    at = error.pos if isinstance(error, json.JSONDecodeError) else 0
    return MalformedError(f"not JSON: {error}", text[max(at - EXCERPT, 0) : at + EXCERPT])


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in " \t\n\r":
        at += 1
    return at


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(f"not UTF-8: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
