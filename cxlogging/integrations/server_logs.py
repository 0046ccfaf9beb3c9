"""What servers say of a request in a line of text, as fields."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..handlers.extras import own_copy
from ..wire.sanitizing.truncation import strip_ansi

UVICORN_ARGUMENTS = 5
MESSAGE = "%s %s %s"
"""Method, path and status: of servers whose own line shows headers and the query string."""

DJANGO_ATTRIBUTES = ("request", "server_time", "status_code")
AIOHTTP_ATTRIBUTES = (
    "remote_address request_start_time process_id first_request_line response_status"
    " response_size request_time request_time_frac request_time_micro request_header"
    " response_header"
).split()
SANIC_ATTRIBUTES = ("host", "request", "status", "byte", "duration")
"""What a server has set on its record, and is in the fields or has no place there."""

MICROSECONDS = 1e6
MILLISECONDS = 1e3


class AccessFields(logging.Filter):
    """
    Give access records of web servers the fields of their request.

    A filter for any handler; for uvicorn, gunicorn, hypercorn, granian, Werkzeug (``flask run``),
    ``django.server`` (``runserver``), aiohttp and Sanic. Method, path, status, client address,
    and what else the server says of duration and size become fields; the query string and headers
    leave the message. Other records pass as they are.

    Before Python 3.12 a filter cannot replace a record: handlers that come after see the change.
    """

    def filter(self, record: logging.LogRecord) -> bool | logging.LogRecord:  # type: ignore[override]  # since 3.12 a filter may replace the record
        read = _READERS.get(record.name)
        found = read(record) if read is not None else None
        if found is None:
            return True
        fields, message, arguments, unwanted = found
        changed = own_copy(record)
        changed.msg, changed.args = message, arguments
        for name in unwanted:
            changed.__dict__.pop(name, None)
        changed.__dict__.update(fields)
        return changed if changed is not record else True


Found = tuple[dict[str, Any], str, tuple[Any, ...], "list[str] | tuple[str, ...]"]
"""Fields, message and its arguments, and the attributes that the record is to lose."""


def _uvicorn(record: logging.LogRecord) -> Found | None:
    """Read ``('127.0.0.1:1234', 'GET', '/path?query', '1.1', 200)``."""
    arguments = record.args
    if not isinstance(arguments, tuple) or len(arguments) != UVICORN_ARGUMENTS:
        return None
    client, method, target, version, status = arguments
    path = _path(str(target))
    fields = _fields(method, path, status, _without_port(str(client)))
    # uvicorn's own formatter asks for all five.
    return fields, record.msg, (client, method, path, version, status), ()


def _uvicorn_websocket(record: logging.LogRecord) -> Found | None:
    """Read ``('127.0.0.1:1234', '/path?query')``; where it is refused, the status follows."""
    arguments = record.args
    if '"WebSocket %s"' not in str(record.msg) or not isinstance(arguments, tuple):
        return None
    client, target, *status = arguments
    path = _path(str(target))
    fields: dict[str, Any] = {
        "url": {"path": path},
        "client": {"address": _without_port(str(client))},
    }
    return fields, record.msg, (client, path, *status), ()


def _gunicorn(record: logging.LogRecord) -> Found | None:
    """Read the atoms of an access record: https://docs.gunicorn.org/en/stable/settings.html."""
    atoms = record.args
    if not isinstance(atoms, Mapping) or not {"m", "U", "s"} <= atoms.keys():
        return None
    address = atoms.get("h")
    if record.name == "hypercorn.access" and address:
        address = _without_port(str(address))
    fields = _fields(atoms["m"], atoms["U"], str(atoms["s"]).split()[0], address, atoms.get("B"))
    duration = str(atoms.get("D", ""))
    if duration.isdigit():
        fields["duration"] = int(duration) / MICROSECONDS
    return _line(fields)


def _werkzeug(record: logging.LogRecord) -> Found | None:
    """Read ``('GET /path?query HTTP/1.1', '200', '-')``; the address begins the message."""
    address = str(record.msg).partition(" - - [")[0].replace("%%", "%")
    return _common(record.args, address)


def _django(record: logging.LogRecord) -> Found | None:
    """Read what Werkzeug's record has; Django leaves the connection on the record."""
    try:
        address = record.__dict__["request"].getpeername()[0]
    except (KeyError, AttributeError, TypeError, IndexError, OSError):
        address = None  # it is closed, or a local socket
    return _common(record.args, address, DJANGO_ATTRIBUTES)


def _aiohttp(record: logging.LogRecord) -> Found | None:
    """Read the attributes of the record: https://docs.aiohttp.org/en/stable/logging.html."""
    known = record.__dict__
    arguments = tuple(
        known.get(name) for name in ("first_request_line", "response_status", "response_size")
    )
    found = _common(arguments, known.get("remote_address"), AIOHTTP_ATTRIBUTES)
    if found is not None and "request_time_frac" in known:
        found[0]["duration"] = float(known["request_time_frac"])
    return found


def _granian(record: logging.LogRecord) -> Found | None:
    """Read the atoms of an access record: https://github.com/emmett-framework/granian#logging."""
    atoms = record.args
    if not isinstance(atoms, Mapping) or not {"method", "path", "status"} <= atoms.keys():
        return None
    fields = _fields(atoms["method"], atoms["path"], atoms["status"], atoms.get("addr"))
    duration = atoms.get("dt_ms")
    if isinstance(duration, float):
        fields["duration"] = duration / MILLISECONDS
    return _line(fields)


def _sanic(record: logging.LogRecord) -> Found | None:
    """Read the attributes of the record: https://sanic.dev/en/guide/best-practices/logging.html."""
    known = record.__dict__
    method, _, url = str(known.get("request")).partition(" ")
    if not url or "status" not in known:
        return None
    address = _without_port(str(known.get("host")))
    path = urlsplit(url).path
    return _line(
        _fields(method, path, known["status"], address, known.get("byte")), SANIC_ATTRIBUTES
    )


def _common(
    arguments: Any, address: Any, unwanted: list[str] | tuple[str, ...] = ()
) -> Found | None:
    """Read a request's line, status and size."""
    if not isinstance(arguments, tuple) or len(arguments) != 3 or arguments[0] is None:
        return None
    line, status, size = (strip_ansi(str(each)) for each in arguments)
    method, _, target = line.partition(" ")
    path, _, version = target.rpartition(" ")
    if not version.startswith("HTTP/"):
        return None
    return _line(_fields(method, _path(path), status, address, size), unwanted)


def _line(fields: dict[str, Any], unwanted: list[str] | tuple[str, ...] = ()) -> Found:
    http = fields["http"]
    arguments = (http["request"]["method"], fields["url"]["path"], http["response"]["status_code"])
    return fields, MESSAGE, arguments, unwanted


def _fields(method: Any, path: Any, status: Any, address: Any, size: Any = None) -> dict[str, Any]:
    response: dict[str, Any] = {"status_code": int(status) if str(status).isdigit() else status}
    if size is not None and str(size).isdigit():
        response["body"] = {"size": int(size)}
    fields: dict[str, Any] = {
        "http": {"request": {"method": method}, "response": response},
        "url": {"path": path},
    }
    if address and address != "-":
        fields["client"] = {"address": address}
    return fields


def _path(target: str) -> str:
    return target.partition("?")[0]


def _without_port(address: str) -> str:
    return address.rpartition(":")[0].strip("[]") or address


_READERS: Mapping[str, Callable[[logging.LogRecord], Found | None]] = {
    "uvicorn.access": _uvicorn,
    "uvicorn.error": _uvicorn_websocket,
    "gunicorn.access": _gunicorn,
    "hypercorn.access": _gunicorn,
    "werkzeug": _werkzeug,
    "django.server": _django,
    "aiohttp.access": _aiohttp,
    "granian.access": _granian,
    "sanic.access": _sanic,
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
    # Where records are held, the loggers let DEBUG pass: the terminal keeps to the handler's level.
    shown_from = entry.get("level", "NOTSET") if "held_level" in entry else "NOTSET"
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
                name: {"class": "logging.StreamHandler", "formatter": name, "level": shown_from}
                for name in consoles.values()
            },
        },
        # The terminal comes first: before 3.12 what comes after sees the filter's change.
        "root": {"level": level, "handlers": [consoles[names[""]], "cxlogging"]},
        "loggers": {
            name: {
                "level": level,
                "handlers": [consoles[shown], "cxlogging"],
                "propagate": False,
            }
            for name, shown in names.items()
            if name
        },
    }
