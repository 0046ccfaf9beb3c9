"""
A Flask application each of whose records knows its request.

    $ pip install cxlogging flask gunicorn
    $ export HONEYCOMB_API_KEY=...        # or CXLOGGING_URL of `cxlogging dev`
    $ flask --app app run --port 8000
    $ gunicorn --workers 2 --bind 127.0.0.1:8000 app:app
    $ curl --header 'X-Request-ID: r-17' http://127.0.0.1:8000/orders/17
"""

import logging.config

logging.config.dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(levelname)s: %(message)s"}},
        "filters": {"access": {"()": "cxlogging.integrations.server_logs.AccessFields"}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line"},
            "vendor": {
                "class": "cxlogging.HoneycombHandler",
                "dataset": "shop",
                "sigterm": True,
                "filters": ["access"],
            },
        },
        "root": {"level": "INFO", "handlers": ["console", "vendor"]},
    }
)

from flask import Flask, abort  # noqa: E402 - logging is configured first

import cxlogging  # noqa: E402
from cxlogging.integrations.flask import init_app  # noqa: E402

app = Flask("shop")
init_app(app, access_log=True)


@app.get("/orders/<int:number>")
def order(number: int) -> dict[str, int]:
    cxlogging.bind(order=number)
    app.logger.info("looking for order %d", number)
    if number > 1000:
        app.logger.warning("there is no order %d", number)
        abort(404)
    return {"order": number}


@app.get("/fails")
def fails() -> None:
    raise LookupError("the warehouse does not answer")
