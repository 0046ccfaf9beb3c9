"""What a relay counts, and the endpoints that show it: `/metrics` and `/healthz`."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from ..errors import CxLoggingError

READ_SECONDS = 10.0
"""How long a client may take to ask."""

PREFIX = "cxlogging_relay_"
HELP = {
    "items_total": ("counter", "Items: delivered, rejected, or known, as delivered before."),
    "messages_total": ("counter", "Messages of the stream that were settled."),
    "given_back_total": ("counter", "Messages that were given back to the stream for later."),
    "requests_total": ("counter", "Requests to vendors."),
    "retries_total": ("counter", "Requests that failed for a passing reason."),
    "sent_bytes_total": ("counter", "Bytes of delivered requests, as sent."),
    "held_messages": ("gauge", "Messages that are held and not acknowledged yet."),
    "held_bytes": ("gauge", "Bytes of these messages."),
    "destination_up": ("gauge", "1 while the vendor takes what it is sent."),
    "connected": ("gauge", "1 while the servers of the stream answer."),
}  # fmt: skip
"""The kind of each metric, and what it is."""


class Sample(NamedTuple):
    """One number: the metric's name, its labels, and the value."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


class RelayHealth(NamedTuple):
    """Whether the relay works, and the facts that `/healthz` shows."""

    ok: bool
    facts: dict[str, Any]


class RelayMetrics:
    """Counters, written by the thread of the loop, and read by any."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}

    def count(self, name: str, number: int, **labels: str) -> None:
        """Add *number* to the counter *name*, which is shown as ``<name>_total``."""
        key = (f"{name}_total", tuple(sorted(labels.items())))
        self._counts[key] = self._counts.get(key, 0) + number

    def total(self, name: str, **labels: str) -> int:
        """Return the sum of the counter *name* over all that have these *labels*."""
        return sum(
            count
            for (each, found), count in tuple(self._counts.items())
            if each == f"{name}_total" and labels.items() <= dict(found).items()
        )

    def samples(self) -> list[Sample]:
        """Return all of them."""
        return [
            Sample(name, labels, count) for (name, labels), count in tuple(self._counts.items())
        ]


def exposition(samples: Iterable[Sample]) -> str:
    """Return *samples* in the text format of Prometheus."""
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    lines = []
    for name, (kind, text) in HELP.items():
        lines += [f"# HELP {PREFIX}{name} {text}", f"# TYPE {PREFIX}{name} {kind}"]
        for sample in by_name.get(name, []):
            labels = ",".join(f'{label}="{_escaped(value)}"' for label, value in sample.labels)
            shown = f"{{{labels}}}" if labels else ""
            lines.append(f"{PREFIX}{name}{shown} {sample.value:g}")
    return "\n".join([*lines, ""])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


class MetricsServer:
    """
    Serves `/metrics` and `/healthz`.

    Args:
        address: Host and port; port 0 is a free one.
        samples: Returns what `/metrics` shows; called on a thread of the server.
        health: Returns what `/healthz` shows; called there too.

    Raises:
        CxLoggingError: The address cannot be listened at.
    """

    def __init__(
        self,
        address: tuple[str, int],
        samples: Callable[[], Iterable[Sample]],
        health: Callable[[], RelayHealth],
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = READ_SECONDS

            def do_GET(self) -> None:
                if self.path.partition("?")[0] == "/metrics":
                    kind, status = "text/plain; version=0.0.4; charset=utf-8", 200
                    body = exposition(samples())
                elif self.path.partition("?")[0] == "/healthz":
                    found = health()
                    kind, status = "application/json", 200 if found.ok else 503
                    body = json.dumps({"ok": found.ok, **found.facts}) + "\n"
                else:
                    kind, status, body = "text/plain", 404, "There are /metrics and /healthz.\n"
                data = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        host, port = address
        try:
            self._server = _Server(address, Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CxLoggingError(
                f"listen: cannot serve metrics at {host}:{port}: {reason}. Set listen to another"
                " address, or to false."
            ) from None
        self.port: int = self._server.server_address[1]

    def start(self) -> None:
        """Serve on a thread of its own."""
        threading.Thread(
            target=self._server.serve_forever, name="cxlogging-metrics", daemon=True
        ).start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)
