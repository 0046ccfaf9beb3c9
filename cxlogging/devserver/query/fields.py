"""
The bodies of query requests, field by field.

Follows https://coralogix.com/docs/dataprime/API/: what is unknown, of another type or out of its
range is refused with 400 and a sentence that names the field.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import nearest
from ...vendors.emulation.bodies import MalformedError, strict_json
from ...vendors.emulation.times import rfc3339_ns

TIERS = {"TIER_FREQUENT_SEARCH": 15_000, "TIER_ARCHIVE": 50_000}
"""Tiers, and the most rows of a direct query."""

SOFT_LIMIT = 2_000
BACKGROUND_LIMIT = 1_000_000
DATAPRIME, LUCENE = "QUERY_SYNTAX_DATAPRIME", "QUERY_SYNTAX_LUCENE"
ENCODED = "_UTF8_BASE64"
SYNTAXES = (DATAPRIME, LUCENE, DATAPRIME + ENCODED, LUCENE + ENCODED)
PRESETS = ("EXECUTION_PROFILE_PRESET_ACCURACY", "EXECUTION_PROFILE_PRESET_PERFORMANCE")
WRITE_MODES = ("DATASET_WRITE_MODE_APPEND", "DATASET_WRITE_MODE_OVERWRITE")

_NAME = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")


class FieldError(Exception):
    """A field of the request breaks a rule; the sentence names it."""


@dataclass(frozen=True)
class Asked:
    """
    What is asked for.

    Attributes:
        query: Its text, decoded.
        lucene: True where it is Lucene.
        start: First instant of the window, nanoseconds, or None.
        end: The instant after its last, or None.
        now: What `now()` is, or None for the current time.
        dataset: Where the query names none.
        most_rows: No more rows go out.
        chosen: True where the request itself set that limit, below the tier's own.
        strict: True where unknown fields are refused.
        dates: The window as it was written, for a warning.
    """

    query: str
    lucene: bool
    start: int | None
    end: int | None
    now: int | None
    dataset: str
    most_rows: int
    chosen: bool
    strict: bool
    dates: tuple[str, str] = ("", "")


def body(raw: bytes) -> Mapping[str, Any]:
    """The JSON object of a request."""
    try:
        found = strict_json(raw)
    except MalformedError as error:
        raise FieldError(f"the body is {error}") from None
    if not isinstance(found, dict):
        raise FieldError("the body must be a JSON object")
    return found


def direct(value: Mapping[str, Any]) -> Asked:
    """A direct query; raises `FieldError`."""
    _known("", value, ("query", "metadata", "executionProfile"))
    metadata = _object(value, "metadata", METADATA)
    profile = _object(value, "executionProfile", ("preset",))
    _choice(profile, "preset", (*PRESETS, "EXECUTION_PROFILE_PRESET_UNSPECIFIED"), PRESETS[0])
    tier = _choice(metadata, "tier", (*TIERS, "TIER_UNSPECIFIED"), "TIER_FREQUENT_SEARCH")
    most = TIERS.get(tier, TIERS["TIER_FREQUENT_SEARCH"])
    limit = metadata.get("limit", SOFT_LIMIT)
    if type(limit) is not int or not 1 <= limit <= most:
        raise FieldError(f"metadata.limit must be a whole number from 1 to {most} for {tier}")
    strict = metadata.get("strictFieldsValidation", False)
    if not isinstance(strict, bool):
        raise FieldError("metadata.strictFieldsValidation must be true or false")
    chosen = "limit" in metadata and limit < most
    return _asked(value, metadata, (limit, chosen, strict), "metadata.")


METADATA = (
    "tier", "syntax", "startDate", "endDate", "defaultSource", "limit",
    "strictFieldsValidation", "nowDate",
)  # fmt: skip
SUBMISSION = (
    "query", "syntax", "startDate", "endDate", "nowDate", "defaultSource", "name",
    "description", "resultsDestination",
)  # fmt: skip


def submission(value: Mapping[str, Any]) -> Asked:
    """A background query; raises `FieldError`."""
    if "metadata" in value:
        raise FieldError("a background query has no metadata: its fields stand beside query")
    _known("", value, SUBMISSION)
    for name in ("query", "syntax", "startDate", "endDate"):
        if name not in value:
            raise FieldError(f"{name} is required")
    _check_name(value)
    if "resultsDestination" in value:
        _check_destination(value)
    asked = _asked(value, value, (BACKGROUND_LIMIT, False, False), "")
    if (asked.start or 0) > (asked.end or 0):
        raise FieldError("endDate is before startDate")
    return asked


def query_id(value: Mapping[str, Any]) -> str:
    """The id that a request about a background query is of."""
    _known("", value, ("queryId",))
    return _text(value, "queryId")


def _asked(
    value: Mapping[str, Any],
    rest: Mapping[str, Any],
    limits: tuple[int, bool, bool],
    prefix: str,
) -> Asked:
    syntax = _choice(rest, "syntax", (*SYNTAXES, "QUERY_SYNTAX_UNSPECIFIED"), DATAPRIME, prefix)
    query = _text(value, "query")
    if syntax.endswith(ENCODED):
        try:
            query = base64.b64decode(query, validate=True).decode()
        except ValueError:
            raise FieldError("query must be UTF-8 in base64, as syntax says") from None
    most_rows, chosen, strict = limits
    return Asked(
        query=query,
        lucene=syntax.startswith(LUCENE),
        start=_moment(rest, "startDate", prefix),
        end=_moment(rest, "endDate", prefix),
        now=_moment(rest, "nowDate", prefix),
        dataset=_text(rest, "defaultSource", prefix) if "defaultSource" in rest else "logs",
        most_rows=most_rows,
        chosen=chosen,
        strict=strict,
        dates=(str(rest.get("startDate", "")), str(rest.get("endDate", ""))),
    )


def _known(where: str, value: Mapping[str, Any], names: Collection[str]) -> None:
    for name in value:
        if name not in names:
            hint = nearest(name, names)
            raise FieldError(f"unknown field {where}{name}.{hint}")


def _object(value: Mapping[str, Any], name: str, names: Collection[str]) -> Mapping[str, Any]:
    held = value.get(name, {})
    if not isinstance(held, dict):
        raise FieldError(f"{name} must be an object")
    _known(f"{name}.", held, names)
    return held


def _text(value: Mapping[str, Any], name: str, prefix: str = "") -> str:
    held = value.get(name)
    if not isinstance(held, str) or not held.strip():
        raise FieldError(f"{prefix}{name} must be a text that is not empty")
    return held


def _choice(
    value: Mapping[str, Any], name: str, words: Collection[str], default: str, prefix: str = ""
) -> str:
    held = value.get(name, default)
    if not isinstance(held, str) or held not in words:
        hint = nearest(str(held), words)
        raise FieldError(f"{prefix}{name} must be one of {', '.join(words)}, not {held!r}.{hint}")
    return default if held.endswith("_UNSPECIFIED") else held


def _moment(value: Mapping[str, Any], name: str, prefix: str) -> int | None:
    if name not in value:
        return None
    held = value[name]
    found = rfc3339_ns(held) if isinstance(held, str) else None
    if found is None:
        raise FieldError(
            f"{prefix}{name} must be ISO 8601 with Z or an offset, such as 2025-01-20T00:00:00Z"
        )
    return found


def _check_name(value: Mapping[str, Any]) -> None:
    name = value.get("name", "ok")
    if not isinstance(name, str) or not 2 <= len(name) <= 255 or not _NAME.fullmatch(name):
        raise FieldError("name: up to two underscores, a letter, then letters, digits, _ and dots")
    text = value.get("description", "")
    if not isinstance(text, str) or len(text) > 2_048:
        raise FieldError("description must be a text of at most 2,048 characters")


def _one_of(value: Any, where: str, names: Collection[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise FieldError(f"{where} must be an object")
    _known(f"{where}.", value, names)
    if len(value) > 1:
        raise FieldError(f"{where} takes at most one of {' and '.join(names)}")
    return value


def _check_destination(value: Mapping[str, Any]) -> None:
    kinds = ("temporaryDestination", "persistentDestination")
    chosen = _one_of(value["resultsDestination"], "resultsDestination", kinds)
    if "persistentDestination" not in chosen:
        return
    held = _object(chosen, "persistentDestination", ("datasets", "partitioning"))
    datasets = held.get("datasets", [])
    if not isinstance(datasets, list) or len(datasets) > 1:
        raise FieldError("BAD_REQUEST: persistentDestination.datasets takes at most one entry")
    raise FieldError(
        "resultsDestination.persistentDestination: works on the service, not here:"
        " there are no datasets to write to"
    )
