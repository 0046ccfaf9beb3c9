"""The demo's stage: the local server, the shop on a server of its own, and who counts."""

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

from ... import flush_all
from ...demo.settings import LOGGING
from ...demo.shop import create_app
from ...devserver import DevServer
from ...handlers.handler import ShippingHandler
from ...vendors.registry import VENDORS

if TYPE_CHECKING:
    from types import TracebackType

    from ...delivery.ledger import Stats
    from ...devserver import RequestRecord

_VARIABLES = {
    name
    for vendor in VENDORS.values()
    for names in vendor.profile.variables.values()
    for name in names
}


class Witness(logging.Handler):
    """Counts each message that the root logger gets, without asking any handler of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: Counter[str] = Counter()
        self.total = 0
        self.specimen = ""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        self.messages[message] += 1
        self.total += 1
        if hasattr(record, "order"):
            self.specimen = message


class Stage:
    """
    The local server on *port* or a free one, and the shop, logging to it through all handlers.

    A context manager. While it is open, the root logger and the vendors' variables of this
    process are its own.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.notice = ""
        self.witness = Witness()
        self.refused: Counter[str] = Counter()
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Stage:  # noqa: PYI034 - typing.Self came with 3.11
        with contextlib.ExitStack() as opening:
            folder = opening.enter_context(tempfile.TemporaryDirectory(prefix="cxlogging-demo-"))
            self.local = self._listen()
            opening.callback(self.local.stop)
            self._configure()
            opening.callback(_unconfigure)
            app = create_app(str(Path(folder, "shop.db")))
            self._packing = app.extensions["packing"]
            opening.callback(self._packing.close)
            self.shop = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Plain)
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
        """Wait until what was logged has its outcome; False where that takes longer."""
        self._packing.drain()
        return flush_all(timeout)

    def stats(self) -> dict[str, Stats]:
        """Return the account of each vendor's handler."""
        return {name: handler.stats() for name, handler in self._handlers.items()}

    def arrived(self, vendor: str) -> Counter[str]:
        """Return how often each message has arrived at *vendor*'s door."""
        return Counter(event["message"] for event in self.local.events(vendor))

    def outage(self, *, down: bool) -> None:
        """Let all vendors answer 503, or no longer."""
        faults = self.local.faults
        if down != bool(faults.active()):
            faults.add(status=503) if down else faults.clear()

    def _count(self, request: RequestRecord) -> None:
        if request.status == 503:
            self.refused[request.vendor] += 1

    def _listen(self) -> DevServer:
        server = DevServer(self.port, on_request=self._count)
        try:
            return server.start()
        except OSError as error:
            server.stop()
            busy = error.errno == errno.EADDRINUSE
            reason = "is taken" if busy else f"cannot be used ({error.strerror})"
        server = DevServer(0, on_request=self._count).start()
        self.notice = f"Port {self.port} {reason}: the local server listens on {server.port}."
        return server

    def _configure(self) -> None:
        # A real key or address of the user's has no part in a demonstration.
        for name in [
            name for name in os.environ if name in _VARIABLES or name.startswith("CXLOGGING_")
        ]:
            del os.environ[name]
        os.environ["CXLOGGING_URL"] = self.local.url
        logging.config.dictConfig(LOGGING)
        root = logging.getLogger()
        self._handlers = {
            str(each.name): each for each in root.handlers if isinstance(each, ShippingHandler)
        }
        root.addHandler(self.witness)


class _Plain(WSGIRequestHandler):
    """Logs requests without the colours that werkzeug's own line has, wherever it goes."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        self.log("info", '"%s" %s %s', self.requestline, code, size)


def _unconfigure() -> None:
    root = logging.getLogger()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        handler.close()
