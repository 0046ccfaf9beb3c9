"""A vendor and a network that exist only in memory, and a clock that is set by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import ClassVar

from cxlogging.delivery.clock import Clocks
from cxlogging.delivery.delivery import Delivery
from cxlogging.delivery.http.interface import TransportError
from cxlogging.delivery.options import Options
from cxlogging.wire.http import Action, Endpoint, Limits, Request, Response, Verdict
from cxlogging.wire.verdicts import default_verdict

LIMITS = Limits(
    item_bytes=1_000,
    body_bytes=10_000,
    wire_bytes=10_000,
    batch_count=100,
    overhead=0,
    auto=("gzip",),
)

HOLD_BACK = """
from tests.fakes import hold_back
hold_back(handler._delivery)
"""
"""For programs whose records are to wait: an idle queue would send the first one at once."""


class Lines:
    """A vendor that takes lines; an answer of 299 carries a status for each."""

    name = "Lines (nowhere)"
    endpoint = Endpoint("http", "127.0.0.1", 9, "/")
    identity: ClassVar = {"vendor": "lines", "url": "http://127.0.0.1:9"}
    missing = ""
    warnings = ()
    credential = None
    credential_header = "Authorization"

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits

    def writer(self, level: int, level_name: str, key, fields) -> None:
        """Every event is looked at."""

    def error_fields(self, error, stack) -> dict:
        return {"exception": error, "stack_info": stack}

    def encode(self, event) -> bytes:
        return event.message.encode()

    def request(self, items: Sequence[bytes]) -> Request:
        return Request(self.endpoint, (), b"\n".join(items))

    def interpret(self, response: Response, count: int) -> Verdict:
        if response.status == 299:
            actions = {b"r": Action.RETRY, b"x": Action.REFUSED}
            marks = [response.body[n : n + 1] for n in range(count)]
            items = {n: (actions[mark], "item") for n, mark in enumerate(marks) if mark in actions}
            return Verdict(Action.DELIVERED, items=items)
        return default_verdict(response, {})


Behaviour = Callable[[list[bytes]], "Response | int | Exception"]


class Network:
    """
    Answers each request by what *behaviour* makes of its lines, and remembers them.

    Attributes:
        requests: The lines of every request, in order.
        accepted: The lines that were answered by a 2xx.
    """

    def __init__(self, behaviour: Behaviour = lambda lines: 200) -> None:
        self.behaviour = behaviour
        self.requests: list[list[bytes]] = []
        self.accepted: list[bytes] = []
        self.closed = False
        self._lock = threading.Lock()

    def send(self, request: Request, encoding: str | None, seconds: float) -> Response:
        lines = request.body.split(b"\n")
        answer = self.behaviour(lines)
        with self._lock:
            self.requests.append(lines)
            if isinstance(answer, Exception):
                raise answer
            response = Response(answer) if isinstance(answer, int) else answer
            if response.status == 299:
                marks = zip(lines, response.body.decode(), strict=True)
                self.accepted += [line for line, mark in marks if mark == "."]
            elif 200 <= response.status < 300:
                self.accepted += lines
        return response

    def close(self) -> None:
        self.closed = True


def delivery(network: Network, limits: Limits = LIMITS, clock: Clocks | None = None, **options):
    """
    Return a delivery to *network* that flushes at once and retries quickly.

    With a flush interval what comes waits for it, the first record too.
    """
    quick = {"flush_interval": 0, "retry_initial": 0.001, "retry_maximum": 0.002}
    parsed = Options.parse({"compression": None, **quick, **options})
    target = Delivery(Lines(limits), parsed, transport=lambda: network, clock=clock)
    hold_back(target)
    return target


def hold_back(target: Delivery) -> None:
    """Have what comes wait for the flush interval, as after a record that was sent."""
    target.lane.pace.flush(target.clock.monotonic(), 1, target.lane.in_flight.taken - 1)


def timeout() -> TransportError:
    return TransportError("TimeoutError: the time of a request was over", timed_out=True)


def broken() -> TransportError:
    return TransportError("ConnectionResetError: reset")
