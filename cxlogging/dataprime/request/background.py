"""The request body of a background query: its arguments, and the destination of its rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import ConfigurationError, nearest
from .. import times
from ..language.parameters import with_parameters
from .arguments import choice, optional_text, query_text, window
from .direct import SYNTAXES

NAME = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")
DESCRIPTION_LENGTH = 2_048
WRITE_MODES = {"append": "DATASET_WRITE_MODE_APPEND", "overwrite": "DATASET_WRITE_MODE_OVERWRITE"}


@dataclass(frozen=True)
class Dataset:
    """
    A dataset that a background query writes its rows to; it must exist.

    Appending the same rows twice duplicates them: the service does not deduplicate.

    Attributes:
        dataset: Its name in the dataspace ``default``.
        write_mode: ``"append"``, or ``"overwrite"`` for a new version.
        partition_by: Keypath of a timestamp in the rows, ``False`` for no partitions, or
            ``None`` for the partitions of the query's rows.
    """

    dataset: str
    write_mode: str = "append"
    partition_by: str | bool | None = None

    def document(self) -> dict[str, Any]:
        """Return the API's ``resultsDestination``."""
        mode = WRITE_MODES[choice("write_mode", self.write_mode, WRITE_MODES)]
        entry = {"dataspace": "default", "dataset": self.dataset, "writeMode": mode}
        persistent: dict[str, Any] = {"datasets": [entry]}
        if self.partition_by is True:
            raise ConfigurationError("partition_by takes a keypath, False or None, not True.")
        if self.partition_by is False:
            persistent["partitioning"] = {"unpartitioned": {}}
        elif self.partition_by is not None:
            path = {"dataprimePath": self.partition_by}
            persistent["partitioning"] = {"dateHourPartitioned": path}
        return {"persistentDestination": persistent}


def submission(query: object, arguments: Mapping[str, Any], *, clock: int) -> dict[str, Any]:
    """Return the checked request body for a call's keyword *arguments*."""
    now = arguments["now"]
    now = None if now is None else times.instant("now", now, clock)
    if arguments["start"] is None or arguments["end"] is None:
        raise ConfigurationError("a background query needs start and end.")
    start, end = window(arguments, clock if now is None else now)
    optional = {
        "nowDate": now,
        "defaultSource": optional_text("default_source", arguments["default_source"]),
        "name": _name(arguments["name"]),
        "description": _description(arguments["description"]),
        "resultsDestination": destination(arguments["destination"]),
    }
    if now is not None:
        optional["nowDate"] = times.iso(now)
    syntax = choice("syntax", arguments["syntax"], SYNTAXES)
    return {
        "query": query_text(with_parameters(query, arguments.get("params"), syntax)),
        "syntax": SYNTAXES[syntax],
        "startDate": times.iso(start or 0),
        "endDate": times.iso(end or 0),
        **{name: value for name, value in optional.items() if value is not None},
    }


def _name(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not NAME.fullmatch(value) or not 2 <= len(value) <= 255:
        raise ConfigurationError(
            "name takes 2 to 255 characters: at most two underscores, a letter, then letters,"
            " digits, underscores and single dots, and no dot at the end."
        )
    return value


def _description(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > DESCRIPTION_LENGTH:
        raise ConfigurationError(
            f"description takes a string of at most {DESCRIPTION_LENGTH:,} characters."
        )
    return value


def destination(value: object) -> dict[str, Any] | None:
    """Return ``resultsDestination``: None, ``"temporary"``, a `Dataset`, or the API's own dict."""
    if value is None:
        return None
    if value == "temporary":
        return {"temporaryDestination": {}}
    found = value.document() if isinstance(value, Dataset) else value
    allowed = {"temporaryDestination", "persistentDestination"}
    document = _members("destination", found, allowed)
    if len(document) != 1:
        raise ConfigurationError(
            "destination takes one of temporaryDestination and persistentDestination."
        )
    if "persistentDestination" in document:
        _check_persistent(document["persistentDestination"])
    elif document["temporaryDestination"] != {}:
        raise ConfigurationError("temporaryDestination takes an empty object.")
    return dict(document)


def _check_persistent(value: object) -> None:
    persistent = _members("persistentDestination", value, {"datasets", "partitioning"})
    datasets = persistent.get("datasets")
    if not isinstance(datasets, (list, tuple)) or len(datasets) != 1:
        raise ConfigurationError("persistentDestination.datasets takes exactly one dataset.")
    entry = _members("datasets[0]", datasets[0], {"dataspace", "dataset", "writeMode"})
    if entry.get("dataspace") != "default":
        raise ConfigurationError(
            "dataspace must be 'default': no other dataspace can be written to."
        )
    name = entry.get("dataset")
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError("dataset takes the name of a dataset that exists.")
    if entry.get("writeMode") not in WRITE_MODES.values():
        modes = " or ".join(WRITE_MODES.values())
        raise ConfigurationError(f"writeMode takes {modes}.")
    if "partitioning" in persistent:
        _check_partitioning(persistent["partitioning"])


def _check_partitioning(value: object) -> None:
    chosen = _members("partitioning", value, {"unpartitioned", "dateHourPartitioned"})
    if len(chosen) > 1:
        raise ConfigurationError(
            "partitioning takes at most one of unpartitioned and dateHourPartitioned."
        )
    if "dateHourPartitioned" in chosen:
        hourly = _members("dateHourPartitioned", chosen["dateHourPartitioned"], {"dataprimePath"})
        path = hourly.get("dataprimePath")
        if not isinstance(path, str) or not path.strip():
            raise ConfigurationError("dataprimePath takes the keypath of a timestamp.")
    if chosen.get("unpartitioned", {}) != {}:
        raise ConfigurationError("unpartitioned takes an empty object.")


def _members(where: str, value: object, allowed: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where} takes a dict, not {type(value).__name__}.")
    for name in value:
        if name not in allowed:
            hint = nearest(str(name), allowed)
            raise ConfigurationError(f"{where} has no member {name!r}.{hint}")
    return value
