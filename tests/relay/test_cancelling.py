"""The end of a relay's tasks."""

from __future__ import annotations

import asyncio
import contextlib

from cxlogging.relay.service import _cancelled


def test_a_task_that_has_lost_its_cancellation_is_cancelled_again():
    """`asyncio.wait_for` of Python 3.10 and 3.11 may lose one: the relay ends all the same."""

    async def loses_the_first() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    async def main() -> bool:
        task = asyncio.create_task(loses_the_first())
        await asyncio.sleep(0)
        await asyncio.wait_for(_cancelled([task]), 30)
        return task.cancelled()

    assert asyncio.run(main())
