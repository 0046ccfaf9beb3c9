from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from cxlogging import bind, unbind
from cxlogging.handlers.context import bound, current


@pytest.fixture(autouse=True)
def _empty():
    unbind()
    yield
    unbind()


def in_a_thread(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_nothing_is_bound_at_first():
    """A context begins without fields."""
    assert dict(current()) == {}
    assert in_a_thread(lambda: dict(current())) == {}


def test_bound_fields_add_up():
    """Each bind adds to the bound fields, and the later value wins."""
    bind(a=1, b=1)
    bind(b=2, c=3)

    assert current() == {"a": 1, "b": 2, "c": 3}


def test_unbinding_takes_the_named_fields_away():
    """Unbind removes names, ignores unknown ones, and without names removes all."""
    bind(a=1, b=2, c=3)
    unbind("a", "x")
    assert current() == {"b": 2, "c": 3}

    unbind()
    assert current() == {}


def test_a_with_block_binds_for_its_length():
    """After the block, the earlier fields are bound again, also after an error."""
    bind(a=1)
    seen = []

    def work() -> None:
        with bound(a=2, b=3):
            seen.append(current())
            bind(c=4)
            raise KeyError

    with pytest.raises(KeyError):
        work()

    assert seen == [{"a": 2, "b": 3}]

    assert current() == {"a": 1}


def test_what_was_read_does_not_change():
    """The fields of a record are those at its time, whatever is bound later."""
    bind(a=1)
    before = current()
    bind(a=2)

    assert (before, current()) == ({"a": 1}, {"a": 2})


def test_nobody_changes_the_empty_context():
    """The default that every context shares cannot be written to."""
    with pytest.raises(TypeError):
        current()["a"] = 1


def test_a_thread_has_a_context_of_its_own():
    """Threads do not see each other's fields."""
    bind(a=1)

    def work():
        seen = dict(current())
        bind(b=2)
        return seen

    assert in_a_thread(work) == {}
    assert current() == {"a": 1}


def test_a_thread_in_a_copied_context_sees_what_was_bound():
    """contextvars.copy_context carries the fields to another thread."""
    bind(a=1)
    context = contextvars.copy_context()

    assert in_a_thread(lambda: context.run(current)) == {"a": 1}


def test_a_task_starts_with_its_parent_s_fields_and_keeps_its_own():
    """A task sees the fields bound at its creation; what it binds is not seen outside."""

    async def request(number: int) -> dict:
        bind(request=number)
        await asyncio.sleep(0)
        with bound(step=number):
            await asyncio.sleep(0)
            return dict(current())

    async def main() -> tuple[list[dict], dict]:
        bind(app="shop")
        seen = await asyncio.gather(*(request(each) for each in range(3)))
        return seen, dict(current())

    seen, after = asyncio.run(main())

    assert seen == [{"app": "shop", "request": each, "step": each} for each in range(3)]
    assert after == {"app": "shop"}
    assert current() == {}


def test_a_generator_closed_by_another_task_raises_nothing():
    """An asynchronous generator inside a bound block may be closed by another task."""

    async def lines():
        with bound(request="r-1"):
            yield 1

    async def main():
        generator = lines()
        await asyncio.ensure_future(generator.__anext__())
        await asyncio.create_task(generator.aclose())
        return dict(current())

    assert asyncio.run(main()) == {}


def test_a_block_closed_in_another_context_leaves_that_context_alone():
    """The fields bound in the context where the block is closed stay bound."""
    bind(own=1)
    block = bound(request="r-1")
    contextvars.copy_context().run(block.__enter__)

    block.__exit__(None, None, None)

    assert dict(current()) == {"own": 1}
