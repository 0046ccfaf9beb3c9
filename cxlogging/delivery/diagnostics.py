"""
What the operator must know, once: on ``sys.__stderr__`` and to ``on_error``.

``sys.stderr`` may itself be a logger, and log records of our own could start an endless loop:
neither is used.
"""

from __future__ import annotations

import contextlib
import math
from collections import deque
from collections.abc import Callable

from ..wire import system_clock
from .stderr import STDERR, Stderr

MOST_PENDING = 100
MOST_NOTES = 50

REPEAT_SECONDS = 60.0
"""From one message to the next one about the same trouble."""

MOST_TOPICS = 500


class Diagnostics:
    """
    Writes one message per kind of trouble until that kind is over, and one a minute at most.

    Args:
        name: The destination that the trouble is with.
        on_error: Called with each message too: on a worker, or on the thread that waits
            in ``flush()``, ``close()`` or the exit, never in a log call.
        mask: Hides secrets in a message.
        stderr: Where messages are written.
        monotonic: Seconds that only grow.

    Attributes:
        has_pending: `catch_up` has something to do.
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
        self._notes: dict[str, str] = {}
        self.has_pending = False

    def say(self, kind: str, topic: str, sentence: str, *, in_log_call: bool = False) -> bool:
        """
        Write *sentence*, unless the last message of this *kind* was about the same *topic*.

        Trouble that is over and back within a minute is written when the minute has passed,
        if it is still there.

        Args:
            kind: Of trouble.
            topic: Stays the same as long as there is nothing new to say.
            sentence: What happened, and what to do.
            in_log_call: ``on_error`` is called later, by `catch_up`.

        Returns:
            Whether ``on_error`` is still to be called.
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
        if not self._stderr.say(f"cxlogging: {self._name}: {sentence}"):
            self.has_pending = True
        if self._on_error is None:
            return False
        self._pending.append(sentence)
        if in_log_call:
            self.has_pending = True
        else:
            self.catch_up()
        return in_log_call

    def note(self, topic: str, sentence: str) -> None:
        """Have `catch_up` write *sentence*, once; the calling thread does no I/O for it."""
        if topic not in self._notes and len(self._notes) < MOST_NOTES:
            self._notes[topic] = sentence
            self.has_pending = True

    def catch_up(self) -> None:
        """Write what is left to write, and call ``on_error`` with what it has not been given."""
        self.has_pending = False
        for topic, sentence in tuple(self._notes.items()):
            self.say(f"note {topic}", topic, sentence, in_log_call=True)
        if not self._stderr.catch_up():
            self.has_pending = True
        while self._pending and self._on_error is not None:
            with contextlib.suppress(Exception):
                self._on_error(self._pending.popleft())

    def passed(self, kind: str, sentence: str = "", *, in_log_call: bool = False) -> bool:
        """
        Be ready for the next trouble of this *kind*.

        If a message of this kind was written, write *sentence*, as `say` does, unless it is empty.
        """
        if self._said.pop(kind, None) is None or not sentence:
            return False
        self._said_at.pop(("recovered", sentence), None)
        pending = self.say("recovered", sentence, sentence, in_log_call=in_log_call)
        self._said.pop("recovered", None)
        return pending
