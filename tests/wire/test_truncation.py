from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cxlogging.wire.sanitizing.truncation import cut, cut_characters, cut_middle, unused, within

texts = st.text(st.sampled_from("aé漢😀\n"), max_size=60)


def test_a_text_that_fits_is_whole():
    """As many characters as are kept are not cut; one more is."""
    assert cut("x" * 100, 100) == "x" * 100
    assert cut("x" * 101, 100) == f"{'x' * 52}… [cut from 101 characters]"


def test_cutting_again_keeps_the_first_length():
    """The mark tells how long the text was at first, however often it was cut."""
    assert cut(cut("x" * 9_999, 500), 100) == f"{'x' * 52}… [cut from 9999 characters]"


def test_a_mark_that_the_text_brought_is_not_believed():
    """A text that ends like a cut one, but is longer than that, tells its real length."""
    forged = "x" * 1_000 + "… [cut from 3 characters]"

    assert cut(forged, 100).endswith("… [cut from 1025 characters]")
    assert cut_characters(forged) == 0


@given(st.text(max_size=9), st.integers(100, 2_000), st.integers(48, 400))
def test_a_cut_text_starts_as_it_did_and_fits(part, times, keep):
    """A cut text is no longer than it may be, and counts what it lost."""
    text = part * times
    short = cut(text, keep)

    assert len(short) <= max(keep, 48)
    assert text.startswith(short[: max(0, keep - 48)])
    if short != text:
        assert cut_characters(short) == len(text) - short.rindex("… [cut")


def test_a_whole_text_has_lost_nothing():
    """A text without a mark at its very end was not cut."""
    assert cut_characters("… [cut from 99 characters] and more") == 0
    assert cut_characters("") == 0


@given(st.integers(0, 3_000), st.integers(200, 1_000))
def test_both_ends_of_a_stack_are_kept(lines, keep):
    """A text cut in its middle begins and ends as it did, and fits."""
    stack = "".join(f"line {each}\n" for each in range(lines))
    short = cut_middle(stack, keep)

    assert len(short) <= keep
    assert short[:60] == stack[:60]
    assert short[-60:] == stack[-60:]
    assert (short == stack) == (len(stack) <= keep)


def test_the_middle_s_mark_tells_the_length():
    """Between the ends stands how long the text was."""
    assert "\n… [cut from 5000 characters] …\n" in cut_middle("x" * 5_000, 300)


@given(texts, st.integers(1, 200), st.integers(100, 2_000))
def test_within_counts_bytes(part, times, limit):
    """A text is cut to so many bytes of UTF-8, and not at all where it fits."""
    text = part * times
    short = within(text, limit)

    assert len(short.encode()) <= limit
    assert (short == text) == (len(text.encode()) <= limit)


def test_within_keeps_most_of_what_fits():
    """Cutting to bytes does not give away more than a few."""
    assert len(within("漢" * 50_000, 65_536).encode()) > 65_000


def test_within_takes_lone_surrogates():
    """A text that is not UTF-8 is measured all the same."""
    assert within("\ud800" * 400, 300).startswith("\ud800")


def test_an_unused_name_is_numbered():
    """A name that is taken gets the first free number, and a free one stays."""
    assert unused("a", {"b"}) == "a"
    assert unused("a", {"a", "a_2"}) == "a_3"
