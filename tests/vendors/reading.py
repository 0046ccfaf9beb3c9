"""Reading what a destination sends with decoders of other people, as the vendors would."""

from __future__ import annotations

import json
import logging
from typing import Any, NamedTuple

import msgpack

from cxlogging.handlers.events import EventMaker
from cxlogging.vendors.betterstack.destination import BetterStack
from cxlogging.vendors.coralogix.destination import Coralogix
from cxlogging.vendors.honeycomb.destination import Honeycomb
from cxlogging.wire.destination import Destination
from cxlogging.wire.event import Event, SyntheticOrigin
from cxlogging.wire.http import Endpoint, Request, Secret
from cxlogging.wire.sanitizing.sanitizer import Sanitizer

KEY = "canary-4711-key"
ADDRESS = Endpoint("https", "logs.example.com", 443, "/")


def coralogix(text: str = "json") -> Coralogix:
    return Coralogix(Secret(KEY), ADDRESS, "app", "sub", "host", text)


def honeycomb() -> Honeycomb:
    return Honeycomb(Secret(KEY), ADDRESS, "orders", "host")


def betterstack(kind: str = "msgpack") -> BetterStack:
    return BetterStack(Secret(KEY), ADDRESS, kind)


class Format(NamedTuple):
    name: str
    destination: Destination
    has_fields: bool = True


FORMATS = [
    Format("coralogix json", coralogix()),
    Format("coralogix plain", coralogix("plain"), has_fields=False),
    Format("honeycomb", honeycomb()),
    Format("betterstack msgpack", betterstack()),
    Format("betterstack json", betterstack("json")),
    Format("betterstack ndjson", betterstack("ndjson")),
]
STRUCTURED = [each for each in FORMATS if each.has_fields]


def loads(text: str | bytes) -> Any:
    """Return JSON's value, where it is JSON to the letter and no name comes twice."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "strict")
    return json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    assert len(members) == len(pairs), "a name comes twice"
    return members


def sent(destination: Destination, *events: Event) -> list[dict[str, Any]]:
    """Return each event as the vendor reads it: the entry, the element, or the event itself."""
    request = destination.request([destination.encode(event) for event in events])
    return read(request)


def read(request: Request) -> list[dict[str, Any]]:
    kind = dict(request.headers)["Content-Type"]
    if kind == "application/msgpack":
        return msgpack.unpackb(
            request.body, raw=False, strict_map_key=True, object_pairs_hook=_unique
        )
    if kind == "application/x-ndjson":
        assert request.body.endswith(b"\n")
        return [loads(line) for line in request.body[:-1].split(b"\n")]
    body = loads(request.body)
    return body["logEntries"] if isinstance(body, dict) else body


def fields(destination: Destination, event: Event) -> dict[str, Any]:
    """Return the message and the fields of one event, wherever the vendor keeps them."""
    (item,) = sent(destination, event)
    if isinstance(destination, Coralogix):
        assert isinstance(item["text"], str)
        return {"message": item["text"]} if destination.text == "plain" else loads(item["text"])
    if not isinstance(destination, Honeycomb):
        return item
    # Its name of the message is body; a field of the application may be called message.
    data = dict(item["data"])
    if "message" in data:
        data[next(each for each in OTHER_NAMES if each not in data)] = data.pop("message")
    return {"message": data.pop("body"), **data}


OTHER_NAMES = ("extra_message", "extra_extra_message", "extra_extra_extra_message")


def value(destination: Destination, found: dict[str, Any], name: str, like: Any) -> Any:
    """Return the field *name*; out of Honeycomb's columns, nested again *like* it was."""
    if not isinstance(destination, Honeycomb):
        return found[name]
    return _nested(found, name, like)


def _nested(found: dict[str, Any], name: str, like: Any) -> Any:
    if isinstance(like, dict) and like:
        return {each: _nested(found, f"{name}.{each}", like[each]) for each in like}
    return loads(found[name]) if isinstance(like, (dict, list)) else found[name]


def an_event(message: str = "hello", **changes: Any) -> Event:
    """Return an event with plain values and *changes*."""
    event = Event(1_700_000_000_123_456_000, 20, "INFO", message, {}, SyntheticOrigin())
    return event.replace(**changes)


def logged(message: str = "hello", logger: str = "shop.orders", **extra: Any) -> Event:
    """Return the event of a record with *extra*."""
    record = logging.LogRecord(logger, logging.INFO, "/srv/shop.py", 7, message, None, None)
    record.__dict__.update(extra)
    return EventMaker(Sanitizer(), {}, None, None, lambda topic, note: None).make(record, None)
