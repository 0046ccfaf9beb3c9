"""A thin handler over libhoney, which has none of its own."""

from __future__ import annotations

import logging
from typing import Any

from libhoney.client import Client
from libhoney.transmission import Transmission

from .base import Opened, Target, nothing
from .floors import STANDARD


class ThinHandler(logging.Handler):
    """Sends a record as an event: its message, level, logger, extras and stack."""

    def __init__(self, client: Any) -> None:
        super().__init__()
        self.client = client

    def emit(self, record: logging.LogRecord) -> None:
        fields = {name: value for name, value in vars(record).items() if name not in STANDARD}
        fields.update(message=record.getMessage(), level=record.levelname, logger=record.name)
        if record.exc_info:
            fields["stack"] = logging.Formatter().formatException(record.exc_info)
        self.client.new_event(fields).send()


def open_libhoney(target: Target, room: int) -> Opened:
    """Return the handler; libhoney sends within a quarter of a second without being asked."""
    client = Client(
        writekey="key",
        dataset="benchmarks",
        api_host=target.url,
        transmission_impl=Transmission(max_pending=room),
    )
    # Its flush would wait ten seconds for a reader of its queue of responses.
    return ThinHandler(client), nothing
