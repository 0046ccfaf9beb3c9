"""What a relay does, without its faults: everything in a stream goes to the local server once."""

from __future__ import annotations

import http.client
from typing import Any

from cxlogging.delivery.nats.message import StreamMessage
from cxlogging.devserver import DevServer
from cxlogging.vendors.registry import VENDORS
from cxlogging.wire.destination import Destination
from cxlogging.wire.http import Secret

from .servers import take_all


def relay(address: str, server: DevServer) -> None:
    """Send all items of the stream at *address* to *server*, each one once."""
    seen: set[str] = set()
    for message in take_all(address):
        fresh = [item.data for item in message.items if item.id not in seen]
        seen.update(item.id for item in message.items)
        if fresh:
            post(destination(message, server.url), fresh)


def destination(message: StreamMessage, url: str) -> Destination:
    """Return where the items of *message* go, at *url*."""
    arguments: dict[str, Any] = {**message.identity}
    handler = VENDORS[arguments.pop("vendor")].make_handler(**arguments, url=url)
    try:
        return handler.delivery.destination
    finally:
        handler.close()


def post(target: Destination, items: list[bytes]) -> None:
    """Send *items* in one request, and fail where it is not accepted."""
    request = target.request(items)
    headers = {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in request.headers
    }
    connection = http.client.HTTPConnection(request.endpoint.host, request.endpoint.port)
    try:
        connection.request("POST", request.endpoint.path, request.body, headers)
        answer = connection.getresponse()
        assert answer.status < 300, (answer.status, answer.read())
    finally:
        connection.close()
