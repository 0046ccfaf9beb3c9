"""The few lines of protocol buffers that reading OTLP logs takes."""

from __future__ import annotations

from collections.abc import Iterator

RESOURCE_LOGS, SCOPE_LOGS, LOG_RECORDS, BODY, STRING = 1, 2, 2, 5, 1
"""Field numbers on the way from an ExportLogsServiceRequest to the text of a record's body."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def log_bodies(message: bytes) -> Iterator[str]:
    """Yield the text of each log record of an ``ExportLogsServiceRequest``."""
    for resource in parts(message, RESOURCE_LOGS):
        for scope in parts(resource, SCOPE_LOGS):
            for record in parts(scope, LOG_RECORDS):
                for body in parts(record, BODY):
                    yield from (text.decode() for text in parts(body, STRING))


def parts(message: bytes, wanted: int) -> Iterator[bytes]:
    """
    Yield the contents of each length-delimited field *wanted* of *message*.

    Raises:
        ValueError: A field has a wire type that protocol buffers no longer have.
    """
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            _, at = _varint(message, at)
        elif kind == _LENGTH:
            length, at = _varint(message, at)
            if number == wanted:
                yield message[at : at + length]
            at += length
        elif kind in {_FIXED64, _FIXED32}:
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind} at byte {at}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at *at*, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
