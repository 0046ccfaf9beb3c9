"""
The leanest pipelines one can write: what is reachable, for comparison; nothing to use.

Encode in the call, append to a list; a thread joins, compresses and posts. No
retries, no limits, no redaction, no context, no check of what the record
holds, no lock. The second kind also writes each record to a file, with one
``os.write``, before the call returns.
"""

from __future__ import annotations

import http.client
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .base import BETTER_STACK, CORALOGIX, HONEYCOMB, VENDORS, Opened, Subject, Target
from .ours import SERVICES

BATCH = 3_000
WAKE = 1_000
STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

Encode = Callable[[logging.LogRecord, dict[str, Any]], bytes]
Join = Callable[[Sequence[bytes]], bytes]


class Floor(logging.Handler):
    """Appends encoded records to a line; `send` takes them from its front."""

    def __init__(self, encode: Encode, post: Callable[[list[bytes]], None], file: int | None):
        super().__init__()
        self._encode, self._file = encode, file
        self._line: list[bytes] = []
        self._post, self._flushing = post, False
        self._wake, self._idle = threading.Event(), threading.Event()
        threading.Thread(target=self._send, daemon=True).start()

    def handle(self, record: logging.LogRecord) -> bool:
        """Encode, write, append: without the lock and the filters of `logging.Handler`."""
        values = record.__dict__
        fields = {name: values[name] for name in values.keys() - STANDARD}
        fields["message"] = record.getMessage()
        fields["level"] = record.levelname
        fields["logger"] = record.name
        if record.exc_info:
            fields["stack"] = logging.Formatter().formatException(record.exc_info)
        item = self._encode(record, fields)
        if self._file is not None:
            os.write(self._file, item)
        line = self._line
        line.append(item)
        if len(line) == WAKE:
            self._wake.set()
        return True

    def _send(self) -> None:
        line, wake = self._line, self._wake
        while True:
            full = wake.wait(1.0)
            wake.clear()
            while batch := line[:BATCH]:
                self._post(batch)
                del line[: len(batch)]
                if full and len(line) < WAKE and not self._flushing:
                    break
            self._idle.set()

    def flush(self) -> None:
        """Wait until the line is empty."""
        self._flushing = True
        while self._line:
            self._idle.clear()
            self._wake.set()
            self._idle.wait(1.0)
        self._flushing = False


def _poster(
    target: Target, path: str, headers: dict[str, str], body: Callable[[list[bytes]], bytes]
) -> Callable[[list[bytes]], None]:
    """Return what posts a batch over one connection that stays open."""
    port = int(target.url.rpartition(":")[2])
    connection = http.client.HTTPConnection(target.host, port)

    def post(items: list[bytes]) -> None:
        while True:
            try:
                connection.request("POST", path, body(items), headers)
                connection.getresponse().read()
            except OSError:
                connection.close()
                time.sleep(1.0)
            else:
                return

    return post


def _coralogix() -> tuple[Encode, str, dict[str, str], Join]:
    import msgspec

    encode = msgspec.json.Encoder().encode
    head = b'{"applicationName":"benchmarks","subsystemName":"python","logEntries":['

    def item(record: logging.LogRecord, fields: dict[str, Any]) -> bytes:
        text = encode(encode(fields).decode())
        return b'{"hiResTimestamp":"%d","severity":3,"text":%b}' % (record.created * 1e9, text)

    kind = {"Content-Type": "application/json", "Authorization": "Bearer key"}
    return item, "/logs/v1/bulk", kind, lambda items: b"%b%b]}" % (head, b",".join(items))


def _honeycomb() -> tuple[Encode, str, dict[str, str], Join]:
    import msgspec

    zstd = _zstd()
    encode = msgspec.json.Encoder().encode

    def item(record: logging.LogRecord, fields: dict[str, Any]) -> bytes:
        return b'{"time":%f,"samplerate":1,"data":%b}' % (record.created, encode(fields))

    kind = {"Content-Type": "application/json", "Content-Encoding": "zstd"}
    kind["X-Honeycomb-Team"] = "key"
    join: Join = lambda items: zstd.compress(b"[%b]" % b",".join(items), 1)  # noqa: E731
    return item, "/1/batch/benchmarks", kind, join


def _zstd() -> Any:
    try:
        from compression import zstd
    except ImportError:
        from backports import zstd
    return zstd


def _better_stack() -> tuple[Encode, str, dict[str, str], Join]:
    import msgspec
    from isal import isal_zlib

    encode = msgspec.msgpack.Encoder().encode

    def item(record: logging.LogRecord, fields: dict[str, Any]) -> bytes:
        fields["dt"] = record.created
        return encode(fields)

    def join(items: Sequence[bytes]) -> bytes:
        body = b"\xdc" + len(items).to_bytes(2, "big") + b"".join(items)
        return isal_zlib.compress(body, level=1, wbits=31)

    kind = {"Content-Type": "application/msgpack", "Content-Encoding": "gzip"}
    kind["Authorization"] = "Bearer token"
    return item, "/", kind, join


PARTS = {CORALOGIX: _coralogix, HONEYCOMB: _honeycomb, BETTER_STACK: _better_stack}


def _opener(vendor: str, journal: bool) -> Callable[[Target], list[Opened]]:
    def attached(target: Target) -> list[Opened]:
        encode, path, headers, join = PARTS[vendor]()
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY
        file = os.open(Path(target.directory, "floor"), flags, 0o600) if journal else None
        handler = Floor(encode, _poster(target, path, headers, join), file)
        return [(handler, handler.flush)]

    return attached


FLOORS = [
    Subject(
        f"floor {vendor}{', file' if journal else ''}",
        "floor",
        _opener(vendor, journal),
        services=(SERVICES[vendor],),
        vendor=vendor,
        journal=journal,
    )
    for journal in (False, True)
    for vendor in VENDORS
]


def floor(vendor: str, *, journal: bool = False) -> Subject:
    """Return the floor of *vendor*."""
    return next(each for each in FLOORS if (each.vendor, each.journal) == (vendor, journal))
