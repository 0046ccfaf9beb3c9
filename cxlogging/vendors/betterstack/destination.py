"""
Better Stack: ``POST https://$INGESTING_HOST/``.

Follows https://betterstack.com/docs/logs/ingesting-data/http/logs/: one
request holds MessagePack, JSON or newline-delimited JSON, at most 10 MiB
compressed and 20 MiB raw; an event less than 1 MiB; ``dt`` is the time in
nanoseconds, or RFC 3339 where these have fewer than 19 digits.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ...wire import option_parsers as values
from ...wire import settings
from ...wire.codec import encoded, packb
from ...wire.destination import Destination, Writer
from ...wire.event import (
    SAMPLE_RATE,
    Event,
    Site,
    present,
    put_sample_rate,
    put_trace,
    rename_reserved,
    site,
)
from ...wire.http import Action, Endpoint, Limits, Response, Secret, Verdict, joined
from ...wire.timestamps import FULL_NS, rfc3339

LIMITS = Limits(
    item_bytes=2**20 - 1,
    # Even if it is not compressed, a batch stays below the limit of 10 MiB as sent.
    body_bytes=10 * 2**20 - 2**16,
    wire_bytes=10 * 2**20 - 1,
    batch_count=10_000,
    overhead=5,
    auto=("gzip",),
    accepted=("gzip",),
)
CONTENT_TYPES = {
    "msgpack": "application/msgpack",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
}
HEAD_MEMBERS = 4
"""The members that every event begins with: ``dt``, ``level``, ``severity`` and ``context``."""

VARIABLES = {
    "source_token": ("BETTER_STACK_SOURCE_TOKEN", "LOGTAIL_SOURCE_TOKEN", "SOURCE_TOKEN"),
    "ingesting_host": (
        *("BETTER_STACK_INGESTING_HOST", "BETTER_STACK_HOST"),
        *("LOGTAIL_INGESTING_HOST", "INGESTING_HOST"),
    ),
    "url": (settings.URL_VARIABLE, "BETTER_STACK_INGESTING_URL"),
}
"""The variables that each argument is read from if nobody passes it, in order."""

UINT64 = struct.Struct(">BQ")
"""MessagePack's form of large integers: https://github.com/msgpack/msgpack/blob/master/spec.md."""
OWN_FIELDS = frozenset(
    f"dt level severity message context exception stack_info {SAMPLE_RATE}".split()
)
CURES = {
    403: "Check the source token, and that the ingesting host is the one of its source.",
    404: "Check the ingesting host: Sources, your source, Data ingestion.",
}


class BetterStack(Destination):
    """One source of Better Stack telemetry."""

    cures = CURES

    def __init__(
        self,
        token: Secret | None,
        endpoint: Endpoint | None,
        format: str = "msgpack",  # noqa: A002 - the handler's name for it
        warnings: tuple[str, ...] = (),
    ) -> None:
        missing = [] if token else ["BETTER_STACK_SOURCE_TOKEN (or source_token=)"]
        missing += [] if endpoint else ["BETTER_STACK_INGESTING_HOST (or ingesting_host=)"]
        url = endpoint.origin if endpoint else ""
        super().__init__(
            name=f"Better Stack ({endpoint.host})" if endpoint else "Better Stack",
            endpoint=endpoint,
            limits=LIMITS,
            credential=token,
            identity={"vendor": "betterstack", "url": url, "format": format},
            missing=" and ".join(missing),
            warnings=warnings,
        )
        self.format = format
        self.content_type = CONTENT_TYPES[format]

    def writer(
        self, level: int, level_name: str, key: Site, fields: Mapping[str, Any]
    ) -> Writer | None:
        """Return a function that makes the events of a call site."""
        if not OWN_FIELDS.isdisjoint(fields):
            return None
        return self._writer(level, level_name, key, len(fields) + 1)

    def _writer(self, level: int, level_name: str, key: Site, count: int) -> Writer:
        """Return a function that makes events; most of them have *count* fields of their own."""
        form = "msgpack" if self.format == "msgpack" else "json"
        usual_head = _constants(form, level, level_name, key, None)
        usual_start = _start(count)

        def packed(time_ns: int, document: dict[str, Any], rate: int, task: str | None) -> bytes:
            if rate != 1:
                put_sample_rate(document, rate)
            head = usual_head if task is None else _constants(form, level, level_name, key, task)
            start, cut = usual_start if len(document) == count else _start(len(document))
            is_full = time_ns >= FULL_NS
            time = UINT64.pack(0xCF, time_ns) if is_full else packb(rfc3339(time_ns))
            return b"".join((start, time, head, packb(document)[cut:]))

        def text(time_ns: int, document: dict[str, Any], rate: int, task: str | None) -> bytes:
            if rate != 1:
                put_sample_rate(document, rate)
            head = usual_head if task is None else _constants(form, level, level_name, key, task)
            time = b"%d" % time_ns if time_ns >= FULL_NS else b'"%b"' % rfc3339(time_ns).encode()
            return b'{"dt":%b,%b,%b' % (time, head, encoded(document)[1:])

        return packed if form == "msgpack" else text

    def build_item(self, event: Event) -> bytes:
        """Return one event in the destination's format."""
        fields = rename_reserved(event.fields, OWN_FIELDS)
        document = {"message": event.message, **fields}
        if event.trace is not None:
            put_trace(document, self.trace_fields(*event.trace))
        document.update(self.error_fields(event.error, event.stack))
        key = site(event.origin.__dict__)
        write = self._writer(event.level, event.level_name, key, len(document))
        return write(event.time_ns, document, event.sample_rate, event.task)

    def body(self, items: Sequence[bytes]) -> bytes:
        """Return the events as one body in the destination's format."""
        if self.format == "json":
            return joined(b"[", items, b",", b"]")
        if self.format == "ndjson":
            return joined(b"", items, b"\n", b"\n")
        return joined(_array_header(len(items)), items, b"", b"")

    def interpret(self, response: Response, count: int) -> Verdict:
        """Return the verdict by the status; events above the quota are rejected."""
        if response.status == 402:
            return Verdict(
                Action.REFUSED,
                "HTTP 402: Quota exceeded",
                cure="Raise the spending limit of the Better Stack team.",
            )
        return super().interpret(response, count)


def configure(
    source_token: str | None = None,
    *,
    ingesting_host: str | None = None,
    format: str = "msgpack",  # noqa: A002 - the public name
    url: str | None = None,
    allow_plain_http: object = None,
) -> BetterStack:
    """Return the destination for these arguments; missing ones are read from the environment."""
    format = values.choice(*CONTENT_TYPES)("format", format)  # noqa: A001 - the public name
    source, name = settings.named("ingesting_host", ingesting_host, *VARIABLES["ingesting_host"])
    example = "s1234567.eu-nbg-2.betterstackdata.com"
    host = None if name is None else settings.host_of(source, name, example)
    addresses = VARIABLES["url"][1:] if ingesting_host is None else ()
    endpoint = settings.endpoint(url, host, "/", *addresses, allow_plain_http=allow_plain_http)
    if endpoint is not None and endpoint.host == host:
        endpoint = endpoint._replace(source=source)
    token = settings.secret(
        "source_token",
        source_token,
        *VARIABLES["source_token"],
    )
    passed = url or ingesting_host or settings.held(settings.URL_VARIABLE) or None
    places = (*VARIABLES["url"][1:], *VARIABLES["ingesting_host"])
    warnings = settings.contradictions(
        (source_token, VARIABLES["source_token"], None), (passed, places, settings.authority)
    )
    return BetterStack(settings.usable_key(token, endpoint), endpoint, format, warnings=warnings)


def _start(count: int) -> tuple[bytes, int]:
    """Return the first bytes of an event with *count* own members, and how many they replace."""
    # The map's own header is replaced by one that counts the members of the head, too.
    return b"%b\xa2dt" % _map_header(count + HEAD_MEMBERS), len(_map_header(count))


@lru_cache(maxsize=4_096)
def _constants(form: str, level: int, level_name: str, key: Site, task: str | None) -> bytes:
    """
    Return the members that all events of a call site have, encoded.

    They have the shape that Better Stack's own clients send.
    """
    logger, path, _, _, line, function, thread, thread_name, pid, process = key
    runtime = {
        "function": function,
        "file": path,
        "line": line,
        "thread_id": thread,
        "thread_name": thread_name,
        "logger_name": logger,
        "task_name": task,
    }
    system = {"pid": pid, "process_name": process}
    context = {"runtime": present(runtime), "system": present(system)}
    members = {"level": level_name.lower(), "severity": level // 10, "context": context}
    return packb(members)[1:] if form == "msgpack" else encoded(members)[1:-1]


def _map_header(count: int) -> bytes:
    if count < 16:
        return bytes([0x80 | count])
    return struct.pack(">BH", 0xDE, count) if count < 2**16 else struct.pack(">BI", 0xDF, count)


def _array_header(count: int) -> bytes:
    if count < 16:
        return bytes([0x90 | count])
    return struct.pack(">BH", 0xDC, count) if count < 2**16 else struct.pack(">BI", 0xDD, count)
