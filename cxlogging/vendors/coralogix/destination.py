"""
Coralogix: ``POST https://ingress.<domain>/logs/v1/bulk``.

Follows https://coralogix.com/docs/integrations/coralogix-endpoints/ and
https://coralogix.com/docs/developer-portal/apis/log-ingestion/coralogix-rest-api-bulk/:
severity 1 to 6, ``hiResTimestamp`` in nanoseconds, ``text`` a string, at most
2 MB a request. The vendor documents no compression for this path, but its agents
send gzip to ``/logs/v1/singles``: so gzip is tried after an uncompressed request was
accepted.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ...wire import option_parsers as values
from ...wire import settings
from ...wire.codec import encoded, encoded_twice, literal, members, quote
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
from ...wire.http import Endpoint, Limits, Secret, joined
from .addresses import DOMAIN_VARIABLES, address, address_warnings

BODY_BYTES = 1_999_999
PATH = "/logs/v1/bulk"
VARIABLES = {
    "api_key": ("CORALOGIX_API_KEY", "CORALOGIX_PRIVATE_KEY", "CX_PRIVATE_KEY"),
    "domain": DOMAIN_VARIABLES,
    "application_name": (
        *("CORALOGIX_APPLICATION_NAME", "CORALOGIX_APP_NAME"),
        "CX_APPLICATION_NAME",
    ),
    "subsystem_name": (
        *("CORALOGIX_SUBSYSTEM_NAME", "CORALOGIX_SUBSYS_NAME"),
        "CX_SUBSYSTEM_NAME",
    ),
    "url": (settings.URL_VARIABLE,),
}
"""The variables that each argument is read from if nobody passes it, in order."""

OWN_FIELDS = frozenset(
    "message level logger file line thread pid process task exception stack_info"
    f" {SAMPLE_RATE}".split()
)
CURES = {
    401: "Check the Send-Your-Data API key, and that it belongs to this domain.",
    403: "Coralogix takes logs with a Send-Your-Data key; a key for queries is refused.",
    404: "Check the domain: CORALOGIX_DOMAIN or domain=, such as 'eu2.coralogix.com'.",
}


class Coralogix(Destination):
    """A Coralogix account's ingress, one application and one subsystem."""

    cures = CURES

    def __init__(
        self,
        key: Secret | None,
        endpoint: Endpoint | None,
        application_name: str,
        subsystem_name: str,
        computer_name: str,
        text: str = "json",
        warnings: tuple[str, ...] = (),
    ) -> None:
        names = (
            f'{{"applicationName":{quote(application_name)},'
            f'"subsystemName":{quote(subsystem_name)},'
            f'"computerName":{quote(computer_name)},"logEntries":['
        )
        self.start = names.encode()
        overhead = len(self.start) + 2
        missing = [] if key else ["CORALOGIX_API_KEY (or api_key=)"]
        missing += [] if endpoint else ["CORALOGIX_DOMAIN (or domain=)"]
        super().__init__(
            name=f"Coralogix ({endpoint.host})" if endpoint else "Coralogix",
            endpoint=endpoint,
            limits=Limits(
                item_bytes=BODY_BYTES - overhead,
                body_bytes=BODY_BYTES,
                wire_bytes=BODY_BYTES,
                batch_count=3_000,
                overhead=overhead,
                integers=range(-(2**53), 2**53 + 1),  # DataPrime's numbers are doubles
                tried=("gzip",),
            ),
            credential=key,
            identity={
                "vendor": "coralogix",
                "url": endpoint.origin if endpoint else "",
                "application_name": application_name,
                "subsystem_name": subsystem_name,
            },
            missing=" and ".join(missing),
            warnings=warnings,
        )
        self.text, self.computer_name = text, computer_name
        self.envelope = {"computer_name": computer_name}
        self.application_name, self.subsystem_name = application_name, subsystem_name

    def writer(
        self, level: int, level_name: str, key: Site, fields: Mapping[str, Any]
    ) -> Writer | None:
        """Return a function that makes the entries of a call site."""
        if self.text == "plain" or not OWN_FIELDS.isdisjoint(fields):
            return None
        return self._writer(level, level_name, key)

    def _writer(self, level: int, level_name: str, key: Site) -> Writer:
        source, end = map(literal, _constants(level, level_name, key))
        form = b'{"hiResTimestamp":"%%019d",%b,"text":%%b%b}' % (source, end)

        def write(time_ns: int, document: dict[str, Any], rate: int, task: str | None) -> bytes:
            if rate != 1:
                put_sample_rate(document, rate)
            if task is not None:
                document["task"] = task
            return form % (time_ns, encoded_twice(document))

        return write

    def build_item(self, event: Event) -> bytes:
        """Return an entry of ``logEntries``."""
        key = site(event.origin.__dict__)
        if self.text == "plain":
            source, _ = _constants(event.level, event.level_name, key)
            text = encoded(_plain(event.message, event.error, event.stack))
            return b'{"hiResTimestamp":"%019d",%b,"text":%b}' % (event.time_ns, source, text)
        fields = rename_reserved(event.fields, OWN_FIELDS)
        document = {"message": event.message, **fields}
        if event.trace is not None:
            put_trace(document, self.trace_fields(*event.trace))
        document.update(self.error_fields(event.error, event.stack))
        write = self._writer(event.level, event.level_name, key)
        return write(event.time_ns, document, event.sample_rate, event.task)

    def body(self, items: Sequence[bytes]) -> bytes:
        """Return the entries as one bulk body."""
        return joined(self.start, items, b",", b"]}")


def configure(
    api_key: str | None = None,
    *,
    domain: str | None = None,
    application_name: str | None = None,
    subsystem_name: str | None = None,
    computer_name: str | None = None,
    text: str = "json",
    url: str | None = None,
    allow_plain_http: object = None,
) -> Coralogix:
    """Return the destination for these arguments; missing ones are read from the environment."""
    text = values.choice("json", "plain")("text", text)
    endpoint = address(domain, url, "ingress", PATH, allow_plain_http=allow_plain_http)
    key = settings.secret("api_key", api_key, *VARIABLES["api_key"])
    names = VARIABLES["application_name"], VARIABLES["subsystem_name"]
    application = settings.text("application_name", application_name, *names[0])
    subsystem = settings.text("subsystem_name", subsystem_name, *names[1])
    return Coralogix(
        key=settings.usable_key(key, endpoint),
        endpoint=endpoint,
        application_name=application or settings.program_name(),
        subsystem_name=subsystem or "python",
        computer_name=settings.text("computer_name", computer_name) or platform.node(),
        text=text,
        warnings=address_warnings(domain, url)
        + settings.contradictions(
            (api_key, VARIABLES["api_key"], None),
            (application_name, VARIABLES["application_name"], settings.itself),
            (subsystem_name, VARIABLES["subsystem_name"], settings.itself),
        )
        + settings.unnamed("application_name", application),
    )


def severity(level: int) -> int:
    """
    Return the severity of a level number: 1 Debug to 6 Critical.

    Levels between the standard ones belong to the one below them, but between
    DEBUG and INFO there is 2, Verbose.
    """
    if level < 20:
        return 1 if level <= 10 else 2
    return min(level // 10 + 1, 6)


@lru_cache(maxsize=4_096)
def _constants(level: int, level_name: str, key: Site) -> tuple[bytes, bytes]:
    """Return what all entries of a call site have: entry fields, and the end of the quoted text."""
    logger, _, filename, module, line, function, thread, thread_name, pid, process = key
    source = {
        "severity": severity(level),
        "category": logger,
        "className": module,
        "methodName": function or "",
        "threadId": "" if thread is None else str(thread),
    }
    document = {
        "level": level_name,
        "logger": logger,
        "file": filename,
        "line": line,
        "thread": thread_name,
        "pid": pid,
        "process": process,
    }
    return encoded(source)[1:-1], encoded(f"{members(present(document))}}}")[1:]


def _plain(message: str, error: dict[str, Any] | None, stack: str | None) -> str:
    """Return the message, followed by the stacks, as a formatter would print them."""
    parts = [message]
    if error is not None:
        parts.append(error.get("stacktrace", ""))
    if stack is not None:
        parts.append(stack)
    return "\n".join(part for part in parts if part) or "<empty message>"
