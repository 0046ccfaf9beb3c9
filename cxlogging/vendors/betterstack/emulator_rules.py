"""The rules that Better Stack has for events, in words, with what to do about each."""

from __future__ import annotations

from ..emulation.types import Rule

_LOGS = "https://betterstack.com/docs/logs/ingesting-data/http/logs/"

METHOD = Rule(
    "Events are sent with POST to /.",
    _LOGS,
    "Send the request with POST, to the ingesting host without a path.",
)
TOKEN = Rule(
    "A request carries the token of a source: Authorization: Bearer <source token>.",
    _LOGS,
    "Set BETTER_STACK_SOURCE_TOKEN to the token that the source's page shows. Where this server"
    " was started with --betterstack-token, use that token.",
)
SIZE = Rule(
    "A request has at most 20 MiB, and at most 10 MiB where it is compressed; this server counts"
    " the 20 MiB after decompression too.",
    _LOGS,
    "Send fewer events in one request. A handler of cxlogging does so itself.",
)
EVENT_SIZE = Rule(
    "An event has at most 1 MiB, and the vendor recommends less than 100 KiB. What happens to a"
    " larger one is not documented: this server refuses the request.",
    _LOGS,
    "Shorten the event's longest field, or split it into several events. A handler of cxlogging"
    " shortens such events itself.",
)
COUNT = Rule(
    "A request has at most 1,000,000 events: a limit of this server; the vendor documents none.",
    _LOGS,
    "Send fewer events in one request.",
)
ENCODING = Rule(
    "A body may be compressed with gzip, or with deflate. The vendor's page does not name the"
    " encodings; its own clients use these.",
    _LOGS,
    "Compress with gzip, or send the body without Content-Encoding.",
)
CONTENT_TYPE = Rule(
    "Content-Type is application/json, application/x-ndjson or application/msgpack.",
    _LOGS,
    "Send the Content-Type of the format that the body is in.",
)
BODY = Rule(
    "The body is what Content-Type says: a JSON document (RFC 8259, UTF-8), one JSON object a line,"
    " or a single MessagePack value; and it is compressed exactly when Content-Encoding says so.",
    _LOGS,
    "Write the body with a library of that format, and send all of it. NaN, Infinity, several JSON"
    " documents in one body and several MessagePack values in a row are refused; curl needs"
    " --data-binary for lines.",
)
EVENT = Rule(
    "An event is an object; a body contains one, or an array of them, or one a line.",
    _LOGS,
    'Wrap a bare value in an object, such as {"message": …}.',
)
