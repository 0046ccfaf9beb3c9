"""
loguru with a sink that hands its records over whole.

    $ pip install cxlogging loguru
    $ export CORALOGIX_API_KEY=... CORALOGIX_DOMAIN=eu2    # or CXLOGGING_URL of `cxlogging dev`
    $ python shop.py
"""

import sys

from loguru import logger

import cxlogging
from cxlogging.integrations.loguru import sink

logger.remove()
logger.add(sys.stderr, level="INFO", format="{level}: {message}")
logger.add(sink(cxlogging.CoralogixHandler(application_name="shop")), level="INFO")

with logger.contextualize(request_id="r-17"):
    for order in range(5):
        logger.bind(items=["tea", "cups"]).info("shipping order {}", order, order=order)
    logger.debug("this is below the level")
    try:
        {}["warehouse"]
    except KeyError:
        logger.exception("the warehouse does not answer")
