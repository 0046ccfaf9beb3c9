"""
The end of a message's way: remembered as delivered, dead letters written, acknowledged.

In this order: whatever ends a relay in between, nothing is lost, and what was remembered is not
delivered again. What fails is tried until it succeeds; the message is held meanwhile.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable

from ...delivery.nats.failures import StreamError
from ..dead_letters import DeadLetters
from ..link import Link
from ..log import RelayLog
from ..metrics import RelayMetrics
from ..seen import SeenItems
from .held import HeldMessage
from .lanes import SettledItems

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
MOST_ACKNOWLEDGED = 64
"""At the same time."""

MOST_TRIES = 5
"""Of an acknowledgement: without it the message comes again, and is known as delivered."""


class Settler:
    """
    Settles items that have their outcome, and messages with the last of theirs.

    Args:
        link: The connection.
        seen: Remembers what was delivered.
        letters: Keeps what no vendor takes.
        metrics: Count the outcomes.
        log: The relay's log.
        released: Called with each message that is not held any more.
    """

    def __init__(
        self,
        link: Link,
        seen: SeenItems,
        letters: DeadLetters,
        metrics: RelayMetrics,
        log: RelayLog,
        released: Callable[[HeldMessage], None],
    ) -> None:
        self._link = link
        self._seen = seen
        self._letters = letters
        self._metrics = metrics
        self._log = log
        self._released = released
        self._settled: list[SettledItems] = []
        self._has_settled = asyncio.Event()
        self._closing: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(MOST_ACKNOWLEDGED)
        self._remembering = 0

    @property
    def count(self) -> int:
        """How much is being settled."""
        return len(self._settled) + self._remembering + len(self._closing)

    def settle(self, items: SettledItems) -> None:
        """Remember *items*, and settle their message with the last of them; do not wait for it."""
        self._settled.append(items)
        self._has_settled.set()

    async def run(self) -> None:
        """Settle what has its outcome, until this is cancelled."""
        while True:
            await self._has_settled.wait()
            self._has_settled.clear()
            batch, self._settled = self._settled, []
            self._remembering = len(batch)
            delivered = [found for each in batch for found in each.message.delivered(each.indexes)]
            await self._until_done(
                functools.partial(self._seen.remember, delivered),
                "delivered items cannot be remembered",
            )
            for each in batch:
                if each.gate is not None:
                    each.gate.remembered()
                if each.is_last:
                    task = asyncio.create_task(self._close(each.message))
                    self._closing.add(task)
                    task.add_done_callback(self._closing.discard)
            self._remembering = 0

    async def _close(self, message: HeldMessage) -> None:
        async with self._slots:
            if message.rejected or message.refusal:
                await self._until_done(
                    lambda: self._letters.write(message), "dead letters cannot be written"
                )
            done = await self._until_done(
                lambda: self._link.acknowledge(message.raw.reply),
                "messages cannot be acknowledged",
                MOST_TRIES,
            )
        self._count(message, done=done)
        self._released(message)

    async def _until_done(
        self, act: Callable[[], Awaitable[None]], trouble: str, tries: int = 2**62
    ) -> bool:
        pause = FIRST_PAUSE
        for _ in range(tries):
            try:
                await act()
            except StreamError as error:
                self._log.warning(trouble, reason=str(error), cure=error.cure)
                await asyncio.sleep(pause * (1 + random.random()) / 2)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                return True
        return False

    def _count(self, message: HeldMessage, *, done: bool) -> None:
        vendor = message.raw.subject.rpartition(".")[2]
        rejected = len(message.rejected)
        if message.refusal:
            rejected = len(message.items)
            self._log.warning(f"a message was rejected: {message.refusal}", subject=vendor)
        outcomes = {
            "delivered": 0 if message.refusal else len(message.wanted) - rejected,
            "rejected": rejected,
            "known": 0 if message.refusal else len(message.items) - len(message.wanted),
        }
        for outcome, count in outcomes.items():
            self._metrics.count("items", count, vendor=vendor, outcome=outcome)
        outcome = "acknowledged" if done else "unacknowledged"
        self._metrics.count("messages", 1, vendor=vendor, outcome=outcome)
