"""`RedactFilter`: the rules of `redact` in front of any handler."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from cxlogging import ConfigurationError, RedactFilter


def logged(redact_filter, *arguments, **options):
    """Return what a stream handler with the filter prints of a log call."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s|%(password)s|%(user)s"))
    handler.addFilter(redact_filter)
    log = logging.Logger("shop")  # noqa: LOG001 - out of the tree
    log.addHandler(handler)
    log.error(*arguments, **options)
    return stream.getvalue()


EXTRA = {"password": "hunter2", "user": {"name": "ada", "token": "t0ps3cret"}}


def test_values_of_sensitive_names_are_hidden_at_any_depth():
    """What is harmless stays as it is."""
    shown = logged(RedactFilter(), "hello %s", "ada", extra=EXTRA)

    assert shown == "hello ada|[redacted]|{'name': 'ada', 'token': '[redacted]'}\n"


def test_patterns_are_hidden_in_messages_and_stacks():
    """Also in the text of an exception."""
    redact_filter = RedactFilter(redact=[r"/\d{16}/", "user"])
    try:
        int("card 4111111111111111")
    except ValueError:
        shown = logged(redact_filter, "paid %d", 4111111111111111, exc_info=True, extra=EXTRA)

    assert "4111111111111111" not in shown
    assert shown.startswith("paid [redacted]|[redacted]|[redacted]\n")
    assert "'card [redacted]'" in shown


def test_names_may_be_left_out():
    """`redact_except` shows them."""
    assert "|hunter2|" in logged(RedactFilter(redact_except=["password"]), "x", extra=EXTRA)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a filter cannot replace a record before")
def test_other_handlers_see_the_record_as_it_was():
    """The filter gives its handler a copy."""
    record = logging.makeLogRecord({"password": "hunter2", "user": ""})
    RedactFilter().filter(record)

    assert record.password == "hunter2"


def test_a_wrong_rule_is_refused():
    """With the sentence of the option."""
    with pytest.raises(ConfigurationError, match="redact: invalid regular expression"):
        RedactFilter(redact=["/(/"])
