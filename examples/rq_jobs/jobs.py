"""
RQ with a worker whose jobs deliver what they have logged, each record with its job's id.

    $ pip install cxlogging rq
    $ export BETTER_STACK_SOURCE_TOKEN=... BETTER_STACK_INGESTING_HOST=...
    $ export REDIS_URL=redis://127.0.0.1:6379
    $ python jobs.py
    $ rq worker --burst --worker-class cxlogging.integrations.rq.Worker --url $REDIS_URL
"""

import logging
import os

import cxlogging

logging.basicConfig(
    level="INFO",
    format="%(levelname)s: %(message)s",
    handlers=[logging.StreamHandler(), cxlogging.BetterStackHandler()],
)
log = logging.getLogger("shop")


def ship(order: int) -> None:
    cxlogging.bind(order=order)
    log.info("shipping order %d", order)
    if order == 3:
        raise LookupError("the warehouse does not answer")
    log.info("shipped order %d", order)


if __name__ == "__main__":
    import redis
    import rq

    queue = rq.Queue(connection=redis.Redis.from_url(os.environ["REDIS_URL"]))
    for number in range(6):
        queue.enqueue("jobs.ship", number)
