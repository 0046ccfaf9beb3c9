"""
Checks that a destination keeps its contract, for the tests of whoever writes one.

`destination_conformance` runs all of them; docs/custom-destination.md shows it at work.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from .errors import ConfigurationError
from .vendors.emulation.types import AcceptedKeys, ApiAnswer, ApiRequest, ApiResult, Emulator
from .wire.destination import Destination
from .wire.event import Event, SyntheticOrigin, put_trace, site
from .wire.http import Action, Endpoint, Limits, Request, Response, Secret, Verdict
from .wire.settings import is_loopback

TIME_NS = 1_700_000_000_123_456_000
ORIGIN = SyntheticOrigin(
    "shop.orders", "/srv/shop.py", "shop.py", "shop", 42, "place", 99, "worker-1", 17, "Main"
)
STATUSES = range(200, 600)
TEMPORARY = (408, 425, 429, *range(500, 600))

DEEP = 50_000
GARBAGE = (
    *(b"", b"no", b"null", b"0", b"{}", b"[]", b'"text"', b"[null, 1, {}]", b"[" * DEEP),
    b'{"failed": "x", "error": 1, "status": null, "items": {"a": 1}}',
    b'[{"status": 202}, {"status": "429"}, {"status": 1e400}, {"status": true}]',
    b'{"errors": [{"index": 99}, {"index": -1}], "failed": 99}',
    b"\xff\xfe\x00broken",
)
"""Bodies that an answer may have: nothing, the wrong JSON, no JSON, no text."""

EASY = {"a plain event", "a trace and a task", "a sample", "the names that vendors use"}
"""The hostile events that a `Writer` encodes too."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class _Subject(NamedTuple):
    destination: Destination
    again: Destination
    success: Callable[[int], Response]


def destination_conformance(
    destination: Destination | Callable[[], Destination],
    *,
    emulator: Emulator | None = None,
    success: Callable[[int], Response] | None = None,
) -> None:
    """
    Check that a destination keeps its contract.

    Args:
        destination: A destination that misses nothing, or what returns a new one each time.
        emulator: The API that it sends to, as the local server has it: requests are answered by
            it, and must be accepted.
        success: Returns the answer to a request of so many items that were all accepted. By
            default what *emulator* answers, or else a 200 without a body.

    Raises:
        AssertionError: Something is wrong; the message says everything that is.
    """
    made = destination() if callable(destination) else destination
    again = destination() if callable(destination) else made
    subject = _Subject(made, again, success or partial(_success, made, emulator))
    found: list[str] = []
    for check in CHECKS:
        found += _failures(check.__name__[1:], partial(check, subject))
    if emulator is not None:
        found += _failures("emulator", partial(_emulator, made, emulator))
    if found:
        raise AssertionError("\n- ".join([f"{made!r} breaks its contract:", *found]))


def _failures(name: str, run: Callable[[], Iterator[str]]) -> Iterator[str]:
    name = name.replace("_", " ")
    try:
        for sentence in run():
            yield f"{name}: {sentence}"
    except Exception as error:
        yield f"{name}: raised {type(error).__name__}: {error}"


def hostile_events(limits: Limits) -> dict[str, Event]:
    """Return events that are hard to encode, each with what is hard about it."""
    plain = Event(TIME_NS, 20, "INFO", "hello", {}, ORIGIN)
    error: dict[str, Any] = {
        "type": "ValueError",
        "message": "bad",
        "stacktrace": "  line\n" * 50_000,
    }
    error |= {"causes": [{"type": "KeyError", "message": "'x'"}], "notes": ["a note"]}
    deep: dict[str, object] = {}
    for _ in range(50):
        deep = {"in": deep}
    reserved = ("message", "level", "time", "timestamp", "_time", "dt", "body", "exception", "")
    huge = limits.item_bytes * 2
    return {
        "a plain event": plain,
        "an empty message": plain.replace(message=""),
        "quotes, control characters and line ends": plain.replace(message='"\\\n\r\0\x1b\u2028'),
        "characters outside the basic plane": plain.replace(message="\U0001f600 ä"),
        "a lone surrogate": plain.replace(message="\ud800", fields={"\udfff": "\ud800"}),
        "a message above the limit": plain.replace(message="x" * huge),
        "a message above the limit in escapes": plain.replace(message='"' * limits.item_bytes),
        "a field above the limit": plain.replace(fields={"text": "ä" * huge}),
        "many fields": plain.replace(fields={f"field {n}": n for n in range(5_000)}),
        "a long name of a field": plain.replace(fields={"n" * 70_000: 1}),
        "deep nesting": plain.replace(fields=deep),
        "lists": plain.replace(fields={"list": [1, "a", None, [True, {"b": 2.5}]]}),
        "the names that vendors use": plain.replace(fields=dict.fromkeys(reserved, "mine")),
        "the largest integers": plain.replace(
            fields={"least": limits.integers.start, "most": limits.integers.stop - 1}
        ),
        "an exception": plain.replace(level=40, level_name="ERROR", error=error, stack="Stack\n"),
        "an exception above the limit": plain.replace(
            error={**error, "stacktrace": "s" * huge}, stack="t" * huge
        ),
        "a trace and a task": plain.replace(trace=("a" * 32, "b" * 16), task="Task-1"),
        "no place": plain.replace(origin=SyntheticOrigin()),
        "the first nanosecond": plain.replace(time_ns=0),
        "the last nanosecond": plain.replace(time_ns=2**63 - 1),
        "a level of its own": plain.replace(level=7, level_name="Spoken Word"),
        "a sample": plain.replace(sample_rate=1_000),
    }


def _limits_are_possible(subject: _Subject) -> Iterator[str]:
    limits = subject.destination.limits
    for name in ("item_bytes", "body_bytes", "wire_bytes", "batch_count"):
        if getattr(limits, name) < 1:
            yield f"{name} is {getattr(limits, name)}"
    if limits.overhead < 0 or limits.item_bytes + limits.overhead > limits.body_bytes:
        yield "the largest item does not fit into the largest body: item_bytes + overhead"
    for name in {*limits.auto, *limits.tried} - set(limits.accepted):
        yield f"{name} may be picked, but not be asked for: it is not in accepted"


def _identity_is_stable(subject: _Subject) -> Iterator[str]:
    identity = dict(subject.destination.identity)
    if not identity.get("vendor"):
        yield "it has no 'vendor'"
    for name in (name for pair in identity.items() for name in pair if type(name) is not str):
        yield f"{name!r} is not a text"
    if identity != dict(subject.again.identity):
        yield "it differs between two destinations with the same arguments"


def _endpoint_is_sound(subject: _Subject) -> Iterator[str]:
    endpoint = subject.destination.endpoint
    if not isinstance(endpoint, Endpoint):
        yield f"it is {endpoint!r}, not an Endpoint"
        return
    if endpoint.scheme != "https" and not is_loopback(endpoint.host):
        yield f"{endpoint} would send the key unencrypted"
    if not re.fullmatch(r"/[\x21-\x7e]*", endpoint.path):
        yield f"the path {endpoint.path!r} is not absolute and percent-encoded"
    if subject.destination.request(_items(subject.destination, 1)).endpoint != endpoint:
        yield "a request goes elsewhere"


def _every_event_is_encoded_within_the_limit(subject: _Subject) -> Iterator[str]:
    limit = subject.destination.limits.item_bytes
    for what, event in hostile_events(subject.destination.limits).items():
        try:
            item: Any = subject.destination.encode(event)
        except Exception as error:
            yield f"{what} raised {type(error).__name__}: {error}"
            continue
        if not isinstance(item, bytes) or not item:
            yield f"{what} gave {item!r:.60}, not bytes"
        elif len(item) > limit:
            yield f"{what} has {len(item):,} bytes, more than item_bytes ({limit:,})"
        elif item != subject.destination.encode(event):
            yield f"{what} is encoded differently the second time"


def _writer_makes_the_same_bytes(subject: _Subject) -> Iterator[str]:
    destination = subject.destination
    for what, event in hostile_events(destination.limits).items():
        if what not in EASY:
            continue
        key = site(event.origin.__dict__)
        write = destination.writer(event.level, event.level_name, key, event.fields)
        if write is None:
            continue
        document = {destination.message_field: event.message, **event.fields}
        if event.trace is not None:
            put_trace(document, destination.trace_fields(*event.trace))
        document.update(destination.error_fields(event.error, event.stack))
        item = write(event.time_ns, document, event.sample_rate, event.task)
        if item != destination.encode(event):
            yield f"{what}: not what encode returns"


def _requests_are_well_formed(subject: _Subject) -> Iterator[str]:
    destination = subject.destination
    request: Any = destination.request(_items(destination, 2))
    if not isinstance(request, Request) or not isinstance(request.body, bytes):
        yield f"{request!r} is not a Request with a body of bytes"
        return
    names = [name.lower() for name, _ in request.headers]
    if "content-type" not in names:
        yield "the header Content-Type is missing"
    for name in set(names) & {"host", "content-length", "content-encoding", "connection"}:
        yield f"the header {name} is the transport's"
    if len(names) != len(set(names)):
        yield "a header comes twice"
    for name, value in request.headers:
        text = value.reveal() if isinstance(value, Secret) else value
        if not _TOKEN.fullmatch(name) or not re.fullmatch(r"[\x20-\x7e\x80-\xff]*", text):
            yield f"the header {name!r} is not a header of HTTP"
    if destination.credential is not None and destination.credential_header.lower() not in names:
        yield f"credential_header {destination.credential_header!r} is not in the request"


def _secrets_are_hidden(subject: _Subject) -> Iterator[str]:
    destination = subject.destination
    if destination.credential is None:
        return
    key = destination.credential.reveal()
    request = destination.request(_items(destination, 1))
    for name, value in request.headers:
        if isinstance(value, str) and key in value:
            yield f"the header {name} holds the credential, and is not a Secret"
    texts = {
        "repr(destination)": f"{destination!r} {destination}",
        "name": destination.name,
        "identity": str(dict(destination.identity)),
        "missing and warnings": f"{destination.missing} {destination.warnings}",
        "the endpoint": str(destination.endpoint),
        "repr(request)": repr(request),
        "repr(request.headers)": repr(request.headers),
    }
    for where, text in texts.items():
        if key in text:
            yield f"the credential is in {where}"
    if key.encode() in request.body:
        yield "the credential is in the body"


def _bodies_hold_all_items_in_order(subject: _Subject) -> Iterator[str]:
    destination, overhead = subject.destination, subject.destination.limits.overhead
    for count in (1, 2, 3, 17, min(200, destination.limits.batch_count)):
        items = _items(destination, count)
        body = destination.request(items).body
        room = overhead + sum(map(len, items)) + count - 1
        if len(body) > room:
            yield f"a body of {count} items has {len(body) - room} bytes more than overhead says"
        at = 0
        for number, item in enumerate(items):
            at = body.find(item, at)
            if at < 0:
                yield f"item {number} of {count} is not in the body, or not in order"
                break
            at += len(item)


def _every_answer_has_a_verdict(subject: _Subject) -> Iterator[str]:
    for status in STATUSES:
        bodies = GARBAGE if status in (200, 202, 207, 400, 413, 429, 500) else GARBAGE[:2]
        for body in bodies:
            for count in (1, 2, 5):
                response = Response(status, body=body, complete=len(body) < DEEP)
                answer = f"HTTP {status} {body[:20]!r} to {count} items"
                try:
                    verdict = subject.destination.interpret(response, count)
                except Exception as error:
                    yield f"{answer} raised {type(error).__name__}: {error}"
                    return
                yield from (f"{answer}: {wrong}" for wrong in _wrong(verdict, count))


def _wrong(verdict: Any, count: int) -> Iterator[str]:
    if not isinstance(verdict, Verdict) or not isinstance(verdict.action, Action):
        yield f"{verdict!r} is not a Verdict"
        return
    if {type(verdict.reason), type(verdict.cure)} != {str}:
        yield "reason and cure are not texts"
    if verdict.action is not Action.DELIVERED and not verdict.reason:
        yield f"{verdict.action.value} has no reason"
    for index, exception in verdict.items.items():
        if type(index) is not int or not 0 <= index < count:
            yield f"items names {index!r}, and there are {count}"
        elif exception[0] not in {Action.RETRY, Action.REFUSED} or not exception[1]:
            yield f"item {index} is neither RETRY nor REFUSED with a reason: {exception!r}"
    if verdict.failed and verdict.action is not Action.DELIVERED:
        yield f"failed goes with DELIVERED, not with {verdict.action.value}"
    if not 0 <= verdict.failed <= count - len(verdict.items):
        yield f"failed is {verdict.failed}, of {count - len(verdict.items)} items"
    if verdict.wait is not None and not (math.isfinite(verdict.wait) and verdict.wait >= 0):
        yield f"wait is {verdict.wait}"


def _statuses_mean_what_they_say(subject: _Subject) -> Iterator[str]:
    interpret = subject.destination.interpret
    for count in (1, 2, 5):
        verdict = interpret(subject.success(count), count)
        if verdict.action is not Action.DELIVERED or verdict.items or verdict.failed:
            yield f"the answer of success to {count} items is {verdict}: pass success="
    for status in STATUSES:
        action = interpret(Response(status, body=b"no"), 2).action
        if status >= 300 and action is Action.DELIVERED:
            yield f"HTTP {status} counts as delivered"
        if status in TEMPORARY and action is not Action.RETRY:
            yield f"HTTP {status} is temporary: it must be RETRY, not {action.name}"
        if status in (401, 403) and action not in {Action.HOLD, Action.RETRY}:
            yield f"HTTP {status} is fixed by a person: it must be HOLD, not {action.name}"


def _one_bad_item_does_not_cost_others(subject: _Subject) -> Iterator[str]:
    interpret = subject.destination.interpret
    for status, meaning in ((400, "an invalid item"), (413, "a body too large")):
        many, one = (interpret(Response(status, body=b"no"), count).action for count in (2, 1))
        if many is Action.REFUSED:
            yield f"HTTP {status} ({meaning}) rejects all items: ISOLATE or SPLIT finds the one"
        if one in {Action.RETRY, Action.HOLD}:
            yield f"HTTP {status} ({meaning}) to one item would keep it forever ({one.name})"


def _nothing_is_missing(subject: _Subject) -> Iterator[str]:
    if subject.destination.missing:
        yield f"pass a destination that is complete: {subject.destination.missing} is missing"
    try:
        subject.destination.request(_items(subject.destination, 1))
    except ConfigurationError as error:
        yield f"it makes no request: {error}"


CHECKS: tuple[Callable[[_Subject], Iterator[str]], ...] = (
    _nothing_is_missing,
    _limits_are_possible,
    _identity_is_stable,
    _endpoint_is_sound,
    _every_event_is_encoded_within_the_limit,
    _writer_makes_the_same_bytes,
    _requests_are_well_formed,
    _secrets_are_hidden,
    _bodies_hold_all_items_in_order,
    _every_answer_has_a_verdict,
    _statuses_mean_what_they_say,
    _one_bad_item_does_not_cost_others,
)


def _items(destination: Destination, count: int) -> list[bytes]:
    plain = Event(TIME_NS, 20, "INFO", "", {}, ORIGIN)
    return [destination.encode(plain.replace(message=f"message {n}")) for n in range(count)]


def _emulator(destination: Destination, emulator: Emulator) -> Iterator[str]:
    for count in (1, 2, 17):
        result, verdict = _ask(destination, emulator, _items(destination, count))
        messages = [event.message for event in result.events]
        if verdict.action is not Action.DELIVERED or verdict.items or verdict.failed:
            yield f"{count} items: {result.error or result.answer} is read as {verdict}"
        if messages != [f"message {n}" for n in range(count)]:
            yield f"{count} items arrive as {messages!r:.200}"
    for what, event in hostile_events(destination.limits).items():
        result, verdict = _ask(destination, emulator, [destination.encode(event)])
        if verdict.action is not Action.DELIVERED or verdict.items or len(result.events) != 1:
            yield f"{what} is not accepted: {result.error or result.answer}"
    _, verdict = _ask(destination, emulator, _items(destination, 2), key="another")
    if destination.credential is not None and verdict.action is not Action.HOLD:
        yield f"a wrong key is read as {verdict}"
    action = destination.interpret(_response(emulator.too_large()), 2).action
    if action is not Action.SPLIT:
        yield f"a body that is too large is read as {action.name}"


def _success(destination: Destination, emulator: Emulator | None, count: int) -> Response:
    if emulator is None:
        return Response(200)
    return _response(_ask(destination, emulator, _items(destination, count))[0].answer)


def _response(answer: ApiAnswer) -> Response:
    return Response(answer.status, answer.headers, answer.body)


def _ask(
    destination: Destination, emulator: Emulator, items: Sequence[bytes], key: str | None = None
) -> tuple[ApiResult, Verdict]:
    request = destination.request(items)
    headers = {
        name.lower(): value.reveal() if isinstance(value, Secret) else value
        for name, value in request.headers
    }
    keys = AcceptedKeys(**{emulator.vendor: key})
    path = request.endpoint.path.partition("?")[0]
    received = ApiRequest("POST", path, headers, request.body, TIME_NS)
    result = emulator.answer(received, keys)
    return result, destination.interpret(_response(result.answer), len(items))
