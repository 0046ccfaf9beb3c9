"""
A FastAPI application each of whose records knows its request, with uvicorn's own records.

    $ pip install cxlogging fastapi uvicorn
    $ export HONEYCOMB_API_KEY=...        # or CXLOGGING_URL of `cxlogging dev`
    $ python app.py 8000
    $ curl --header 'X-Request-ID: r-17' http://127.0.0.1:8000/orders/17
"""

import logging
import sys

import uvicorn
from fastapi import FastAPI, HTTPException

import cxlogging
from cxlogging.integrations.asgi import ContextMiddleware
from cxlogging.integrations.uvicorn import log_config

log = logging.getLogger("shop")
app = FastAPI()
app.add_middleware(ContextMiddleware)


@app.get("/orders/{number}")
async def order(number: int) -> dict[str, int]:
    cxlogging.bind(order=number)
    log.info("looking for order %d", number)
    if number > 1000:
        log.warning("there is no order %d", number)
        raise HTTPException(404)
    return {"order": number}


@app.get("/fails")
def fails() -> None:
    raise LookupError("the warehouse does not answer")


if __name__ == "__main__":
    config = log_config("cxlogging.HoneycombHandler", dataset="shop")
    for formatter in config["formatters"].values():
        formatter["format"] = "%(levelname)s: %(message)s"
    uvicorn.run(app, port=int(sys.argv[1]), log_config=config)
