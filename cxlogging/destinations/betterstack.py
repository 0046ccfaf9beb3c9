"""
Better Stack: ``POST https://$INGESTING_HOST/``.

Follows https://betterstack.com/docs/logs/ingesting-data/http/logs/: one
request holds MessagePack, JSON or newline-delimited JSON, at most 10 MiB
compressed and 20 MiB raw; an event less than 1 MiB; ``dt`` is the time in
nanoseconds.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..errors import ConfigurationError, nearest
from ..wire import settings
from ..wire.codec import encoded, packb
from ..wire.event import Parts, Site, set_apart, site
from ..wire.fit import encode
from ..wire.http import Action, Endpoint, Limits, Request, Response, Secret, Verdict
from ..wire.verdicts import common

LIMITS = Limits(
    item_bytes=2**20 - 1,
    # Not compressed at all, a batch still keeps below the limit of 10 MiB on the wire.
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
"""``dt``, ``level``, ``severity`` and ``context``."""

_SMALL_MAPS = [bytes([0x80 | count]) for count in range(16)]
VARIABLES = {
    "source_token": ("BETTER_STACK_SOURCE_TOKEN", "LOGTAIL_SOURCE_TOKEN", "SOURCE_TOKEN"),
    "ingesting_host": ("BETTER_STACK_INGESTING_HOST", "BETTER_STACK_HOST", "INGESTING_HOST"),
    "url": (settings.URL_VARIABLE, "BETTER_STACK_INGESTING_URL"),
}
"""Where an argument that is missing is read from."""

OWN_FIELDS = frozenset("dt level severity message context exception stack_info".split())
CURES = {
    403: "Check the source token, and that the ingesting host is the one of its source.",
    404: "Check the ingesting host: Sources, your source, Data ingestion.",
}


@dataclass(frozen=True)
class BetterStack:
    """One source of Better Stack telemetry."""

    token: Secret | None
    endpoint: Endpoint | None
    format: str = "msgpack"
    limits: Limits = LIMITS

    @property
    def name(self) -> str:
        return f"Better Stack ({self.endpoint.host})" if self.endpoint else "Better Stack"

    @property
    def identity(self) -> dict[str, str]:
        url = self.endpoint.origin if self.endpoint else ""
        return {"vendor": "betterstack", "url": url, "format": self.format}

    @property
    def missing(self) -> str:
        wanted = [] if self.token else ["BETTER_STACK_SOURCE_TOKEN (or source_token=)"]
        wanted += [] if self.endpoint else ["BETTER_STACK_INGESTING_HOST (or ingesting_host=)"]
        return " and ".join(wanted)

    def head(self, level: int, level_name: str, key: Site) -> bytes:
        """Return the members that a call site's events share."""
        form = "msgpack" if self.format == "msgpack" else "json"
        return _constants(form, level, level_name, key, None)

    def encode(self, event: Parts) -> bytes:
        """Return one event in the destination's format."""
        build = _packed if self.format == "msgpack" else _json
        try:
            item = build(event)
        except Exception:
            return encode(build, event, self.limits.item_bytes)
        if len(item) > self.limits.item_bytes:
            return encode(build, event, self.limits.item_bytes)
        return item

    def request(self, items: Sequence[bytes]) -> Request:
        """Return the request in the destination's format."""
        if self.endpoint is None or self.token is None:
            raise ConfigurationError(f"Better Stack needs {self.missing}.")
        authorization = Secret(f"Bearer {self.token.reveal()}")
        headers = (
            ("Content-Type", CONTENT_TYPES[self.format]),
            ("Authorization", authorization),
        )
        return Request(self.endpoint, headers, self._body(items))

    def _body(self, items: Sequence[bytes]) -> bytes:
        if self.format == "json":
            return b"[%b]" % b",".join(items)
        if self.format == "ndjson":
            return b"%b\n" % b"\n".join(items)
        return _array_header(len(items)) + b"".join(items)

    def interpret(self, response: Response, count: int) -> Verdict:  # noqa: ARG002
        """Return the verdict by status; a used-up quota is final."""
        if response.status == 402:
            return Verdict(
                Action.REFUSED,
                "HTTP 402: Quota exceeded",
                cure="Raise the spending limit of the Better Stack team.",
            )
        return common(response, CURES)


def configure(
    source_token: str | None = None,
    *,
    ingesting_host: str | None = None,
    format: str = "msgpack",  # noqa: A002 - the public name
    url: str | None = None,
    allow_plain_http: bool = False,
) -> BetterStack:
    """Return the destination for arguments, where missing ones come from the environment."""
    if format not in CONTENT_TYPES:
        hint = nearest(str(format), CONTENT_TYPES)
        raise ConfigurationError(
            f"format takes 'msgpack', 'json' or 'ndjson', not {format!r}.{hint}"
        )
    host = settings.text(
        "ingesting_host",
        ingesting_host,
        *VARIABLES["ingesting_host"],
    )
    endpoint = settings.endpoint(
        url,
        None if host is None else settings.host("ingesting_host", host),
        "/",
        *VARIABLES["url"][1:],
        allow_plain_http=allow_plain_http,
    )
    token = settings.secret(
        "source_token",
        source_token,
        *VARIABLES["source_token"],
    )
    return BetterStack(settings.usable_key(token, endpoint), endpoint, format)


def _packed(event: Parts) -> bytes:
    time_ns, shape, head = _shape(event, "msgpack")
    members = packb(shape)
    # The map's own header gives way to one that counts the head's members too.
    own = 1 if len(shape) < 16 else 3 if len(shape) < 2**16 else 5
    header = _map_header(len(shape) + HEAD_MEMBERS)
    return b"%b\xa2dt%b%b%b" % (header, packb(time_ns), head, members[own:])


def _json(event: Parts) -> bytes:
    time_ns, shape, head = _shape(event, "json")
    return b'{"dt":%d,%b,%b' % (time_ns, head, encoded(shape)[1:])


def _shape(event: Parts, form: str) -> tuple[int, dict[str, Any], bytes]:
    """Return ``dt``, the members that are an event's own, and its head, encoded."""
    # One unpacking costs less than the attributes one by one.
    time_ns, level, level_name, message, fields, origin, error, stack, task, _, head = event
    if head is None or task is not None:
        head = _constants(form, level, level_name, site(origin.__dict__), task)
    if not OWN_FIELDS.isdisjoint(fields):
        fields = set_apart(fields, OWN_FIELDS)
    shape = {"message": message, **fields}
    if error is not None:
        shape["exception"] = error
    if stack is not None:
        shape["stack_info"] = stack
    return time_ns, shape, head


@lru_cache(maxsize=4_096)
def _constants(form: str, level: int, level_name: str, key: Site, task: str | None) -> bytes:
    """
    Return the members that a call site's events share, encoded.

    In the shape that Better Stack's own clients send.
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
    context = {
        "runtime": {name: value for name, value in runtime.items() if value is not None},
        "system": {name: value for name, value in system.items() if value is not None},
    }
    members = {"level": level_name.lower(), "severity": level // 10, "context": context}
    return packb(members)[1:] if form == "msgpack" else encoded(members)[1:-1]


def _map_header(count: int) -> bytes:
    if count < 16:
        return _SMALL_MAPS[count]
    return struct.pack(">BH", 0xDE, count) if count < 2**16 else struct.pack(">BI", 0xDF, count)


def _array_header(count: int) -> bytes:
    if count < 16:
        return bytes([0x90 | count])
    return struct.pack(">BH", 0xDC, count) if count < 2**16 else struct.pack(">BI", 0xDD, count)
