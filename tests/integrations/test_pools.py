"""Pools of processes that terminate their workers."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(180)]

PROGRAM = """
    import logging, logging.config, multiprocessing, sys
    from configured import LOGGING
    from saying import say
    from cxlogging.integrations.multiprocessing import initializer
    LOGGING["handlers"]["vendor"].pop("sigterm")

    def work(number):
        say(logging.getLogger("shop"), f"{number} worked")

    if __name__ == "__main__":
        method = sys.argv[1]
        if method == "fork":
            logging.config.dictConfig(LOGGING)
        given = () if method == "fork" else (LOGGING,)
        context = multiprocessing.get_context(method)
        with context.Pool(3, initializer=initializer, initargs=given) as pool:
            pool.map(work, range(60), chunksize=1)
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_that_its_with_block_ends_loses_nothing(running, method):
    """The workers are terminated at once; what they have logged arrives, with each way to start."""
    shop = running(program=PROGRAM)
    done = shop.run("program.py", method)

    assert done.returncode == 0, done.stderr
    shop.judge(60)


def test_an_executor_takes_the_same_initializer(running):
    """`ProcessPoolExecutor` too, whose workers configure their own logging."""
    shop = running(
        program=PROGRAM.replace(
            "with context.Pool(3, initializer=initializer, initargs=given) as pool:\n"
            "            pool.map(work, range(60), chunksize=1)",
            "from concurrent.futures import ProcessPoolExecutor\n"
            "        with ProcessPoolExecutor(\n"
            "            3, context, initializer=initializer, initargs=given) as pool:\n"
            "            list(pool.map(work, range(60)))",
        )
    )
    done = shop.run("program.py", "spawn")

    assert done.returncode == 0, done.stderr
    shop.judge(60)
