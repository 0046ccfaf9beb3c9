"""Queries that people write: each runs, or is refused by the name of what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxlogging.devserver.engine import QueryRefusedError

LINES = Path(__file__).with_name("samples.txt").read_text("utf-8").splitlines()
SAMPLES = [line.partition(" => ") for line in LINES if not line.startswith("#")]


def test_there_are_fifty_five():
    """The file holds all of them, and nine tenths run."""
    assert len(SAMPLES) == 55
    assert sum(not name for _, _, name in SAMPLES) == 47


@pytest.mark.parametrize(("query", "arrow", "name"), SAMPLES, ids=[one for one, _, _ in SAMPLES])
def test_a_sample_runs_or_is_refused_by_name(bench, query, arrow, name):
    """It gives rows of JSON; or its refusal names what is missing, at its place."""
    bench.fill({"message": "timeout", "status_code": "200", "scopes": ["a"], "user": "Ada"})
    if not arrow:
        assert isinstance(bench.rows(query), list)
        return
    with pytest.raises(QueryRefusedError) as caught:
        bench.plan(query)
    assert name in caught.value.reason
    assert query[caught.value.offset :]
