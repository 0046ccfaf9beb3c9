"""The text of an exception, as `traceback` prints it, is parsed."""

from __future__ import annotations

import logging
import multiprocessing
import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.handlers.exceptions.fields import failure, failure_of_text
from cxlogging.handlers.exceptions.parsing import RELATIONS, parse
from cxlogging.wire.sanitizing.sanitizer import Sanitizer

CHARACTERS = st.characters(blacklist_categories=("Cc", "Zl", "Zp", "Cs")) | st.just("\n")
messages = st.text(CHARACTERS, max_size=30).filter(
    lambda text: not any(line in RELATIONS or line == '"""' for line in text.split("\n"))
) | st.sampled_from(["a\nb", "\nfirst", "x: y", "Traceback (most recent call last):\n  x", "  in"])


class WrongError(Exception):
    """An exception of a module of its own."""

    class InnerError(Exception):
        """One whose name has a dot."""


KINDS = [ValueError, KeyboardInterrupt, OSError, WrongError, WrongError.InnerError, RuntimeError]


def raised(error: BaseException, depth: int = 0) -> BaseException:
    """Return *error* as it is when it was raised below *depth* frames."""
    try:
        raise_below(error, depth)
    except BaseException as caught:
        return caught


def raise_below(error: BaseException, depth: int) -> None:
    if depth == 0:
        raise error
    raise_below(error, depth - 1)


def printed(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def heads(fields):
    """Return type, message, relation, causes and members of all exceptions in *fields*."""
    kept = {name: fields[name] for name in ("type", "message", "relation") if name in fields}
    for name in ("causes", "exceptions"):
        if name in fields:
            kept[name] = [heads(each) for each in fields[name]]
    return kept


def expected(error: BaseException):
    return heads(failure(error, error.__traceback__, Sanitizer()))


@given(st.sampled_from(KINDS), messages, st.integers(0, 8), st.booleans())
def test_a_printed_exception_is_read_back(kind, message, depth, has_trace):
    """Type and message are parsed, however many lines the message has."""
    error = raised(kind(message), depth) if has_trace else kind(message)

    assert heads(failure_of_text(printed(error), Sanitizer())) == expected(error)


@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), messages, st.sampled_from(["cause", "context"])),
        min_size=2,
        max_size=5,
    )
)
def test_the_last_exception_of_a_chain_decides(chain):
    """The exceptions above the last are its causes, with their relation to the next."""
    error: BaseException | None = None
    for kind, message, relation in chain:
        before, error = error, raised(kind(message))
        if before is not None:
            setattr(error, f"__{relation}__", before)

    assert heads(failure_of_text(printed(error), Sanitizer())) == expected(error)


if sys.version_info >= (3, 11):
    leaves = st.builds(lambda kind, text: raised(kind(text)), st.sampled_from(KINDS), messages)
    from builtins import BaseExceptionGroup, ExceptionGroup

    groups = st.recursive(
        leaves,
        lambda inner: st.builds(
            lambda text, members: raised(BaseExceptionGroup(text, members)),
            messages,
            st.lists(inner, min_size=1, max_size=3),
        ),
        max_leaves=6,
    )

    @given(groups)
    def test_the_members_of_a_group_are_read_back(error):
        """Groups within groups, each member with its type and message."""
        assert heads(failure_of_text(printed(error), Sanitizer())) == expected(error)

    def test_a_group_with_a_cause_and_members_that_have_some():
        """A group is the last of its chain, and a member the last of its own."""
        member = raised(ValueError("member"))
        member.__cause__ = raised(KeyError("deep"))
        error = raised(ExceptionGroup("group", [member, TypeError("bare")]))
        error.__context__ = raised(OSError("before"))

        fields = failure_of_text(printed(error), Sanitizer())

        assert (fields["type"], fields["message"]) == ("ExceptionGroup", "group (2 sub-exceptions)")
        assert fields["causes"] == [{"type": "OSError", "message": "before", "relation": "context"}]
        assert [each["type"] for each in fields["exceptions"]] == ["ValueError", "TypeError"]

    def test_notes_belong_to_the_message():
        """Notes follow the message, and their text does not tell where they begin."""
        error = raised(ValueError("wrong"))
        error.add_note("first note")
        error.add_note("second: note")

        fields = failure_of_text(printed(error), Sanitizer())

        assert fields["type"] == "ValueError"
        assert fields["message"] == "wrong\nfirst note\nsecond: note"


def test_a_syntax_error_is_the_last_line_s():
    """The lines about the source are not part of the message."""
    for source in ("a b", "def f(:\n  pass", "x = (", "  a\n b", "'"):
        with pytest.raises(SyntaxError) as caught:
            compile(source, "<shop>", "exec")
        for error in (caught.value, caught.value.with_traceback(None)):
            fields = failure_of_text(printed(error), Sanitizer())

            assert fields["type"] == type(caught.value).__name__
            assert fields["message"].startswith(caught.value.msg.partition(" (")[0])


def test_repeated_lines_are_no_message():
    """The line about repeated frames is not part of the message."""
    text = printed(raised(ValueError("deep"), 60))

    assert "[Previous line repeated" in text
    assert heads(failure_of_text(text, Sanitizer())) == {"type": "ValueError", "message": "deep"}


def divide(number: int) -> float:
    return 1 / number


def test_the_exception_of_another_process():
    """The traceback that multiprocessing quotes is part of the cause."""
    with (
        multiprocessing.get_context("spawn").Pool(1) as pool,
        pytest.raises(ZeroDivisionError) as caught,
    ):
        pool.apply(divide, (0,))

    fields = failure_of_text(printed(caught.value), Sanitizer())

    assert (fields["type"], fields["message"]) == ("ZeroDivisionError", "division by zero")
    assert [each["type"] for each in fields["causes"]] == ["multiprocessing.pool.RemoteTraceback"]
    assert "ZeroDivisionError: division by zero" in fields["causes"][0]["message"]


def test_words_before_a_traceback_are_skipped():
    """A sentence that a formatter prints above the traceback is skipped."""
    text = f"Task failed: no idea\n{printed(raised(KeyError('x')))}"

    assert heads(failure_of_text(text, Sanitizer())) == {"type": "KeyError", "message": "'x'"}


def test_colours_and_line_ends_of_other_systems():
    """Escape sequences and carriage returns do not spoil the type."""
    text = printed(raised(ValueError("red"))).replace("\n", "\r\n")
    text = text.replace("ValueError", "\x1b[31mValueError\x1b[0m")

    assert heads(failure_of_text(text, Sanitizer())) == {"type": "ValueError", "message": "red"}


@pytest.mark.parametrize("text", ["something odd", "no: idea", "a\nb\nc", "Traceback", "  x", "{}"])
def test_a_text_that_is_no_exception_is_a_message(text):
    """A text that is not an exception becomes the message, without a type."""
    fields = failure_of_text(text, Sanitizer())

    assert fields == {"message": text.strip(), "stacktrace": text}


@pytest.mark.parametrize("text", ["NoneType: None", "NoneType: None\n", "\n", " ", ""])
def test_no_exception_is_none(text):
    """The output outside of an except block, and an empty text, are not an exception."""
    assert failure_of_text(text, Sanitizer()) is None


@given(st.text(st.sampled_from('|+- \n:aE"'), max_size=200) | st.text())
def test_any_text_is_read(text):
    """Any text is parsed without raising."""
    found = parse(text)

    assert found is None or found["type"]


def test_log_exception_outside_of_except_ships_no_exception():
    """This holds even if the formatter of another handler has set exc_text on the record."""
    record = logging.LogRecord("s", 40, "p", 7, "oops", None, (None, None, None))
    logging.Formatter().format(record)
    assert record.exc_text == "NoneType: None"

    assert failure_of_text(record.exc_text, Sanitizer()) is None
