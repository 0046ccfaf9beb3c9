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


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_workers_of_joblib_take_the_same_initializer(running, backend):
    """Its own processes, and those of a pool that it terminates: nothing is missing."""
    pytest.importorskip("joblib")
    block = PROGRAM[PROGRAM.index("        context = ") :]
    shop = running(
        program=PROGRAM.replace(
            block,
            "        import joblib\n"
            "        given = (LOGGING,)\n"
            f"        with joblib.Parallel(2, backend={backend!r}, initializer=initializer,\n"
            "                             initargs=given) as parallel:\n"
            "            parallel(joblib.delayed(work)(number) for number in range(60))\n",
        )
    )
    done = shop.run("program.py", "spawn")

    assert done.returncode == 0, done.stderr
    shop.judge(60)
