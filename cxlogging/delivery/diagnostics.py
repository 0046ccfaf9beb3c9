"""
What the operator must know, once: on ``sys.__stderr__`` and to ``on_error``.

``sys.stderr`` may itself be a logger, and our own log records would be the
start of a loop: neither is used.
"""

from __future__ import annotations

import contextlib
import math
from collections import deque
from collections.abc import Callable

from ..wire import system_clock
from .stderr import STDERR, Stderr

MOST_PENDING = 100

REPEAT_SECONDS = 60.0
"""From a line to the next one about the same."""

MOST_TOPICS = 500


class Diagnostics:
    """
    Says one line per kind of trouble until that kind has passed, and one a minute at most.

    Args:
        name: Whose trouble it is.
        on_error: Told each sentence too: on a worker, or on the thread that waits
            in ``flush()``, ``close()`` or the exit, never in a log call.
        mask: Hides secrets in a sentence.
        stderr: Where lines go.
        monotonic: Seconds that only grow.
    """

    def __init__(
        self,
        name: str,
        on_error: Callable[[str], object] | None = None,
        *,
        mask: Callable[[str], str] = str,
        stderr: Stderr = STDERR,
        monotonic: Callable[[], float] = system_clock.monotonic,
    ) -> None:
        self._name = name
        self._on_error = on_error
        self._mask = mask
        self._stderr = stderr
        self._monotonic = monotonic
        self._said: dict[str, str] = {}
        self._said_at: dict[tuple[str, str], float] = {}
        self._pending: deque[str] = deque(maxlen=MOST_PENDING)

    def say(self, kind: str, topic: str, sentence: str, *, in_log_call: bool = False) -> bool:
        """
        Say *sentence*, unless the last word of this *kind* was about the same *topic*.

        Trouble that has passed and is back within a minute is said when the minute is over,
        if it is still there.

        Args:
            kind: Of trouble.
            topic: What is the same as long as nothing is new.
            sentence: What happened, and what to do.
            in_log_call: ``on_error`` is told later, by `call_back`.

        Returns:
            Whether ``on_error`` is still to be told.
        """
        if self._said.get(kind) == topic:
            return False
        now = self._monotonic()
        if now < self._said_at.get((kind, topic), -math.inf) + REPEAT_SECONDS:
            return False
        if len(self._said_at) >= MOST_TOPICS:
            self._said_at.clear()
        self._said_at[kind, topic] = now
        self._said[kind] = topic
        sentence = self._mask(sentence)
        self._stderr.say(f"cxlogging: {self._name}: {sentence}")
        if self._on_error is None:
            return False
        self._pending.append(sentence)
        if not in_log_call:
            self.call_back()
        return in_log_call

    def call_back(self) -> None:
        """Say what is left to say, and tell ``on_error`` what it has not heard."""
        self._stderr.catch_up()
        while self._pending and self._on_error is not None:
            with contextlib.suppress(Exception):
                self._on_error(self._pending.popleft())

    def passed(self, kind: str, sentence: str = "", *, in_log_call: bool = False) -> bool:
        """
        Be ready for the next trouble of this *kind*.

        If there was any that was said, say *sentence*, as `say` does; an empty one is not said.
        """
        if self._said.pop(kind, None) is None or not sentence:
            return False
        self._said_at.pop(("recovered", sentence), None)
        owed = self.say("recovered", sentence, sentence, in_log_call=in_log_call)
        self._said.pop("recovered", None)
        return owed
