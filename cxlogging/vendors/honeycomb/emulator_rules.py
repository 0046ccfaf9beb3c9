"""The rules that Honeycomb has for events, in words, with what to do about each."""

from __future__ import annotations

from ..emulation.types import Rule

_EVENTS = "https://docs.honeycomb.io/api/tag/Events/"
_KEYS = "https://docs.honeycomb.io/api/authentication"
_REFINERY = "https://github.com/honeycombio/refinery/blob/main/route/route.go"
_CLIENT = "https://github.com/honeycombio/libhoney-go/blob/main/transmission/transmission.go"

ENDPOINTS = Rule(
    "Events are sent with POST to /1/batch/<dataset>, or one at a time to /1/events/<dataset>;"
    " /1/auth is read with GET. A slash in a dataset's name is written %2F.",
    _EVENTS,
    "Correct the method or the path, and percent-encode the dataset. A handler of cxlogging does"
    " both: it takes the dataset's plain name, and url= without a path.",
)
DATASET = Rule(
    "A dataset's name has 1 to 255 characters.",
    _EVENTS,
    "Set HONEYCOMB_DATASET, or dataset=, to a name of that length.",
)
KEY = Rule(
    "A request carries an API key that may send events: X-Honeycomb-Team: <key>.",
    _KEYS,
    "Set HONEYCOMB_API_KEY to an ingest key, which begins with hc and contains ik_. Where this"
    " server was started with --honeycomb-key, use that key.",
)
BATCH_SIZE = Rule(
    "A request has at most 5,000,000 bytes, before compression: compressing does not raise the"
    " limit. The vendor's page names no number; its own clients keep to this one.",
    _CLIENT,
    "Send fewer events in one request. A handler of cxlogging does so itself.",
)
EVENT_SIZE = Rule(
    "An event has at most 1,000,000 bytes, before compression. The vendor's page names no number;"
    " its own clients keep to this one.",
    _CLIENT,
    "Shorten the event's longest field, or split it into several events. A handler of cxlogging"
    " shortens such events itself.",
)
ENCODING = Rule(
    "A body may be compressed with gzip or zstd, as Content-Encoding says.",
    _EVENTS,
    "Compress with one of these, or send the body without Content-Encoding.",
)
BODY = Rule(
    "The body is a JSON array of events (RFC 8259, UTF-8), or a MessagePack array with Content-Type"
    " application/msgpack, and is compressed exactly when Content-Encoding says so.",
    _EVENTS,
    "Write the body with a JSON library, send all of it, and wrap a single event in an array. NaN,"
    " Infinity and a comma before a closing bracket are not JSON.",
)
MSGPACK_TIME = Rule(
    "In MessagePack, time is the timestamp extension type, as the vendor's own proxy requires: one"
    " other time makes it refuse the whole batch.",
    _REFINERY,
    "Pack time as msgpack.Timestamp, or send JSON with time as a string.",
)
ONE_OR_MORE = Rule(
    "A batch contains one event or more.",
    _EVENTS,
    "Send nothing where there is nothing to send. A check of the key is GET /1/auth.",
)
EVENT = Rule(
    "An event of a batch is an object whose member data is an object with the event's fields.",
    _EVENTS,
    'Send {"data": {"message": …}}: the fields belong below data, beside time and samplerate.',
)
EMPTY_DATA = Rule(
    "The member data of an event has at least one field.",
    _EVENTS,
    "Leave such an event out, or give it a field.",
)
COLUMNS = Rule(
    "An event has at most 2,000 fields.",
    _EVENTS,
    "Put fields that belong together into one object, which the vendor stores as one column, or"
    " log fewer.",
)
NESTING = Rule(
    "Values are not nested more deeply than a parser follows: a limit of this server.",
    _EVENTS,
    "Flatten the values, or send deeply nested ones as text.",
)
