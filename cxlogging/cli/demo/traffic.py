"""Clients of the demo's shop: real requests over loopback, some of which fail."""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import Counter
from typing import Any

CUSTOMERS = ("Ada", "Grace", "Zoë", "Linus", "Margaret")

ShopRequest = tuple[str, str, "dict[str, Any] | None"]

# Weight, method, path. Item 5 has no ratings, 9 does not exist, 4 is soon sold out.
_REQUESTS: tuple[tuple[int, str, str], ...] = (
    (30, "GET", "/items"),
    (30, "GET", "/items/{known}"),
    (5, "GET", "/items/9"),
    (25, "POST", "/orders"),
    (6, "GET", "/items/2/rating"),
    (2, "GET", "/items/5/rating"),
    (2, "GET", "/favicon.ico"),
)


class Traffic:
    """
    Clients that send requests to the shop until they are stopped.

    Args:
        host: The host of the shop.
        port: The port of the shop.
        clients: How many clients there are.
        pause: Mean seconds between two requests of a client.

    Attributes:
        failures: Why clients have ended early.
    """

    def __init__(self, host: str, port: int, clients: int = 4, pause: float = 0.008) -> None:
        self._host, self._port, self._pause = host, port, pause
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._responses: Counter[int] = Counter()
        self.failures: list[str] = []
        self._threads = [
            threading.Thread(target=self._run, args=(n,), name=f"client-{n}", daemon=True)
            for n in range(clients)
        ]

    def start(self) -> None:
        """Start the clients."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop the clients, and wait for their last responses."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def responses(self) -> Counter[int]:
        """Return how many responses of each status have come so far."""
        with self._lock:
            return self._responses.copy()

    def _run(self, number: int) -> None:
        dice = random.Random(number)
        connection = http.client.HTTPConnection(self._host, self._port, timeout=10)
        try:
            while not self._stopped.wait(dice.uniform(0, 2 * self._pause)):
                status = _send(connection, *_random_request(dice))
                with self._lock:
                    self._responses[status] += 1
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        finally:
            connection.close()


def _random_request(dice: random.Random) -> ShopRequest:
    weights = [weight for weight, _, _ in _REQUESTS]
    ((_, method, path),) = dice.choices(_REQUESTS, weights)
    known = dice.randint(1, 5)
    if method == "GET":
        return method, path.format(known=known), None
    order = {
        "item": known,
        "quantity": dice.randint(1, 3),
        "customer": dice.choice(CUSTOMERS),
        "card_token": "tok_1N3T00LkdIwHu7ix",
    }
    return method, path, order


def _send(
    connection: http.client.HTTPConnection, method: str, path: str, body: dict[str, Any] | None
) -> int:
    data = None if body is None else json.dumps(body)
    headers = {} if body is None else {"Content-Type": "application/json"}
    connection.request(method, path, data, headers)
    response = connection.getresponse()
    response.read()
    return response.status
