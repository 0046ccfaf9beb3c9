"""
structlog in front of the standard library: events arrive as message and fields.

    $ pip install cxlogging structlog
    $ export HONEYCOMB_API_KEY=...        # or CXLOGGING_URL of `cxlogging dev`
    $ python shop.py
"""

import logging

import structlog

import cxlogging
from cxlogging.integrations.structlog import render_to_record

logging.basicConfig(
    level="INFO",
    format="%(levelname)s: %(message)s",
    handlers=[logging.StreamHandler(), cxlogging.HoneycombHandler(dataset="shop")],
)
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.contextvars.merge_contextvars,
        render_to_record,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
log = structlog.get_logger("shop")

with structlog.contextvars.bound_contextvars(request_id="r-17"):
    for order in range(5):
        log.info("shipping", order=order, items=["tea", "cups"])
    try:
        {}["warehouse"]
    except KeyError:
        log.exception("the warehouse does not answer", order=5)
