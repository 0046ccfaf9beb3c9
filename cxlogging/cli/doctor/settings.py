"""Settings that are in effect, and where each came from; keys by their shape, never shown."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...delivery.options import Options
from ...errors import nearest
from ...handlers.handler import ShippingHandler
from ...vendors.betterstack.destination import BetterStack
from ...vendors.coralogix.destination import DOMAINS, Coralogix
from ...vendors.honeycomb.destination import HOSTS, Honeycomb
from ...wire.destination import Destination
from ...wire.http import Endpoint, Secret
from ...wire.settings import LOCAL_KEY, held, is_loopback, program_name
from ..shared.targets import VENDORS
from .findings import Finding, fail, ok, warn

SPACE = 256 * 2**20
"""Free bytes below which a spool's disk is short of room."""

_CLASSIC = re.compile(r"[a-f0-9]{32}|hc[a-z]ic_[a-z0-9]{58}")


def settings(about: str, handler: ShippingHandler) -> Iterator[Finding]:
    """Yield the findings about a handler's settings."""
    destination = handler.delivery.destination
    if destination.missing:
        yield fail(
            "settings",
            f"{destination.missing} is not set",
            f"Set {destination.missing}.",
            about=about,
        )
    for sentence in destination.warnings:
        yield warn("settings", sentence, "Unset the one that is not meant.", about=about)
    for each in _arguments(destination):
        if each.value:
            shown = _masked(each.value) if each.secret else each.value
            yield ok(each.name, f"{shown}  ({each.origin()})", about)
    for name, value in _changed(handler.delivery.options):
        yield ok(name, f"{value}  (argument)", about)
    yield from _key(about, destination)
    yield from _region(about, destination)
    yield from _spool(about, handler)


@dataclass(frozen=True)
class _Argument:
    """An argument of a vendor's handler, and what it is where nobody gives it."""

    name: str
    value: str
    variables: tuple[str, ...] = ()
    default: str = ""
    secret: bool = False
    source: str = ""

    def origin(self) -> str:
        """Return where the value came from."""
        if self.source in self.variables:
            return self.source
        for name in self.variables:
            if held(name) == self.value:
                return name
        if self.secret and self.value == LOCAL_KEY:
            return "none is needed on this machine"
        return "default" if self.value == self.default else "argument"


def _arguments(destination: Destination) -> Iterator[_Argument]:
    endpoint: Endpoint | None = getattr(destination, "endpoint", None)
    address, source = ("", "") if endpoint is None else (str(endpoint), endpoint.source)
    if isinstance(destination, Coralogix):
        names = VENDORS["coralogix"][1]
        yield _secret("api_key", destination.key, names)
        yield _Argument("address", address, (*names["url"], *names["domain"]), source=source)
        application = names["application_name"], program_name()
        yield _Argument("application_name", destination.application_name, *application)
        subsystem = names["subsystem_name"], "python"
        yield _Argument("subsystem_name", destination.subsystem_name, *subsystem)
    elif isinstance(destination, Honeycomb):
        names = VENDORS["honeycomb"][1]
        yield _secret("api_key", destination.key, names)
        default = f"https://{HOSTS['us']}{destination.endpoint.path}"
        yield _Argument("address", address, names["url"], default, source=source)
        yield _Argument("dataset", destination.dataset, names["dataset"], program_name())
    elif isinstance(destination, BetterStack):
        names = VENDORS["betterstack"][1]
        yield _secret("source_token", destination.token, names)
        variables = (*names["url"], *names["ingesting_host"])
        yield _Argument("address", address, variables, source=source)
        yield _Argument("format", destination.format, default="msgpack")


def _secret(name: str, key: Secret | None, names: Mapping[str, tuple[str, ...]]) -> _Argument:
    return _Argument(name, "" if key is None else key.reveal(), names[name], secret=True)


def _masked(value: str) -> str:
    """Return what may be seen of a key: its kind, and its length."""
    kind = re.match(r"(cx[a-z]p|hc[a-z]{2,3})_", value)
    return f"{kind[0] if kind else ''}… of {len(value)} characters"


def _changed(options: Options) -> Iterator[tuple[str, str]]:
    usual = Options()._asdict()
    for name, value in options._asdict().items():
        if value != usual[name]:
            yield name, _plain(name, value)


def _plain(name: str, value: Any) -> str:
    if name == "headers" and isinstance(value, Mapping):
        return ", ".join(value)  # their values may be secrets
    if name == "proxy":
        return without_password(str(value))
    return str(value) if isinstance(value, (str, int, float)) else type(value).__name__


def without_password(address: str) -> str:
    """Return a proxy's address without user and password."""
    return re.sub(r"//[^@/]*@", "//****@", address)


def _key(about: str, destination: Destination) -> Iterator[Finding]:
    if isinstance(destination, Coralogix) and destination.key is not None:
        value = destination.key.reveal()
        if value.startswith("cxup_"):
            yield warn(
                "kind of key",
                "the key looks like a personal one (cxup_), which cannot send logs",
                "Use a Send-Your-Data key: Settings, API keys.",
                about=about,
            )
        elif value.startswith("cxtp_"):
            yield ok("kind of key", "a team key (cxtp_)", about)
    if isinstance(destination, Honeycomb) and destination.key is not None:
        value = destination.key.reveal()
        if _CLASSIC.fullmatch(value):
            yield ok("kind of key", "Honeycomb Classic", about)
        elif re.match(r"hc[a-z]lk_", value):
            yield warn(
                "kind of key",
                "a configuration key (hcXlk_) may do more than send",
                "An ingest key (hcXik_) is enough for a handler.",
                about=about,
            )
        elif re.match(r"hc[a-z]ik_", value):
            yield ok("kind of key", "an ingest key (hcXik_)", about)


def _region(about: str, destination: Destination) -> Iterator[Finding]:
    if not isinstance(destination, Coralogix) or destination.endpoint is None:
        return
    host = destination.endpoint.host
    domain = host.removeprefix("ingress.")
    if is_loopback(host) or domain == host:
        return
    known = {name: region for region, name in DOMAINS.items()}
    if domain in known:
        yield ok("region", known[domain], about)
    else:
        yield warn(
            "region",
            f"{domain} is no domain of Coralogix that is known here.{nearest(domain, known)}",
            f"Check CORALOGIX_DOMAIN; there are {', '.join(DOMAINS)}.",
            about=about,
        )


def _spool(about: str, handler: ShippingHandler) -> Iterator[Finding]:
    options = handler.delivery.options
    if options.spool is None:
        return
    path = Path(options.spool)
    stats = handler.stats()
    detail = f"{path}: {stats.spooled:,} records wait"
    there = next(each for each in (path, *path.parents) if each.exists())
    free = shutil.disk_usage(there).free
    if not os.access(there, os.W_OK | os.X_OK):
        yield fail(
            "spool state",
            f"{there} cannot be written by this user",
            "Give it to the user that the application runs as.",
            detail=detail,
            about=about,
        )
    elif free < SPACE:
        yield warn(
            "spool state",
            f"{free // 2**20} MiB are left on its disk",
            "Free some room, or lower spool_bytes.",
            detail=detail,
            about=about,
        )
    else:
        size = sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
        yield ok("spool state", f"{detail}, {size:,} bytes, {free // 2**20:,} MiB free", about)
