"""
What the middleware adds to a request and to a log call, holding to a request, a span to a call.

    $ python -m benchmarks.middleware

Each pair is the same application with and without it, in turn, in one process; the figure is
the difference of the medians of this thread's CPU time.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import logging
import statistics
import time
from collections.abc import Callable
from typing import Any

import cxlogging
from cxlogging.integrations import asgi, wsgi
from cxlogging.integrations.web import RequestContext

from .stages import NOWHERE, destinations, quiet
from .subjects.base import VENDORS

AIMS = {
    "WSGI request": 25.0,
    "ASGI request": 40.0,
    "log call with a span": 0.4,
    **{f"log call in a request: {vendor}": 4.0 for vendor in VENDORS},
}
"""Microseconds, at most. What has no bound is measured to be compared with its neighbour."""

RECORDS = 10
"""At DEBUG, of a request that holds them, or sends them."""

CALLS = 2_000
ROUNDS = 30

ENVIRON = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": "/orders/17",
    "QUERY_STRING": "",
    "REMOTE_ADDR": "127.0.0.1",
    "HTTP_X_REQUEST_ID": "r-17",
}
SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/orders/17",
    "headers": [(b"host", b"shop"), (b"accept", b"*/*"), (b"x-request-id", b"r-17")],
    "client": ("127.0.0.1", 4711),
}


def wsgi_app(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


async def asgi_app(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def serve_wsgi(app: Any) -> None:
    """Do for `CALLS` requests what a server does."""
    for _ in range(CALLS):
        body = app(dict(ENVIRON), lambda *_: None)
        for _part in body:
            pass
        if hasattr(body, "close"):
            body.close()


async def serve_asgi(app: Any) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        pass

    for _ in range(CALLS):
        await app(dict(SCOPE), receive, send)


def median_of_each(*runs: Callable[[], None]) -> list[float]:
    """Return the median CPU microseconds of one call, of each of *runs* in turn."""
    seconds: list[list[float]] = [[] for _ in runs]
    for number in range(ROUNDS + 2):
        for at, run in enumerate(runs):
            began = time.thread_time()
            run()
            if number >= 2:  # the first two warm up
                seconds[at].append(time.thread_time() - began)
    return [statistics.median(each) / CALLS * 1e6 for each in seconds]


def of_wsgi() -> tuple[float, float]:
    wrapped = wsgi.ContextMiddleware(wsgi_app)
    without, including = median_of_each(lambda: serve_wsgi(wsgi_app), lambda: serve_wsgi(wrapped))
    return without, including


def of_asgi() -> tuple[float, float]:
    wrapped = asgi.ContextMiddleware(asgi_app)
    without, including = median_of_each(
        lambda: asyncio.run(serve_asgi(asgi_app)), lambda: asyncio.run(serve_asgi(wrapped))
    )
    return without, including


def of_records(*, hold: bool) -> tuple[float, float]:
    """Return a request with records that its handler leaves out, and one that takes them."""
    log = logging.getLogger("benchmarks.middleware")
    log.propagate, log.level = False, logging.DEBUG

    async def speaks(scope: Any, receive: Any, send: Any) -> None:
        for number in range(RECORDS):
            log.debug("looking for order %d", number, extra={"user": "ada@example.org"})
        await asgi_app(scope, receive, send)

    def served(level: str, app: Any) -> Callable[[], None]:
        handler = cxlogging.HoneycombHandler(
            "key", url=NOWHERE, dataset="shop", level=level, held_level="DEBUG"
        )
        clear = quiet(handler.delivery.workers)

        def serve() -> None:
            log.addHandler(handler)
            asyncio.run(serve_asgi(app))
            log.removeHandler(handler)
            clear()

        return serve

    without, including = median_of_each(
        served("INFO", asgi.ContextMiddleware(speaks)),
        served("INFO" if hold else "DEBUG", asgi.ContextMiddleware(speaks, hold=hold)),
    )
    return without, including


def of_span() -> tuple[float, float]:
    """Return a log call without and with an active span; records go to nobody."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    from cxlogging.devserver import DevServer

    trace.set_tracer_provider(TracerProvider())
    tracer = trace.get_tracer("benchmarks")
    with DevServer() as server:
        handler = cxlogging.HoneycombHandler(
            "key", dataset="shop", url=server.url, flush_interval=60, batch_count=1_000_000
        )
        log = logging.getLogger("benchmarks.middleware")
        log.propagate, log.level = False, logging.INFO
        log.addHandler(handler)

        def calls() -> None:
            for number in range(CALLS):
                log.info("looking for order %d", number)

        def calls_in_span() -> None:
            with tracer.start_as_current_span("order"):
                calls()

        without, including = median_of_each(calls, calls_in_span)
        log.removeHandler(handler)
        handler.close()
    return without, including


def of_call_in_request(vendor: str) -> tuple[float, float]:
    """Return a log call outside of requests and one in a request; records go to nobody."""
    handler: Any = destinations()[vendor][1]
    clear = quiet(handler.delivery.workers)
    log = logging.getLogger(f"benchmarks.middleware.{vendor}")
    log.propagate, log.level = False, logging.INFO
    log.addHandler(handler)

    def calls() -> None:
        for number in range(CALLS):
            log.info("looking for order %d", number, extra={"user": "ada@example.org"})
        clear()

    def calls_in_request() -> None:
        context = RequestContext("GET", "/orders/17", "r-17", None, None)
        context.open()
        context.found("/orders/{number}")
        calls()
        context.close()

    without, including = median_of_each(calls, calls_in_request)
    return without, including


MEASURES = {
    "WSGI request": of_wsgi,
    "ASGI request": of_asgi,
    "ASGI request that holds 10": lambda: of_records(hold=True),
    "ASGI request that sends 10": lambda: of_records(hold=False),
    "log call with a span": of_span,
    **{
        f"log call in a request: {vendor}": functools.partial(of_call_in_request, vendor)
        for vendor in VENDORS
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.middleware", description=__doc__)
    parser.parse_args()
    print(f"{'':36}{'without':>10}{'with':>10}{'more':>10}{'at most':>10}   µs of CPU, medians")
    for name, measure in MEASURES.items():
        without, including = measure()
        figures = "".join(f"{each:10.2f}" for each in (without, including, including - without))
        print(f"{name:36}{figures}{AIMS.get(name, '-'):>10}")


if __name__ == "__main__":
    main()
