"""One event, sent by a handler, and asked for until it appears."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ...dataprime import AuthenticationError, DataPrimeClient, QueryError, RateLimited
from ...delivery.http.compression import Trial
from ...handlers.check import CheckResult, check
from ...handlers.handler import ShippingHandler
from ...vendors.registry import VENDORS
from ...wire.http import Endpoint
from ...wire.settings import LOCAL_KEY, held, is_loopback
from .findings import Finding, Status, fail, ok, skip, warn

QUERY_KEY = "CX_API_KEY"
PAUSE = 2.0
PAUSE_LOCAL = 0.1


def canary(about: str, handler: ShippingHandler, wait: float) -> Iterator[Finding]:
    """
    Yield whether an event was taken, and whether it appeared within *wait* seconds.

    Where compression has to show that it works, so does an event that goes compressed.
    """
    begun = time.time_ns()
    result = handler.check()
    yield taken(about, result)
    if not result.ok:
        return
    endpoint = handler.delivery.destination.endpoint
    client = None if endpoint is None else _client(endpoint)
    encoding = handler.delivery.lane.encoding
    tried = None if encoding.trial is Trial.NONE else encoding.name
    if not isinstance(client, DataPrimeClient):
        yield skip("seen again", client or "no address is known", about)
        if tried is not None:
            yield _compressed(about, None, handler, tried, wait)
        return
    with client:
        seen = _appeared(about, client, "seen again", result.id, begun, wait)
        yield seen
        if tried is not None and seen.status is Status.OK:
            yield _compressed(about, client, handler, tried, wait)


def _compressed(
    about: str, client: DataPrimeClient | None, handler: ShippingHandler, encoding: str, wait: float
) -> Finding:
    """Return whether a compressed event is taken and, where there is a *client*, seen again."""
    name, begun = f"{encoding} event", time.time_ns()
    result = check(handler.delivery, encoding)
    if not result.ok:
        cure = "Nothing: the handler sends uncompressed where this fails, and no record is lost."
        return warn(name, result.cause, cure, about=about)
    if client is None:
        return ok(name, f"taken in {result.seconds * 1e3:.0f} ms", about)
    found = _appeared(about, client, name, result.id, begun, wait)
    if found.status is Status.FAIL and not found.refused:
        return fail(name, found.cause, "Set compression=None for this handler.", about=about)
    return found


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
    urls = (vendor.profile.query_url(endpoint) for vendor in VENDORS.values())
    address = next(filter(None, urls), None)
    if address is None:
        return "this vendor has no query API here: look for the event's cx_check on its page"
    if not key:
        return f"set {QUERY_KEY} to a key that may query, and the event is looked for"
    return DataPrimeClient(key, url=address, **options)  # type: ignore[arg-type]


def _appeared(
    about: str, client: DataPrimeClient, name: str, identity: str, begun: int, wait: float
) -> Finding:
    started = time.monotonic()
    pause = PAUSE_LOCAL if "127.0.0.1" in repr(client) else PAUSE
    query = f"source logs | filter $d.cx_check == '{identity}' | limit 1"
    window = {"start": f"{_iso(begun - 60_000_000_000)}", "end": "now+1m"}
    trouble = ""
    while time.monotonic() - started < wait:
        try:
            with client.stream(query, timeout=10.0, **window) as rows:  # type: ignore[arg-type]
                rows.suppress_warnings()  # no row yet is not a mistake
                seen = next(rows, None) is not None
            if seen:
                took = time.monotonic() - started
                shown = f"{took:.1f} s" if took >= 1 else f"{took * 1e3:.0f} ms"
                return ok(name, f"{shown} after it was sent", about)
            trouble = ""
        except AuthenticationError as error:
            return Finding(
                name,
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
                return skip(name, "this server answers no queries", about)
        time.sleep(pause)
    if trouble:
        return warn(name, trouble, "Check the query API's address and the network.", about=about)
    return fail(
        name,
        f"the event was taken and did not appear within {wait:g} s",
        "It may be blocked or routed elsewhere by the account's policies (TCO, parsing rules), or"
        " the query key belongs to another team.",
        about=about,
    )


def _iso(moment: int) -> str:
    from ...dataprime.times import iso

    return iso(moment)
