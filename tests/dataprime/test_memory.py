"""The memory that a large answer needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .service import QUERY_ID, STATISTICS, Reply, log, result

LINE = result(
    *[{**log(number), "userData": '{"text":"' + "x" * 2_000 + '"}'} for number in range(50)]
)
LINES = 200_000_000 // len(LINE)

READ = """
import json, resource, sys, warnings
from cxlogging.dataprime import DataPrimeClient
warnings.simplefilter("ignore")
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
with DataPrimeClient("key", url=sys.argv[1]) as client:
    rows = client.stream("source logs", tier="archive")
    next(rows)
    before, count, size = peak(), 1, 0
    for row in rows:
        count += 1
        size += len(row.raw)
print(json.dumps([count, size, peak() - before]))
"""


@pytest.mark.slow
def test_200_megabytes_are_streamed_under_50(service):
    """A streamed answer of 200 MB raises the memory of its reader by less than 50 MB."""
    service.will_say(Reply(piece for piece in [QUERY_ID, *[LINE] * LINES, STATISTICS]))

    done = subprocess.run(
        [sys.executable, "-c", READ, service.url], capture_output=True, text=True, check=True
    )

    count, size, grown = eval(done.stdout)
    assert count == 50 * LINES
    assert size > 190_000_000 * 0.9
    assert grown < 50
