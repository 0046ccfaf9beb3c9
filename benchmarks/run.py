"""Interleaved rounds: in each round, every subject is measured once, in a fresh process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from .modes import WEB, Mode
from .processes import Child, ProcessEndedError, Sink, closed_target
from .subjects import Subject
from .web import WebChild
from .workload import WARM_UP_RECORDS

Round = dict[str, Any]
Runs = dict[str, dict[str, list[Round]]]
"""By mode and subject's name, the figures of each round."""


class Rounds:
    """
    The rounds of all modes, and their figures.

    Attributes:
        runs: The figures.
        absent: Why a subject could not be measured, by its name.
    """

    def __init__(self, sink: Sink, progress: Callable[[str], None]) -> None:
        self.runs: Runs = {}
        self.absent: dict[str, str] = {}
        self._sink = sink
        self._progress = progress
        self._closed_target = closed_target()

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
        """Return the figures of one measured process, and the counts of the sink."""
        child = _child(
            subject, mode, count, self._closed_target if mode.down else self._sink.target
        )
        try:
            return self._run(child, subject, mode)
        except ProcessEndedError as reason:
            return {"failed": str(reason)}
        finally:
            child.end()

    def _run(self, child: Child | WebChild, subject: Subject, mode: Mode) -> Round:
        figures = child.receive()
        if figures.get("at") == "ready":
            if subject.services and not mode.down:
                warm = dict.fromkeys(subject.services, WARM_UP_RECORDS)
                self._sink.settled(warm, subject.patience, "warm")
            self._sink.ask(f"reset {mode.delay}")
            child.send("go")
            figures = child.receive()
        if figures.get("at") == "flushed":
            wanted = dict.fromkeys(subject.services, int(min(figures["records"], subject.most)))
            counts = self._sink.settled(wanted, subject.patience)
            child.send("settled")
            figures = {**child.receive(), **_arrival(counts, wanted)}
            if subject.services:
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


def _arrival(counts: dict[str, Any], wanted: dict[str, int]) -> Round:
    """Return how much of *wanted* arrived, all services together."""
    distinct, duplicates = counts["distinct"], counts["duplicates"]
    return {
        "requests": counts["requests"],
        "unreadable": counts["unreadable"],
        "bytes": counts["bytes"],
        "sink_cpu": counts["cpu"],
        "answered_ns": counts["answered_ns"],
        "delivered": sum(distinct.get(service, 0) for service in wanted),
        "missing": sum(max(0, n - distinct.get(service, 0)) for service, n in wanted.items()),
        "duplicates": sum(duplicates.get(service, 0) for service in wanted),
    }


def idle(sink: Sink, subjects: Sequence[Subject], seconds: float) -> dict[str, list[Round]]:
    """Return the figures of idle processes; they need next to no CPU, so all run at once."""
    children = {
        each.name: Child({"subject": each.name, "seconds": seconds}, sink.target)
        for each in subjects
    }
    found = {}
    try:
        ready = [name for name in children if "at" in _received(children[name])]
        sink.settled({}, 2.0)
        for name in ready:
            children[name].send("go")
        time.sleep(seconds)
        for name in ready:
            found[name] = [{"round": 0, **_received(children[name])}]
    finally:
        for each in children.values():
            each.end()
    return found


def _received(child: Child) -> Round:
    try:
        return child.receive()
    except ProcessEndedError as reason:
        return {"failed": str(reason)}
