"""
The end of a message's way: remembered as delivered, dead letters written, acknowledged.

In this order: whatever ends a relay in between, nothing is lost, and what was remembered is not
delivered again. What fails is tried until it succeeds; the message is held meanwhile.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from ...delivery.nats.failures import StreamError
from ..dead_letters import DeadLetters
from ..link import Link
from ..log import RelayLog
from ..metrics import RelayMetrics
from ..seen import SeenItems
from .held import HeldMessage

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
MOST_ACKNOWLEDGED = 64
"""At the same time."""

MOST_TRIES = 5
"""Of an acknowledgement: without it the message comes again, and is known as delivered."""


class Settler:
    """
    Settles messages whose items all have their outcome.

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
        self._finished: list[HeldMessage] = []
        self._has_finished = asyncio.Event()
        self._closing: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(MOST_ACKNOWLEDGED)
        self._remembering = 0

    @property
    def count(self) -> int:
        """How many messages are being settled."""
        return len(self._finished) + self._remembering + len(self._closing)

    def finish(self, message: HeldMessage) -> None:
        """Settle *message*, whose items all have their outcome; do not wait for it."""
        self._finished.append(message)
        self._has_finished.set()

    async def run(self) -> None:
        """Settle what is finished, until this is cancelled."""
        while True:
            await self._has_finished.wait()
            self._has_finished.clear()
            messages, self._finished = self._finished, []
            self._remembering = len(messages)
            delivered = [each for message in messages for each in message.delivered()]
            await self._until_done(
                lambda delivered=delivered: self._seen.remember(delivered),  # type: ignore[misc]
                "delivered items cannot be remembered",
            )
            for message in messages:
                task = asyncio.create_task(self._close(message))
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
                self._log.warn(trouble, reason=str(error), cure=error.cure)
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
            self._log.warn(f"a message was rejected: {message.refusal}", subject=vendor)
        outcomes = {
            "delivered": 0 if message.refusal else len(message.wanted) - rejected,
            "rejected": rejected,
            "known": 0 if message.refusal else len(message.items) - len(message.wanted),
        }
        for outcome, count in outcomes.items():
            self._metrics.count("items", count, vendor=vendor, outcome=outcome)
        outcome = "acknowledged" if done else "unacknowledged"
        self._metrics.count("messages", 1, vendor=vendor, outcome=outcome)
