"""What servers say of a request in a line of text, as fields."""

from __future__ import annotations

import copy
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

UVICORN_ARGUMENTS = 5


class AccessFields(logging.Filter):
    """
    Give access records of uvicorn and gunicorn the fields of their request.

    A filter for any handler. Method, path, status, client address, and what else the server
    says of duration and size become fields; the query string leaves the message, and headers
    are never looked at. Other records pass as they are.
    """

    def filter(self, record: logging.LogRecord) -> bool | logging.LogRecord:  # type: ignore[override]  # since 3.12 a filter may replace the record
        read = _READERS.get(record.name)
        found = read(record) if read is not None else None
        if found is None:
            return True
        fields, arguments = found
        # Before 3.12 a filter cannot replace a record: there, other handlers see the change too.
        changed = copy.copy(record) if sys.version_info >= (3, 12) else record
        changed.args = arguments
        changed.__dict__.update(fields)
        return changed if changed is not record else True


Found = tuple[dict[str, Any], Any]


def _uvicorn(record: logging.LogRecord) -> Found | None:
    """Read ``('127.0.0.1:1234', 'GET', '/path?query', '1.1', 200)``."""
    arguments = record.args
    if not isinstance(arguments, tuple) or len(arguments) != UVICORN_ARGUMENTS:
        return None
    client, method, target, version, status = arguments
    path = str(target).partition("?")[0]
    address = str(client).rpartition(":")[0] or str(client)
    return _fields(method, path, status, address), (client, method, path, version, status)


def _gunicorn(record: logging.LogRecord) -> Found | None:
    """Read the atoms of an access record: https://docs.gunicorn.org/en/stable/settings.html."""
    atoms = record.args
    if not isinstance(atoms, Mapping) or not {"m", "U", "s"} <= atoms.keys():
        return None
    status = str(atoms["s"]).split()[0]
    fields = _fields(
        atoms["m"], atoms["U"], int(status) if status.isdigit() else status, atoms.get("h")
    )
    size = atoms.get("B")
    if isinstance(size, int):
        fields["http"]["response"]["body"] = {"size": size}
    microseconds = str(atoms.get("D", ""))
    if microseconds.isdigit():
        fields["duration"] = int(microseconds) / 1e6
    shown = copy.copy(atoms)
    if isinstance(shown, dict) and atoms.get("q"):
        line = str(atoms.get("r", ""))
        shown["r"], shown["q"] = line.replace(f"?{atoms['q']}", ""), ""
    return fields, shown


def _fields(method: Any, path: Any, status: Any, address: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "http": {"request": {"method": method}, "response": {"status_code": status}},
        "url": {"path": path},
    }
    if address:
        fields["client"] = {"address": address}
    return fields


_READERS: Mapping[str, Callable[[logging.LogRecord], Found | None]] = {
    "uvicorn.access": _uvicorn,
    "gunicorn.access": _gunicorn,
}


def configuration(
    handler: str | Mapping[str, Any], options: dict[str, Any], names: Mapping[str, str], level: str
) -> dict[str, Any]:
    """
    Return a configuration for `logging.config.dictConfig`.

    Args:
        handler: The dotted name of a handler's class, or its entry.
        options: Of the handler.
        names: The server's loggers, and the console handler's format of each.
        level: Of all loggers.

    Raises:
        TypeError: *handler* is neither a name nor a mapping.
    """
    if isinstance(handler, str):
        entry: dict[str, Any] = {"class": handler, **options}
    elif isinstance(handler, Mapping):
        entry = {**handler, **options}
    else:
        raise TypeError(f"log_config takes the class of a handler or its entry, not {handler!r}")
    entry.setdefault("sigterm", True)
    entry["filters"] = [*entry.get("filters", ()), "access_fields"]
    formats = sorted(set(names.values()))
    consoles = {each: f"console_{number}" for number, each in enumerate(formats)}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"access_fields": {"()": f"{__name__}.AccessFields"}},
        "formatters": {consoles[each]: {"format": each} for each in formats},
        "handlers": {
            "cxlogging": entry,
            **{
                name: {"class": "logging.StreamHandler", "formatter": name}
                for name in consoles.values()
            },
        },
        "root": {"level": level, "handlers": ["cxlogging", consoles[names[""]]]},
        "loggers": {
            name: {
                "level": level,
                "handlers": ["cxlogging", consoles[shown]],
                "propagate": False,
            }
            for name, shown in names.items()
            if name
        },
    }
