"""Celery as it comes: real workers, the stock configuration, and one call of `setup`."""

from __future__ import annotations

import signal

import pytest

from .running import logger_of, until, whole

pytest.importorskip("celery")
pytestmark = [pytest.mark.integrations, pytest.mark.timeout(180)]

JOBS = """
    import logging, logging.config, os, sys
    from configured import LOGGING
    logging.config.dictConfig(LOGGING)
    import cxlogging
    from celery import Celery
    from celery.utils.log import get_task_logger
    from cxlogging.integrations.celery import setup
    from saying import say

    app = Celery("jobs", broker="filesystem://", backend="file://results")
    os.makedirs("queue", exist_ok=True)
    os.makedirs("control", exist_ok=True)
    os.makedirs("results", exist_ok=True)
    app.conf.broker_transport_options = {
        "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"}
    setup(app)

    log = logging.getLogger("shop")
    task_log = get_task_logger(__name__)

    @app.task
    def work(number):
        say(log, f"{number} first")
        cxlogging.bind(customer=number)
        say(task_log, f"{number} second")

    @app.task(bind=True, max_retries=2, default_retry_delay=0)
    def again(self, number):
        say(log, f"{number} try {self.request.retries}")
        if self.request.retries < 2:
            raise self.retry()

    @app.task
    def parent(number):
        say(log, f"{number} parent")
        work.delay(number + 1)

    @app.task
    def fails():
        say(log, "before")
        raise LookupError("no such order")

    if __name__ == "__main__":
        with cxlogging.bound(request_id="r-17"):
            say(log, "caller first")
            for number in range(8):
                work.delay(number)
            again.delay(20)
            parent.delay(30)
            fails.delay()
        work.delay(40)
"""

POOLS = {
    "prefork": ("--pool", "prefork", "-c", "2"),
    "threads": ("--pool", "threads", "-c", "4"),
    "solo": ("--pool", "solo"),
    "gevent": ("--pool", "gevent", "-c", "8"),
}
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def start(running, *arguments, jobs=JOBS):
    shop = running(jobs=jobs)
    shop.started = lambda: shop.start("celery", "-A", "jobs", "worker", *QUIET, *arguments)
    return shop


@pytest.mark.parametrize("pool", POOLS)
def test_each_record_of_a_task_arrives_with_its_task(running, pool):
    """Of both kinds of loggers, once; with the task's fields and the request id of its caller."""
    if pool == "gevent":
        pytest.importorskip("gevent")
    shop = start(running, *POOLS[pool])
    done = shop.run("jobs.py")
    assert done.returncode == 0, done.stderr
    process = shop.started()
    until(lambda: len(shop.said()) >= 1 + 16 + 3 + 3 + 1 + 2)
    shop.end(process)

    ids = {}
    for event in shop.judge(26):
        data, (_, number, word, *rest) = event["data"], (*event["message"].split(), "")
        if number == "caller":
            assert "task_id" not in data
            continue
        assert data["task_queue"] == "celery"
        assert data.get("request_id") == (None if number == "40" else "r-17"), data
        assert data.get("customer") == (int(number) if word == "second" else None)
        ids.setdefault(data["task_id"], set()).add(event["message"])
        names = {"try": "again", "parent": "parent"}
        expected = "fails" if number == "before" else names.get(word, "work")
        assert data["task_name"] == f"jobs.{expected}"
        assert data["task_retries"] == (int(rest[0]) if word == "try" else 0)
        if number == "31":
            assert data["task_parent_id"] == data["task_root_id"] != data["task_id"]
    assert len(ids) == 13
    failures = [each for each in shop.events() if "no such order" in whole(each)]
    assert [logger_of(each) for each in failures] == ["celery.app.trace"]
    assert failures[0]["data"]["task_name"] == "jobs.fails"
    succeeded = shop.events("Task jobs.work[")
    assert all("task_id" in each["data"] for each in succeeded if "succeeded" in each["message"])


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent"])
def test_the_last_records_arrive_when_a_worker_is_stopped(running, pool):
    """SIGTERM right after the last task was run: nothing of it is missing."""
    if pool == "gevent":
        pytest.importorskip("gevent")
    shop = start(running, *POOLS[pool])
    shop.run("-c", "import jobs\nfor number in range(8): jobs.work.delay(number)")
    process = shop.started()
    until(lambda: len(shop.said()) >= 16)
    shop.end(process, signal.SIGTERM)

    shop.judge(16)


def test_the_level_of_the_application_holds_beside_celerys(running):
    """A worker's stock level is WARNING; the terminal keeps to it, the vendor gets INFO."""
    shop = start(running, "--pool", "solo", "-l", "WARNING")
    shop.run("-c", "import jobs; jobs.work.delay(1)")
    process = shop.started()
    until(lambda: len(shop.said()) >= 2)
    shop.end(process)

    shop.judge(2)
    assert "item 1 first" not in shop.output
    assert shop.events("Task jobs.work[")


def test_handlers_of_celerys_own_logger_stay(running):
    """A handler that LOGGING gives to `celery` gets its records, and each once."""
    jobs = JOBS.replace(
        "logging.config.dictConfig(LOGGING)",
        'LOGGING["root"]["handlers"] = []\n'
        '    LOGGING["loggers"] = {"celery": {"handlers": ["vendor"], "level": "INFO"}}\n'
        "    logging.config.dictConfig(LOGGING)",
    )
    shop = start(running, "--pool", "solo", "-l", "INFO", jobs=jobs)
    shop.run("-c", "import jobs; jobs.work.delay(1)")
    process = shop.started()
    until(lambda: len(shop.said()) >= 2)
    shop.end(process)

    until(lambda: [each for each in shop.events("Task jobs.work") if "succeeded" in str(each)])
    received = [each for each in shop.events("Task jobs.work") if "received" in each["message"]]
    assert len(received) == 1


def test_a_task_that_runs_in_the_request_leaves_its_fields_to_it(running):
    """With `task_always_eager` the caller's fields are there in the task, and after it."""
    shop = running(jobs=JOBS)
    done = shop.run(
        "-c",
        "import jobs, cxlogging\n"
        "jobs.app.conf.task_always_eager = True\n"
        "with cxlogging.bound(request_id='r-1', user='ada'):\n"
        "    jobs.work.delay(1)\n"
        "    jobs.say(jobs.log, '2 caller')\n",
    )
    assert done.returncode == 0, done.stderr
    first, second, caller = sorted(shop.judge(3), key=lambda each: each["message"])
    assert first["data"]["task_name"] == second["data"]["task_name"] == "jobs.work"
    assert {each["data"]["user"] for each in (first, second, caller)} == {"ada"}
    assert "task_id" not in caller["data"]
    assert "customer" not in caller["data"]


def test_a_django_project_configures_logging_after_the_call(running):
    """As Django's documentation of Celery has it: `setup` is called before LOGGING is read."""
    shop = running(
        settings="""
            from configured import LOGGING
            SECRET_KEY = "key"
            INSTALLED_APPS = []
        """,
        jobs="""
            import logging, os
            os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
            from celery import Celery
            from cxlogging.integrations.celery import setup
            from saying import say

            app = Celery("jobs", broker="filesystem://")
            for each in ("queue", "control"):
                os.makedirs(each, exist_ok=True)
            app.conf.broker_transport_options = {
                "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"}
            app.config_from_object("django.conf:settings", namespace="CELERY")
            setup(app)

            @app.task
            def work(number):
                say(logging.getLogger("shop"), f"{number} first")

            app.conf.beat_schedule = {"often": {"task": "jobs.work", "schedule": 1, "args": [9]}}
        """,
    )
    pytest.importorskip("django")
    shop.run("-c", "import jobs\nfor number in range(4): jobs.work.delay(number)")
    process = shop.start("celery", "-A", "jobs", "worker", *QUIET, "-c", "2")
    until(lambda: len(shop.said()) >= 4)
    shop.end(process)

    events = shop.judge(4)
    assert {each["data"]["task_name"] for each in events} == {"jobs.work"}

    process = shop.start("celery", "-A", "jobs", "beat")
    until(lambda: shop.events("Scheduler: Sending due task"))
    shop.end(process)
