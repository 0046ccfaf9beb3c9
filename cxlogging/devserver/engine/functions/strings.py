"""Functions of strings, URLs, UUIDs and addresses."""

from __future__ import annotations

import base64
import ipaddress
import re
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from ..values import Kind, to_text
from .function import Function

S, N, B, R, ANY = Kind.STRING, Kind.NUMBER, Kind.BOOL, Kind.REGEXP, Kind.ANY

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MAX_PADDING = 1_000_000
"""Maximum length of a padded string."""


def _concat(*values: Any) -> str | None:
    parts = [to_text(value) for value in values]
    return None if None in parts else "".join(part or "" for part in parts)


def _padded(value: str, count: float, fill: str) -> tuple[str, str]:
    if len(fill) != 1 or not 0 <= count <= MAX_PADDING:
        raise ValueError
    return value[: int(count)], fill * (int(count) - len(value))


def _pad_left(value: str, count: float, fill: str) -> str:
    kept, added = _padded(value, count, fill)
    return added + kept


def _pad_right(value: str, count: float, fill: str) -> str:
    kept, added = _padded(value, count, fill)
    return kept + added


def _part(parts: list[str], index: float) -> str | None:
    return parts[int(index) - 1] if 1 <= index <= len(parts) else None


def _substr(value: str, start: float, length: float | None = None) -> str:
    begin = max(int(start), 0)
    return value[begin:] if length is None else value[begin : begin + max(int(length), 0)]


def _in_subnet(address: str, subnet: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(subnet, strict=False)


def _subnet(address: str, size: float) -> str:
    return str(ipaddress.ip_network(f"{address}/{int(size)}", strict=False))


_SUBSTR = Function(_substr, (S, N, N), S, minimum=2, names=("value", "from", "length"))
_SUBSTRING = "it is in no list of functions; here it is substr(value, from, length)"

FUNCTIONS = {
    "byteLength": Function(lambda value: len(value.encode("utf-8", "surrogatepass")), (S,), N),
    "chr": Function(lambda value: chr(int(value)), (N,), S),
    "codepoint": Function(ord, (S,), N),
    "concat": Function(_concat, (ANY,), S, many=True),
    "contains": Function(lambda value, part: part in value, (S, S), B),
    "decodeBase64": Function(
        lambda value: base64.b64decode(value, validate=True).decode(), (S,), S
    ),
    "encodeBase64": Function(lambda value: base64.b64encode(value.encode()).decode(), (S,), S),
    "endsWith": Function(str.endswith, (S, S), B),
    "indexOf": Function(str.find, (S, S), N),
    "length": Function(len, (S,), N),
    "ltrim": Function(str.lstrip, (S,), S),
    "matches": Function(lambda value, found: found.fullmatch(value) is not None, (S, R), B),
    "pad": Function(_pad_left, (S, N, S), S),
    "padLeft": Function(_pad_left, (S, N, S), S),
    "padRight": Function(_pad_right, (S, N, S), S),
    "regexpSplitParts": Function(
        lambda value, found, index: _part(found.split(value), index), (S, R, N), S
    ),
    "rtrim": Function(str.rstrip, (S,), S),
    "splitParts": Function(
        lambda value, mark, index: _part(value.split(mark), index), (S, S, N), S
    ),
    "startsWith": Function(str.startswith, (S, S), B),
    "substr": _SUBSTR,
    "substring": replace(_SUBSTR, warning=_SUBSTRING),
    "toLowerCase": Function(str.lower, (S,), S),
    "toUpperCase": Function(str.upper, (S,), S),
    "trim": Function(str.strip, (S,), S),
    "urlDecode": Function(unquote, (S,), S),
    "urlEncode": Function(lambda value: quote(value, safe=""), (S,), S),
    "isUuid": Function(lambda value: _UUID.fullmatch(value) is not None, (S,), B),
    "uuid": Function(
        lambda: str(uuid.uuid4()), (), S, varies=True, warning="deprecated: use randomUuid()"
    ),
    "randomUuid": Function(lambda: str(uuid.uuid4()), (), S, varies=True),
    "ipInSubnet": Function(_in_subnet, (S, S), B),
    "ipPrefix": Function(_subnet, (S, N), S),
}
