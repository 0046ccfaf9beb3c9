"""Interleaved rounds: every subject once, then every subject again; each in a fresh process."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .subjects import Subject

ROOT = Path(__file__).resolve().parents[1]
MODES = ("calls", "total")
CHILD_SECONDS = 300

Runs = dict[str, list[dict[str, Any]]]
"""By subject's name, the figures of each round."""


class SinkProcess:
    """The sink, in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.sink"],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.url = self._line()

    def _line(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("the sink has ended")
        return line.strip()

    def report(self) -> dict[str, Any]:
        """Return the account of what came since the last call."""
        if self._process.stdin:
            self._process.stdin.write("report\n")
            self._process.stdin.flush()
        account: dict[str, Any] = json.loads(self._line())
        return account

    def close(self) -> None:
        """End it: its standard input ends."""
        self._process.communicate()


def rounds(
    subjects: Sequence[Subject], count: int, times: int, progress: Callable[[str], None]
) -> Runs:
    """Measure every subject *times* times with *count* records, in every mode."""
    runs: Runs = {subject.name: [] for subject in subjects}
    with contextlib.closing(SinkProcess()) as sink:
        for number in range(1, times + 1):
            for subject in subjects:
                progress(f"round {number} of {times}: {subject.name}")
                both = {mode: once(sink, subject, count, mode) for mode in MODES}
                runs[subject.name].append(both)
    return runs


def once(sink: SinkProcess, subject: Subject, count: int, mode: str) -> dict[str, Any]:
    """Return the figures of one child, and what the sink says of it."""
    command = [sys.executable, "-m", "benchmarks.child", subject.name, sink.url, str(count), mode]
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        timeout=CHILD_SECONDS,
        check=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    account = sink.report()
    figures["sink"] = account
    figures["missing"] = count - account["distinct"] if subject.delivers else 0
    if mode == "total":
        end_ns = account["answered_ns"] if subject.delivers else figures["waited_ns"]
        figures["cpu_per_record"] = figures["cpu"] / count
        figures["wall"] = (end_ns - figures["started_ns"]) / 1e9
        figures["per_second"] = count / figures["wall"]
    return figures
