"""
A Flask application whose records go to all three vendors.

Needs CORALOGIX_API_KEY and CORALOGIX_DOMAIN, HONEYCOMB_API_KEY, BETTER_STACK_SOURCE_TOKEN and
BETTER_STACK_INGESTING_HOST; or, with `cxlogging dev` in another terminal, CXLOGGING_URL alone.
"""

import logging
import logging.config

from flask import Flask, abort

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"short": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "short"},
        "coralogix": {
            "class": "cxlogging.CoralogixHandler",
            "application_name": "shop",
            "subsystem_name": "web",
        },
        "honeycomb": {"class": "cxlogging.HoneycombHandler", "dataset": "shop"},
        "betterstack": {"class": "cxlogging.BetterStackHandler"},
    },
    "root": {
        "level": "INFO",
        "handlers": ["console", "coralogix", "honeycomb", "betterstack"],
    },
}

# Before the application is made: Flask then leaves logging as it is.
logging.config.dictConfig(LOGGING)
log = logging.getLogger("shop")
app = Flask(__name__)


@app.get("/items/<int:number>")
def item(number: int) -> dict[str, int]:
    if number > 99:
        log.warning("no item %d", number)
        abort(404)
    log.info("item %d shown", number, extra={"item": {"id": number}})
    return {"id": number}


@app.get("/broken")
def broken() -> str:
    raise RuntimeError("Flask logs this with its traceback")


if __name__ == "__main__":
    client = app.test_client()
    for path in ("/items/7", "/items/100", "/broken"):
        print(path, client.get(path).status_code)
