from __future__ import annotations

import traceback

import pytest

from cxlogging.handlers.exceptions.fields import failure, failure_of_text
from cxlogging.wire.sanitizing.sanitizer import Sanitizer


class FakeGroup(Exception):  # noqa: N818 - named like what it stands for
    """An exception group as every version of Python can hold it."""

    def __init__(self, message: str, exceptions: list[BaseException]) -> None:
        super().__init__(message)
        self.exceptions = exceptions


class SilentError(Exception):
    def __str__(self) -> str:
        raise ValueError("canary")


class NumericError(Exception):
    def __str__(self) -> str:
        return 5  # noqa: PLE0307 - what it is about


class GuardedError(Exception):
    @property
    def exceptions(self):
        raise ValueError("no members")

    @property
    def __notes__(self):
        raise ValueError("no notes")


def caught(error: BaseException, cause: BaseException | None = None) -> BaseException:
    with pytest.raises(type(error)) as raised:
        raise error from cause
    return raised.value


def fields_of(error: BaseException, sanitizer: Sanitizer | None = None):
    return failure(error, error.__traceback__, sanitizer or Sanitizer())


def test_a_failure_is_type_message_and_python_s_own_stack_trace():
    """The stack trace is the text that Python prints."""
    error = caught(ValueError("wrong"))

    assert fields_of(error) == {
        "type": "ValueError",
        "message": "wrong",
        "stacktrace": "".join(traceback.format_exception(error)).rstrip("\n"),
    }


def test_a_type_has_its_module_unless_it_is_built_in():
    """The type of a library's error is named with the library."""
    assert fields_of(SilentError())["type"] == f"{__name__}.SilentError"
    assert fields_of(KeyError())["type"] == "KeyError"
    assert fields_of(type("Own", (Exception,), {"__module__": "__main__"})())["type"] == "Own"


def test_an_exception_that_was_never_raised_is_a_failure():
    """exc_info may be an exception without a traceback."""
    assert fields_of(ValueError("x"))["stacktrace"] == "ValueError: x"


def test_causes_are_told_from_the_nearest():
    """The causes of an exception are listed in order, each with its relation."""
    error = caught(KeyError("c"), caught(OSError("b"), caught(ValueError("a"))))

    assert fields_of(error)["causes"] == [
        {"type": "OSError", "message": "b", "relation": "cause"},
        {"type": "ValueError", "message": "a", "relation": "cause"},
    ]


def test_the_context_is_a_cause_unless_suppressed():
    """The context of an exception is a cause, unless it was suppressed by ``from None``."""
    error = KeyError("b")
    error.__context__ = ValueError("a")
    relation = {"type": "ValueError", "message": "a", "relation": "context"}
    assert fields_of(error)["causes"] == [relation]

    error.__suppress_context__ = True
    assert "causes" not in fields_of(error)


def test_a_cause_goes_before_the_context():
    """If an exception has a cause and a context, only the cause is listed."""
    error = KeyError("c")
    error.__context__ = OSError("b")
    error.__cause__ = ValueError("a")

    assert [each["message"] for each in fields_of(error)["causes"]] == ["a"]


def test_causes_in_a_ring_end():
    """Exceptions that cause each other are listed once each."""
    first, second = ValueError("a"), KeyError("b")
    first.__context__, second.__context__ = second, first

    assert [each["type"] for each in fields_of(first)["causes"]] == ["KeyError"]


def test_twenty_causes_are_kept():
    """Of a chain of 3,000 exceptions the nearest twenty are listed."""
    error: BaseException = ValueError("0")
    for number in range(1, 3_000):
        following = ValueError(str(number))
        following.__cause__ = error
        error = following

    fields = fields_of(error)

    assert [each["message"] for each in fields["causes"]] == [
        str(each) for each in range(2_998, 2_978, -1)
    ]
    assert len(str(fields)) < 40_000
    assert "2999" in fields["stacktrace"]


def test_the_members_of_a_group_are_told_at_every_depth():
    """A group's members, and theirs, have type and message."""
    inner = FakeGroup("inner", [KeyError("k")])

    fields = fields_of(FakeGroup("outer", [ValueError("v"), inner, "no exception"]))

    assert fields["exceptions"] == [
        {"type": "ValueError", "message": "v"},
        {
            "type": f"{__name__}.FakeGroup",
            "message": "inner",
            "exceptions": [{"type": "KeyError", "message": "'k'"}],
        },
    ]


def test_a_group_is_told_five_deep_and_fifty_wide():
    """Of a large group the first fifty members are listed, and five levels."""
    deep = FakeGroup("0", [])
    for number in range(1, 10):
        deep = FakeGroup(str(number), [deep])

    assert len(fields_of(FakeGroup("wide", [ValueError()] * 1_000))["exceptions"]) == 50
    assert str(fields_of(deep)["exceptions"]).count("'exceptions'") == 4


def test_a_group_of_groups_has_500_members_in_all():
    """Fifty groups of fifty groups are bounded in all, not at each level alone."""
    group = FakeGroup("leaf", [ValueError()] * 50)
    for name in ("inner", "outer"):
        group = FakeGroup(name, [group] * 50)

    assert str(fields_of(group)["exceptions"]).count("'type'") == 500


def test_a_group_that_holds_itself_ends():
    """A group that contains itself ends at the same depth as any other."""
    group = FakeGroup("g", [])
    group.exceptions.append(group)

    assert str(fields_of(group)["exceptions"]).count("'message': 'g'") == 5


@pytest.mark.parametrize("exceptions", ["abc", 5, None, {1: 2}])
def test_another_thing_called_exceptions_is_no_group(exceptions):
    """Libraries have attributes of that name which hold something else."""
    assert "exceptions" not in fields_of(FakeGroup("g", exceptions))


def test_notes_are_told():
    """What add_note added is a list of texts, of which twenty are kept."""
    error = ValueError("x")
    error.__notes__ = ["first", 2, *map(str, range(50))]

    notes = fields_of(error)["notes"]
    assert notes[:3] == ["first", "2", "0"]
    assert len(notes) == 20


@pytest.mark.parametrize("notes", [[], 5, None])
def test_without_notes_there_is_no_word_of_them(notes):
    """Notes that are empty or not a list add no field."""
    error = ValueError("x")
    error.__notes__ = notes

    assert "notes" not in fields_of(error)


@pytest.mark.parametrize(
    ("error", "name"), [(SilentError(), "SilentError"), (NumericError(), "NumericError")]
)
def test_an_exception_whose_str_fails_is_marked(error, name):
    """If the message of an exception fails, its type, a mark and the stack trace are shipped."""
    fields = fields_of(caught(error))

    assert fields["message"] == f"<unrepresentable {name}>"
    assert "in caught" in fields["stacktrace"]
    assert "canary" not in fields["message"]


def test_an_exception_whose_own_attributes_fail_is_told():
    """Attributes that raise are omitted, and the rest is shipped."""
    fields = fields_of(caught(GuardedError("kept")))

    assert (fields["message"], fields.keys() & {"exceptions", "notes"}) == ("kept", set())
    assert "GuardedError" in fields["stacktrace"]


def test_an_exception_that_python_cannot_print_has_its_frames():
    """If formatting fails, the stack trace consists of the frames and the type."""

    class UnprintableError(SyntaxError):
        @property
        def text(self):
            raise ValueError("no text")

    stack = fields_of(caught(UnprintableError("m", ("f", 1, 1, "x"))))["stacktrace"]

    assert "in caught" in stack
    assert stack.endswith(".UnprintableError: <unrepresentable>")


def test_a_syntax_error_shows_its_line():
    """A SyntaxError's stack trace has the line and the mark below it."""
    with pytest.raises(SyntaxError) as raised:
        compile("x = = 1", "shop.py", "exec")

    stack = fields_of(raised.value)["stacktrace"]
    assert "x = = 1" in stack
    assert "^" in stack


def ping(depth: int) -> int:
    return pong(depth + 1)


def pong(depth: int) -> int:
    return ping(depth + 1)


def test_mutual_recursion_is_cut_in_its_middle():
    """A stack of a thousand frames keeps both ends, within 32 KiB."""
    with pytest.raises(RecursionError) as raised:
        ping(0)

    stack = fields_of(raised.value)["stacktrace"]
    assert len(stack) <= 32 * 1024
    assert stack.startswith("Traceback (most recent call last):")
    assert "RecursionError" in stack.rpartition("\n")[2]


def test_a_message_of_30_mb_is_cut():
    """A huge message is kept to 8,192 characters, and the stack to 32 KiB."""
    fields = fields_of(caught(ValueError("x" * 30_000_000)))

    assert fields["message"].endswith("… [cut from 30000000 characters]")
    assert len(fields["message"]) <= 8_192
    assert len(fields["stacktrace"]) <= 32 * 1024
    assert fields["stacktrace"].startswith("Traceback")


def test_every_text_of_a_failure_is_cleaned():
    """Message, stack, causes, members and notes pass the sanitizer's edit."""
    error = FakeGroup("canary", [ValueError("canary")])
    error.__cause__ = KeyError("canary")
    error.__notes__ = ["canary"]

    fields = fields_of(error, Sanitizer(edit=lambda text: text.replace("canary", "***")))

    assert "canary" not in str(fields)
    assert str(fields).count("***") >= 6


def test_text_alone_is_a_failure():
    """Type and message come from the last line of a formatted exception."""
    text = "Traceback (most recent call last):\n  ...\nshop.Wrong: this: that\n"

    assert failure_of_text(text, Sanitizer()) == {
        "type": "shop.Wrong",
        "message": "this: that",
        "stacktrace": text,
    }


@pytest.mark.parametrize(("text", "kind"), [("KeyError", "KeyError"), ("shop.Wrong", "shop.Wrong")])
def test_text_without_a_message_is_a_failure(text, kind):
    """A line without a colon is the type."""
    fields = failure_of_text(text, Sanitizer())

    assert (fields["type"], fields["message"]) == (kind, "")


def test_huge_text_is_cut():
    """Text of an exception is bounded in each of its parts."""
    fields = failure_of_text("a." + "T" * 9_000 + ": " + "m" * 90_000, Sanitizer())

    lengths = {name: len(fields[name]) for name in fields}
    assert lengths["type"] <= 256
    assert lengths["message"] <= 8_192
    assert lengths["stacktrace"] <= 32 * 1024
