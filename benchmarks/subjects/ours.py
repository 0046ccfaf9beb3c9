"""cxlogging: in memory, with a spool, to a stream; with the ``fast`` extra and without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .base import BETTER_STACK, CORALOGIX, HONEYCOMB, VENDORS, Opened, Subject, Target

FLUSH_SECONDS = 120
SERVICES = {CORALOGIX: "coralogix", HONEYCOMB: "honeycomb", BETTER_STACK: "betterstack"}


def open_handler(vendor: str, target: Target, **options: Any) -> Opened:
    """Return the handler of *vendor*, and how to flush it."""
    import cxlogging

    handler: Any
    if vendor == CORALOGIX:
        handler = cxlogging.CoralogixHandler(
            "key", url=target.url, application_name="benchmarks", **options
        )
    elif vendor == HONEYCOMB:
        handler = cxlogging.HoneycombHandler("key", url=target.url, dataset="benchmarks", **options)
    else:
        handler = cxlogging.BetterStackHandler("token", url=target.url, **options)
    return handler, lambda: handler.flush(FLUSH_SECONDS)


def _opener(
    vendors: tuple[str, ...], journal: bool, plain: bool = False
) -> Callable[[Target], list[Opened]]:
    def attached(target: Target) -> list[Opened]:
        options: dict[str, Any] = {"spool": target.directory} if journal else {}
        options |= {"compression": None} if plain else {}
        return [open_handler(vendor, target, **options) for vendor in vendors]

    return attached


def _subject(
    name: str, vendors: tuple[str, ...], journal: bool, fast: bool, plain: bool = False
) -> Subject:
    more = (", spool" if journal else "") + ("" if fast else ", stdlib only")
    more += ", uncompressed" if plain else ""
    return Subject(
        f"cxlogging {name}{more}",
        "ours",
        _opener(vendors, journal, plain),
        services=tuple(SERVICES[vendor] for vendor in vendors),
        vendor=name if len(vendors) == 1 else "",
        journal=journal,
        fast=fast,
        load=_load(f"{name.replace(' ', '')}Handler") if len(vendors) == 1 else "",
        packages=("cxlogging",),
    )


def _load(handler: str) -> str:
    # A handler's parts are imported when one is made: the import alone would be half the truth.
    return f"from cxlogging import {handler}; {handler}('key', url='http://127.0.0.1:9')"


_KINDS = [(journal, fast) for fast in (True, False) for journal in (False, True)]
OURS = [_subject(each, (each,), journal, fast) for journal, fast in _KINDS for each in VENDORS]
PLAIN = [_subject(each, (each,), False, True, plain=True) for each in VENDORS]
"""With ``compression=None``: what compression costs and saves is the difference."""


def _streamed(**options: Any) -> Callable[[Target], list[Opened]]:
    def attached(target: Target) -> list[Opened]:
        if not target.stream:
            raise ImportError("no nats-server is installed")
        return [open_handler(BETTER_STACK, target, spool=target.stream, **options)]

    return attached


STREAMED = Subject(
    f"cxlogging {BETTER_STACK}, NATS stream",
    "ours",
    _streamed(),
    vendor=BETTER_STACK,
    load=(
        "from cxlogging import BetterStackHandler;"
        " BetterStackHandler(spool='nats://127.0.0.1:9/LOGS').flush(0)"
    ),
    packages=("nats-py",),
    note="to a NATS server of one node on this machine; its relay does not run",
)
"""Ends with the stream's acknowledgement: nothing arrives at the sink."""

STREAMED_SMALL = Subject(
    f"{STREAMED.name}, small messages",
    "ours",
    _streamed(batch_count=10, concurrency=16),
    vendor=BETTER_STACK,
)
"""Messages of ten records, sixteen at a time, as from many hosts: `fleet` measures them."""

THREE = [_subject("three vendors", VENDORS, journal, True) for journal in (False, True)]


def ours(vendor: str, *, journal: bool = False, fast: bool = True) -> Subject:
    """Return the subject of *vendor*."""
    wanted = (vendor, journal, fast)
    return next(each for each in OURS if (each.vendor, each.journal, each.fast) == wanted)


def plain(vendor: str) -> str:
    """Return the name of the subject of *vendor* that does not compress."""
    return next(each.name for each in PLAIN if each.vendor == vendor)
