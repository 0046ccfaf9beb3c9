"""Clients of the demo's shop: real requests over loopback, some of them for trouble."""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import Counter
from typing import Any

CLIENTS = 4
PAUSE = 0.008
CUSTOMERS = ("Ada", "Grace", "Zoë", "Linus", "Margaret")

Ask = tuple[str, str, "dict[str, Any] | None"]

# Weight, method, path. Item 5 has no ratings, 9 does not exist, 4 is soon sold out.
_VISITS: tuple[tuple[int, str, str], ...] = (
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
    Some clients that visit a shop until they are stopped.

    Args:
        host: Of the shop.
        port: Of the shop.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._answers: Counter[int] = Counter()
        self.failures: list[str] = []
        self._threads = [
            threading.Thread(target=self._visit, args=(n,), name=f"client-{n}", daemon=True)
            for n in range(CLIENTS)
        ]

    def start(self) -> None:
        """Let the clients loose."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Wait until every client has the answer to its last request."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def answers(self) -> Counter[int]:
        """How many answers of each status came so far."""
        with self._lock:
            return self._answers.copy()

    def _visit(self, number: int) -> None:
        dice = random.Random(number)
        connection = http.client.HTTPConnection(self._host, self._port, timeout=10)
        try:
            while not self._over.wait(dice.uniform(0, 2 * PAUSE)):
                status = _ask(connection, *_choose(dice))
                with self._lock:
                    self._answers[status] += 1
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        finally:
            connection.close()


def _choose(dice: random.Random) -> Ask:
    weights = [weight for weight, _, _ in _VISITS]
    ((_, method, path),) = dice.choices(_VISITS, weights)
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


def _ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: dict[str, Any] | None
) -> int:
    data = None if body is None else json.dumps(body)
    headers = {} if body is None else {"Content-Type": "application/json"}
    connection.request(method, path, data, headers)
    response = connection.getresponse()
    response.read()
    return response.status
