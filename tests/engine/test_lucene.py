"""Lucene queries."""

from __future__ import annotations

import pytest

from .conftest import event

DOCUMENTS = [
    {"n": 0, "msg": "connection refused by gateway-1", "code": 502, "user": {"id": "u1"}},
    {"n": 1, "msg": "Connection accepted", "code": 200, "user.id": "u2", "tags": ["a", "b"]},
    {"n": 2, "msg": "errors", "code": "404", "ok": True, "ratio": 0.5, "name": None},
    {"n": 3, "msg": "error (fatal): disk", "date": "2025-01-20"},
]

FOUND = [
    ("refused", [0]),
    ("CONNECTION", [0, 1]),
    ("connection AND accepted", [1]),
    ("refused OR accepted", [0, 1]),
    ("refused || accepted", [0, 1]),
    ("connection && !accepted", [0]),
    ("connection AND NOT accepted", [0]),
    ("+connection AND -accepted", [0]),
    ("NOT connection", [2, 3]),
    ("(refused OR errors) AND code:*", [0, 2]),
    ('"connection refused"', [0]),
    ('"refused connection"', []),
    ("msg:error", [3]),
    ("msg:error*", [2, 3]),
    ("msg:err?rs", [2]),
    ("msg:conn*ion", [0, 1]),
    ("code:502", [0]),
    ("code:404", [2]),
    ("ok:true", [2]),
    ("code:[200 TO 502]", [0, 1, 2]),
    ("code:{200 TO 502}", [2]),
    ("code:[* TO 300]", [1]),
    ("code:>=500", [0]),
    ("code:<300", [1]),
    ("ratio:<1", [2]),
    ("user.id:u1", [0]),
    ("user.id:u2", [1]),
    ("_exists_:tags", [1]),
    ("_exists_:name", []),
    ("tags:b", [1]),
    ("tags:(a AND b)", [1]),
    ("msg:(refused OR errors)", [0, 2]),
    ("msg:gateway\\-1", [0]),
    ('msg:"disk"', [3]),
    ("date:[2025-01-19 TO 2025-01-21]", [3]),
    ("ratio:[-1 TO 1]", [2]),
    ("coralogix.metadata.severity:5", [0]),
    ("coralogix.metadata.applicationName:shop", [0, 1, 2, 3]),
    ("coralogix.metadata.category:web AND refused", [0]),
    ("refused AND (accepted OR (gateway AND NOT errors))", [0]),
    ("accepted OR refused AND gateway", [0, 1]),
]


@pytest.mark.parametrize(("query", "numbers"), FOUND, ids=[one for one, _ in FOUND])
def test_lucene_finds(bench, query, numbers):
    """Terms match whole tokens and ignore case; fields, ranges and operators work as documented."""
    bench.store.add(
        event(one, n, severity=5 if n == 0 else 3, source={"category": "web"})
        for n, one in enumerate(DOCUMENTS)
    )
    inside = query.replace("\\", "\\\\").replace("'", "\\'")

    assert [row["n"] for row in bench.data(query, lucene=True)] == numbers
    assert [row["n"] for row in bench.data(f"lucene '{inside}' | filter n >= 0")] == numbers
