"""
The bodies of query requests, checked field by field.

Follows https://coralogix.com/docs/dataprime/API/: unknown fields, wrong types and values out of
range are refused with 400 and a message that names the field.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...dataprime.request.background import DESCRIPTION_LENGTH, NAME
from ...dataprime.request.direct import DEFAULT_LIMIT, ROW_LIMITS
from ...dataprime.request.direct import PRESETS as PRESET_NAMES
from ...dataprime.request.direct import TIERS as TIER_NAMES
from ...errors import nearest
from ...vendors.emulation.bodies import MalformedError, strict_json
from ...vendors.emulation.times import rfc3339_ns

TIERS = {TIER_NAMES[tier]: limit for tier, limit in ROW_LIMITS.items()}
"""Tiers, and the maximum number of rows of a direct query."""

FREQUENT = TIER_NAMES["frequent"]

BACKGROUND_LIMIT = 1_000_000
DATAPRIME, LUCENE = "QUERY_SYNTAX_DATAPRIME", "QUERY_SYNTAX_LUCENE"
ENCODED = "_UTF8_BASE64"
SYNTAXES = (DATAPRIME, LUCENE, DATAPRIME + ENCODED, LUCENE + ENCODED)
PRESETS = tuple(PRESET_NAMES.values())


class FieldError(Exception):
    """A field of the request breaks a rule; the message names it."""


@dataclass(frozen=True)
class QueryRequest:
    """
    A checked request.

    Attributes:
        query: The text of the query, decoded.
        lucene: True for a Lucene query.
        start: First instant of the window in nanoseconds, or None.
        end: First instant after the window, or None.
        now: What `now()` returns, or None for the current time.
        dataset: The source where the query names none.
        max_rows: Maximum number of rows in the answer.
        limit_is_explicit: True where the request set that limit, below the tier's own.
        strict: True where unknown fields are refused.
        window: Start and end as they were written, for a warning.
        frequent: True where the query reads the frequent tier.
    """

    query: str
    lucene: bool
    start: int | None
    end: int | None
    now: int | None
    dataset: str
    max_rows: int
    limit_is_explicit: bool
    strict: bool
    window: tuple[str, str] = ("", "")
    frequent: bool = False


def json_object(raw: bytes) -> Mapping[str, Any]:
    """Return the JSON object of a request; raise `FieldError` where there is none."""
    try:
        found = strict_json(raw)
    except MalformedError as error:
        raise FieldError(f"the body is {error}") from None
    if not isinstance(found, dict):
        raise FieldError("the body must be a JSON object")
    return found


def direct_request(value: Mapping[str, Any]) -> QueryRequest:
    """Return the request for a direct query; raise `FieldError` for a wrong field."""
    _check_names("", value, ("query", "metadata", "executionProfile"))
    metadata = _object(value, "metadata", METADATA)
    profile = _object(value, "executionProfile", ("preset",))
    _choice(profile, "preset", (*PRESETS, "EXECUTION_PROFILE_PRESET_UNSPECIFIED"), PRESETS[0])
    tier = _choice(metadata, "tier", (*TIERS, "TIER_UNSPECIFIED"), FREQUENT)
    maximum = TIERS.get(tier, TIERS[FREQUENT])
    limit = metadata.get("limit", DEFAULT_LIMIT)
    if type(limit) is not int or not 1 <= limit <= maximum:
        raise FieldError(f"metadata.limit must be a whole number from 1 to {maximum} for {tier}")
    strict = metadata.get("strictFieldsValidation", False)
    if not isinstance(strict, bool):
        raise FieldError("metadata.strictFieldsValidation must be true or false")
    explicit = "limit" in metadata and limit < maximum
    request = _query_request(value, metadata, (limit, explicit, strict), "metadata.")
    return replace(request, frequent=tier == FREQUENT)


METADATA = (
    "tier", "syntax", "startDate", "endDate", "defaultSource", "limit",
    "strictFieldsValidation", "nowDate",
)  # fmt: skip
SUBMISSION = (
    "query", "syntax", "startDate", "endDate", "nowDate", "defaultSource", "name",
    "description", "resultsDestination",
)  # fmt: skip


def background_request(value: Mapping[str, Any]) -> QueryRequest:
    """Return the request for a background query; raise `FieldError` for a wrong field."""
    if "metadata" in value:
        raise FieldError("a background query has no metadata: its fields are members beside query")
    _check_names("", value, SUBMISSION)
    for name in ("query", "syntax", "startDate", "endDate"):
        if name not in value:
            raise FieldError(f"{name} is required")
    _check_name(value)
    if "resultsDestination" in value:
        _check_destination(value)
    request = _query_request(value, value, (BACKGROUND_LIMIT, False, False), "")
    if (request.start or 0) > (request.end or 0):
        raise FieldError("endDate is before startDate")
    return request


def query_id(value: Mapping[str, Any]) -> str:
    """Return the id of the background query that a request is about."""
    _check_names("", value, ("queryId",))
    return _text(value, "queryId")


def _query_request(
    value: Mapping[str, Any],
    options: Mapping[str, Any],
    limits: tuple[int, bool, bool],
    prefix: str,
) -> QueryRequest:
    syntax = _choice(options, "syntax", (*SYNTAXES, "QUERY_SYNTAX_UNSPECIFIED"), DATAPRIME, prefix)
    query = _text(value, "query")
    if syntax.endswith(ENCODED):
        try:
            query = base64.b64decode(query, validate=True).decode()
        except ValueError:
            raise FieldError("query must be UTF-8 in base64, as syntax requires") from None
    max_rows, explicit, strict = limits
    return QueryRequest(
        query=query,
        lucene=syntax.startswith(LUCENE),
        start=_time(options, "startDate", prefix),
        end=_time(options, "endDate", prefix),
        now=_time(options, "nowDate", prefix),
        dataset=_text(options, "defaultSource", prefix) if "defaultSource" in options else "logs",
        max_rows=max_rows,
        limit_is_explicit=explicit,
        strict=strict,
        window=(str(options.get("startDate", "")), str(options.get("endDate", ""))),
    )


def _check_names(where: str, value: Mapping[str, Any], names: Collection[str]) -> None:
    for name in value:
        if name not in names:
            hint = nearest(name, names)
            raise FieldError(f"unknown field {where}{name}.{hint}")


def _object(value: Mapping[str, Any], name: str, names: Collection[str]) -> Mapping[str, Any]:
    found = value.get(name, {})
    if not isinstance(found, dict):
        raise FieldError(f"{name} must be an object")
    _check_names(f"{name}.", found, names)
    return found


def _text(value: Mapping[str, Any], name: str, prefix: str = "") -> str:
    found = value.get(name)
    if not isinstance(found, str) or not found.strip():
        raise FieldError(f"{prefix}{name} must be a string that is not empty")
    return found


def _choice(
    value: Mapping[str, Any], name: str, words: Collection[str], default: str, prefix: str = ""
) -> str:
    found = value.get(name, default)
    if not isinstance(found, str) or found not in words:
        hint = nearest(str(found), words)
        raise FieldError(f"{prefix}{name} must be one of {', '.join(words)}, not {found!r}.{hint}")
    return default if found.endswith("_UNSPECIFIED") else found


def _time(value: Mapping[str, Any], name: str, prefix: str) -> int | None:
    if name not in value:
        return None
    text = value[name]
    found = rfc3339_ns(text) if isinstance(text, str) else None
    if found is None:
        raise FieldError(
            f"{prefix}{name} must be ISO 8601 with Z or an offset, such as 2025-01-20T00:00:00Z"
        )
    return found


def _check_name(value: Mapping[str, Any]) -> None:
    name = value.get("name", "ok")
    if not isinstance(name, str) or not 2 <= len(name) <= 255 or not NAME.fullmatch(name):
        raise FieldError("name: up to two underscores, a letter, then letters, digits, _ and dots")
    text = value.get("description", "")
    if not isinstance(text, str) or len(text) > DESCRIPTION_LENGTH:
        raise FieldError(
            f"description must be a string of at most {DESCRIPTION_LENGTH:,} characters"
        )


def _one_of(value: Any, where: str, names: Collection[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise FieldError(f"{where} must be an object")
    _check_names(f"{where}.", value, names)
    if len(value) > 1:
        raise FieldError(f"{where} takes at most one of {' and '.join(names)}")
    return value


def _check_destination(value: Mapping[str, Any]) -> None:
    kinds = ("temporaryDestination", "persistentDestination")
    chosen = _one_of(value["resultsDestination"], "resultsDestination", kinds)
    if "persistentDestination" not in chosen:
        return
    found = _object(chosen, "persistentDestination", ("datasets", "partitioning"))
    datasets = found.get("datasets", [])
    if not isinstance(datasets, list) or len(datasets) > 1:
        raise FieldError("BAD_REQUEST: persistentDestination.datasets takes at most one entry")
    raise FieldError(
        "resultsDestination.persistentDestination: not supported by the local server, which has"
        " no datasets"
    )
