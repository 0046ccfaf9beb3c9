"""The small parts of a delivery: values in, values out."""

from __future__ import annotations

import _thread
import gzip
import itertools
import logging
import math
import ssl
import threading
from collections import deque

import certifi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.delivery.clock import Clocks
from cxlogging.delivery.diagnostics import Diagnostics
from cxlogging.delivery.http.compression import choose, compressor
from cxlogging.delivery.ledger import SPARE_LEVEL, Counter, Ledger, Tally
from cxlogging.delivery.options import Options
from cxlogging.delivery.queue.memory import ITEM_OVERHEAD, MemoryQueue
from cxlogging.delivery.worker.backoff import backoff, retry_after
from cxlogging.delivery.worker.in_flight import Batch, InFlight
from cxlogging.delivery.worker.pacing import NEVER, Health, Pace
from cxlogging.errors import ConfigurationError
from cxlogging.wire.http import Limits
from tests.fakes import LIMITS

ROOMY = Limits(10_000, 10**7, 10**7, 10_000, 0, auto=())


@given(st.integers(1, 200), st.floats(0, 1))
def test_backoff_is_full_jitter(attempt, chance):
    """A pause is between zero and a bound that doubles up to the maximum."""
    pause = backoff(attempt, 0.5, 30, chance)

    assert pause == min(30, 0.5 * 2.0 ** (attempt - 1)) * chance


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "2"}, 2),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "1e9"}, 600),
        ({"retry-after": "1" + "0" * 400}, 600),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 60),
        (
            {
                "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT",
                "date": "Wed, 21 Oct 2015 07:27:30 GMT",
            },
            30,
        ),
        ({"retry-after": "Wed, 21 Oct 1999 07:28:00 GMT"}, 0),
        ({"retry-after": "Wed, 99 Foo 2015"}, None),
    ],
)
def test_retry_after(headers, wait):
    """Retry-After is seconds or a date, measured by the vendor's own clock, and capped."""
    assert retry_after(headers, 1_445_412_420.0) == wait


@pytest.mark.parametrize(
    ("given_options", "sentence"),
    [
        ({"flush_interval": "soon"}, "flush_interval takes seconds"),
        ({"flush_interval": -1}, "flush_interval takes seconds"),
        ({"timeout": 0}, "timeout takes more than 0"),
        ({"timeout": True}, "timeout takes seconds"),
        ({"timeout": float("nan")}, "timeout takes seconds"),
        ({"retry_initial": None}, "retry_initial takes seconds"),
        ({"buffer_bytes": "64 parsecs"}, "buffer_bytes takes a number"),
        ({"buffer_bytes": None}, "buffer_bytes takes a number"),
        ({"buffer_bytes": 0}, "buffer_bytes takes a number from 1"),
        ({"concurrency": 1.5}, "concurrency takes a number"),
        ({"concurrency": True}, "concurrency takes a number"),
        ({"overflow": "drop_new"}, "Did you mean 'drop_newest'"),
        ({"compression": "gz"}, "compression takes"),
        ({"on_drop": "print"}, "on_drop takes a callable"),
        ({"on_error": 1}, "on_error takes a callable"),
        ({"ssl_context": object()}, "ssl_context takes an ssl.SSLContext"),
        ({"proxy": "socks5://x"}, "proxy takes an address"),
        ({"headers": "X: y"}, "headers takes a mapping"),
        ({"headers": {"X Y": "z"}}, "not a valid header name"),
        ({"headers": {"X": "secret\nvalue"}}, "the value of 'X' holds characters"),
    ],
)
def test_impossible_options(given_options, sentence):
    """An impossible option raises one sentence that says what is possible."""
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        Options.parse(given_options)
    assert "secret" not in str(caught.value)


def test_a_default_gives_way_to_what_is_given():
    """A maximum below the default of its part lowers that part; a part that was given does not."""
    assert Options.parse({"retry_maximum": "0.1"}).retry_initial == 0.1
    with pytest.raises(ConfigurationError, match=r"above retry_maximum=0\.1"):
        Options.parse({"retry_maximum": "0.1", "retry_initial": "0.2"})


def test_an_ssl_context_stands_alone():
    """Certificates beside a context would have no effect."""
    given = {"ssl_context": ssl.create_default_context(), "ca_file": certifi.where()}
    with pytest.raises(ConfigurationError, match="ssl_context stands alone"):
        Options.parse(given)


class Unreadable:
    """Neither a number nor a text."""

    def __repr__(self):
        raise RuntimeError("no text")

    def __float__(self):
        raise RuntimeError("no number")


@pytest.mark.parametrize("name", ["timeout", "batch_count", "buffer_bytes", "overflow", "proxy"])
def test_a_value_that_raises_is_shown_by_its_type(name):
    """What its own methods raise does not leave the handler's constructor."""
    with pytest.raises(ConfigurationError, match="<Unreadable>"):
        Options.parse({name: Unreadable()})


def test_the_newest_twenty_reasons_are_kept():
    """A vendor that gives each record another reason does not fill the memory."""
    ledger = Ledger()
    for number in range(30):
        ledger.reject(logging.INFO, f"reason {number}")

    assert list(ledger.reasons) == [f"reason {number}" for number in range(10, 30)]
    assert ledger.rejected[logging.INFO] == 30


def test_a_loss_is_counted_where_no_memory_is_left_for_its_level():
    """The counter of one level exists from the beginning, and takes it."""

    class Exhausted(Tally):
        def add(self, level):
            if level != SPARE_LEVEL:
                raise MemoryError
            super().add(level)

    ledger = Ledger()
    ledger.dropped = Exhausted()
    ledger.lose(logging.DEBUG)

    assert ledger.dropped.by_level() == {SPARE_LEVEL: 1}


def test_options_from_strings():
    """Options are read from the plain strings of a configuration file."""
    options = Options.parse(
        {
            "flush_interval": "0.5",
            "buffer_bytes": "16 MiB",
            "batch_bytes": "1MB",
            "batch_count": "100",
            "headers": {"X-Team": " a "},
        }
    )

    assert options.flush_interval == 0.5
    assert options.buffer_bytes == 16 * 2**20
    assert options.batch_bytes == 1_000_000
    assert options.batch_count == 100
    assert options.headers == {"X-Team": "a"}


@pytest.mark.parametrize(
    ("asked", "limits", "chosen"),
    [
        ("auto", Limits(1, 1, 1, 1, 0, auto=("gzip",)), "gzip"),
        ("auto", Limits(1, 1, 1, 1, 0, auto=()), None),
        ("gzip", LIMITS, "gzip"),
        (None, LIMITS, None),
    ],
)
def test_the_choice_of_compression(asked, limits, chosen):
    """Automatic compression uses the best that the vendor accepts; a named one is used as given."""
    assert choose(asked, limits) == chosen


def test_compression_that_the_vendor_does_not_take():
    """The constructor refuses a compression that the vendor is not known to accept."""
    with pytest.raises(ConfigurationError, match="this vendor takes 'gzip' or None"):
        choose("zstd", LIMITS)


@given(st.binary(max_size=5_000))
def test_compressed_bodies_can_be_read(body):
    """Compressed bodies are unchanged once decompressed, and None does not compress."""
    zstd = _zstd()

    assert gzip.decompress(compressor("gzip")(body)) == body
    assert zstd.decompress(compressor("zstd")(body)) == body
    assert compressor(None)(body) == body


def _zstd():
    try:
        from compression import zstd
    except ImportError:
        from backports import zstd
    return zstd


def buffer(overflow="shed", bound=10_000, evicted=lambda level: None, **options):
    parsed = Options.parse({"overflow": overflow, "buffer_bytes": bound, **options})
    return MemoryQueue(parsed, Clocks(), evicted, _thread.RLock())


def fill(line, level, size=880):
    """Put items of 1,000 held bytes until one is refused; return how many were accepted."""
    count = 0
    while count < 100 and line.put((level, b"x" * size, 0)):
        count += 1
    return count


@pytest.mark.parametrize(
    ("level", "taken"), [(5, 7), (10, 7), (11, 8), (20, 8), (25, 9), (30, 9), (31, 10), (50, 10)]
)
def test_shedding_admits_by_level(level, taken):
    """DEBUG fills 70 % of the bound, INFO 85 %, WARNING 95 %, ERROR all of it."""
    assert ITEM_OVERHEAD == 120
    assert fill(buffer(), level) == taken


def test_shedding_keeps_room_for_errors():
    """A queue full of DEBUG records still accepts errors."""
    line = buffer()
    fill(line, 10)

    assert fill(line, 40) == 3


def test_dropping_the_newest():
    """Dropping the newest refuses what does not fit, whatever its level."""
    line = buffer("drop_newest")

    assert fill(line, 10) == 10
    assert not line.put((50, b"x" * 880, 0))


def test_dropping_the_oldest():
    """Dropping the oldest accepts the newest, evicts the oldest, and counts its level."""
    evicted = []
    line = buffer("drop_oldest", evicted=evicted.append)
    for number in range(15):
        assert line.put((number, b"x" * 880, 0))

    assert evicted == [0, 1, 2, 3, 4]
    assert [level for level, _, _ in line.take(100, NEVER)] == list(range(5, 15))


def test_dropping_the_oldest_for_an_item_larger_than_the_bound():
    """An item larger than the whole bound is refused, and nothing is evicted for it."""
    line = buffer("drop_oldest")
    line.put((10, b"x", 0))

    assert not line.put((50, b"x" * 20_000, 0))


def test_dropping_the_oldest_waits_for_no_lock():
    """While the worker holds its lock, the newest is dropped, and nothing waits for the lock."""
    lock, held, go = _thread.RLock(), threading.Event(), threading.Event()
    line = MemoryQueue(
        Options.parse({"overflow": "drop_oldest", "buffer_bytes": 1_000}), Clocks(), print, lock
    )
    line.put((10, b"x" * 800, 0))

    def hold():
        with lock:
            held.set()
            go.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    taken = line.put((10, b"y" * 800, 0))
    go.set()
    holder.join()

    assert not taken
    assert line.take(9, NEVER) == [(10, b"x" * 800, 0)]


def test_blocking_waits_for_room():
    """Blocking waits until there is room, then accepts the item."""
    line = buffer("block", bound=1_000, block_timeout=20)
    line.put((10, b"x" * 800, 0))
    taken = []
    waiting = threading.Thread(target=lambda: taken.append(line.put((10, b"y" * 800, 0))))
    waiting.start()
    line.settle(line.take(9, NEVER))
    waiting.join(20)

    assert taken == [True]


def test_blocking_gives_up():
    """Blocking waits block_timeout at most, then drops the item."""
    line = buffer("block", bound=1_000, block_timeout=0.05)
    line.put((10, b"x" * 800, 0))

    assert not line.put((10, b"y" * 800, 0))


def test_a_batch_is_cut_by_count_and_bytes():
    """take() keeps both bounds, returns at least one item, and keeps the order."""
    line = buffer(bound=100_000)
    for size in (10, 10, 10, 5_000, 10):
        line.put((20, b"x" * size, 0))

    assert [len(data) for _, data, _ in line.take(2, NEVER)] == [10, 10]
    assert [len(data) for _, data, _ in line.take(9, 100)] == [10]
    assert [len(data) for _, data, _ in line.take(9, 100)] == [5_000]
    assert len(line) == 1


def test_held_bytes_are_given_back_when_settled():
    """Items count against the bound until they have their outcome, also while in flight."""
    line = buffer()
    line.put((20, b"x" * 880, 0))
    taken = line.take(9, NEVER)

    assert line.bytes_held == 1_000
    line.settle(taken)
    assert line.bytes_held == 0


def test_counters_in_many_threads():
    """Counting from many threads at once misses nothing."""
    counter, tally = Counter(), Tally()

    def count():
        for n in range(20_000):
            counter.add()
            tally.add(n % 3)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counter.value == tally.total == 80_000
    assert sum(tally.by_level().values()) == 80_000


def test_batches_go_again_in_order():
    """Whatever the order in which batches come back, the oldest is sent first."""
    in_flight = InFlight()
    batches = [Batch(first, [(20, b"x", 0)] * 10) for first in (0, 10, 20)]
    for index in (2, 0, 1):
        in_flight.start(batches[index], 0.0)
        in_flight.finish(batches[index])
        in_flight.put_back(batches[index])

    assert (in_flight.first, in_flight.count) == (0, 30)
    assert [in_flight.next(0.0, float, 9, 9) for _ in range(4)] == [*batches, None]


@given(st.integers(2, 50))
def test_halves(count):
    """Two halves hold a batch's items in order."""
    batch = Batch(7, [(20, b"%d" % n, 0) for n in range(count)])
    left, right = batch.halves()

    assert [*left.items, *right.items] == list(batch.items)
    assert right.first == left.first + len(left)
    assert len(left) >= 1 <= len(right)


def test_the_pace_of_flushing():
    """
    What comes to an idle queue is flushed at once; what comes then waits for the interval, and
    everything that waits when the interval is over is flushed.
    """
    pace = Pace(Options.parse({"flush_interval": 1, "batch_count": 10}), LIMITS)

    assert pace.due(99.0, 0, 0) == NEVER
    assert pace.due(99.5, 2, 200) == 0
    assert pace.due(99.6, 0, 0) == NEVER
    assert pace.due(100.0, 5, 500) == 1
    assert pace.due(100.5, 6, 600) == 0.5
    assert pace.due(101.0, 6, 600) == 0
    assert pace.due(101.2, 3, 300, 6) == pytest.approx(0.8)


def test_a_flush_of_nothing_leaves_a_queue_idle():
    """flush() with nothing to send does not delay the next record."""
    pace = Pace(Options.parse({"flush_interval": 1}), LIMITS)
    pace.flush(100.0, 0)

    assert pace.due(100.1, 0, 0) == NEVER
    assert pace.due(100.2, 1, 100) == 0
    pace.flush(101.1, 0)
    assert pace.due(101.2, 0, 0) == NEVER
    assert pace.due(101.2, 1, 100) == 0


@pytest.mark.parametrize("rate", [0.1, 0.9, 1.1, 2, 10, 1_000])
def test_a_steady_rate_makes_as_few_requests_as_its_interval(rate):
    """
    At a steady rate, sending an idle queue's first record at once adds one request at most; a burst
    adds one, and takes one interval longer.
    """
    spacing = 1 / rate
    assert requests_of([n * spacing for n in range(int(60 * rate))]) <= steadily(spacing) + 1
    burst = [1000 * n + k / 100_000 for n in range(10) for k in range(100)]
    assert requests_of(burst) == 20


def steadily(spacing: float) -> int:
    """Return the requests of a minute if each first record waits for the interval of 1 s."""
    flushes, number = 0, 0
    while number < int(60 / spacing):
        number = math.floor(number + 1 / spacing) + 1
        flushes += 1
    return flushes


def requests_of(moments) -> int:
    """Return how many requests are made for records logged at *moments*; each takes no time."""
    pace = Pace(Options.parse({"flush_interval": 1}), ROOMY)
    coming, waiting, taken, now, requests = deque(moments), 0, 0, 0.0, 0
    while coming or waiting:
        while coming and coming[0] <= now:
            coming.popleft()
            waiting += 1
        due = pace.due(now, waiting, waiting, taken)
        if due <= 0:
            taken += waiting
            waiting, requests = 0, requests + 1
        elif waiting:
            now += due
        else:
            now = coming[0]
    return requests


def test_the_pace_after_failures():
    """Pauses grow with each failure; a good answer ends them, and closing cuts them short."""
    pace = Pace(Options(), LIMITS)
    pace.failed(100.0, None, 1.0)
    assert (pace.health, pace.resume_at) == (Health.RETRYING, 100.5)
    pace.failed(100.0, None, 1.0)
    assert pace.resume_at == 101.0
    pace.end_pause(100.2)
    assert pace.resume_at == 100.2
    pace.delivered(0.1)
    assert (pace.health, pace.resume_at) == (Health.HEALTHY, 0.0)


@given(
    st.lists(st.integers(0, 400), max_size=40),
    st.lists(st.tuples(st.integers(1, 50), st.integers(0, 12_000)), max_size=10),
)
def test_every_take_keeps_its_bounds(lengths, takes):
    """
    However much waits, a take returns as many items as both bounds allow, one at least, oldest
    first.
    """
    line = buffer(bound=2**30)
    waiting = [(20, b"x" * length, 0) for length in lengths]
    for item in waiting:
        assert line.put(item)
    for count, size in takes:
        wanted = fitting(waiting[:count], size)
        assert line.take(count, size) == waiting[:wanted]
        del waiting[:wanted]
        assert len(line) == len(waiting)
        assert line.bytes_in - line.bytes_out == sum(
            len(data) + ITEM_OVERHEAD for _, data, _ in waiting
        )


def fitting(items, size):
    """Return how many of *items* take at most *size* bytes, with one between each two."""
    sums = itertools.accumulate(len(data) + 1 for _, data, _ in items)
    return max(sum(total <= size for total in sums), min(len(items), 1))


def test_closing_keeps_the_vendors_wait():
    """A pause that the vendor asks for is kept, also when closing."""
    pace = Pace(Options(), LIMITS)
    pace.failed(100.0, 60.0, 0.0)
    pace.end_pause(100.1)

    assert pace.resume_at == 160.0


def test_batches_grow_back_slowly():
    """After a timeout batches are half as large, and grow again with each delivered one."""
    pace = Pace(Options(), LIMITS)
    pace.shrink(8_000)
    assert pace.batch_bytes == 4_000
    pace.delivered(0.1)
    assert 4_000 < pace.batch_bytes < 4_300
    for _ in range(100):
        pace.delivered(0.1)
    assert pace.batch_bytes == LIMITS.body_bytes


def test_a_batch_is_no_larger_than_a_worker_does_at_once():
    """A vendor that accepts more gets 4,000 records in a request, and more only by option."""
    ample = Limits(10_000, 10**7, 10**7, 10_000, 0, auto=())

    assert Pace(Options(), ample).max_items == 4_000
    assert Pace(Options.parse({"batch_count": 7_000}), ample).max_items == 7_000
    assert Pace(Options(), LIMITS).max_items == LIMITS.batch_count


def test_batch_options_never_exceed_the_vendor():
    """batch_count and batch_bytes make batches smaller, never larger than the vendor's limits."""
    pace = Pace(Options.parse({"batch_count": 10**9, "batch_bytes": 10**9}), LIMITS)

    assert (pace.max_items, pace.max_bytes) == (LIMITS.batch_count, LIMITS.body_bytes)


def test_diagnostics_are_said_once(capfd):
    """Each kind of trouble is one message until it changes or is over."""
    now = [0.0]
    diagnostics = Diagnostics("Lines", monotonic=lambda: now[0])
    for topic in ("a", "a", "b", "b"):
        diagnostics.say("delivery", topic, topic)
    diagnostics.passed("delivery", "well again")
    diagnostics.passed("delivery", "well again")
    now[0] = 61.0
    diagnostics.say("delivery", "b", "b")

    assert capfd.readouterr().err.splitlines() == [
        f"cxlogging: Lines: {word}" for word in ("a", "b", "well again", "b")
    ]


def test_trouble_that_comes_and_goes_is_one_line_a_minute(capfd):
    """
    A vendor that fails every other second is reported once a minute, and so is its recovery; what
    is still wrong when the minute is over is reported then.
    """
    now = [0.0]
    diagnostics = Diagnostics("Lines", monotonic=lambda: now[0])
    for second in range(120):
        now[0] = float(second)
        if second % 2:
            diagnostics.passed("delivery", "well again")
        else:
            diagnostics.say("delivery", "HTTP 503", f"HTTP 503, at {second} s")

    said = [line.removeprefix("cxlogging: Lines: ") for line in capfd.readouterr().err.splitlines()]
    assert said == ["HTTP 503, at 0 s", "well again", "HTTP 503, at 60 s", "well again"]
    for second in range(110, 180):
        now[0] = float(second)
        diagnostics.say("delivery", "HTTP 503", f"HTTP 503, at {second} s")
    assert capfd.readouterr().err == "cxlogging: Lines: HTTP 503, at 120 s\n"


def test_the_applications_chance_is_left_alone():
    """Backoff and sampling draw nothing from the application's own random number generator."""
    import random

    from cxlogging.handlers.selection.samplers import LevelSampler, RandomSampler

    random.seed(7)
    before = random.getstate()
    record = logging.makeLogRecord({"levelno": 20})
    for draw in (Clocks().random, lambda: RandomSampler(5)(record), LevelSampler({"INFO": 5})):
        draw(record) if isinstance(draw, LevelSampler) else draw()

    assert random.getstate() == before
