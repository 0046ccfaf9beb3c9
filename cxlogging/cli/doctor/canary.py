"""A test event that a handler sends, and a query that finds it."""

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
from .findings import Finding, Status, fail, ok, skip, took, warn

QUERY_KEY = "CX_API_KEY"
PAUSE = 2.0
PAUSE_LOCAL = 0.1


def canary(about: str, handler: ShippingHandler, wait: float) -> Iterator[Finding]:
    """
    Yield whether an event was accepted, and whether a query found it within *wait* seconds.

    If the handler only compresses once that has worked, a second event is sent compressed.
    """
    begun = time.time_ns()
    result = handler.check()
    yield delivery_finding(about, result)
    if not result.ok:
        return
    client = _client(handler.delivery.destination.endpoint)
    encoding = handler.delivery.lane.encoding
    tried = None if encoding.trial is Trial.NONE else encoding.name
    if isinstance(client, str):
        yield skip("seen again", client, about)
        if tried is not None:
            yield _compressed(about, None, handler, tried, wait)
        return
    with client:
        seen = _appeared(about, client, "seen again", result.id, begun, wait)
        yield seen
        if tried is not None and seen.status is Status.OK:
            yield _compressed(about, client, handler, tried, wait)


def seen_again(
    about: str, handler: ShippingHandler, identity: str, begun: int, wait: float
) -> Finding:
    """Return whether a query finds the event *identity*, sent at *begun*, within *wait* seconds."""
    client = _client(handler.delivery.destination.endpoint)
    if isinstance(client, str):
        return skip("seen again", client, about)
    with client:
        return _appeared(about, client, "seen again", identity, begun, wait)


def _compressed(
    about: str, client: DataPrimeClient | None, handler: ShippingHandler, encoding: str, wait: float
) -> Finding:
    """Return whether a compressed event is accepted and, if there is a *client*, found."""
    name, begun = f"{encoding} event", time.time_ns()
    result = check(handler.delivery, encoding)
    if not result.ok:
        cure = "Nothing to do: the handler then sends uncompressed, and no record is lost."
        return warn(name, result.cause, cure, about=about)
    if client is None:
        return ok(name, f"accepted in {result.seconds * 1e3:.0f} ms", about)
    found = _appeared(about, client, name, result.id, begun, wait)
    if found.status is Status.FAIL and not found.refused:
        return fail(name, found.cause, "Set compression=None for this handler.", about=about)
    return found


def delivery_finding(about: str, result: CheckResult) -> Finding:
    """Return the finding for an event that was sent."""
    if result.ok:
        return ok("event sent", f"accepted in {result.seconds * 1e3:.0f} ms", about)
    refused = any(f"HTTP {status}" in result.cause for status in (401, 403))
    return Finding(
        "event sent", Status.FAIL, "", result.cause, result.cure, about=about, refused=refused
    )


def _client(endpoint: Endpoint | None) -> DataPrimeClient | str:
    """Return a client that can query the event, or why there is none."""
    if endpoint is None:
        return "the address is not known"
    options = {"timeout": 10.0, "retry_budget": 0.0}
    key = held(QUERY_KEY)
    if is_loopback(endpoint.host):
        url = f"{endpoint.scheme}://{endpoint.authority}"
        return DataPrimeClient(key or LOCAL_KEY, url=url, **options)  # type: ignore[arg-type]
    urls = (vendor.profile.query_url(endpoint) for vendor in VENDORS.values())
    address = next(filter(None, urls), None)
    if address is None:
        return "no query API is supported for this vendor: search for the event's cx_check there"
    if not key:
        return f"to query for the event, set {QUERY_KEY} to a key that may query"
    return DataPrimeClient(key, url=address, **options)  # type: ignore[arg-type]


def _appeared(
    about: str, client: DataPrimeClient, name: str, identity: str, begun: int, wait: float
) -> Finding:
    started = time.monotonic()
    pause = PAUSE_LOCAL if "127.0.0.1" in repr(client) else PAUSE
    query = f"source logs | filter $d.cx_check == '{identity}' | limit 1"
    window = {"start": f"{_iso(begun - 60_000_000_000)}", "end": "now+1m"}
    last_error = ""
    while time.monotonic() - started < wait:
        try:
            with client.stream(query, timeout=10.0, **window) as rows:  # type: ignore[arg-type]
                rows.suppress_warnings()  # no row yet is not a mistake
                seen = next(rows, None) is not None
            if seen:
                passed = time.monotonic() - started
                return ok(name, f"{took(passed)} after it was sent", about)
            last_error = ""
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
            last_error = str(error)
            time.sleep(min(error.retry_after or PAUSE, wait))
        except QueryError as error:
            last_error = str(error)
            if getattr(error, "status", 0) == 404 or "404" in last_error:
                return skip(name, "this server does not answer queries", about)
        time.sleep(pause)
    if last_error:
        return warn(name, last_error, "Check the query API's address and the network.", about=about)
    return fail(
        name,
        f"the event was accepted, but no query found it within {wait:g} s",
        "The account's policies (TCO, parsing rules) may block or reroute it, or the query key may"
        " belong to another team.",
        about=about,
    )


def _iso(moment: int) -> str:
    from ...dataprime.times import iso

    return iso(moment)
