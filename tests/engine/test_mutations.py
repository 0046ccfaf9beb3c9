"""Queries with random changes: each is answered or refused, and nothing crashes."""

from __future__ import annotations

import itertools
import json
import random
import re

import pytest

from cxlogging.devserver.engine import QueryRefusedError
from cxlogging.devserver.engine.answer import EngineAnswer

from .conftest import event
from .test_reference import EXAMPLES, VALUES
from .test_samples import SAMPLES
from .test_written_queries import EXAMPLES as WRITTEN
from .test_written_queries import JOINS, LUCENE
from .test_written_queries import VALUES as MORE_VALUES

QUERIES = [
    *(query for query, _, _ in (*SAMPLES, *EXAMPLES)),
    *(query for query, _ in (*WRITTEN, *JOINS)),
    *(f"choose {expression} as value" for expression, _ in (*VALUES, *MORE_VALUES)),
]
WORDS = (
    "( ) [ ] { } , . : | || && == != < > = => ~ ~~ ! + - * / % ' \" ` \\ @ $ $d $m $l $p / in by as"
    " into on using left right keep asc desc null true ERROR Error 0 1 -1 1e400 9999999999999999999"
    " 1h 'x' '%F' /a+/ /[[:alpha:]]/ (?i) count() sum a item price $m.severity $m.timestamp"
    " $p.timeRange.startTime parseTimestamp formatTimestamp AND OR NOT TO [1"
    " .keyword .numeric ~2 ^3 \ud800 \0 \n é 😀"
).split(" ")
NUMBER = 6_000
"""Of each language."""

EVENTS = [
    {"item": "bolt", "price": 3, "a": {"b": [1, {"c": None}]}, "l": [1, 2], "s": "a=b c=d"},
    {"item": None, "price": "3", "a": "x", "l": [], "t": "2025-01-20T00:00:00Z", "d": "1h"},
    {},
]


def mutated(query: str, chance: random.Random) -> str:
    pieces = re.findall(r"\w+|\s+|.", query, re.DOTALL)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(pieces) + 1)
        change = chance.randrange(4)
        if change == 0:
            pieces.insert(at, chance.choice(WORDS))
        elif change == 1:
            del pieces[at : at + chance.randint(1, 3)]
        elif change == 2:
            pieces[at : at + 1] = [chance.choice(WORDS)]
        else:
            other = re.findall(r"\w+|\s+|.", chance.choice(QUERIES), re.DOTALL)
            start = chance.randrange(len(other))
            pieces[at:at] = other[start : start + chance.randint(1, 8)]
    return "".join(pieces)


def planned(bench, query, *, lucene):
    """The plan; None where the query is refused, in words and with a place in it."""
    try:
        return bench.plan(query, lucene=lucene)
    except QueryRefusedError as error:
        place = -1 <= error.offset <= len(query)
        assert (place, error.message(query) != "", error.caret(query) != "") == (True,) * 3  # noqa: PT017
    return None


@pytest.mark.slow
@pytest.mark.parametrize("lucene", [False, True])
def test_mutated_queries(bench, lucene):
    """Each of 12,000 changed queries has rows in JSON, or an error in words with a position."""
    chance = random.Random(15)
    bench.store.add(event(one, n) for n, one in enumerate(EVENTS))
    sources = [query for query, _ in LUCENE] if lucene else QUERIES
    answered = 0
    for _ in range(NUMBER):
        query = mutated(chance.choice(sources), chance)
        plan = planned(bench, query, lucene=lucene)
        if plan is None:
            continue
        answer = EngineAnswer(plan, bench.fresh(), 50)
        for document in itertools.chain.from_iterable(answer.batches()):
            json.loads(document["userData"])
        assert "internal error" not in answer.reason, query
        json.dumps(answer.final_warnings())
        answered += 1
    assert answered > NUMBER / 20
