"""
Which items were delivered already: remembered in the stream's server, known to every relay.

A message comes again where a relay ended between the vendor's answer and the acknowledgement, and
an item comes again in another message where a publisher never got the acknowledgement of the
first one. The bucket has an entry for each group of finished messages; each relay reads all of
them, and keeps ranges of item numbers for each run.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from ..delivery.nats.failures import StreamError
from ..wire import system_clock
from .link import Link
from .log import RelayLog

READ_COUNT = 256
READ_SECONDS = 5.0
CATCH_UP_SECONDS = 10.0
AGAIN_SECONDS = 0.5
NOT_READ = "what was delivered before cannot be read"
MOST_RANGES = 512
"""In one entry of the bucket."""


class ItemRange(NamedTuple):
    """The items of one run whose numbers are *first* or more, and less than *end*."""

    run: str
    first: int
    end: int


class Ranges:
    """Item numbers of one run, as disjoint ranges: next to each other they are one."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.touched = 0.0

    def add(self, first: int, end: int) -> None:
        """Add the numbers from *first* up to *end*, which is not one of them."""
        low = bisect.bisect_left(self._ends, first)
        high = bisect.bisect_right(self._starts, end)
        if low < high:
            first, end = min(first, self._starts[low]), max(end, self._ends[high - 1])
        self._starts[low:high], self._ends[low:high] = [first], [end]

    def __contains__(self, number: int) -> bool:
        at = bisect.bisect_right(self._starts, number) - 1
        return at >= 0 and number < self._ends[at]

    def __len__(self) -> int:
        return len(self._starts)


class SeenItems:
    """
    The items of all runs that were delivered within a window of time.

    Args:
        link: The connection.
        bucket: The name of the bucket, which exists.
        relay: The id of this relay, which is part of the keys.
        window: Seconds that an entry is kept.
        log: The relay's log.
    """

    def __init__(self, link: Link, bucket: str, relay: str, window: float, log: RelayLog) -> None:
        self._link = link
        self._log = log
        self._stream = f"KV_{bucket}"
        self._subject = f"$KV.{bucket}"
        self._relay = relay
        self._window = window
        self._runs: dict[str, Ranges] = {}
        self._read = 0
        self._written = 0
        self._has_read = asyncio.Event()

    def missing(self, run: str, numbers: Sequence[int]) -> list[int]:
        """Return the positions in *numbers* of the items of *run* that were not delivered."""
        ranges = self._runs.get(run)
        if ranges is None:
            return list(range(len(numbers)))
        return [at for at, number in enumerate(numbers) if number not in ranges]

    def add(self, found: Iterable[ItemRange]) -> None:
        """Count *found* as delivered, in this process alone."""
        now = system_clock.monotonic()
        for run, first, end in found:
            ranges = self._runs.setdefault(run, Ranges())
            ranges.add(first, end)
            ranges.touched = now

    async def remember(self, delivered: Sequence[ItemRange]) -> None:
        """
        Store that these were delivered; for every relay, and after a restart.

        Raises:
            StreamError: The server has not stored it.
        """
        self.add(delivered)
        for at in range(0, len(delivered), MOST_RANGES):
            self._written += 1
            subject = f"{self._subject}.{self._relay}.{self._written}"
            body = json.dumps(delivered[at : at + MOST_RANGES], separators=(",", ":"))
            await self._link.publish(subject, body.encode())

    async def catch_up(self) -> None:
        """
        Wait until everything that is stored by now was read; `follow` reads it.

        Raises:
            StreamError: The server does not answer, or what is stored cannot be read in time.
        """
        info = await self._link.call(lambda js: js.stream_info(self._stream))
        while self._read < info.state.last_seq and info.state.messages:
            self._has_read.clear()
            try:
                await asyncio.wait_for(self._has_read.wait(), CATCH_UP_SECONDS)
            except asyncio.TimeoutError:
                raise StreamError(f"{NOT_READ} in time") from None

    async def follow(self) -> None:
        """Read what is and will be stored, until this is cancelled."""
        while True:
            try:
                await self._read_on()
            except Exception as error:  # the client raises many kinds where a connection ends
                self._log.warning(NOT_READ, reason=str(error))
                await asyncio.sleep(AGAIN_SECONDS)

    async def _read_on(self) -> None:
        """Read with a consumer of its own, which a restart of its server may end."""
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._read + 1,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=6 * READ_SECONDS,
            mem_storage=True,
            num_replicas=1,
        )
        made = await self._link.call(lambda js: js.add_consumer(self._stream, config))
        reader = await self._link.call(lambda js: js.pull_subscribe_bind(made.name, self._stream))
        try:
            while True:
                try:
                    messages = await reader.fetch(READ_COUNT, timeout=READ_SECONDS)
                except asyncio.TimeoutError:
                    # Raises where the consumer is gone.
                    await self._link.call(lambda js: js.consumer_info(self._stream, made.name))
                    self._forget_old()
                    continue
                for message in messages:
                    self._note(message)
                self._has_read.set()
        finally:
            with contextlib.suppress(Exception):
                await reader.unsubscribe()

    def _note(self, message: Any) -> None:
        sequence: int = message.metadata.sequence.stream
        self._read = max(self._read, sequence)
        try:
            entries = json.loads(message.data) if message.data else []
            found = [ItemRange(str(run), int(first), int(end)) for run, first, end in entries]
        except (ValueError, TypeError):
            return  # somebody else's entry
        self.add(found)

    def _forget_old(self) -> None:
        before = system_clock.monotonic() - self._window
        for run in [run for run, ranges in self._runs.items() if ranges.touched < before]:
            del self._runs[run]
