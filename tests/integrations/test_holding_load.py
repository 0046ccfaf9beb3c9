"""Real applications under load, one request or task in a hundred of which fails."""

from __future__ import annotations

import concurrent.futures
import json
import sys
from collections import Counter

import pytest

from cxlogging.devserver import DevServer

from .running import until
from .test_celery import QUIET

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(300)]

RECORDS = 20
"""Of each request and task; every second one is DEBUG, the others INFO."""

SPEAKING = """
import json, logging
log = logging.getLogger("shop")
HOLD = json.load(open("hold.json"))
LEVELS = {"level": "INFO", "held_level": "DEBUG"} if HOLD else {"level": "DEBUG"}

def speak(number):
    for part in range(0, 20, 2):
        log.debug("item %d %d", number, part, extra={"sku": f"sku-{number}", "stock": part})
        log.info("item %d %d", number, part + 1, extra={"user": f"user-{number}"})

def fails(number):
    return number % 100 == 37
"""

APP = """
import json
from cxlogging.integrations.uvicorn import log_config
from speaking import LEVELS
config = log_config({"class": "cxlogging.BetterStackHandler", **LEVELS}, level="DEBUG")
for name in ("asyncio", "multipart"):
    config["loggers"][name] = {"level": "INFO"}
json.dump(config, open("uvicorn.json", "w"))

from cxlogging.integrations.asgi import ContextMiddleware
from fastapi import FastAPI, HTTPException
from speaking import HOLD, fails, log, speak
app = FastAPI()
app.add_middleware(ContextMiddleware, access_log=True, hold=HOLD)

@app.get("/orders/{number}")
async def order(number: int):
    speak(number)
    if fails(number):
        if number % 300 == 37:
            raise LookupError("no such order")
        raise HTTPException(503)
    return {}

@app.get("/threads/{number}")
def in_thread(number: int):
    speak(number)
    if fails(number):
        log.error("the warehouse does not answer")
    return {}
"""

JOBS = """
import logging.config, os
from configured import LOGGING
from speaking import HOLD, LEVELS, fails, speak
LOGGING["handlers"]["vendor"] |= LEVELS
LOGGING["root"]["level"] = "DEBUG"
LOGGING["loggers"] = {each: {"level": "INFO"} for each in ("celery", "kombu", "amqp", "asyncio")}
LOGGING["loggers"]["celery.worker.strategy"] = {"level": "WARNING"}  # "Task ... received"
logging.config.dictConfig(LOGGING)
from celery import Celery
from cxlogging.integrations.celery import setup

app = Celery("jobs", broker="filesystem://")
for each in ("queue", "control"):
    os.makedirs(each, exist_ok=True)
app.conf.broker_transport_options = {
    "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"}
setup(app, hold=HOLD)

@app.task(ignore_result=True)
def work(number):
    speak(number)
    if fails(number):
        raise LookupError("no such order")

@app.task(ignore_result=True)
def last():
    logging.getLogger("shop").warning("all done")

if __name__ == "__main__":
    for number in range(500):
        work.delay(number)
"""


def judge(server: DevServer, failed: list[int], of: int, hold: bool) -> Counter[str]:
    """Demand that of each failed one every record is there, once; return the messages."""
    messages = Counter(
        each["message"] for each in server.events() if each["message"].startswith("item ")
    )
    numbers = failed if hold else range(of)
    assert messages == Counter(
        f"item {number} {part}" for number in numbers for part in range(RECORDS)
    )
    return messages


def sizes(server: DevServer) -> dict[str, int]:
    requests = server.requests("betterstack")
    return {
        "events": server.count(),
        "bytes before compression": sum(each["raw_bytes"] for each in requests),
        "bytes on the wire": sum(each["wire_bytes"] for each in requests),
    }


def compared(what: str, without: dict[str, int], held: dict[str, int]) -> None:
    """Print the figures of both runs, and demand that over 90 % is saved."""
    for name, all_of_it in without.items():
        saved = 1 - held[name] / all_of_it
        line = f"{what}, {name}: {all_of_it:,} without hold, {held[name]:,} with: -{saved:.1%}\n"
        sys.stdout.write(line)
    assert held["bytes before compression"] < without["bytes before compression"] / 10
    assert held["bytes on the wire"] < without["bytes on the wire"] / 10


def test_a_fastapi_application_under_load(running, server):
    """Each failed request's records are complete, none of a clean one; 90 % of the bytes saved."""
    pytest.importorskip("fastapi")
    count, found = 1_000, {}
    for hold in (False, True):
        server.clear()
        shop = running(speaking=SPEAKING, app=APP)
        (shop.folder / "hold.json").write_text(json.dumps(hold))
        assert shop.run("app.py").returncode == 0
        (shop.folder / "output").unlink(missing_ok=True)
        process = shop.start(
            "uvicorn", "app:app", "--log-config", "uvicorn.json", "--port", str(shop.port)
        )
        # Of each 200 one fails in a thread, by a record at ERROR, one by its status or exception.
        paths = [f"/{('orders', 'threads')[at // 100 % 2]}/{at}" for at in range(count)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            status = Counter(each[0] for each in pool.map(shop.get, paths))
        shop.end(process)

        failed = [number for number in range(count) if number % 100 == 37]
        assert status[200] == count - 5
        assert set(status) == {200, 500, 503}
        assert ("DEBUG shop: item 1 0" in shop.output) is not hold
        judge(server, failed, count, hold)
        found[hold] = sizes(server)
    compared("FastAPI, 1,000 requests", found[False], found[True])


def test_a_celery_worker_under_load(running, server):
    """Each failed task's records are complete, none of a clean one; 90 % of the bytes saved."""
    pytest.importorskip("celery")
    count, found = 500, {}
    for hold in (False, True):
        server.clear()
        shop = running(speaking=SPEAKING, jobs=JOBS)
        (shop.folder / "hold.json").write_text(json.dumps(hold))
        done = shop.run("jobs.py")
        assert done.returncode == 0, done.stderr
        process = shop.start("celery", "-A", "jobs", "worker", *QUIET, "-c", "2")
        queue = shop.folder / "queue"
        until(lambda queue=queue: not list(queue.iterdir()), 120)
        shop.end(process)

        failed = [number for number in range(count) if number % 100 == 37]
        judge(server, failed, count, hold)
        found[hold] = sizes(server)
    compared("Celery, 500 tasks", found[False], found[True])
