"""A subject: one way to log, with handlers that send to the addresses of the sink."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

FAST_MODULES = ("msgspec", "isal", "isal.isal_zlib", "backports.zstd", "compression.zstd")
"""What the ``fast`` extra brings; hidden where a subject is measured without it."""

CORALOGIX, HONEYCOMB, BETTER_STACK = "Coralogix", "Honeycomb", "Better Stack"
VENDORS = (CORALOGIX, HONEYCOMB, BETTER_STACK)


@dataclass(frozen=True)
class Target:
    """
    Where a subject sends.

    Attributes:
        url: The sink's HTTP address.
        host: The sink's host.
        logstash_port: Where the sink takes lines over TCP.
        directory: An empty directory, for those that write files.
        stream: The address of a NATS stream; empty where no server is installed.
    """

    url: str
    host: str
    logstash_port: int
    directory: str
    stream: str = ""


Opened = tuple[logging.Handler, Callable[[], object]]
"""A handler, and the peer's own way to wait until what it was given has been sent."""


@dataclass(frozen=True)
class Subject:
    """
    One way to log.

    Attributes:
        name: As it is called in the report.
        kind: ``"baseline"``, ``"floor"``, ``"ours"`` or ``"peer"``.
        open: Takes the target, returns a handler each of which gets every record.
        services: The services of the sink where the records arrive; none for a baseline.
        vendor: The vendor whose format it speaks, where that is one of ours.
        journal: Whether a record is in a file before the call returns.
        fast: Whether the ``fast`` extra may be used.
        load: What a program imports to have it.
        packages: What is installed from PyPI for it.
        patience: Seconds without a request after which nothing more is expected.
        share: The part of a mode's records that it gets; for those that are very slow.
        stacks: Whether it sends the stack of an exception.
        scope: How the scopes end that its records are held in, ``"discarded"`` or ``"released"``;
            none where they are not held.
        most: Records that arrive at most, where more are left out on purpose.
        note: What a reader of the report must know.
    """

    name: str
    kind: str
    open: Callable[[Target], list[Opened]]
    services: tuple[str, ...] = ()
    vendor: str = ""
    journal: bool = False
    fast: bool = True
    load: str = ""
    packages: tuple[str, ...] = ()
    patience: float = 3.0
    share: float = 1.0
    stacks: bool = True
    scope: str = ""
    most: float = math.inf
    note: str = ""


def hide_fast() -> None:
    """Make the modules of the ``fast`` extra impossible to import, in this process."""
    for name in FAST_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]


def nothing() -> None:
    """Wait for nothing."""
