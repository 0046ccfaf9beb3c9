"""
A pool of processes whose workers deliver before they are terminated.

    $ pip install cxlogging
    $ export BETTER_STACK_SOURCE_TOKEN=... BETTER_STACK_INGESTING_HOST=...
    $ python shop.py fork
    $ python shop.py spawn
"""

import logging.config
import multiprocessing
import sys

from cxlogging.integrations.multiprocessing import initializer

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s: %(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "vendor": {"class": "cxlogging.BetterStackHandler"},
    },
    "root": {"level": "INFO", "handlers": ["console", "vendor"]},
}


def ship(order: int) -> None:
    logging.getLogger("shop").info("shipping order %d", order)


if __name__ == "__main__":
    logging.config.dictConfig(LOGGING)
    method = sys.argv[1]
    own = () if method == "fork" else (LOGGING,)  # without fork each process configures its own
    context = multiprocessing.get_context(method)
    with context.Pool(3, initializer=initializer, initargs=own) as pool:
        pool.map(ship, range(40), chunksize=1)
    logging.getLogger("shop").info("shipped 40 orders")
