"""A stream as the spool, under servers and workers that fork: nothing missing or twice."""

from __future__ import annotations

import pytest

from tests.nats.relaying import relay

from .running import until
from .test_celery import JOBS, POOLS, QUIET
from .test_flask import APP, SERVERS

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(180)]

CONFIGURED = """
LOGGING = {{
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {{"vendor": {{
        "class": "cxlogging.BetterStackHandler", "sigterm": True, "spool": {address!r}
    }}}},
    "root": {{"level": "INFO", "handlers": ["vendor"]}},
}}
"""


def without_a_key(running, address, **files):
    shop = running(configured=CONFIGURED.format(address=address), **files)
    del shop.environment["BETTER_STACK_SOURCE_TOKEN"]
    return shop


@pytest.mark.parametrize("name", ["gunicorn sync", "gunicorn threads", "gunicorn preload"])
def test_gunicorn_with_a_stream(running, address, server, name):
    """Under gunicorn, with prefork and preload, each record is in the stream once."""
    pytest.importorskip("flask")
    shop = without_a_key(running, address, app=APP)
    program, *arguments = (each.format(port=shop.port) for each in SERVERS[name])
    process = shop.start(program, *arguments)
    for number in range(8):
        assert shop.get(f"/orders/{number}")[0] == 200
    assert shop.get("/stream/70")[0] == 200
    shop.end(process)
    relay(address, server)

    shop.judge(19)


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_celery_with_a_stream(running, address, server, pool):
    """Celery's workers, forked and stopped by SIGTERM, leave each record in the stream once."""
    pytest.importorskip("celery")
    shop = without_a_key(running, address, jobs=JOBS)
    done = shop.run("jobs.py")
    assert done.returncode == 0, done.stderr
    process = shop.start("celery", "-A", "jobs", "worker", *QUIET, *POOLS[pool])
    until(lambda: len(shop.said()) >= 1 + 16 + 3 + 3 + 1 + 2)
    shop.end(process)
    relay(address, server)

    shop.judge(26)
