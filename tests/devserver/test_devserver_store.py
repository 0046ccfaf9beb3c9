"""The store: its limits, its order, its threads, and unusual text."""

from __future__ import annotations

import threading

import pytest

from cxlogging.devserver import RequestRecord, Store, StoredEvent


def event(n=0, vendor="coralogix", **more):
    values = {
        "vendor": vendor, "time_ns": n, "received_ns": n, "level": "info", "severity": 3,
        "message": f"message {n}", "application": "a", "subsystem": "s", "source": {},
        "data": {"n": n},
    }  # fmt: skip
    return StoredEvent(**{**values, **more})


def request(n=0, vendor="coralogix", **more):
    return RequestRecord(time_ns=n, vendor=vendor, method="POST", path="/", status=200, **more)


@pytest.fixture
def store():
    opened = Store()
    yield opened
    opened.close()


def test_what_goes_in_comes_out(store):
    """Every field of an event is returned, with its id."""
    store.add([event(5, source={"x": [1]}, warnings=("odd",), size=7)])
    (held,) = store.oldest()
    assert held == {
        "id": 1, "vendor": "coralogix", "time_ns": 5, "received_ns": 5, "level": "info",
        "severity": 3, "message": "message 5", "application": "a", "subsystem": "s",
        "source": {"x": [1]}, "data": {"n": 5}, "warnings": ["odd"], "size": 7,
    }  # fmt: skip


def test_the_newest_come_first_page_by_page(store):
    """`before_id` continues where the previous page ended."""
    store.add(event(n) for n in range(10))
    first = store.newest(4)
    second = store.newest(100, before_id=first[-1]["id"])
    assert [one["time_ns"] for one in first + second] == list(range(9, -1, -1))


def test_vendors_are_told_apart(store):
    """Lists and counts distinguish vendors."""
    store.add([event(1), event(2, "honeycomb"), event(3, "honeycomb")])
    assert [one["time_ns"] for one in store.newest(vendor="honeycomb")] == [3, 2]
    assert store.count() == {"coralogix": 1, "honeycomb": 2, "betterstack": 0}


@pytest.mark.parametrize(
    ("contains", "found"),
    [("SALE", [1]), ("100%", [1]), ("0%o", [1]), ("a_b", [2]), ("\\", [3]),
     ("deep", [2]), ("é", [3])],
)  # fmt: skip
def test_a_text_is_found_in_the_message_or_the_data(store, contains, found):
    """A search finds percent signs, underscores and backslashes literally."""
    store.add(
        [event(1, message="100%off Sale"), event(2, data={"a_b": "deep"}), event(3, message="é\\x"),
         event(4, message="1000 off axb")]
    )  # fmt: skip
    assert [one["time_ns"] for one in store.newest(contains=contains)] == found


def test_above_the_bound_the_oldest_go():
    """The size stays below the limit, the newest events stay, and the counts are correct."""
    store = Store(max_bytes=1_000_000)
    for n in range(60):
        store.add(event(n * 100 + k, data={"text": "x" * 500}) for k in range(100))
        assert store.sizes()["bytes"] <= 1_000_000
    held = store.oldest()
    assert [one["time_ns"] for one in held] == list(range(6000 - len(held), 6000))
    assert 500 < len(held) < 2000
    assert store.count()["coralogix"] == len(held) == store.sizes()["events"]
    assert store.sizes()["file_bytes"] < 1_500_000 + 5_000_000
    store.close()


def test_an_event_above_the_bound_is_kept_alone():
    """The newest event is never removed."""
    store = Store(max_bytes=100_000)
    store.add([event(1), event(2, data={"text": "x" * 500_000})])
    assert [one["time_ns"] for one in store.oldest()] == [2]
    store.add([event(3)])
    assert [one["time_ns"] for one in store.oldest()] == [3]
    store.close()


def test_the_log_of_requests_is_bounded_by_number():
    """The newest entries of the request log stay."""
    store = Store(max_requests=100)
    for n in range(1000):
        store.add((), request(n))
    held = store.requests(-1)
    assert 100 <= len(held) < 164
    assert held[0]["time_ns"] == 999
    store.close()


def test_the_log_is_told_apart_by_vendor(store):
    """The request log distinguishes vendors; long paths and reasons are truncated."""
    store.add((), request(1))
    store.add((), request(2, "honeycomb", error="e" * 5000))
    assert [one["time_ns"] for one in store.requests()] == [2, 1]
    (one,) = store.requests(vendor="honeycomb")
    assert len(one["error"]) == 1000


def test_threads_write_and_read_at_once(store):
    """Concurrent reads and writes lose nothing and raise nothing."""
    errors = []

    def write(vendor):
        try:
            for n in range(50):
                store.add([event(n, vendor), event(n, vendor)], request(n, vendor))
                store.newest(5, contains="message")
        except Exception as error:
            errors.append(error)

    threads = [
        threading.Thread(target=write, args=(vendor,))
        for vendor in ("coralogix", "honeycomb", "betterstack")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert store.count() == {"coralogix": 100, "honeycomb": 100, "betterstack": 100}
    assert len(store.requests(-1)) == 150


def test_one_request_is_one_transaction(store):
    """Where one event cannot be stored, none is, and the counts stay."""
    with pytest.raises(OverflowError):
        store.add([event(1), event(2**63)], request(1))
    assert (store.oldest(), store.requests(), store.count()["coralogix"]) == ([], [], 0)


def test_waiting_ends_with_the_event(store):
    """The wait ends when the event is stored, not before, and not later than the timeout."""
    assert not store.wait(lambda counts: counts["coralogix"] >= 1, 0.01)
    threading.Timer(0.05, store.add, ([event(1)],)).start()
    assert store.wait(lambda counts: counts["coralogix"] >= 1, 10)


def test_odd_text_comes_back_as_it_was(store):
    """Lone surrogates and NUL are restored; nesting that is too deep is replaced."""
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    store.add(
        [event(1, message="\ud800x\0y", data={"a\udfff": "\ud800é\u2028"}, application="\ud800"),
         event(2, data={"deep": deep})]
    )  # fmt: skip
    first, second = store.oldest()
    assert first["data"] == {"a\udfff": "\ud800é\u2028"}
    assert (first["message"], first["application"]) == ("\\ud800x\0y", "\\ud800")
    assert second["data"] == {"cxlogging": "nested too deeply to be stored"}


def test_a_named_file_is_kept_and_read_again(tmp_path):
    """A named file keeps its counts, and ids continue."""
    store = Store(tmp_path / "events.db")
    store.add([event(1), event(2, "honeycomb")], request(1))
    store.close()
    again = Store(tmp_path / "events.db")
    assert again.count() == {"coralogix": 1, "honeycomb": 1, "betterstack": 0}
    again.add([event(3)])
    assert [one["id"] for one in again.oldest()] == [1, 2, 3]
    again.close()


def test_a_temporary_file_is_removed(store):
    """A temporary file is removed with its folder, even where the store is not closed."""
    other = Store()
    folder = other.path.parent
    assert folder.exists()
    other.close()
    assert not folder.exists()


def test_clearing_forgets_all(store):
    """clear() removes events and requests, and ids are not reused."""
    store.add([event(1)], request(1))
    assert store.clear() == {"events": 1, "requests": 1}
    assert (store.oldest(), store.requests(), sum(store.count().values())) == ([], [], 0)
    store.add([event(2)])
    assert store.oldest()[0]["id"] == 2


def test_filters_of_time_level_and_place_have_an_index(store):
    """Filters by time, severity and application use an index."""
    for where in ("time_ns > 5", "severity = 5", "application = 'a'", "vendor = 'honeycomb'"):
        _, plan = store._read(f"EXPLAIN QUERY PLAN SELECT * FROM events WHERE {where}", ())
        assert "USING INDEX" in plan[0][3]
