"""
Formats of times: `strftime` directives, and the zones in which a time is shown or read.

A directive that no two libraries render alike, such as `%f`, is refused in output.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ....dataprime import times
from ..values import Timestamp, parse_timestamp, timestamp_text

SECOND = 10**9
EPOCHS = {
    "timestamp_second": SECOND, "timestamp_milli": 10**6, "timestamp_micro": 10**3,
    "timestamp_nano": 1,
}  # fmt: skip
"""Formats of a time as a number since 1970, with their units in nanoseconds."""

UNIT_OF_DIGITS = {13: 10**6, 16: 10**3, 19: 1}
"""Numbers of so many digits have this unit, whatever the format says."""

_EPOCH = re.compile(r"[0-9]{1,19}")
_MONTHS = "January February March April May June July August September October November December"
MONTHS = tuple(_MONTHS.split())
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DIRECTIVE = re.compile(r"%(?P<name>[A-Za-z%])|%(?P<other>.?)", re.DOTALL)
_OFFSET = re.compile(r"([+-])(\d\d)(?::?(\d\d))?")
_SHORT = {"D": "%m/%d/%y", "F": "%Y-%m-%d", "R": "%H:%M", "T": "%H:%M:%S"}


class Moment(NamedTuple):
    """A time in a zone: its date and time to the second, and the nanoseconds of the second."""

    local: datetime.datetime
    nanos: int
    total: int


def zone_of(name: str) -> datetime.tzinfo:
    """Return the zone of an offset such as `+01:30`, or of a name; `ValueError` for no zone."""
    found = _OFFSET.fullmatch(name)
    if found is not None:
        minutes = int(found[2]) * 60 + int(found[3] or 0)
        span = datetime.timedelta(minutes=-minutes if found[1] == "-" else minutes)
        return datetime.timezone(span)
    return _named_zone(name)


@cache
def _named_zone(name: str) -> datetime.tzinfo:
    if name.upper() in ("UTC", "GMT", "Z"):
        return datetime.timezone.utc
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        raise ValueError(name) from None


def moment_in(time: int, zone: str) -> Moment:
    """Return *time* as it is in *zone*."""
    seconds, nanos = divmod(int(time), SECOND)
    utc = times.EPOCH + datetime.timedelta(seconds=seconds)
    return Moment(utc.astimezone(zone_of(zone)), nanos, int(time))


def _offset(moment: Moment) -> str:
    return moment.local.strftime("%z")[:5]


_SHOWN: dict[str, Callable[[Moment], str]] = {
    "%": lambda _: "%",
    "A": lambda moment: DAYS[moment.local.weekday()],
    "B": lambda moment: MONTHS[moment.local.month - 1],
    "H": lambda moment: f"{moment.local.hour:02}",
    "I": lambda moment: f"{moment.local.hour % 12 or 12:02}",
    "M": lambda moment: f"{moment.local.minute:02}",
    "S": lambda moment: f"{moment.local.second:02}",
    "V": lambda moment: f"{moment.local.isocalendar()[1]:02}",
    "Y": lambda moment: f"{moment.local.year:04}",
    "a": lambda moment: DAYS[moment.local.weekday()][:3],
    "b": lambda moment: MONTHS[moment.local.month - 1][:3],
    "d": lambda moment: f"{moment.local.day:02}",
    "e": lambda moment: f"{moment.local.day:2}",
    "j": lambda moment: f"{moment.local.timetuple().tm_yday:03}",
    "m": lambda moment: f"{moment.local.month:02}",
    "p": lambda moment: "AM" if moment.local.hour < 12 else "PM",
    "s": lambda moment: str(moment.total // SECOND),
    "u": lambda moment: str(moment.local.isoweekday()),
    "y": lambda moment: f"{moment.local.year % 100:02}",
    "z": _offset,
}
_READ = {
    "%": "%", "A": "(?:" + "|".join(DAYS) + ")", "B": "(?P<B>" + "|".join(MONTHS) + ")",
    "H": r"(?P<H>\d{1,2})", "I": r"(?P<I>\d{1,2})", "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})", "Y": r"(?P<Y>\d{4})", "y": r"(?P<y>\d\d)",
    "a": "(?:" + "|".join(day[:3] for day in DAYS) + ")",
    "b": "(?P<b>" + "|".join(month[:3] for month in MONTHS) + ")", "d": r"(?P<d>\d{1,2})",
    "e": r"\s?(?P<d>\d{1,2})", "f": r"(?P<f>\d{1,9})", "j": r"(?P<j>\d{1,3})",
    "m": r"(?P<m>\d{1,2})", "p": "(?P<p>AM|PM)", "s": r"(?P<s>\d{1,11})",
    "z": r"(?P<z>Z|[+-]\d\d:?\d\d)",
}  # fmt: skip


def _expanded(form: str) -> str:
    return _DIRECTIVE.sub(lambda found: _SHORT.get(found["name"] or "", found[0]), form)


@cache
def is_shown(form: str) -> bool:
    """Return True where a time can be written in *form*."""
    if form == "iso8601" or form in EPOCHS:
        return True
    return all(each["name"] in _SHOWN for each in _DIRECTIVE.finditer(_expanded(form)))


@cache
def is_read(form: str) -> bool:
    """Return True where a time can be read in *form*, or in each of several after `|`."""
    return all(_is_read(each) for each in form.split("|"))


def _is_read(form: str) -> bool:
    if form in ("auto", "iso8601") or form in EPOCHS:
        return True
    names = [each["name"] for each in _DIRECTIVE.finditer(_expanded(form))]
    told = ["d" if each == "e" else each for each in names if each != "%"]
    return bool(told) and len(set(told)) == len(told) and all(each in _READ for each in names)


def shown(time: Timestamp, form: str = "iso8601", zone: str = "UTC") -> str | None:
    """Return *time* as text."""
    if form in EPOCHS:
        return str(int(time) // EPOCHS[form])
    if not is_shown(form):
        raise ValueError(form)
    moment = moment_in(time, zone)
    if form != "iso8601":
        return _DIRECTIVE.sub(lambda found: _SHOWN[found["name"]](moment), _expanded(form))
    offset = moment.local.utcoffset() or datetime.timedelta()
    if not offset:
        return timestamp_text(time)
    text = timestamp_text(time + round(offset.total_seconds()) * SECOND)
    return None if text is None else text.removesuffix("Z") + _offset(moment)


def read(text: str, form: str = "auto", zone: str = "") -> Timestamp | None:
    """Return the time in *text*; *zone* is that of the text, also where it names another one."""
    if not is_read(form):
        raise ValueError(form)
    for each in form.split("|"):
        found = _read(text.strip(), each, zone)
        if found is not None:
            return found
    return None


def _read(text: str, form: str, zone: str) -> Timestamp | None:
    if form in EPOCHS:
        if not _EPOCH.fullmatch(text):
            return None
        return Timestamp(int(text) * UNIT_OF_DIGITS.get(len(text), EPOCHS[form]))
    if form in ("auto", "iso8601"):
        return _in_zone(parse_timestamp(text), text, zone)
    found = _pattern(form).fullmatch(text)
    return None if found is None else _assembled(found.groupdict(), zone)


def _in_zone(time: Timestamp | None, text: str, zone: str) -> Timestamp | None:
    if time is None or not zone:
        return time
    # The zone that the text names is left out.
    bare = parse_timestamp(re.sub(r"(?<=:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)$", r"\1", text))
    return None if bare is None else _moved(bare, zone)


def _moved(time: Timestamp, zone: str) -> Timestamp:
    naive = (times.EPOCH + datetime.timedelta(seconds=time // SECOND)).replace(tzinfo=zone_of(zone))
    offset = naive.utcoffset() or datetime.timedelta()
    return Timestamp(time - round(offset.total_seconds()) * SECOND)


@cache
def _pattern(form: str) -> re.Pattern[str]:
    parts, at, whole = [], 0, _expanded(form)
    for each in _DIRECTIVE.finditer(whole):
        parts += [re.escape(whole[at : each.start()]), _READ[each["name"]]]
        at = each.end()
    return re.compile("".join([*parts, re.escape(whole[at:])]), re.IGNORECASE | re.ASCII)


def _assembled(held: dict[str, Any], zone: str) -> Timestamp | None:
    if held.get("s"):
        return Timestamp(int(held["s"]) * SECOND)
    day = datetime.datetime(_year(held), 1, 1, tzinfo=datetime.timezone.utc)
    if held.get("j"):
        day += datetime.timedelta(days=int(held["j"]) - 1)
    else:
        day = day.replace(month=_month(held), day=int(held.get("d") or 1))
    day = day.replace(
        hour=_hour(held), minute=int(held.get("M") or 0), second=int(held.get("S") or 0)
    )
    nanos = int((held.get("f") or "0").ljust(9, "0"))
    seconds = round((day - times.EPOCH).total_seconds())
    time = Timestamp(seconds * SECOND + nanos)
    offset = zone or (held.get("z") or "").upper()
    return _moved(time, offset) if offset else time


def _year(held: dict[str, Any]) -> int:
    if held.get("y"):
        short = int(held["y"])
        return short + (2000 if short < 69 else 1900)
    return int(held.get("Y") or times.EPOCH.year)


def _month(held: dict[str, Any]) -> int:
    name = (held.get("B") or held.get("b") or "").capitalize()
    if name:
        return 1 + next(n for n, month in enumerate(MONTHS) if month.startswith(name))
    return int(held.get("m") or 1)


def _hour(held: dict[str, Any]) -> int:
    if held.get("I"):
        return int(held["I"]) % 12 + (12 if (held.get("p") or "").upper() == "PM" else 0)
    return int(held.get("H") or 0)
