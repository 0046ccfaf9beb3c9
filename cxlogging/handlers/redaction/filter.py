"""Redaction for any handler: a filter."""

from __future__ import annotations

import logging

from ..extras import extras, own_copy
from .rules import DefaultRules, build_sanitizer

_FORMATTER = logging.Formatter()


class RedactFilter(logging.Filter):
    """
    Hides secrets from any handler, by the rules of the option ``redact``.

    The values of ``extra=`` under a sensitive name become ``[redacted]``, at any depth; patterns
    are hidden in messages and stack traces too. Handlers of this package do this already.

    Args:
        redact: More names, patterns between slashes, or both; as the option ``redact``.
        redact_except: Names whose values are shown; as the option of that name.

    Raises:
        ConfigurationError: An argument is invalid.
    """

    def __init__(self, redact: object = (), redact_except: object = None) -> None:
        super().__init__()
        rules = DefaultRules() if redact == () else redact
        self._sanitizer = build_sanitizer(rules, redact_except)

    def filter(self, record: logging.LogRecord) -> bool | logging.LogRecord:  # type: ignore[override]  # since 3.12 a filter may replace the record
        """Return *record* without secrets."""
        changed = own_copy(record)
        fields = extras(record)
        changed.__dict__.update(zip(fields, self._sanitizer.fields(fields).values(), strict=False))
        if self._sanitizer.edit is not None:
            changed.msg, changed.args = self._sanitizer.text(record.getMessage()), None
            if record.exc_info and record.exc_info[0] is not None:
                changed.exc_text = _FORMATTER.formatException(record.exc_info)
            if changed.exc_text:
                changed.exc_text = self._sanitizer.text(changed.exc_text)
        return changed if changed is not record else True
