"""Interleaved rounds: every subject once, then every subject again; each in a fresh process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from .modes import WEB, Mode
from .processes import Child, EndedError, Sink, nobody
from .subjects import Subject
from .web import WebChild
from .workload import WARM_UP_RECORDS

Round = dict[str, Any]
Runs = dict[str, dict[str, list[Round]]]
"""By mode and subject's name, the figures of each round."""


class Rounds:
    """
    The rounds of all modes, and what they gave.

    Attributes:
        runs: The figures.
        absent: Why a subject could not be measured, by its name.
    """

    def __init__(self, sink: Sink, progress: Callable[[str], None]) -> None:
        self.runs: Runs = {}
        self.absent: dict[str, str] = {}
        self._sink = sink
        self._progress = progress
        self._nobody = nobody()

    def go(self, mode: Mode, subjects: Sequence[Subject], number: int, count: int) -> None:
        """Measure each of *subjects* once."""
        runs = self.runs.setdefault(mode.name, {})
        for subject in subjects:
            if subject.name in self.absent:
                continue
            self._progress(f"round {number + 1}, {mode.name}: {subject.name}")
            figures = self.once(subject, mode, max(1, int(count * subject.share)))
            if "absent" in figures:
                self.absent[subject.name] = figures["absent"]
            else:
                runs.setdefault(subject.name, []).append({"round": number, **figures})

    def once(self, subject: Subject, mode: Mode, count: int) -> Round:
        """Return the figures of one child, and what the sink says of it."""
        child = _child(subject, mode, count, self._nobody if mode.down else self._sink.target)
        try:
            return self._led(child, subject, mode)
        except EndedError as reason:
            return {"failed": str(reason)}
        finally:
            child.end()

    def _led(self, child: Child | WebChild, subject: Subject, mode: Mode) -> Round:
        figures = child.hear()
        if figures.get("at") == "ready":
            if subject.doors and not mode.down:
                warm = dict.fromkeys(subject.doors, WARM_UP_RECORDS)
                self._sink.settled(warm, subject.patience, "warm")
            self._sink.ask(f"reset {mode.delay}")
            child.tell("go")
            figures = child.hear()
        if figures.get("at") == "flushed":
            wanted = dict.fromkeys(subject.doors, figures["records"])
            account = self._sink.settled(wanted, subject.patience)
            child.tell("settled")
            figures = {**child.hear(), **_arrival(account, wanted)}
            if subject.doors:
                figures["wall"] = (figures["answered_ns"] - figures["started_ns"]) / 1e9
        return figures


def _child(subject: Subject, mode: Mode, count: int, target: dict[str, Any]) -> Child | WebChild:
    spec = {
        "subject": subject.name,
        "count": count,
        "loop": mode.loop,
        "argument": mode.argument,
        "threads": mode.threads,
        "busy": mode.busy,
        "turns": mode.turns,
        "limit": mode.limit,
        "down": mode.down,
        "seconds": 0,
    }
    return (WebChild if mode.name == WEB else Child)(spec, target)


def _arrival(account: dict[str, Any], wanted: dict[str, int]) -> Round:
    """Return what arrived of *wanted*, all its doors together."""
    distinct, duplicates = account["distinct"], account["duplicates"]
    return {
        "requests": account["requests"],
        "unreadable": account["unreadable"],
        "bytes": account["bytes"],
        "sink_cpu": account["cpu"],
        "answered_ns": account["answered_ns"],
        "delivered": sum(distinct.get(door, 0) for door in wanted),
        "missing": sum(max(0, n - distinct.get(door, 0)) for door, n in wanted.items()),
        "duplicates": sum(duplicates.get(door, 0) for door in wanted),
    }


def idle(sink: Sink, subjects: Sequence[Subject], seconds: float) -> dict[str, list[Round]]:
    """Return the figures of idle processes, all subjects at once: they burn next to nothing."""
    children = {
        each.name: Child({"subject": each.name, "seconds": seconds}, sink.target)
        for each in subjects
    }
    found = {}
    try:
        ready = [name for name in children if "at" in _heard(children[name])]
        sink.settled({}, 2.0)
        for name in ready:
            children[name].tell("go")
        time.sleep(seconds)
        for name in ready:
            found[name] = [{"round": 0, **_heard(children[name])}]
    finally:
        for each in children.values():
            each.end()
    return found


def _heard(child: Child) -> Round:
    try:
        return child.hear()
    except EndedError as reason:
        return {"failed": str(reason)}
