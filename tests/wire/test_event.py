from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cxlogging.wire.event import Event, SyntheticOrigin, rename_reserved

TAKEN = frozenset({"a", "extra_a", "b"})
names = st.sampled_from(["a", "b", "c", "extra_a", "extra_b", "extra_extra_a", ""])


def test_free_names_are_the_same_object():
    """Fields that collide with no reserved name are not copied."""
    fields = {"c": 1}

    assert rename_reserved(fields, TAKEN) is fields


def test_a_taken_name_gets_a_prefix():
    """A reserved name is prefixed with extra_ until it is free, and the order is kept."""
    moved = rename_reserved({"x": 0, "a": 1, "b": 2, "extra_b": 3}, TAKEN)

    assert list(moved.items()) == [
        ("x", 0),
        ("extra_extra_a", 1),
        ("extra_extra_b", 2),
        ("extra_b", 3),
    ]


@given(st.dictionaries(names, st.integers(), max_size=7))
def test_nothing_vanishes_and_nothing_is_taken(fields):
    """All values are kept, in order, under free names, and under their own name if possible."""
    moved = rename_reserved(fields, TAKEN)

    assert list(moved.values()) == list(fields.values())
    assert TAKEN.isdisjoint(moved)
    assert {name: moved[name] for name in fields if name not in TAKEN} == {
        name: fields[name] for name in fields if name not in TAKEN
    }


def test_replace_changes_what_it_is_told_alone():
    """The copy has the changes and nothing else; the event itself is unchanged."""
    event = Event(
        1, 20, "INFO", "m", {"a": 1}, SyntheticOrigin(), {"type": "E"}, "stack", "task", 3
    )

    copy = event.replace(message="n", sample_rate=4)

    assert (copy.message, copy.sample_rate, event.message, event.sample_rate) == ("n", 4, "m", 3)
    rest = set(Event.__slots__) - {"message", "sample_rate"}
    assert all(getattr(copy, name) is getattr(event, name) for name in rest)
