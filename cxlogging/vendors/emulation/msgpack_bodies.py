"""MessagePack bodies: one top-level value, as https://github.com/msgpack/msgpack/blob/master/spec.md."""

from __future__ import annotations

import base64
import math
from datetime import datetime, timedelta, timezone
from typing import Any

import msgpack

from .bodies import MalformedError

MAX_ELEMENTS = 1_000_000
"""Elements of one array: each may take one byte in the body and a hundred in memory."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def unpack(raw: bytes) -> Any:
    """
    Return the one value that *raw* holds, with `msgpack.Timestamp` for the timestamp extension.

    Raises `MalformedError` if it is incomplete, followed by more, not MessagePack, or has an
    array of more than `MAX_ELEMENTS`.
    """
    most = min(len(raw), MAX_ELEMENTS)
    try:
        return msgpack.unpackb(
            raw, raw=False, strict_map_key=False, timestamp=0, max_array_len=most
        )
    except Exception as error:  # every failure of the codec means the same to the sender
        raise MalformedError(f"not MessagePack: {type(error).__name__} {error}") from error


def packed_size(value: object) -> int:
    """Return the length of *value* as MessagePack, in bytes."""
    try:
        return len(msgpack.packb(value, use_bin_type=True))
    except ValueError as error:  # the codec unpacks deeper values than it packs
        raise MalformedError(f"cannot be packed again: {error}") from error


def jsonable(value: Any, found: dict[str, None]) -> Any:
    """Return *value* with JSON types only; what had to be changed is added to *found*."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        found["NaN or Infinity, which JSON cannot hold"] = None
        return str(value)
    if isinstance(value, (list, tuple)):
        return [jsonable(one, found) for one in value]
    if isinstance(value, dict):
        return {_key(key, found): jsonable(one, found) for key, one in value.items()}
    return _special(value, found)


def _key(key: Any, found: dict[str, None]) -> str:
    if isinstance(key, str):
        return key
    found["a key that is not a string"] = None
    return str(jsonable(key, found))


def _special(value: Any, found: dict[str, None]) -> str:
    if isinstance(value, msgpack.Timestamp):
        return iso(value.to_unix_nano())
    found["binary data, kept as base64"] = None
    data = value if isinstance(value, bytes) else value.data
    return base64.b64encode(data).decode()


def iso(nanoseconds: int) -> str:
    """Return a time as RFC 3339 with nanoseconds: `2022-12-31T13:45:59.123456000Z`."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return str(nanoseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
