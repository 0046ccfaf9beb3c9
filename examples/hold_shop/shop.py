"""
A shop that logs everything, and sends the whole story of failed orders alone.

    $ pip install cxlogging
    $ export HONEYCOMB_API_KEY=...        # or CXLOGGING_URL of `cxlogging dev`
    $ python shop.py                      # sends every record
    $ python shop.py --hold               # sends warnings, and all records of failed orders
    $ cxlogging volume                    # which lines of code made how many bytes
"""

import contextlib
import logging
import sys

import cxlogging

HOLD = "--hold" in sys.argv
LEVELS = {"level": "INFO", "held_level": "DEBUG"} if HOLD else {"level": "DEBUG"}

handler = cxlogging.HoneycombHandler(dataset="shop", **LEVELS)
logging.basicConfig(level="DEBUG", handlers=[handler])
log = logging.getLogger("shop")


def sell(order: int) -> None:
    log.info("order %d came in", order)
    for item in range(18):
        log.debug("item %d of order %d is in stock", item, order, extra={"sku": f"sku-{item}"})
    if order % 100 == 42:
        raise LookupError(f"no price for order {order}")
    log.info("order %d was paid", order)


for number in range(300):
    with cxlogging.hold() if HOLD else contextlib.nullcontext():
        try:
            sell(number)
        except LookupError:
            log.exception("order %d failed", number)
handler.flush()
stats = handler.stats()
print(f"sent {stats.accepted:,} of {stats.offered:,} records, {stats.discarded:,} discarded")
