"""The rules that Coralogix has for log requests, in words, with what to do about each."""

from __future__ import annotations

from ..emulation.types import Rule

_DOCS = "https://coralogix.com/docs"
_BULK = f"{_DOCS}/developer-portal/apis/log-ingestion/coralogix-rest-api-bulk/"
_SINGLES = f"{_DOCS}/developer-portal/apis/log-ingestion/coralogix-rest-api-singles/"
_KEYS = f"{_DOCS}/user-guides/account-management/api-keys/send-your-data-api-key/"
_ENDPOINTS = f"{_DOCS}/integrations/coralogix-endpoints/"

ENDPOINTS = Rule(
    "Logs are sent with POST to /logs/v1/bulk or /logs/v1/singles; /sdk/v1/time is read with GET.",
    _ENDPOINTS,
    "Correct the method or the path. A handler of cxlogging adds the path itself: CXLOGGING_URL"
    " and url= take only the scheme, the host and the port.",
)
KEY = Rule(
    "A request carries a Send-Your-Data API key: Authorization: Bearer <key>.",
    _KEYS,
    "Set CORALOGIX_API_KEY to a Send-Your-Data API key; a key for queries is another one. Where"
    " this server was started with --coralogix-key, use that key.",
)
CONTENT_TYPE = Rule(
    "The body is JSON, and Content-Type says application/json. For /logs/v1/singles this server"
    " also takes application/x-ndjson and no Content-Type, which agents send.",
    _BULK,
    "Send Content-Type: application/json.",
)
ENCODING = Rule(
    "A body may be compressed with gzip. The vendor's page does not name an encoding; its own"
    " agents use gzip.",
    _BULK,
    "Compress with gzip (compression='gzip' in a handler of cxlogging), or send the body"
    " without Content-Encoding.",
)
SIZE = Rule(
    "A request has at most 2 MB. The vendor does not say before or after compression: this server"
    " counts 2,000,000 bytes after decompression.",
    _BULK,
    "Send fewer entries in one request. A handler of cxlogging does so itself; an entry that is"
    " too large alone must be shortened.",
)
JSON = Rule(
    "The body is one JSON document (RFC 8259) in UTF-8, and is compressed exactly when"
    " Content-Encoding says so.",
    _BULK,
    "Write the body with a JSON library, and send all of it. NaN, Infinity, comments and a comma"
    " before a closing bracket are not JSON.",
)
NESTING = Rule(
    "The body is not nested more deeply than a JSON parser follows: a limit of this server.",
    _BULK,
    "Flatten the values, or send deeply nested ones as text.",
)
BULK_BODY = Rule(
    "The body of /logs/v1/bulk is an object with applicationName, subsystemName and logEntries, an"
    " array. The vendor does not say whether it may be empty: this server refuses that.",
    _BULK,
    'Wrap the entries: {"applicationName": …, "subsystemName": …, "logEntries": [...]}. An'
    " array of entries that each have their own names belongs to /logs/v1/singles.",
)
SINGLES_BODY = Rule(
    "The body of /logs/v1/singles is an array of objects, each with applicationName,"
    " subsystemName and text. This server also takes one object a line.",
    _SINGLES,
    "Send an array of such objects. An object with logEntries belongs to /logs/v1/bulk.",
)
NAMES = Rule(
    "applicationName and subsystemName are required, and are strings.",
    _BULK,
    "Set both names: beside logEntries for /logs/v1/bulk, in each object for /logs/v1/singles.",
)
ENTRY = Rule(
    "An entry is an object with severity and text.",
    _BULK,
    'Send {"severity": 3, "text": "…"} in place of a bare value.',
)
SEVERITY = Rule(
    "severity is a number: 1 debug, 2 verbose, 3 info, 4 warn, 5 error, 6 critical. /logs/v1/bulk"
    " requires it.",
    _BULK,
    "Map the level to one of these six integers; a string or a level of Python's logging, such as"
    " 20, is not one.",
)
TEXT = Rule(
    "text is required, and is a string. Structured data is a JSON document inside that string;"
    " only /logs/v1/singles also takes an object.",
    _BULK,
    'Serialize the object, and send the result as a string: "text": "{\\"key\\": …}".',
)
TIMESTAMP = Rule(
    "timestamp is a number: UTC milliseconds since 1970, with a fraction for less. This server"
    " also reads microseconds, which the vendor's Go SDK sends.",
    _BULK,
    "Send time.time() * 1000, or leave timestamp out for the time of receipt. Seconds and"
    " nanoseconds are not read here: nanoseconds go into hiResTimestamp.",
)
HI_RES = Rule(
    "hiResTimestamp is a string of digits: UTC nanoseconds, microseconds or milliseconds since"
    " 1970 (19, 16 or 13 digits).",
    _BULK,
    "Send str(time.time_ns()), as a string and not as a number.",
)
