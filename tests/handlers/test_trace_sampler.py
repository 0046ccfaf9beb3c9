"""TraceSampler keeps the very traces that a tracer, or Refinery, keeps."""

from __future__ import annotations

import hashlib
import logging
import random

import pytest

from cxlogging import ConfigurationError, ContextQueueHandler, TraceSampler

sampling = pytest.importorskip("opentelemetry.sdk.trace.sampling")
trace_api = pytest.importorskip("opentelemetry.trace")

EDGES = [
    1,
    2**63 - 1,
    2**63,
    2**63 + 1,
    2**64 - 1,
    2**64,
    2**64 + 1,
    2**127,
    2**128 - 1,
]


def ids(count: int, seed: int = 16) -> list[int]:
    numbers = random.Random(seed)
    return [numbers.getrandbits(128) or 1 for _ in range(count)]


def a_record(trace_id: int | None = None) -> logging.LogRecord:
    record = logging.LogRecord("shop", 20, "/srv/o.py", 7, "hello", None, None)
    if trace_id is not None:
        record.otelTraceID, record.otelSpanID = f"{trace_id:032x}", f"{7:016x}"
    return record


def refinery_keeps(trace_id: str, rate: int) -> bool:
    """The rule of Refinery's deterministic sampler, from the text of its source."""
    if rate <= 1:
        return True
    digest = hashlib.sha1((trace_id + "5VQ8l2jE5aJLPVqk").encode()).digest()
    return int.from_bytes(digest[:4], "big") <= (2**32 - 1) // rate


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0, 1e-9, 0.3, 10, 3, 1, "0.25", "7"])
def test_the_same_traces_as_the_tracer_s(rate):
    """Of 100,000 random traces and the edges, those are kept that TraceIdRatioBased keeps."""
    ratio = float(rate) if isinstance(rate, float) or "." in str(rate) else 1 / int(rate)
    bound = sampling.TraceIdRatioBased.get_bound_for_rate(ratio)
    theirs = sampling.TraceIdRatioBased(ratio)
    edges = [*EDGES, bound or 1, max(bound - 1, 1), bound + 1, 2**64 + bound, 2**64 + bound - 1]
    sampler = TraceSampler(rate)

    for trace_id in (*edges, *ids(100_000 if rate in {0.1, 0.3} else 2_000)):
        kept = theirs.should_sample(None, trace_id, "").decision.is_sampled()
        assert bool(sampler(a_record(trace_id))) is kept, trace_id


@pytest.mark.parametrize("rate", [1, 2, 10, 97, 100_000, 0.1, 0.5, "10"])
def test_the_same_traces_as_refinery(rate):
    """Of random traces, those are kept that Refinery keeps; a part is one in a whole number."""
    one_in = round(1 / rate) if isinstance(rate, float) else int(rate)
    sampler = TraceSampler(rate, like="honeycomb")
    rates = {number: sampler(a_record(number)) for number in (*EDGES, *ids(20_000))}

    assert all(
        rates[number] == (one_in if refinery_keeps(f"{number:032x}", one_in) else 0)
        for number in rates
    )


def test_the_edge_of_refinery_s_bound():
    """A trace whose hash is exactly the bound is kept, and is not at the next lower bound."""
    first = {
        n: hashlib.sha1(f"{n:032x}5VQ8l2jE5aJLPVqk".encode()).digest()[:4]
        for n in range(1, 300_000)
    }
    number = min(first, key=first.__getitem__)
    value = int.from_bytes(first[number], "big")
    at, below = (2**32 - 1) // value, (2**32 - 1) // value + 1
    while (2**32 - 1) // below == value:
        below += 1

    assert (2**32 - 1) // at == value
    assert TraceSampler(at, like="honeycomb")(a_record(number)) == at
    assert TraceSampler(below, like="honeycomb")(a_record(number)) == 0


def test_refinery_s_traces_are_other_ones():
    """The two rules agree on some traces only: a sampler that takes one for the other is seen."""
    otel, refinery = TraceSampler(2), TraceSampler(2, like="honeycomb")
    agreed = [bool(otel(a_record(n))) is bool(refinery(a_record(n))) for n in ids(1_000)]

    assert 400 < sum(agreed) < 600


@pytest.mark.parametrize("rate", [0.3, 0.7, 0.15, 0.999])
def test_the_weights_of_kept_records_sum_up(rate):
    """The kept records stand for about all, also where the inverse is not a whole number."""
    sampler = TraceSampler(rate, chance=random.Random(1).random)
    rates = [sampler(a_record(number)) for number in ids(50_000)]

    assert {each for each in rates if each} <= {int(1 / rate), int(1 / rate) + 1}
    assert 48_500 < sum(rates) < 51_500


def test_a_record_without_a_trace_is_kept():
    """A record outside of a trace stands for itself, and so does one with an invalid id."""
    assert TraceSampler(1e-9)(a_record()) == 1
    assert TraceSampler(10**9, like="honeycomb")(a_record()) == 1
    record = a_record(1)
    record.otelTraceID = "no id"
    assert TraceSampler(1e-9)(record) == 1


def test_the_active_span_decides():
    """The trace is that of the active span."""
    sampler = TraceSampler(2)
    for number in ids(50):
        context = trace_api.SpanContext(number, 7, is_remote=False)
        with trace_api.use_span(trace_api.NonRecordingSpan(context)):
            assert bool(sampler(a_record())) is (number & 2**64 - 1 < 2**63)


def test_the_trace_behind_a_queue_decides():
    """Behind a ContextQueueHandler the trace is that of the log call."""
    sampler, put = TraceSampler(2), []
    queue = type("Queue", (), {"put_nowait": lambda _, record: put.append(record)})()
    for number in ids(50):
        context = trace_api.SpanContext(number, 7, is_remote=False)
        with trace_api.use_span(trace_api.NonRecordingSpan(context)):
            ContextQueueHandler(queue).handle(a_record())
        assert bool(sampler(put.pop())) is (number & 2**64 - 1 < 2**63)


@pytest.mark.parametrize("rate", [0, -1, 1.5, 10.0, True, None, "x", "", "1.5", "0", 2.5, [10]])
def test_an_impossible_rate(rate):
    """The error says what the rate may be: a part, or a whole number."""
    with pytest.raises(ConfigurationError, match=r"^rate takes a part such as 0.1, or a whole"):
        TraceSampler(rate)


def test_refinery_takes_whole_numbers():
    """A part that is not one in a whole number is refused where Refinery could not have it."""
    with pytest.raises(ConfigurationError, match=r"whole number with like='honeycomb', not 0.3"):
        TraceSampler(0.3, like="honeycomb")


def test_an_unknown_tracer():
    """The error lists what the sampler can be like."""
    with pytest.raises(ConfigurationError, match=r"like takes 'otel' or 'honeycomb', not 'xray'"):
        TraceSampler(10, like="xray")
