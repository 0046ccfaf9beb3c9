"""Hiding values that must not leave the application, by the names of their fields."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import ConfigurationError
from ..wire.clean import HIDDEN, Cleaner

SENSITIVE = (
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "authorization",
    "cookie",
    "sessionid",
    "credential",
    "csrf",
    "xsrf",
)
HARMLESS = re.compile(
    r"(max|min|total|prompt|completion|input|output|cached|reasoning|used|num|n)?tokens"
    r"|token(count|type|limit|s?used|izer)|(next|previous)?pagetoken"
)
"""Names about tokens that are no secrets: those of language models and of pages."""
REMEMBERED = 10_000

_SEPARATORS = str.maketrans("", "", "_-. ")


class Names:
    """
    Tells whether a field's name is sensitive, and remembers the answer.

    A name is, in any case and with any separators, where it contains one of
    *words*: ``db_password`` and ``X-Api-Key`` are, ``max_tokens`` is not.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._words = tuple(map(_fold, words))
        self._answers: dict[str, bool] = {}

    def __call__(self, name: str) -> bool:
        answer = self._answers.get(name)
        return self._judge(name) if answer is None else answer

    def _judge(self, name: str) -> bool:
        folded = _fold(name)
        answer = any(word in folded for word in self._words) and not HARMLESS.fullmatch(folded)
        if len(self._answers) < REMEMBERED:
            self._answers[name] = answer
        return answer


class Default:
    """The default of ``redact``; its repr shows in a signature."""

    def __repr__(self) -> str:
        return "<the default rules>"


def cleaner(redact: object) -> Cleaner:
    """
    Return the cleaner for a ``redact`` option.

    Args:
        redact: `Default`, or None for no redaction, or names that are sensitive
            beside the default ones. A compiled pattern among them, or a text
            between slashes, hides what it matches in messages and other texts.

    Raises:
        ConfigurationError: It is neither of these.
    """
    if redact is None:
        return Cleaner()
    if isinstance(redact, Default):
        return Cleaner(Names(SENSITIVE))
    words, patterns = _rules(redact)
    if not patterns:
        return Cleaner(Names(words))

    def edit(text: str) -> str:
        for pattern in patterns:
            text = pattern.sub(HIDDEN, text)
        return text

    return Cleaner(Names(words), edit)


def _rules(redact: object) -> tuple[list[str], list[re.Pattern[str]]]:
    """Return the sensitive names and the patterns that *redact* makes."""
    if isinstance(redact, (str, re.Pattern)):
        redact = (redact,)
    if not isinstance(redact, Iterable):
        raise ConfigurationError(f"redact takes field names and patterns, or None, not {redact!r}.")
    words, patterns = list(SENSITIVE), []
    for each in redact:
        if isinstance(each, re.Pattern):
            patterns.append(each)
        elif isinstance(each, str) and len(each) > 2 and each[0] == each[-1] == "/":
            patterns.append(_pattern(each[1:-1]))
        elif isinstance(each, str) and _fold(each):
            words.append(each)
        else:
            raise ConfigurationError(f"redact takes field names and patterns, not {each!r}.")
    return words, patterns


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ConfigurationError(f"redact: {text!r} is no regular expression: {error}.") from None


def _fold(name: str) -> str:
    return name.casefold().translate(_SEPARATORS)
