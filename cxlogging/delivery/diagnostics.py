"""
What the operator must know, once: on ``sys.__stderr__`` and to ``on_error``.

``sys.stderr`` may itself be a logger, and our own log records would be the
start of a loop: neither is used.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable


class Diagnostics:
    """
    Says one line per kind of trouble until that kind has passed.

    Args:
        name: Whose trouble it is.
        on_error: Told each sentence too.
    """

    def __init__(self, name: str, on_error: Callable[[str], object] | None = None) -> None:
        self._name = name
        self._on_error = on_error
        self._said: dict[str, str] = {}

    def say(self, kind: str, topic: str, sentence: str) -> None:
        """Say *sentence*, unless the last word of this *kind* was about the same *topic*."""
        if self._said.get(kind) == topic:
            return
        self._said[kind] = topic
        line = f"cxlogging: {self._name}: {sentence}"
        with contextlib.suppress(Exception):
            if sys.__stderr__ is not None:
                # One write: lines of several threads and processes do not mix.
                sys.__stderr__.write(f"{line}\n")
                sys.__stderr__.flush()
        if self._on_error is not None:
            with contextlib.suppress(Exception):
                self._on_error(sentence)

    def passed(self, kind: str, sentence: str) -> None:
        """Say *sentence* if there was trouble of this *kind*, and be ready for the next."""
        if self._said.pop(kind, None) is not None:
            self.say("recovered", sentence, sentence)
            self._said.pop("recovered", None)
