"""A handler that something removes from its logger is reported, once; no other handler is."""

from __future__ import annotations

import logging
import math

import pytest

from cxlogging.handlers.attachment import QUIET_SECONDS, WARNING, Attachment

GONE = "this handler was removed from its logger"

TAKEN = """
    logging.getLogger("shop").removeHandler(handler)
    logging.getLogger().addHandler(handler)
    log.info("before")
    handler.flush(5)
    {keep}
    logging.getLogger().handlers = []
    log.info("after")
"""


COLLECTED = """
    import gc, time, weakref
    workers = weakref.ref(handler.delivery.workers)
    del handler
    logging.getLogger().handlers = []
    deadline = time.monotonic() + 30
    while workers() is not None and len(workers()) and time.monotonic() < deadline:
        gc.collect()
    gc.collect()
"""
"""Nothing refers to the handler, and its worker threads have ended."""


@pytest.mark.queues("memory")  # it is about the handler, and is noticed by any worker's look
@pytest.mark.parametrize(
    "keep", ["kept = handler", "del handler", COLLECTED], ids=["kept", "dropped", "collected"]
)
def test_a_handler_that_was_taken_away_says_so_at_the_exit(program, server, keep):
    """After `root.handlers = []`, as Celery does it, one message says that no more records come."""
    done = program(TAKEN.format(keep=keep.strip()))

    assert done.err.count(GONE) == 1
    assert server.count() == 1


BEHIND = {
    "closed": "handler.close(); log.removeHandler(handler)",
    "removed and closed": "log.removeHandler(handler); handler.close()",
    "configured anew": "import logging.config; logging.config.dictConfig({'version': 1})",
    "a memory handler": "import logging.handlers as h; m = h.MemoryHandler(9, target=handler);"
    " log.handlers = [m]; log.info('behind'); m.flush()",
    "a queue": "import logging.handlers as h, queue; q = queue.Queue(); log.handlers = "
    "[h.QueueHandler(q)]; listener = h.QueueListener(q, handler); listener.start();"
    " log.info('behind'); listener.stop()",
    "still there": "pass",
}


@pytest.mark.parametrize("how", BEHIND.values(), ids=BEHIND)
def test_nothing_is_said_where_it_is_meant(program, how):
    """Closed on purpose, behind a queue or a memory handler, or still attached: no message."""
    done = program(f"log.info('before')\nhandler.flush(5)\n{how}\n")

    assert (done.code, done.err) == (0, "")


@pytest.fixture
def attached():
    """A handler on a logger, what watches its attachment, and the count of its records."""
    handler, log, count = logging.NullHandler(), logging.getLogger("attached"), [1]
    log.addHandler(handler)
    yield handler, log, count, Attachment(handler)
    log.removeHandler(handler)


def test_a_worker_notices_once_records_have_stopped(attached):
    """Ten seconds after the last record a worker checks, reports it, and does not wake again."""
    _, log, count, attachment = attached
    assert attachment.check(100.0, count[0]) == (None, 100.0 + QUIET_SECONDS)
    log.handlers = []

    assert attachment.check(105.0, count[0]) == (None, 100.0 + QUIET_SECONDS)
    assert attachment.check(110.0, count[0]) == (WARNING, math.inf)


def test_records_that_come_by_another_way_are_no_trouble(attached):
    """
    If records continue to come although no logger has the handler, something else
    passes them on.
    """
    _, log, count, attachment = attached
    attachment.check(100.0, count[0])
    log.handlers = []
    for now in (102.0, 104.0, 106.0):
        count[0] += 1
        assert attachment.check(now, count[0])[0] is None

    assert attachment.check(200.0, count[0]) == (None, math.inf)
    assert attachment.check(math.inf, count[0])[0] is None


def test_a_handler_that_was_never_attached_is_no_trouble(attached):
    """A handler that gets its records without a logger is not reported."""
    handler, log, count, _ = attached
    log.handlers = []
    attachment = Attachment(handler)

    assert attachment.check(100.0, count[0])[0] is attachment.check(math.inf, count[0])[0] is None
