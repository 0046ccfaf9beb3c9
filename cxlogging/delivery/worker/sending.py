"""One request: made of a batch, compressed, sent, and its answer understood."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ...errors import ConfigurationError
from ...wire.destination import Destination
from ...wire.http import Action, Secret, Verdict
from ...wire.masking import Masker, header_secrets
from ...wire.settings import LOCAL_KEY
from ..clock import Clock
from ..http.compression import Trial
from ..http.interface import Transport, TransportError
from ..options import Options
from ..process.state import PROCESS
from ..queue.batch import Batch
from .backoff import RETRY_AFTER_MAXIMUM, retry_after
from .settling import Outcome

if TYPE_CHECKING:
    from ..delivery import Delivery

REASON_LENGTH = 240
"""Characters of a vendor's words that are kept."""

TRIAL_SECONDS = 1.5
"""The time of a request on trial: less than a closing handler waits for an answer."""

JUDGED = frozenset({Action.SPLIT, Action.ISOLATE, Action.REFUSED, Action.HOLD})
"""What is said of the records themselves, or of all that could come."""

MOST_UNREAD = 3
"""So often a batch is sent whose answers say success, and cannot be read any further."""


def http(destination: Destination, options: Options, clock: Clock) -> Callable[[], Transport]:
    """
    Return what makes a transport to *destination* over the network.

    The libraries for it are imported where it is first called: on the thread
    that configures the handler, and only where there is somebody to send to.
    """

    def make() -> Transport:
        from ..http.connect import Connector
        from ..http.transport import HttpTransport

        endpoint = destination.endpoint
        if endpoint is None:
            raise ConfigurationError(f"{destination.name} has no endpoint.")
        headers = tuple((options.headers or {}).items())
        return HttpTransport(Connector(endpoint, options), headers, clock)

    if not destination.missing:
        _check_environment(destination, options)
    return make


def _check_environment(destination: Destination, options: Options) -> None:
    """Raise where the environment names a proxy or certificates that cannot be; never in a fork."""
    from ..http import tls
    from ..http.connect import Connector

    endpoint = destination.endpoint
    if endpoint is None or endpoint.scheme != "https":
        return
    Connector(endpoint, options).proxy()
    if options.ssl_context is None and options.ca_file is None:
        tls.check_bundle()


def masker(destination: Destination, options: Options) -> Masker:
    """Return what hides the secrets that requests to *destination* carry."""
    secrets = []
    if not destination.missing:
        for _, value in destination.request([b""]).headers:
            if isinstance(value, Secret):
                secrets.append(value.reveal().rpartition(" ")[2])
    for name, value in (options.headers or {}).items():
        secrets += header_secrets(name, value)
    for address in filter(None, (options.proxy, *_environment_proxies())):
        user, _, password = address.rpartition("@")[0].rpartition("/")[2].partition(":")
        if password:
            plain = unquote(user), unquote(password)
            secrets += [password, plain[1], f"{user}:{password}", ":".join(plain)]
    return Masker(each for each in secrets if each != LOCAL_KEY)


def _environment_proxies() -> Iterator[str]:
    """Yield the addresses that ``HTTPS_PROXY`` and its like name."""
    for name, value in tuple(os.environ.items()):
        if name.lower().endswith("_proxy"):
            yield value


def send(delivery: Delivery, batch: Batch, seconds: float) -> Outcome:
    """
    Send one request; return what came of it.

    One that was compressed on trial, or refused though compressed, is sent again plain
    at once: what the vendor thinks of the records is what it says of the plain request.
    """
    encoding = delivery.encoding
    with delivery.lock:
        name, is_trial = encoding.begin(may_try=not PROCESS.is_ending)
    outcome = attempt(delivery, batch, name, min(seconds, TRIAL_SECONDS) if is_trial else seconds)
    action = outcome.verdict.action
    if action is Action.DELIVERED:
        with delivery.lock:
            encoding.delivered(name)
        return outcome
    if name is None or encoding.trial is Trial.NONE:
        return outcome
    judged = action in JUDGED
    plain = attempt(delivery, batch, None, seconds) if is_trial or judged else None
    taken = plain is not None and plain.verdict.action is Action.DELIVERED
    with delivery.lock:
        ended = encoding.failed(taken_plain=taken, judged=judged)
    if ended:
        reason = f"a request with {name} failed ({outcome.verdict.reason})"
        sentence = f"{reason}: requests stay uncompressed, as with compression=None"
        delivery.diagnostics.say("compression", name, sentence)
    return outcome if plain is None else plain._replace(requests=2)


def attempt(delivery: Delivery, batch: Batch, encoding: str | None, seconds: float) -> Outcome:
    """Send the items of *batch* in *encoding*; return what came of it, in words without secrets."""
    outcome = _attempt(delivery, batch, encoding, seconds)
    verdict = outcome.verdict
    shown = {reason: _shown(delivery.mask, reason) for _, reason in verdict.items.values()}
    items = {index: (action, shown[reason]) for index, (action, reason) in verdict.items.items()}
    reason = _shown(delivery.mask, verdict.reason)
    return outcome._replace(verdict=verdict._replace(reason=reason, items=items))


def _shown(mask: Callable[[str], str], reason: str) -> str:
    """Return what is shown of a text from outside: masked first, as a cut hides what to mask."""
    line = " ".join(mask(reason).split())
    return "".join(each if each.isprintable() else "?" for each in line[:REASON_LENGTH])


def _attempt(delivery: Delivery, batch: Batch, encoding: str | None, seconds: float) -> Outcome:
    try:
        request = delivery.destination.request([data for _, data, _ in batch.items])
        raw, body = len(request.body), request.body
        if encoding is not None:
            body = delivery.encoding.compress(body)
        if len(body) > delivery.destination.limits.wire_bytes and len(batch) > 1:
            return Outcome(Verdict(Action.SPLIT, "too large once compressed"))
        request = request._replace(body=body)  # the other one is not kept while it is sent
        if delivery.transport is None:
            return Outcome(Verdict(Action.HOLD, f"{delivery.destination.missing} is not set"))
        response = delivery.transport.send(request, encoding, seconds)
        verdict = delivery.destination.interpret(response, len(batch))
    except TransportError as error:
        verdict = Verdict(Action.RETRY, str(error), cure=error.cure)
        return Outcome(verdict, timed_out=error.timed_out)
    except Exception as error:  # whatever it is, the items are not lost by it
        return Outcome(Verdict(Action.RETRY, f"{type(error).__name__}: {error}"))
    wait = retry_after(response.headers, delivery.clock.wall())
    if wait is None and verdict.wait is not None:
        wait = min(verdict.wait, RETRY_AFTER_MAXIMUM)
    if verdict.action is Action.RETRY and 200 <= response.status < 300 and not response.complete:
        verdict = _believed(batch, verdict, response.status)
    return Outcome(verdict, wait, raw=raw, sent=len(body))


def _believed(batch: Batch, verdict: Verdict, status: int) -> Verdict:
    """Return the verdict on an answer of success whose rest could not be read, often enough."""
    batch.unread += 1
    if batch.unread < MOST_UNREAD:
        return verdict
    records = "1 record counts" if len(batch) == 1 else f"{len(batch)} records count"
    return Verdict(
        Action.DELIVERED,
        f"HTTP {status} whose answer could not be read, {MOST_UNREAD} times:"
        f" {records} as delivered",
    )
