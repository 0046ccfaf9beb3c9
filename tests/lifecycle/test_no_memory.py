"""Log calls when no memory is left."""

from __future__ import annotations

import sys

import pytest

EXHAUSTED = """
import resource

class Widget:
    def __repr__(self):
        return "x" * 20_000

log.info("warm %s", Widget(), extra={"a": [Widget()]})
handler.flush(10)
record = logging.makeLogRecord(
    {"msg": "hello", "levelno": 20, "levelname": "INFO", "a": [Widget()] * 20}
)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**22, resource.RLIM_INFINITY))
hoard, size = [], 2**22
while size >= 512:
    try:
        hoard.append(bytearray(size))
    except MemoryError:
        size //= 2
raised = 0
for number in range(300):
    try:
        handler.handle(record)
    except MemoryError:
        raised += 1
hoard.clear()
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
handler.flush(10)
stats = handler.stats()
print(raised, stats.balanced, stats.dropped > 0, stats.accepted)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="bounds the address space of a process")
@pytest.mark.parametrize(
    "vendor", [pytest.param("coralogix", marks=pytest.mark.slow), "honeycomb", "betterstack"]
)
@pytest.mark.parametrize("spooled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_no_memory_error_leaves_a_log_call(program, server, tmp_path, vendor, spooled):
    """
    With memory exhausted no log call raises: a record arrives with a mark, or its
    loss is counted.
    """
    options = f"spool={str(tmp_path / 'spool')!r}" if spooled else ""
    ended = program(EXHAUSTED, vendor, options)

    raised, balanced, dropped, accepted = ended.out.split()
    assert (raised, balanced, accepted) == ("0", "True", "301"), ended
    marked = [each for each in server.events(vendor) if "MemoryError" in str(each["data"])]
    assert marked or dropped == "True", ended
