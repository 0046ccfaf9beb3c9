"""One request: made of a batch, compressed, sent, and its answer understood."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..wire.destination import Destination
from ..wire.http import Action, Verdict
from .backoff import retry_after
from .batch import Batch
from .clock import Clock
from .network import Transport, TransportError
from .options import Options
from .settle import Outcome

if TYPE_CHECKING:
    from .delivery import Delivery


def http(destination: Destination, options: Options, clock: Clock) -> Callable[[], Transport]:
    """
    Return what makes a transport to *destination* over the network.

    The libraries for it are imported where it is first called: on the thread
    that configures the handler, and only where there is somebody to send to.
    """

    def make() -> Transport:
        from .connect import Connector
        from .transport import HttpTransport

        endpoint = destination.request([b""]).endpoint
        headers = tuple((options.headers or {}).items())
        return HttpTransport(Connector(endpoint, options), headers, clock)

    return make


def send(delivery: Delivery, batch: Batch, seconds: float) -> Outcome:
    """Send one request; return what came of it."""
    try:
        request = delivery.destination.request([data for _, data, _ in batch.items])
        raw, body = len(request.body), delivery.compress(request.body)
        if len(body) > delivery.destination.limits.wire_bytes and len(batch) > 1:
            return Outcome(Verdict(Action.SPLIT, "too large once compressed"))
        request = request._replace(body=body)  # the other one is not kept while it is sent
        if delivery.transport is None:
            return Outcome(Verdict(Action.HOLD, f"{delivery.destination.missing} is not set"))
        response = delivery.transport.send(request, delivery.encoding, seconds)
        verdict = delivery.destination.interpret(response, len(batch))
    except TransportError as error:
        return Outcome(Verdict(Action.RETRY, str(error)), timed_out=error.timed_out)
    except Exception as error:  # whatever it is, the items are not lost by it
        return Outcome(Verdict(Action.RETRY, f"{type(error).__name__}: {error}"))
    wait = retry_after(response.headers, delivery.clock.wall())
    return Outcome(verdict, wait, raw=raw, sent=len(body))
