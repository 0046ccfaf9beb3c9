"""Queries that people write: each runs, or is refused with the name of what is not supported."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxlogging.devserver.engine import QueryRefusedError

LINES = Path(__file__).with_name("samples.txt").read_text("utf-8").splitlines()
SAMPLES = [line.partition(" => ") for line in LINES if not line.startswith("#")]


def test_there_are_fifty_five():
    """At least nine tenths of the sample queries run."""
    assert len(SAMPLES) == 55
    assert sum(not name for _, _, name in SAMPLES) == 47


@pytest.mark.parametrize(("query", "arrow", "name"), SAMPLES, ids=[one for one, _, _ in SAMPLES])
def test_a_sample_runs_or_is_refused_by_name(bench, query, arrow, name):
    """A sample returns JSON rows, or its refusal names what is not supported, with its position."""
    bench.fill({"message": "timeout", "status_code": "200", "scopes": ["a"], "user": "Ada"})
    if not arrow:
        assert isinstance(bench.rows(query), list)
        return
    with pytest.raises(QueryRefusedError) as caught:
        bench.plan(query)
    assert name in caught.value.reason
    assert query[caught.value.offset :]
