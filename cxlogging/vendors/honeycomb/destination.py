"""
Honeycomb: ``POST https://api.honeycomb.io/1/batch/{dataset}``.

Follows https://api-docs.honeycomb.io/api/events (Create Events): an array of
``data``, ``time`` and ``samplerate``, answered by a status per event; and
https://docs.honeycomb.io/send-data/logs/ for field names, which are those
that Honeycomb gives to logs of OpenTelemetry. A batch holds at
most 5,000,000 bytes before compression, an event 1,000,000 bytes and 2,000
fields, a text value 64 KiB.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote as percent_encode

from ...errors import ConfigurationError
from ...wire import settings
from ...wire.codec import encoded, literal, members
from ...wire.destination import Destination, Writer
from ...wire.event import Event, Site, present, put_trace, rename_reserved, site
from ...wire.external_errors import contained
from ...wire.http import Action, Endpoint, Limits, Response, Secret, Verdict, joined
from ...wire.sanitizing.flatten import flatten
from ...wire.sanitizing.truncation import within
from ...wire.size_limit import encode
from ...wire.timestamps import rfc3339_second
from ...wire.verdicts import RETRIED, default_verdict

HOSTS = {
    "us": "api.honeycomb.io",
    "us1": "api.honeycomb.io",
    "eu": "api.eu1.honeycomb.io",
    "eu1": "api.eu1.honeycomb.io",
}
TEXT_BYTES = 65_536
MAX_FIELDS = 1_900
RESET = re.compile(r"(?:^|[,;\s])reset\s*=\s*([0-9]{1,9})(?![0-9])", re.IGNORECASE)
"""In ``RateLimit: limit=100, remaining=0, reset=2``: whole seconds."""

NESTED = frozenset({dict, list})
LIMITS = Limits(
    item_bytes=999_999,
    body_bytes=4_999_999,
    wire_bytes=4_999_999,
    # The statuses and their reasons must fit into the 256 KiB of an answer that are read.
    batch_count=3_500,
    overhead=2,
    auto=("zstd", "gzip"),
    accepted=("gzip", "zstd"),
    nests=False,
    integers=range(-(2**53), 2**53 + 1),  # its numbers are doubles
)
VARIABLES = {
    "api_key": ("HONEYCOMB_API_KEY", "HONEYCOMB_WRITEKEY", "LIBHONEY_API_KEY"),
    "dataset": ("HONEYCOMB_DATASET", "LIBHONEY_DATASET", "HONEYCOMB_SERVICE"),
    "service_name": ("OTEL_SERVICE_NAME", "HONEYCOMB_SERVICE_NAME", "HONEYCOMB_SERVICE"),
    "url": (
        *(settings.URL_VARIABLE, "HONEYCOMB_API_ENDPOINT"),
        *("HONEYCOMB_API_HOST", "LIBHONEY_API_HOST"),
    ),
}
"""The variables that each argument is read from if nobody passes it, in order."""

OWN_FIELDS = frozenset(
    "body severity severity_code level logger code.function code.filepath code.lineno thread.id"
    " thread.name process.pid process.name task.name meta.signal_type meta.local_hostname"
    " exception.type exception.message exception.stacktrace exception.causes exception.exceptions"
    " exception.notes stack_info".split()
)
CURES = {
    401: "Check the key, and its region: url='eu' for api.eu1.honeycomb.io.",
    403: "The key may not send events, or the team is throttled: see Environment settings.",
    404: "The dataset does not exist and the key may not create it.",
}
BEGIN = re.compile(r"[^\s,]")
SEVERITIES = ("trace", "debug", "info", "warn", "error", "fatal")
SEVERITY_CODES = {word: 4 * number + 1 for number, word in enumerate(SEVERITIES)}
"""OpenTelemetry's numbers for them."""

SERVICE_NAME = "service.name"
"""If the application sets a field of this name, the handler does not."""


class Honeycomb(Destination):
    """One dataset of an environment."""

    credential_header = "X-Honeycomb-Team"
    credential_prefix = ""
    message_field = "body"
    cures = CURES

    def __init__(
        self,
        key: Secret | None,
        endpoint: Endpoint,
        dataset: str,
        hostname: str,
        service_name: str = "",
        warnings: tuple[str, ...] = (),
    ) -> None:
        super().__init__(
            name=f"Honeycomb ({endpoint.host}, dataset {dataset!r})",
            endpoint=endpoint,
            limits=LIMITS,
            credential=key,
            identity={"vendor": "honeycomb", "url": endpoint.origin, "dataset": dataset},
            missing="" if key else "HONEYCOMB_API_KEY (or api_key=)",
            warnings=warnings,
        )
        self.dataset, self.hostname, self.service_name = dataset, hostname, service_name

    def writer(
        self, level: int, level_name: str, key: Site, fields: Mapping[str, Any]
    ) -> Writer | None:
        """Return a function that makes the elements of a call site."""
        if not (OWN_FIELDS.isdisjoint(fields) and NESTED.isdisjoint(map(type, fields.values()))):
            return None
        service = "" if SERVICE_NAME in fields else self.service_name
        return self._writer(level, level_name, key, service)

    def _writer(self, level: int, level_name: str, key: Site, service: str) -> Writer:
        end = literal(_constants(level, level_name, self.hostname, service, key))
        form = b'{"time":"%%b.%%09dZ","samplerate":%%d,"data":%%b%b' % end

        def write(time_ns: int, document: dict[str, Any], rate: int, task: str | None) -> bytes:
            if task is not None:
                document["task.name"] = task
            second, nanosecond = divmod(time_ns, 1_000_000_000)
            return form % (rfc3339_second(second), nanosecond, rate, encoded(document)[:-1])

        return write

    def flat(self, fields: dict[str, Any]) -> dict[str, Any] | None:
        """Return *fields* with dotted names, unless one of these means something here."""
        found = flatten(fields, TEXT_BYTES, MAX_FIELDS)
        is_own = SERVICE_NAME in found or not OWN_FIELDS.isdisjoint(found)
        return None if is_own else found

    def trace_fields(self, trace_id: str, span_id: str) -> dict[str, str]:
        """Return the fields that make the event a part of its span."""
        return {
            "trace.trace_id": trace_id,
            "trace.parent_id": span_id,
            "meta.annotation_type": "span_event",
        }

    def error_fields(self, error: dict[str, Any] | None, stack: str | None) -> dict[str, Any]:
        """Return flat fields for the exception and the stack."""
        values = {f"exception.{name}": value for name, value in (error or {}).items()}
        if stack is not None:
            values["stack_info"] = stack
        return flatten(values, TEXT_BYTES, MAX_FIELDS)

    def encode(self, event: Event) -> bytes:
        """Return an element of the batch."""
        with contained:
            element = self.build_item(event)
            # An element that is no larger than the limit of a text holds no larger text.
            if len(element) <= TEXT_BYTES:
                return element
        return encode(self._within, event, self.limits.item_bytes)

    def build_item(self, event: Event) -> bytes:
        """Return an element of the batch."""
        fields = rename_reserved(flatten(event.fields, TEXT_BYTES, MAX_FIELDS), OWN_FIELDS)
        document = {self.message_field: event.message, **fields}
        if event.trace is not None:
            put_trace(document, self.trace_fields(*event.trace))
        document.update(self.error_fields(event.error, event.stack))
        service = "" if SERVICE_NAME in fields else self.service_name
        write = self._writer(event.level, event.level_name, site(event.origin.__dict__), service)
        return write(event.time_ns, document, event.sample_rate, event.task)

    def _within(self, event: Event) -> bytes:
        """Return the element with every text cut to the limit of a text."""
        return self.build_item(event.replace(message=within(event.message, TEXT_BYTES)))

    def body(self, items: Sequence[bytes]) -> bytes:
        """Return the elements as one array."""
        return joined(b"[", items, b",", b"]")

    def interpret(self, response: Response, count: int) -> Verdict:
        """
        Return the verdict: by the status of each event if the batch was accepted.

        ``RateLimit`` (https://api-docs.honeycomb.io/api/, Rate Limiting) is sent with a 429, and
        with a batch in which an event has this status: ``reset`` is the time to wait.
        """
        verdict = self._interpret(response, count)
        limited = response.status == 429 or any(
            reason.startswith("status 429") for _, reason in verdict.items.values()
        )
        reset = RESET.search(response.headers.get("ratelimit", "")) if limited else None
        return verdict if reset is None else verdict._replace(wait=float(reset[1]))

    def _interpret(self, response: Response, count: int) -> Verdict:
        if response.status == 400 and b"too large" in response.body:
            return default_verdict(response, CURES)._replace(action=Action.SPLIT)
        if response.status != 200:
            return default_verdict(response, CURES)
        if response.body.count(b'"status":202') == count == response.body.count(b'"status"'):
            return Verdict(Action.DELIVERED)  # all of them, which is the usual case
        statuses = list(_statuses(response))
        if not statuses:
            return Verdict(Action.RETRY, "HTTP 200 without a status for each event")
        items = {}
        for index in range(count):
            verdict = _meaning(statuses[index] if index < len(statuses) else None)
            if verdict is not None:
                items[index] = verdict
        return Verdict(Action.DELIVERED, items=items)


def configure(
    api_key: str | None = None,
    *,
    dataset: str | None = None,
    service_name: str | None = None,
    url: str | None = None,
    allow_plain_http: object = None,
) -> Honeycomb:
    """Return the destination for these arguments; missing ones are read from the environment."""
    given = settings.text("dataset", dataset, *VARIABLES["dataset"])
    name = given or settings.program_name()
    if len(name) > 255:
        raise ConfigurationError(f"dataset takes at most 255 characters, not {len(name)}.")
    source, address = settings.named("url", url, *VARIABLES["url"])
    endpoint = settings.endpoint(
        _address(address),
        HOSTS["us"],
        f"/1/batch/{percent_encode(name, safe='')}",
        allow_plain_http=allow_plain_http,
        source=source,
    )
    key = settings.secret("api_key", api_key, *VARIABLES["api_key"])
    service = settings.text("service_name", service_name, *VARIABLES["service_name"])
    return Honeycomb(
        settings.usable_key(key, endpoint),
        endpoint,
        name,
        platform.node(),
        service_name=service or settings.program_name(),
        warnings=settings.contradictions(
            (api_key, VARIABLES["api_key"], None),
            (dataset, VARIABLES["dataset"][:2], settings.itself),
            (
                url or settings.held(settings.URL_VARIABLE) or None,
                VARIABLES["url"][1:],
                lambda _, text: settings.authority("", _address(text) or ""),
            ),
        )
        + settings.unnamed("dataset", given),
    )


def _address(name: str | None) -> str | None:
    """Return the URL of a region, or of one of the vendor's hosts in the forms that it prints."""
    if name is None or name.lower().partition("://")[0] == "http":
        return name
    bare = settings.authority("", name)
    bare = HOSTS.get(bare, bare)
    if bare in {"honeycomb.io", "eu1.honeycomb.io"} or bare.startswith("ui."):
        bare = f"api.{bare.removeprefix('ui.')}"
    return f"https://{bare}" if bare in HOSTS.values() else name


def severity(level: int) -> str:
    """Return Honeycomb's word for a level number."""
    return SEVERITIES[min(max(level, 0) // 10, 5)]


@lru_cache(maxsize=4_096)
def _constants(level: int, level_name: str, hostname: str, service: str, key: Site) -> bytes:
    """Return the end of an element: the members of ``data`` that all events of a call site have."""
    logger, path, _, _, line, function, thread, thread_name, pid, process = key
    values = {
        "severity": severity(level),
        "severity_code": SEVERITY_CODES[severity(level)],
        "level": level_name,
        "logger": logger,
        "code.function": function,
        "code.filepath": path,
        "code.lineno": line,
        "thread.id": thread,
        "thread.name": thread_name,
        "process.pid": pid,
        "process.name": process,
        "meta.local_hostname": hostname,
        "meta.signal_type": "log",
        SERVICE_NAME: service or None,
    }
    return f"{members(present(values))}}}}}".encode()


def _statuses(response: Response) -> Iterator[dict[str, Any]]:
    """Yield the status of each event, as far as the answer was read."""
    text = response.body.decode("utf-8", "replace").lstrip()
    decoder, at = json.JSONDecoder(), 1
    while text.startswith("[") and (start := BEGIN.search(text, at)):
        try:
            value, at = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            return
        yield value if isinstance(value, dict) else {}


def _meaning(status: dict[str, Any] | None) -> tuple[Action, str] | None:
    """Return what the status of one event means for it, or None if the event was accepted."""
    code = None if status is None else status.get("status")
    if not isinstance(code, int):
        return Action.RETRY, "no status for this event"
    if 200 <= code < 300:
        return None
    reason = f"status {code}: {(status or {}).get('error', '')}"
    is_temporary = code in RETRIED or code >= 500
    return (Action.RETRY if is_temporary else Action.REFUSED), reason
