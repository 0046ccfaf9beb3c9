"""
The rate limit of a destination, shared by all relays, and the waits that its vendor asks for.

A relay leases the next requests of a destination, about a second's worth at a time, by moving the
time at which the next lease begins: one write by compare-and-set for many requests. A wait that
a vendor asks for is written to the same entry, and every relay keeps to it within a second.
Times are those of the machines' clocks, which are expected to be synchronized.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import deque
from typing import NamedTuple

from ..delivery.clock import Clocks
from ..delivery.worker.backoff import RETRY_AFTER_MAXIMUM
from .link import Link

LEASE_SECONDS = 1.0
"""The most of a rate limit that a relay takes at once, and how old what it has read may be."""

LATE_SECONDS = 1.0
"""A request that is this late has lost its place: what was not sent is not caught up with."""

LONGEST_SECONDS = 60.0
CONFLICT_SECONDS = 0.05


class LeaseState(NamedTuple):
    """
    The entry of a destination.

    Attributes:
        free_at: Seconds since 1970 from which on requests are not leased yet.
        paused_until: Seconds since 1970 before which no request is sent.
    """

    free_at: float = 0.0
    paused_until: float = 0.0


class RateLease:
    """
    What this relay may send to one destination.

    Args:
        link: The connection.
        bucket: The name of the bucket with an entry for each destination.
        key: Of this one.
        rate: Requests a second of all relays together; None is no limit.
        clock: The clocks.
    """

    def __init__(
        self, link: Link, bucket: str, key: str, rate: float | None, clock: Clocks | None = None
    ) -> None:
        self._link = link
        self._bucket = bucket
        self._key = key
        self._rate = rate
        self._clock = clock or Clocks()
        self._state = LeaseState()
        self._read_at = -math.inf
        self._slots: deque[float] = deque()
        self._leased = 0
        self._waiting = 0
        self._turn = asyncio.Lock()

    @property
    def paused(self) -> float:
        """Seconds that the vendor's wait still takes; 0 where there is none."""
        wait = self._state.paused_until - self._clock.wall()
        return min(max(0.0, wait), RETRY_AFTER_MAXIMUM)

    async def acquire(self) -> None:
        """
        Wait until one request may be sent.

        Raises:
            StreamError: The server does not answer.
        """
        self._waiting += 1
        try:
            async with self._turn:
                while (wait := await self._wait()) > 0:  # noqa: ASYNC110 - time, not an event
                    await asyncio.sleep(min(wait, LEASE_SECONDS))
        finally:
            self._waiting -= 1

    async def _wait(self) -> float:
        """Return the seconds to wait before the next look; 0 gives away one request."""
        if self._clock.monotonic() - self._read_at >= LEASE_SECONDS:
            await self._read()
        if self.paused or self._rate is None:
            return self.paused
        now = self._clock.wall()
        while self._slots and self._slots[0] < now - LATE_SECONDS:
            self._slots.popleft()
        if not self._slots and not await self._lease(now):
            return CONFLICT_SECONDS * self._clock.random()
        wait = self._slots[0] - now
        if wait <= 0:
            self._slots.popleft()
        return wait

    async def _lease(self, now: float) -> bool:
        """Lease the next requests; return False where another relay was faster."""
        assert self._rate is not None  # noqa: S101 - for the type checker
        most = max(1, math.floor(self._rate * LEASE_SECONDS))
        # More each time while they are used up; one alone after a pause.
        was_busy = self._leased and now - self._state.free_at < LEASE_SECONDS
        count = min(most, max(self._waiting, 2 * self._leased if was_busy else 1))
        state, revision = await self._get()
        begin = max(now, state.free_at)
        if begin > now + LONGEST_SECONDS + 10 / self._rate:
            begin = now  # written by a machine whose clock is wrong
        if not await self._set(state._replace(free_at=begin + count / self._rate), revision):
            return False
        self._leased = count
        self._slots.extend(begin + number / self._rate for number in range(count))
        return True

    async def pause(self, seconds: float) -> None:
        """
        Have all relays send nothing for so many *seconds*, as the vendor asks for it.

        Raises:
            StreamError: The server does not answer.
        """
        until = self._clock.wall() + seconds
        self._state = self._state._replace(paused_until=max(until, self._state.paused_until))
        while True:
            state, revision = await self._get()
            if state.paused_until >= until:
                return
            if await self._set(state._replace(paused_until=until), revision):
                return
            await asyncio.sleep(CONFLICT_SECONDS * self._clock.random())

    async def _read(self) -> None:
        state, _ = await self._get()
        until = max(state.paused_until, self._state.paused_until)
        self._state = state._replace(paused_until=until)

    async def _get(self) -> tuple[LeaseState, int]:
        entry = await self._link.get(self._bucket, self._key)
        self._read_at = self._clock.monotonic()
        try:
            free_at, paused_until = json.loads(entry.value)
            return LeaseState(float(free_at), float(paused_until)), entry.revision
        except (ValueError, TypeError):
            return LeaseState(), entry.revision

    async def _set(self, state: LeaseState, revision: int) -> bool:
        body = json.dumps(state).encode()
        if not await self._link.replace(self._bucket, self._key, body, revision):
            return False
        until = max(state.paused_until, self._state.paused_until)
        self._state = state._replace(paused_until=until)
        return True
