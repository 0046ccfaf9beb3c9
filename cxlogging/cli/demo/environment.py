"""What the demo runs: the local server, and the shop, which logs to it through all handlers."""

from __future__ import annotations

import contextlib
import errno
import logging
import logging.config
import os
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.serving import WSGIRequestHandler, make_server

from ... import flush_all, report_stats
from ...delivery.reporting import REPORTER
from ...devserver import DevServer
from ...handlers.handler import ShippingHandler
from ...vendors.registry import VENDORS
from .shop import create_app
from .shop_logging import LOGGING

if TYPE_CHECKING:
    from types import TracebackType

    from ...delivery.ledger import Stats
    from ...devserver import RequestRecord

_VENDOR_VARIABLES = {
    name
    for vendor in VENDORS.values()
    for names in vendor.profile.variables.values()
    for name in names
}


class CountingHandler(logging.Handler):
    """
    Counts each message that the root logger gets, independently of the vendors' handlers.

    Attributes:
        messages: How often each message was logged.
        total: How many records were logged.
        sample_message: The message of the last record with the field ``order``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.messages: Counter[str] = Counter()
        self.total = 0
        self.sample_message = ""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        self.messages[message] += 1
        self.total += 1
        if hasattr(record, "order"):
            self.sample_message = message


class DemoEnvironment:
    """
    The local server, and the shop, which logs to it through all handlers.

    A context manager. While it is open, it configures the root logger, and removes the vendors'
    variables from the environment of this process.

    Args:
        port: The port of the local server; if it is taken, a free one is used.

    Attributes:
        notice: Why another port is used; empty if none is.
        logged: Counts what the shop logs.
        refused: How many requests each vendor has answered with 503.
        server: The local server.
        shop: The HTTP server of the shop.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.notice = ""
        self.logged = CountingHandler()
        self.refused: Counter[str] = Counter()
        self._open = contextlib.ExitStack()

    def __enter__(self) -> DemoEnvironment:  # noqa: PYI034 - typing.Self came with 3.11
        with contextlib.ExitStack() as opening:
            folder = opening.enter_context(tempfile.TemporaryDirectory(prefix="cxlogging-demo-"))
            self.server = self._listen()
            opening.callback(self.server.stop)
            self._configure()
            opening.callback(_unconfigure)
            opening.callback(REPORTER.end)
            app = create_app(str(Path(folder, "shop.db")))
            self._packer = app.extensions["packer"]
            opening.callback(self._packer.close)
            self.shop = make_server(
                "127.0.0.1", 0, app, threaded=True, request_handler=_PlainRequestHandler
            )
            opening.callback(self.shop.server_close)
            threading.Thread(target=self.shop.serve_forever, args=(0.05,), daemon=True).start()
            opening.callback(self.shop.shutdown)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def settle(self, timeout: float) -> bool:
        """Return True once every record has its outcome, or False after *timeout* seconds."""
        self._packer.drain()
        return flush_all(timeout)

    def stats(self) -> dict[str, Stats]:
        """Return the statistics of each vendor's handler."""
        return {name: handler.stats() for name, handler in self._handlers.items()}

    def arrived(self, vendor: str) -> Counter[str]:
        """Return how often each message has arrived at *vendor*."""
        return Counter(event["message"] for event in self.server.events(vendor))

    def set_outage(self, *, down: bool) -> None:
        """Make all vendors answer 503, or answer normally again."""
        faults = self.server.faults
        if down != bool(faults.active()):
            faults.add(status=503) if down else faults.clear()

    def _count_refused(self, request: RequestRecord) -> None:
        if request.status == 503:
            self.refused[request.vendor] += 1

    def _listen(self) -> DevServer:
        server = DevServer(self.port, on_request=self._count_refused)
        try:
            return server.start()
        except OSError as error:
            server.stop()
            busy = error.errno == errno.EADDRINUSE
            reason = "is taken" if busy else f"cannot be used ({error.strerror})"
        server = DevServer(0, on_request=self._count_refused).start()
        self.notice = f"Port {self.port} {reason}: the local server listens on {server.port}."
        return server

    def _configure(self) -> None:
        # The user's real keys and addresses must not be used.
        for name in set(os.environ):
            if name in _VENDOR_VARIABLES or name.startswith("CXLOGGING_"):
                del os.environ[name]
        os.environ["CXLOGGING_URL"] = self.server.url
        logging.config.dictConfig(LOGGING)
        report_stats()
        root = logging.getLogger()
        self._handlers = {
            str(each.name): each for each in root.handlers if isinstance(each, ShippingHandler)
        }
        root.addHandler(self.logged)


class _PlainRequestHandler(WSGIRequestHandler):
    """Logs requests without the colours of werkzeug's own log line."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        self.log("info", '"%s" %s %s', self.requestline, code, size)


def _unconfigure() -> None:
    root = logging.getLogger()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        handler.close()
