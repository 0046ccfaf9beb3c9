"""One entry of a Coralogix body: `{"severity": 3, "text": "...", "timestamp": ...}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..emulation.bodies import MalformedError, strict_json
from ..emulation.event_fields import message_of, tidy
from ..emulation.times import fits
from ..emulation.types import Rule, StoredEvent
from . import emulator_rules as rules

LEVELS = {1: "debug", 2: "verbose", 3: "info", 4: "warn", 5: "error", 6: "critical"}
STRINGS = ("className", "methodName", "threadId", "category", "computerName")

_HI_RES = re.compile(r"[0-9]{13}|[0-9]{16}|[0-9]{19}")


class EntryError(Exception):
    """An entry breaks *rule*; the sentence names the field."""

    def __init__(self, sentence: str, rule: Rule) -> None:
        super().__init__(sentence)
        self.rule = rule


@dataclass(frozen=True)
class Envelope:
    """What the entries of a body share; *outer* are further fields of the body."""

    application: str
    subsystem: str
    received_ns: int
    outer: Mapping[str, Any] = field(default_factory=dict)


def read_entry(entry: Any, where: str, envelope: Envelope) -> StoredEvent:
    """Return the event in *entry*, which is at *where* in the body. Raises `EntryError`."""
    if not isinstance(entry, dict):
        raise EntryError(f"{where} must be an object", rules.ENTRY)
    severity = _severity(entry.get("severity"), where)
    text = entry.get("text")
    if not isinstance(text, str):
        raise EntryError(f"{where}.text must be a string: escape the JSON", rules.TEXT)
    lint = [*_lint_of({**envelope.outer, **entry}, text), *_lint_of_names(envelope)]
    time_ns = _time_ns(entry, where, envelope.received_ns)
    inner = _object_in(text)
    data, odd = tidy({"text": text} if inner is None else inner, doubles=True)
    own = {"text", "severity", "applicationName", "subsystemName"}
    source, odd_source = tidy(
        {**envelope.outer, **{k: v for k, v in entry.items() if k not in own}}
    )
    return StoredEvent(
        vendor="coralogix",
        time_ns=time_ns,
        received_ns=envelope.received_ns,
        level=LEVELS[severity],
        severity=severity,
        message=message_of(inner) if inner else text,
        application=envelope.application,
        subsystem=envelope.subsystem,
        source=source,
        data=data,
        warnings=tuple(dict.fromkeys((*lint, *odd, *odd_source))),
        size=len(text.encode("utf-8", "surrogatepass")),
    )


def _severity(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 6:
        sentence = f"{where}.severity must be an integer from 1 (debug) to 6 (critical)"
        raise EntryError(sentence, rules.SEVERITY)
    return value


def _time_ns(entry: dict[str, Any], where: str, received_ns: int) -> int:
    stamp = entry.get("timestamp")
    hi_res = entry.get("hiResTimestamp")
    from_stamp = None if "timestamp" not in entry else _from_number(stamp, where)
    from_hi_res = None if "hiResTimestamp" not in entry else _from_digits(hi_res, where)
    if from_hi_res is not None:
        return from_hi_res
    return received_ns if from_stamp is None else from_stamp


def _from_number(stamp: Any, where: str) -> int:
    if isinstance(stamp, bool) or not isinstance(stamp, (int, float)):
        raise EntryError(f"{where}.timestamp must be a number", rules.TIMESTAMP)
    if 10**11 <= stamp < 10**14:
        # A double holds such milliseconds to about a quarter of a microsecond.
        return round(stamp * 1000) * 1000
    if 10**14 <= stamp < 10**17:
        return round(stamp) * 1000
    sentence = f"{where}.timestamp is neither milliseconds nor microseconds since 1970"
    raise EntryError(sentence, rules.TIMESTAMP)


def _from_digits(hi_res: Any, where: str) -> int:
    if not isinstance(hi_res, str) or not _HI_RES.fullmatch(hi_res):
        sentence = f"{where}.hiResTimestamp must be a string of 13, 16 or 19 digits"
        raise EntryError(sentence, rules.HI_RES)
    nanoseconds = int(hi_res.ljust(19, "0"))
    if not fits(nanoseconds):
        raise EntryError(f"{where}.hiResTimestamp is beyond the year 2262", rules.HI_RES)
    return nanoseconds


def _lint_of(entry: dict[str, Any], text: str) -> list[str]:
    lint = [f"{name} should be a string" for name in STRINGS if _is_odd(entry, name)]
    if not text:
        lint.append("text is empty")
    if "timestamp" in entry and "hiResTimestamp" in entry:
        lint.append("both timestamp and hiResTimestamp: hiResTimestamp is used")
    return lint


def _lint_of_names(envelope: Envelope) -> list[str]:
    named = (("applicationName", envelope.application), ("subsystemName", envelope.subsystem))
    return [f"{name} is empty" for name, value in named if not value]


def _is_odd(entry: dict[str, Any], name: str) -> bool:
    return name in entry and not isinstance(entry[name], str)


def _object_in(text: str) -> dict[str, Any] | None:
    """Return the object that *text* holds as JSON, as the vendor parses it; None for plain text."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = strict_json(text.encode("utf-8", "surrogatepass"))
    except MalformedError:
        return None
    return value if isinstance(value, dict) else None
