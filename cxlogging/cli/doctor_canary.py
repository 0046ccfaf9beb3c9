"""One event, sent by a handler, and asked for until it appears."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ..dataprime import AuthenticationError, DataPrimeClient, QueryError, RateLimited
from ..handlers.check import CheckResult
from ..handlers.handler import ShippingHandler
from ..wire.http import Endpoint
from ..wire.settings import LOCAL_KEY, held, is_loopback
from .doctor_findings import Finding, Status, fail, ok, skip, warn

QUERY_KEY = "CX_API_KEY"
PAUSE = 2.0
PAUSE_LOCAL = 0.1


def canary(about: str, handler: ShippingHandler, wait: float) -> Iterator[Finding]:
    """Yield whether an event was taken, and whether it appeared within *wait* seconds."""
    begun = time.time_ns()
    started = time.monotonic()
    result = handler.check()
    yield taken(about, result)
    if not result.ok:
        return
    endpoint: Endpoint | None = getattr(handler.delivery.destination, "endpoint", None)
    client = None if endpoint is None else _client(endpoint)
    if isinstance(client, DataPrimeClient):
        with client:
            yield _appeared(about, client, result.id, begun, started, wait)
    else:
        yield skip("seen again", client or "no address is known", about)


def taken(about: str, result: CheckResult) -> Finding:
    """Return the finding of an event that was sent."""
    if result.ok:
        return ok("event sent", f"taken in {result.seconds * 1e3:.0f} ms", about)
    refused = any(f"HTTP {status}" in result.cause for status in (401, 403))
    return Finding(
        "event sent", Status.FAIL, "", result.cause, result.cure, about=about, refused=refused
    )


def _client(endpoint: Endpoint) -> DataPrimeClient | str:
    """Return a client for where the event went, or why there is none."""
    options = {"timeout": 10.0, "retry_budget": 0.0}
    key = held(QUERY_KEY)
    if is_loopback(endpoint.host):
        url = f"{endpoint.scheme}://{endpoint.authority}"
        return DataPrimeClient(key or LOCAL_KEY, url=url, **options)  # type: ignore[arg-type]
    if not endpoint.host.startswith("ingress."):
        return "this vendor has no query API here: look for the event's cx_check on its page"
    if not key:
        return f"set {QUERY_KEY} to a key that may query, and the event is looked for"
    domain = endpoint.host.removeprefix("ingress.")
    return DataPrimeClient(key, url=f"https://api.{domain}", **options)  # type: ignore[arg-type]


def _appeared(
    about: str, client: DataPrimeClient, identity: str, begun: int, started: float, wait: float
) -> Finding:
    pause = PAUSE_LOCAL if "127.0.0.1" in repr(client) else PAUSE
    query = f"source logs | filter $d.cx_check == '{identity}' | limit 1"
    window = {"start": f"{_iso(begun - 60_000_000_000)}", "end": "now+1m"}
    trouble = ""
    while time.monotonic() - started < wait:
        try:
            with client.stream(query, timeout=10.0, **window) as rows:  # type: ignore[arg-type]
                rows.untold()  # that an event is not there yet is no mistake of the query
                seen = next(rows, None) is not None
            if seen:
                took = time.monotonic() - started
                shown = f"{took:.1f} s" if took >= 1 else f"{took * 1e3:.0f} ms"
                return ok("seen again", f"{shown} after it was sent", about)
            trouble = ""
        except AuthenticationError as error:
            return Finding(
                "seen again",
                Status.FAIL,
                cause=str(error),
                cure=f"Check {QUERY_KEY}.",
                about=about,
                refused=True,
            )
        except RateLimited as error:
            trouble = str(error)
            time.sleep(min(error.retry_after or PAUSE, wait))
        except QueryError as error:
            trouble = str(error)
            if getattr(error, "status", 0) == 404 or "404" in trouble:
                return skip("seen again", "this server answers no queries", about)
        time.sleep(pause)
    if trouble:
        return warn(
            "seen again", trouble, "Check the query API's address and the network.", about=about
        )
    return fail(
        "seen again",
        f"the event was taken and did not appear within {wait:g} s",
        "It may be blocked or routed elsewhere by the account's policies (TCO, parsing rules), or"
        " the query key belongs to another team.",
        about=about,
    )


def _iso(moment: int) -> str:
    from ..dataprime.times import iso

    return iso(moment)
