"""The service's limit of direct queries a minute, kept by all clients of a process."""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections import deque

from ..errors import RateLimited
from .retry_budget import RetryBudget

REQUESTS, SECONDS = 30, 60.0


class RateLimiter:
    """
    Lets at most *requests* pass in any *seconds*; it may be shared by threads and clients.

    Clients of one process that have the same address and key share one, unless they get another.
    Queries of other processes are not counted: after a 429 a client waits as the service asks.

    Args:
        requests: How many requests may be sent.
        seconds: In how many seconds.
    """

    def __init__(self, requests: int = REQUESTS, seconds: float = SECONDS) -> None:
        self.requests = requests
        self.seconds = seconds
        self._lock = threading.Lock()
        self._sent: deque[float] = deque(maxlen=requests)

    def reserve(self, now: float, latest: float | None = None) -> float | None:
        """
        Reserve the next request; return the seconds to wait before it is sent.

        Args:
            now: The current time, in seconds that only grow.
            latest: Reserve nothing, and return None, where the wait would end after this time.
        """
        with self._lock:
            at = now
            if len(self._sent) == self.requests:
                at = max(now, self._sent[0] + self.seconds)
            if latest is not None and at > latest:
                return None
            self._sent.append(at)
            return at - now

    def wait(self, call: RetryBudget) -> None:
        """Wait until the next request of *call* may be sent; raise where its timeout is before."""
        wait = self.reserve(call.clock.monotonic(), call.deadline)
        if wait is None:
            raise RateLimited(
                f"{self.requests} queries in {self.seconds:g} seconds are allowed, and so many"
                " were sent: the next one would begin after the timeout. Pass a longer timeout=."
            )
        if wait > 0:
            call.clock.sleep(wait)


_shared: weakref.WeakValueDictionary[str, RateLimiter] = weakref.WeakValueDictionary()
_shared_lock = threading.Lock()


def shared_limiter(address: str, key: str) -> RateLimiter:
    """Return the limiter of all clients of this process with this address and key."""
    name = hashlib.sha256(f"{address} {key}".encode()).hexdigest()
    with _shared_lock:
        found = _shared.get(name)
        if found is None:
            found = _shared[name] = RateLimiter()
        return found
