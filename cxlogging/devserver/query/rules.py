"""The rules of the query API, in words, with what to do about each."""

from __future__ import annotations

from ...vendors.emulation.types import Rule

_API = "https://coralogix.com/docs/dataprime/API/"
_DIRECT = f"{_API}direct-archive-query-http/"
_LANGUAGE = "https://coralogix.com/docs/dataprime/"

ENDPOINTS = Rule(
    "Queries are sent with POST to /api/v1/dataprime/query or /api/v1/dataprime/background-query"
    " and, below the latter, to status, data and cancel.",
    _API,
    "Correct the method or the path.",
)
KEY = Rule(
    "A query carries a personal or team key that may query: Authorization: Bearer <key>.",
    _API,
    "Send such a key; one that sends logs is another one. Where this server was started with"
    " --query-key, use that key.",
)
SIZE = Rule(
    "The body of a query has at most 1,000,000 bytes: a limit of this server.",
    _DIRECT,
    "Shorten the query.",
)
ENCODING = Rule(
    "The body of a query is sent as it is, or compressed with gzip. The documents name no"
    " encoding.",
    _DIRECT,
    "Send the body without Content-Encoding.",
)
FIELDS = Rule(
    "The body is a JSON object with the documented fields, each of its type and within its range.",
    _DIRECT,
    "Correct the field that the answer names. Comments and trailing commas, as in some examples,"
    " are not JSON; the fields of a background query are beside query, not in metadata.",
)
LANGUAGE = Rule(
    "The query is one that the language has, and that this server's part of it supports.",
    _LANGUAGE,
    "Correct the query at the caret of the answer.",
)
BUSY = Rule(
    "Only a few queries run and wait at the same time: a limit of this server. The service itself"
    " has a limit of requests a minute.",
    _API,
    "Send the query again when others have ended, as the client of cxlogging does.",
)
PROCESS = Rule(
    "Each query runs in a process of its own, which this server must be able to start.",
    _API,
    "Free memory, or raise the limit of processes.",
)
SUCCEEDED = Rule(
    "The rows of a background query can be read once it has ended with success.",
    _API,
    "Ask for its status until it has terminated, and read the rows only after a success.",
)
KNOWN = Rule(
    "A background query is named by the queryId that its submission returned. This server keeps"
    " them until it stops.",
    _API,
    "Submit the query again, and use the queryId of that answer.",
)
