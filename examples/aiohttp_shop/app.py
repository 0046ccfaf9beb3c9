"""
An aiohttp application, with its access records as fields.

    $ pip install cxlogging aiohttp
    $ export CORALOGIX_API_KEY=... CORALOGIX_DOMAIN=eu2    # or CXLOGGING_URL of `cxlogging dev`
    $ python app.py 8000
    $ curl --header 'X-Request-ID: r-17' http://127.0.0.1:8000/orders/17
"""

import logging
import sys
import uuid

from aiohttp import web

import cxlogging
from cxlogging.integrations.server_logs import AccessFields

log = logging.getLogger("shop")


@web.middleware
async def bind_request(request: web.Request, handler) -> web.StreamResponse:
    request_id = request.headers.get("X-Request-ID") or uuid.uuid4().hex
    with cxlogging.bound(request_id=request_id):
        return await handler(request)


async def order(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    log.info("looking for order %d", number, extra={"request": request})
    if number > 1000:
        raise web.HTTPNotFound
    return web.json_response({"order": number})


async def fails(request: web.Request) -> web.Response:
    raise LookupError("the warehouse does not answer")


if __name__ == "__main__":
    console = logging.StreamHandler()
    vendor = cxlogging.CoralogixHandler(application_name="shop", sigterm=True)
    vendor.addFilter(AccessFields())
    logging.basicConfig(
        level="INFO", format="%(levelname)s: %(message)s", handlers=[vendor, console]
    )
    app = web.Application(middlewares=[bind_request])
    app.add_routes([web.get("/orders/{number}", order), web.get("/fails", fails)])
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]))
